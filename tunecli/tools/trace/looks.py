"""What is drawn of a trace, and how."""

from __future__ import annotations

from dataclasses import dataclass

from tunecli.errors import UsageError
from tunecli.tools.trace.subject import Subject
from tunecli.tools.trace.surface import Line, Range

DEFAULT_COST = "sse/2m"

DEFAULT_LEVELS = 24


@dataclass(frozen=True)
class Looks:
    """What is drawn, and how.

    Attributes:
        cost: Which cost the surface is of, a name of `surface.FORMULAS`; None for the default one.
        weight_range: Of the surface; None for what shows the path.
        bias_range: The same.
        levels: How many contour lines it has.
        animate: Whether path and line are drawn as a film, too.
    """

    cost: str | None = None
    weight_range: Range | None = None
    bias_range: Range | None = None
    levels: int = DEFAULT_LEVELS
    animate: bool = False

    @property
    def changes_the_surface(self) -> bool:
        """Whether something was asked for that only a cost surface has."""
        return self != Looks(animate=self.animate)


def require_drawable(subject: Subject, looks: Looks) -> None:
    """Makes sure, before anything is trained, that a film or a surface was asked for of a linear model.

    Raises:
        UsageError: It is another.
    """
    if subject.plan.family != "linear":
        _refuse(looks)


def require_line(line: Line | None, looks: Looks) -> None:
    """Makes sure that what was asked for can be drawn of a model that was trained.

    Args:
        line: None for a model of other than two parameters.
        looks: What is to be drawn.

    Raises:
        UsageError: It cannot.
    """
    if line is None:
        _refuse(looks)
    elif line.is_probability and looks.cost is not None:
        raise UsageError("two classes have one cost, the cross-entropy", where="--cost", hint="drop --cost")


def _refuse(looks: Looks) -> None:
    if looks.animate or looks.changes_the_surface:
        what = "--animate" if looks.animate else "a cost surface"
        hint = "learn from one column: dataset: {features: [TV]}, model: {family: linear}"
        raise UsageError(f"{what} is of a linear model with one column of numbers and one target", hint=hint)
