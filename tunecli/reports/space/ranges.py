"""Wider and narrower ranges: positions on a parameter's own scale, and bounds that a person would write.

    share(parameter, 0.05)                                     # 0.9: nine tenths of the way, by magnitude
    widened(parameter, End.MAX, Limits(above=0))               # 1.0, or None where it ends for good
    moved(parameter, End.MAX, target=0.0316, keep=0.02)        # 0.032: a lower max that keeps 0.02

What values are legal is the families' affair; `Limits` is told of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tunecli.spec.space import Kind, Parameter, Value

FACTORS = {Kind.FLOAT: (2, 5, 10), Kind.INT: (2, 4, 8)}
"""By how much a range that is searched by magnitude may grow; round numbers stay round."""

WIDENING = 1 / 3
"""The share of its magnitudes that such a range grows by; others grow by half of their width."""


class End(StrEnum):
    """An end of a range, by its key in a spec."""

    MIN = "min"
    MAX = "max"


@dataclass(frozen=True)
class Limits:
    """Which values of a hyperparameter are legal.

    Attributes:
        min: The lowest, inclusive; None for no bound.
        max: The highest, inclusive; None for no bound.
        above: All are above this; None for no bound.
        below: All are below this; None for no bound.
        counter: The hyperparameter that counts the layers which may each have a value; "" for none.
    """

    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None
    counter: str = ""


def ends(parameter: Parameter) -> tuple[float, float]:
    """Returns the lowest and highest value of a range that is reached: the last step may lie below `max`."""
    low, high = parameter.bounds
    values = parameter.finite_values() if parameter.step is not None else None
    last = values[-1] if values else high
    assert isinstance(last, int | float), f"{parameter.name} is a range"
    return low, last


def share(parameter: Parameter, value: Value) -> float:
    """Returns where on its scale a value of a range lies: 0 at the lowest, 1 at the highest, by magnitude if `log`."""
    assert isinstance(value, int | float), f"{parameter.name} is a range"
    low, high = ends(parameter)
    if parameter.log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low) if high > low else 0.0


def at_share(parameter: Parameter, position: float) -> float:
    """Returns the number at a position from 0 to 1, whether or not it is a step."""
    low, high = ends(parameter)
    return low * (high / low) ** position if parameter.log else low + (high - low) * position


def widened(parameter: Parameter, end: End, limits: Limits) -> int | float | None:
    """Returns a bound further out: a third of the magnitudes, or half of the width; None where values end there."""
    low, high = ends(parameter)
    if parameter.kind is Kind.INT or parameter.step is not None:
        return _widened_grid(parameter, end, limits)
    factor = _factor(parameter)
    if end is End.MAX:
        wanted = high * factor if parameter.log else high + (high - low) / 2
    else:
        wanted = low / factor if parameter.log else low - (high - low) / 2
    found = _short(_legal(wanted, low if end is End.MIN else high, end, limits), 6)
    return found if _is_beyond(found, ends(parameter), end) else None


def moved(parameter: Parameter, end: End, *, target: float, keep: float) -> int | float | None:
    """Returns a bound further in, as short as it can be written.

    Args:
        parameter: A range.
        end: Which of its bounds.
        target: Where it should about be.
        keep: A value that must stay in the range.

    Returns:
        The bound, between `keep` and the old one; None if nothing would be cut, or no range be left.
    """
    low, high = ends(parameter)
    if parameter.kind is Kind.INT or parameter.step is not None:
        found = _on_grid(parameter, end, target, keep)
    else:
        shortened = (_short(target, digits) for digits in (2, 3, 4, 6, 9, 17))
        found = next((each for each in shortened if _keeps(each, keep, end)), keep)
    return found if low < found < high else None


def between(parameter: Parameter, one: float, other: float) -> float:
    """Returns the middle of two values on the parameter's scale."""
    return math.sqrt(one * other) if parameter.log else (one + other) / 2


def entry(parameter: Parameter, *, counter: str = "") -> Any:
    """Returns a parameter as a spec says it: a block of keys, or a list of values.

    Args:
        parameter: Any; of single layers, that of the first.
        counter: The hyperparameter that counts the layers, where each has a value.
    """
    when = {each.parameter: _allowed(each.values) for each in parameter.when if each.parameter != counter}
    extras: dict[str, Any] = {} if parameter.default is None else {"default": parameter.default}
    extras |= ({"per": counter} if counter else {}) | ({"when": when} if when else {})
    if parameter.kind is not Kind.CHOICE:
        marks = ({"log": True} if parameter.log else {}) | ({} if parameter.step is None else {"step": parameter.step})
        return {"min": parameter.min, "max": parameter.max, **marks, **extras}
    is_layers = any(isinstance(each, list) for each in parameter.values)
    values = list(parameter.values)
    if len(values) == 1:
        fixed: Any = {"layers" if is_layers else "value": values[0], **extras}
        return fixed if extras or is_layers else values[0]
    return {"layers" if is_layers else "values": values, **extras} if extras or is_layers else values


def _allowed(values: tuple[Value, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _factor(parameter: Parameter) -> float:
    """Returns the round factor nearest to the share of the magnitudes by which a range grows."""
    low, high = ends(parameter)
    if not parameter.log:
        return 1.0
    wanted = (high / low) ** WIDENING
    return min(FACTORS[parameter.kind], key=lambda each: abs(math.log(each / wanted)))


def _legal(wanted: float, bound: float, end: End, limits: Limits) -> float:
    """Returns the number, or the last legal one before it; a tenth of the way to a limit that is not reached."""
    if end is End.MAX:
        if limits.below is not None and wanted >= limits.below:
            wanted = float(Decimal(str(limits.below)) - (Decimal(str(limits.below)) - Decimal(str(bound))) / 10)
        return wanted if limits.max is None else min(wanted, limits.max)
    if limits.above is not None and wanted <= limits.above:
        wanted = float(Decimal(str(limits.above)) + (Decimal(str(bound)) - Decimal(str(limits.above))) / 10)
    return wanted if limits.min is None else max(wanted, limits.min)


def _is_legal(number: float, limits: Limits) -> bool:
    return (
        (limits.min is None or number >= limits.min)
        and (limits.max is None or number <= limits.max)
        and (limits.above is None or number > limits.above)
        and (limits.below is None or number < limits.below)
    )


def _is_beyond(number: float, reached: tuple[float, float], end: End) -> bool:
    return number > reached[1] if end is End.MAX else number < reached[0]


def _widened_grid(parameter: Parameter, end: End, limits: Limits) -> int | float | None:
    """Returns a bound further out by whole steps; the steps between stay where they are."""
    low, high = ends(parameter)
    if parameter.log:
        factor = int(_factor(parameter))
        wanted = int(high) * factor if end is End.MAX else max(1, int(low) // factor)
        found = int(_legal(wanted, low if end is End.MIN else high, end, limits))
        return found if _is_beyond(found, (low, high), end) and _is_legal(found, limits) else None
    step = Decimal(str(parameter.step or 1))
    count = max(1, math.ceil((Decimal(str(high)) - Decimal(str(low))) / 2 / step))
    for steps in range(count, 0, -1):
        number = Decimal(str(high)) + steps * step if end is End.MAX else Decimal(str(low)) - steps * step
        if _is_legal(float(number), limits):
            return int(number) if parameter.kind is Kind.INT else float(number)
    return None


def _on_grid(parameter: Parameter, end: End, target: float, keep: float) -> int | float:
    """Returns the last step before the target that does not lose `keep`."""
    low, _ = ends(parameter)
    step = Decimal(str(parameter.step or 1))
    origin = Decimal(str(low))
    steps = (Decimal(str(target)) - origin) / step
    kept = (Decimal(str(keep)) - origin) / step
    count = max(math.floor(steps), math.ceil(kept)) if end is End.MAX else min(math.ceil(steps), math.floor(kept))
    number = origin + count * step
    return int(number) if parameter.kind is Kind.INT else float(number)


def _keeps(bound: float, keep: float, end: End) -> bool:
    return bound >= keep if end is End.MAX else bound <= keep


def _short(number: float, digits: int) -> float:
    return float(f"{number:.{digits}g}")
