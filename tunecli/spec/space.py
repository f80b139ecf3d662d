"""The search space: kinds, ranges and conditions of parameters, as pure values.

A `Parameter` is one searched hyperparameter, fully bound: its type is known, its bounds are values (inclusive, never
exponents), and its conditions name parameters that stand before it. `SearchSpace` keeps them in order, so that one
pass decides which are active.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

Value = bool | int | float | str | list[int] | None
"""One hyperparameter's value: what JSON can hold, so that types survive every file."""

Values = dict[str, Value]
"""Hyperparameter values by name."""

GRID_POINTS = 10
"""How many points a grid takes from a range that has no step of its own."""


class Kind(StrEnum):
    """What values a parameter takes."""

    FLOAT = "float"
    INT = "int"
    CHOICE = "choice"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Frozen):
    """Holds when another parameter is active and has one of `values`."""

    parameter: str
    values: tuple[Value, ...]

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Says whether the active `values` meet the condition."""
        return self.parameter in values and any(same(values[self.parameter], each) for each in self.values)


class Parameter(_Frozen):
    """One searched hyperparameter.

    Attributes:
        name: The hyperparameter's name, unique in its space.
        kind: What values it takes.
        min: Lowest value of a range, inclusive.
        max: Highest value of a range, inclusive.
        log: Whether the range is searched by magnitude.
        step: Distance of neighbouring values, counted from `min`; None for all values between.
        values: The values of a choice, in the user's order.
        default: The value that stands for "no opinion", where the user gave one.
        when: All must hold for the parameter to be active.
    """

    name: str
    kind: Kind
    min: int | float | None = None
    max: int | float | None = None
    log: bool = False
    step: int | float | None = None
    values: tuple[Value, ...] = ()
    default: Value = None
    when: tuple[Condition, ...] = ()

    @property
    def bounds(self) -> tuple[int | float, int | float]:
        """The lowest and highest value of a range."""
        assert self.min is not None, f"{self.name} is a choice"
        assert self.max is not None, f"{self.name} is a choice"
        return self.min, self.max

    def is_active(self, values: Mapping[str, Value]) -> bool:
        """Says whether the parameter exists beside the active `values` of those before it."""
        return all(condition.holds(values) for condition in self.when)

    def finite_values(self) -> Sequence[Value] | None:
        """Returns every value in order, or None for a continuous range.

        Stepped floats are exact decimals: 0.3, never 0.30000000000000004. Whole numbers come as a `range`, since
        there may be millions of them.
        """
        if self.kind is Kind.CHOICE:
            return self.values
        low, high = self.bounds
        if self.kind is Kind.INT:
            return range(int(low), int(high) + 1, int(self.step or 1))
        return None if self.step is None else _decimals(low, self.step, self.count() or 0)

    def count(self) -> int | None:
        """Returns the number of values, or None for a continuous range."""
        if self.kind is Kind.CHOICE:
            return len(self.values)
        if self.kind is Kind.FLOAT and self.step is None:
            return None
        low, high = self.bounds
        return int((_decimal(high) - _decimal(low)) // _decimal(self.step or 1)) + 1

    def grid_values(self) -> Sequence[Value]:
        """Returns the points that a grid search visits: all values, or `GRID_POINTS` of an open range."""
        is_open = self.step is None and (self.kind is Kind.FLOAT or (self.kind is Kind.INT and self.log))
        if not is_open:
            return self.finite_values() or ()
        spaced = _spaced(*self.bounds, GRID_POINTS, log=self.log)
        return tuple(dict.fromkeys(round(each) for each in spaced)) if self.kind is Kind.INT else tuple(spaced)

    def contains(self, value: Value) -> bool:
        """Says whether `value` is of the right type and within the declared range."""
        if self.kind is Kind.CHOICE:
            return any(same(value, each) for each in self.values)
        if isinstance(value, bool) or not isinstance(value, int if self.kind is Kind.INT else float):
            return False
        low, high = self.bounds
        if not low <= value <= high:
            return False
        return self.step is None or (_decimal(value) - _decimal(low)) % _decimal(self.step) == 0

    def describe(self) -> str:
        """Returns the range as a person reads it: `0.0001 … 0.01 (log)` or `adam, sgd`."""
        if self.kind is Kind.CHOICE:
            return ", ".join(show_value(each) for each in self.values)
        low, high = self.bounds
        marks = [f"step {_short(self.step)}"] if self.step is not None else []
        marks += ["log"] if self.log else []
        return f"{_short(low)} … {_short(high)}" + (f" ({', '.join(marks)})" if marks else "")


class SearchSpace(_Frozen):
    """The searched parameters; every condition names a parameter that stands before its own."""

    parameters: tuple[Parameter, ...] = ()

    def __iter__(self) -> Iterator[Parameter]:  # type: ignore[override]  # a space is its parameters
        """Iterates over the parameters in order."""
        return iter(self.parameters)

    def __len__(self) -> int:
        """Returns the number of parameters."""
        return len(self.parameters)

    def active(self, values: Mapping[str, Value]) -> tuple[Parameter, ...]:
        """Returns the parameters that exist under `values`."""
        known: dict[str, Value] = {}
        found = []
        for parameter in self.parameters:
            if parameter.is_active(known):
                found.append(parameter)
                if parameter.name in values:
                    known[parameter.name] = values[parameter.name]
        return tuple(found)

    def faults(self, values: Mapping[str, Value]) -> list[str]:
        """Returns what is wrong with suggested `values`: out of range, missing, or not active; empty if nothing is."""
        active = {parameter.name: parameter for parameter in self.active(values)}
        missing = [f"{name} is missing" for name in active if name not in values]
        extra = [f"{name} is not active" for name in values if name not in active]
        outside = [
            f"{name}={show_value(value)} is outside {active[name].describe()}"
            for name, value in values.items()
            if name in active and not active[name].contains(value)
        ]
        return missing + extra + outside

    def size(self) -> int | None:
        """Returns the number of distinct configurations, or None if a range is continuous."""
        if any(parameter.count() is None for parameter in self):
            return None
        return self._count(lambda parameter: parameter.finite_values() or ())

    def grid(self) -> Iterator[Values]:
        """Yields the configurations of a full grid, the last parameter varying fastest."""
        yield from self._walk(0, {})

    def grid_size(self) -> int:
        """Returns the number of configurations of a full grid."""
        return self._count(Parameter.grid_values)

    def _walk(self, index: int, chosen: Values) -> Iterator[Values]:
        if index == len(self.parameters):
            yield dict(chosen)
            return
        parameter = self.parameters[index]
        if not parameter.is_active(chosen):
            yield from self._walk(index + 1, chosen)
            return
        for value in parameter.grid_values():
            yield from self._walk(index + 1, chosen | {parameter.name: value})

    def _count(self, points_of: Callable[[Parameter], Sequence[Value]]) -> int:
        """Counts configurations without making them: only values that a condition names are told apart."""
        named: dict[str, list[Value]] = {}
        for condition in (condition for parameter in self for condition in parameter.when):
            named.setdefault(condition.parameter, []).extend(condition.values)

        def count_from(index: int, chosen: Values) -> int:
            if index == len(self.parameters):
                return 1
            parameter = self.parameters[index]
            if not parameter.is_active(chosen):
                return count_from(index + 1, chosen)
            points = points_of(parameter)
            if parameter.name not in named:
                return len(points) * count_from(index + 1, chosen)
            return sum(
                count * count_from(index + 1, chosen | {parameter.name: value})
                for value, count in _cases(points, named[parameter.name])
            )

        return count_from(0, {})


def same(left: Value, right: Value) -> bool:
    """Says whether two values are equal and of one type: `True` is not `1`."""
    return type(left) is type(right) and left == right


def show_value(value: Value) -> str:
    """Returns a value as tables show it: short, and floats to four digits."""
    return f"{value:.4g}" if isinstance(value, float) else spell_value(value)


def spell_value(value: Value) -> str:
    """Returns a value as it would be written in a spec, to the last digit."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


_OTHERS = "\0others"
"""No condition holds for it."""


def _cases(points: Sequence[Value], named: Sequence[Value]) -> list[tuple[Value, int]]:
    """Returns the named values among `points`, and one text that stands for all others; each with its count."""
    found = [value for index, value in enumerate(named) if not _is_among(value, named[:index])]
    cases: list[tuple[Value, int]] = [(value, 1) for value in found if _is_among(value, points)]
    others = len(points) - len(cases)
    return [*cases, (_OTHERS, others)] if others else cases


def _is_among(value: Value, points: Sequence[Value]) -> bool:
    if isinstance(points, range):
        return type(value) is int and value in points
    return any(same(value, each) for each in points)


def _short(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def _decimal(number: float) -> Decimal:
    return Decimal(str(number))


def _decimals(low: float, step: float, count: int) -> tuple[float, ...]:
    return tuple(float(_decimal(low) + index * _decimal(step)) for index in range(count))


def _spaced(low: float, high: float, count: int, *, log: bool) -> list[float]:
    if log:
        return [low, *(low * math.exp(math.log(high / low) * i / (count - 1)) for i in range(1, count - 1)), high]
    return [low, *(low + (high - low) * i / (count - 1) for i in range(1, count - 1)), high]
