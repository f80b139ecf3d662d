"""What people are told to do about a search space: one finding, its figures, and the line of a spec that acts on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tunecli.errors import printable
from tunecli.spec.space import Value
from tunecli.spec.spelling import spell


class AdviceKind(StrEnum):
    """What was found."""

    FAILED = "failed"
    """A part of the space in which every trial failed."""

    EDGE = "edge"
    """The best trials lie at the end of a range."""

    NARROW = "narrow"
    """The best trials all lie in a part of the space."""

    FIXED_RATE = "fixed_learning_rate"
    """A batch size or optimizer is searched at one learning rate."""

    CONSTANT_KERNEL = "constant_kernel"
    """Kernels may begin with equal weights."""

    NO_EFFECT = "no_effect"
    """A parameter that did not matter."""


@dataclass(frozen=True)
class Change:
    """What becomes of a parameter; None where it stays as it is.

    Attributes:
        min: The new lower bound of a range.
        max: The new upper bound of a range.
        values: The values that are left of a choice, or the one value that is left of anything.
    """

    min: int | float | None = None
    max: int | float | None = None
    values: tuple[Value, ...] | None = None


@dataclass(frozen=True)
class Advice:
    """One thing to know about a search space.

    Attributes:
        kind: What was found.
        parameters: The parameters that it is about, as a spec names them; the first is the one to change.
        text: The finding with its figures, in a sentence without a full stop.
        line: The line of a spec that acts on it, with all that is advised for that parameter; "" for none.
        change: What that line changes of the parameter; None where there is nothing to apply.
        is_rough: Whether it rests on few trials.
    """

    kind: AdviceKind
    parameters: tuple[str, ...]
    text: str
    line: str = ""
    change: Change | None = None
    is_rough: bool = False

    @classmethod
    def on(cls, kind: AdviceKind, parameters: tuple[str, ...], text: str, entry: Any = None) -> Advice:
        """Returns advice whose line sets the last of its parameters to an entry, if there is one."""
        return cls(kind, parameters, text, "" if entry is None else f"{parameters[-1]}: {spell(entry)}")

    @property
    def sentence(self) -> str:
        """The finding, and the line to write."""
        return printable(f"{self.text}; write {self.line}" if self.line else self.text)

    def as_json(self) -> dict[str, Any]:
        """Returns it as a part of a `--json` document."""
        return {
            "kind": self.kind.value,
            "parameters": list(self.parameters),
            "text": self.text,
            "line": self.line or None,
            "is_rough": self.is_rough,
        }


def sentences(told: Sequence[Advice]) -> list[str]:
    """Returns what to print; a line that acts on several findings stands behind the last of them."""
    behind = [each.line for each in told]
    return [
        printable(each.text) if each.line in behind[index + 1 :] else each.sentence for index, each in enumerate(told)
    ]
