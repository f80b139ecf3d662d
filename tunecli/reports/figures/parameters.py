"""The axis of a hyperparameter: a range, by magnitude where it is searched so, or the values of a choice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunecli.reports.figures.base import magnitude_axis, rounded, shown, title
from tunecli.spec.space import Kind, Parameter, Value, Values, same, show_value

MOST_TICKS = 12
"""Of a choice with more values only some are named."""


@dataclass(frozen=True)
class ParameterAxis:
    """Where values of a hyperparameter lie.

    Attributes:
        parameter: Which.
        choices: The values of a choice in the order of the axis; numbers ascend.
    """

    parameter: Parameter
    choices: tuple[Value, ...] = ()

    @property
    def name(self) -> str:
        """The hyperparameter's name, as plotly draws it literally."""
        return shown(self.parameter.name)

    @property
    def is_choice(self) -> bool:
        """Whether values have no distance from each other."""
        return self.parameter.kind is Kind.CHOICE

    def holds(self, values: Values) -> bool:
        """Says whether the hyperparameter is among a trial's values, and has one that is declared."""
        name = self.parameter.name
        return name in values and self.parameter.contains(values[name])

    def place(self, values: Values) -> float:
        """Returns where a trial's value lies, as plotly takes it: the number itself, or the index of a choice."""
        value = values[self.parameter.name]
        if self.is_choice:
            return float(next(index for index, each in enumerate(self.choices) if same(each, value)))
        assert isinstance(value, int | float), f"{self.parameter.name} is a range"
        return float(value)

    def share(self, values: Values) -> float:
        """Returns where a trial's value lies between the ends of the axis, from 0 to 1."""
        low, high = self._ends
        return self._share(self.place(values), low, high)

    def place_at(self, share: float) -> float:
        """Returns what lies at a share of the way between the ends of the axis, as plotly takes it."""
        low, high = self._ends
        if self.parameter.log:
            return float(low * (high / low) ** share)
        return low + (high - low) * share

    @property
    def layout(self) -> dict[str, Any]:
        """The axis, as plotly takes it."""
        low, high = self._ends
        if self.is_choice:
            ticks = self._choice_ticks()
            return {
                "title": title(self.name),
                "range": [-0.5, len(self.choices) - 0.5],
                "tickvals": [index for index, _ in ticks],
                "ticktext": [text for _, text in ticks],
            }
        if self.parameter.log:
            margin = math.log10(high / low) * 0.05 or 0.5
            return {"title": title(self.name), **magnitude_axis(low, high, margin)}
        margin = (high - low) * 0.05 or 0.5
        return {"title": title(self.name), "range": [rounded(low - margin), rounded(high + margin)], "nticks": 6}

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Shares of the axis, and what lies there, for an axis that plotly does not draw."""
        low, high = self._ends
        if self.is_choice:
            return [(self._share(index, low, high), text) for index, text in self._choice_ticks()]
        if low == high:
            return [(0.5, show_value(low))]
        within = [low, *self._inner_ticks(low, high), high]
        spell = (lambda value: show_value(round(value))) if self.parameter.kind is Kind.INT else show_value
        return [(self._share(value, low, high), spell(value)) for value in within]

    @property
    def _ends(self) -> tuple[float, float]:
        if self.is_choice:
            return 0.0, float(len(self.choices) - 1)
        low, high = self.parameter.bounds
        return float(low), float(high)

    def _share(self, place: float, low: float, high: float) -> float:
        if low == high:
            return 0.5
        if self.parameter.log:
            return math.log(place / low) / math.log(high / low)
        return (place - low) / (high - low)

    def _inner_ticks(self, low: float, high: float) -> list[float]:
        """Returns the powers of ten that keep away from the ends; of a plain range its middle."""
        if not self.parameter.log:
            return [(low + high) / 2] if self.parameter.kind is Kind.FLOAT else []
        powers = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
        return [each for each in powers if 0.12 < self._share(each, low, high) < 0.88]

    def _choice_ticks(self) -> list[tuple[int, str]]:
        every = math.ceil(len(self.choices) / MOST_TICKS)
        return [(index, shown(show_value(each), 18)) for index, each in enumerate(self.choices) if index % every == 0]


def parameter_axis(parameter: Parameter) -> ParameterAxis:
    """Returns the axis of a hyperparameter."""
    values = parameter.values
    are_numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
    return ParameterAxis(parameter, tuple(sorted(values, key=_number)) if are_numbers else values)


def parameter_axes(space: Sequence[Parameter], names: Sequence[str]) -> list[ParameterAxis]:
    """Returns the axes of the hyperparameters of these names, in this order."""
    by_name = {parameter.name: parameter for parameter in space}
    return [parameter_axis(by_name[name]) for name in names]


def _number(value: Value) -> float:
    assert isinstance(value, int | float), f"{value} is no number"
    return float(value)
