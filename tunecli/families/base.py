"""What a model family is: its hyperparameters, the data it accepts, and how its models are built.

    class Mlp:                                   # families/mlp.py
        hyperparameters = (Hyperparameter("units", Kind.INT, default=64, min=1, doc="…"), …)
        def fault(self, shape): ...              # None, or why such inputs do not fit
        def build(self, signature, values): ...  # an uncompiled keras.Model
        def script(self, blueprint): ...         # the same as plain Keras code, for `tunecli eject`

A family reads values by name and nothing else: no spec, no files, no global state. Optimizer, loss and batch size are
shared by all families and declared in `families.compiling`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tunecli.scripting import Lines
from tunecli.spec.experiment import Task
from tunecli.spec.faults import received
from tunecli.spec.space import Kind, Value, same, spell_value

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class DataSignature:
    """What a model must know of the data.

    Attributes:
        task: What is predicted.
        shape: One input row: `(features,)` for a table, `(height, width, channels)` for images.
        outputs: Width of the last layer: the number of classes, targets or labels; 1 for one number, and two classes.
        columns: The column of the data that each feature of a row comes from, in order; () for images.
        numeric: How many of the features, the first ones, are numbers; all others are 0 or 1.
        inputs: The positions of the features that go into each input of a model of several, by its name; empty where
            all go into all.
    """

    task: Task
    shape: tuple[int, ...]
    outputs: int
    columns: tuple[str, ...] = ()
    numeric: int = 0
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Hyperparameter:
    """A value that a family, an optimizer or the training reads.

    Attributes:
        name: As written in a spec.
        kind: What values it takes.
        default: Its value where the spec says nothing.
        doc: One line for people.
        min: Lowest legal value, inclusive; None for no bound.
        max: Highest legal value; None for no bound.
        below: Every legal value is strictly below this; None for no bound.
        values: The legal values of a choice.
        applies: It is read only where these other hyperparameters have one of these values.
        layer_count: The hyperparameter that counts the layers, if `layers:` may give this one layer by layer, as a
            list of ints; the list then sets the count, too.
        words: Texts that are legal beside numbers.
    """

    name: str
    kind: Kind
    default: Value
    doc: str
    min: float | None = None
    max: float | None = None
    below: float | None = None
    values: tuple[Value, ...] = ()
    applies: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    layer_count: str = ""
    words: tuple[str, ...] = ()

    def applies_to(self, values: Mapping[str, Value]) -> bool:
        """Says whether the hyperparameter is read beside these values."""
        return all(any(same(values.get(name), each) for each in allowed) for name, allowed in self.applies.items())

    def fault(self, value: Value) -> str | None:
        """Returns what is wrong with `value`, or None."""
        if self.kind is Kind.CHOICE:
            known = any(same(value, each) for each in self.values)
            return None if known else f"{received(value)} is not one of {', '.join(map(spell_value, self.values))}"
        if value in self.words:
            return None
        return self._list_fault(value) if isinstance(value, list) else self._number_fault(value)

    def _list_fault(self, value: list[int]) -> str | None:
        if not self.layer_count:
            return "takes one value, not a list"
        return next((fault for fault in map(self._number_fault, value) if fault), None) if value else "is an empty list"

    def _number_fault(self, value: Value) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{received(value)} is not a number"
        if self.kind is Kind.INT and not isinstance(value, int):
            return f"{received(value)} is not a whole number"
        if not math.isfinite(value):
            return f"{value} is not finite"
        return self._bounds_fault(value)

    def _bounds_fault(self, value: float) -> str | None:
        if self.min is not None and value < self.min:
            return f"{value:g} is below {self.min:g}"
        if self.max is not None and value > self.max:
            return f"{value:g} is above {self.max:g}"
        if self.below is not None and value >= self.below:
            return f"{value:g} is not below {self.below:g}"
        return None


def boolean(name: str, doc: str, *, applies: Mapping[str, tuple[Value, ...]] | None = None) -> Hyperparameter:
    """Returns a hyperparameter that is off by default."""
    return Hyperparameter(name, Kind.CHOICE, False, doc, values=(False, True), applies=applies or {})


@dataclass(frozen=True)
class Setting:
    """A hyperparameter as a script has it; 0 and False switch off what it is about.

    Attributes:
        code: What stands for it: a literal, or a variable.
        values: What it may be: its one value, every value of a choice, or the bounds of a range.
    """

    code: str
    values: tuple[Value, ...]

    @property
    def is_fixed(self) -> bool:
        """Whether it is the same in every trial."""
        return len(self.values) == 1

    @property
    def is_always_on(self) -> bool:
        """Whether no trial switches it off."""
        return all(self.values)

    @property
    def is_never_on(self) -> bool:
        """Whether every trial switches it off."""
        return not any(self.values)


@dataclass(frozen=True)
class Blueprint:
    """What a family must know to write its model.

    Attributes:
        task: What is predicted.
        outputs: Width of the last layer, as in `DataSignature`.
        has_images: Whether the inputs are images, not rows of a table.
        precision: The dtype policy of its layers.
        settings: Every hyperparameter of the family, by name.
    """

    task: Task
    outputs: int
    has_images: bool
    precision: str
    settings: Mapping[str, Setting]


class Family(Protocol):
    """A kind of model that can be built from hyperparameter values."""

    @property
    def summary(self) -> str:
        """One line for people."""
        ...

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """What `build` reads; a name may stand twice if what it applies to differs."""
        ...

    def fault(self, image_shape: tuple[int, int, int] | None) -> str | None:
        """Returns why inputs of this kind (images, or a table if None) do not fit, or None."""
        ...

    def build(self, signature: DataSignature, values: Mapping[str, Value]) -> keras.Model:
        """Builds an uncompiled model whose output is in the target's own units, or probabilities.

        Args:
            signature: What the data look like.
            values: A value for every hyperparameter that applies.
        """
        ...

    def script(self, blueprint: Blueprint) -> Lines:
        """Writes what `build` does as plain Keras code, for every value that the settings allow.

        It reads the variable `shape`, of one input row, and the variables of the settings, and assigns `model`. What
        the settings fix is folded away.
        """
        ...
