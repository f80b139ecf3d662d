"""What is drawn of a trace, and how."""

from __future__ import annotations

from dataclasses import dataclass

from tunecli.tools.trace.surface import Range

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
