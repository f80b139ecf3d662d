"""What trials with similar values came to, and where in the space failures lie.

    nearest(trial, others, space)               # by distance on the parameters' own scales
    failing_part(trial, others, space)          # 'learning_rate above 0.3': 5 of 6 failed, 1 of 9 elsewhere

All of it is counting and comparing: what is said of a few trials may be chance, and is said with its counts.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from tunecli.spec.space import Kind, Parameter, SearchSpace, Value, same, show_value, spell_value
from tunecli.study.trial import Trial, TrialStatus

SURE = 0.02
"""A part of the space is named if so few random draws would look as bad: parts are many, so it is not 0.05."""

FEWEST_IN_PART = 3
"""Other trials in a part of the space that is named."""

MOST_BOUNDS = 100
"""Bounds of a range that are looked at."""

FEWEST_COMPLETED = 3
"""Completed trials with which a value is compared."""


@dataclass(frozen=True)
class Bound:
    """The end of a range that leaves a part out: its new maximum if the part lies above, else its new minimum."""

    value: float
    is_above: bool


@dataclass(frozen=True)
class Part:
    """A part of the space in which trials mostly failed.

    Attributes:
        parameter: Whose values bound it.
        words: `learning_rate above 0.3`.
        failed: Of the other trials within, how many failed.
        count: The other trials within.
        failed_outside: Of those outside, how many failed.
        count_outside: The trials outside.
        bound: What a range would have to end at to leave it out; None for a choice.
    """

    parameter: str
    words: str
    failed: int
    count: int
    failed_outside: int
    count_outside: int
    bound: Bound | None = None

    def describe(self) -> str:
        """Returns the finding with its counts."""
        inside = f"{_share(self.failed, self.count)} with {self.words} failed too"
        outside = "none" if self.failed_outside == 0 else f"{self.failed_outside}"
        return f"{inside}; {outside} of the {self.count_outside} without did"


def _share(failed: int, count: int) -> str:
    return f"all {count} other trials" if failed == count else f"{failed} of the {count} other trials"


def distance(left: Mapping[str, Value], right: Mapping[str, Value], space: SearchSpace) -> float:
    """Returns how far apart two sets of values are, from 0 to 1.

    The mean over the parameters that either has (Gower 1971, "A general coefficient of similarity and some of its
    properties"): of ranges the distance as a share of the range, on its logarithms where it is searched by them; of
    choices, and of what only one of them has, 0 or 1.
    """
    distances = [_apart(each, left, right) for each in space if each.name in left or each.name in right]
    return sum(distances) / len(distances) if distances else 0.0


def nearest(trial: Trial, others: Sequence[Trial], space: SearchSpace, most: int) -> list[tuple[float, Trial]]:
    """Returns the trials whose values are closest, nearest first, with their distances."""
    values = trial.suggestion.values
    found = [(distance(values, each.suggestion.values, space), each) for each in others]
    return sorted(found, key=lambda pair: (pair[0], pair[1].id))[:most]


def failing_part(trial: Trial, others: Sequence[Trial], space: SearchSpace) -> Part | None:
    """Returns the part of the space around a failed trial that explains failures best, or None if none does.

    Looked at are, for each parameter, the trials above or below every bound that leaves the trial on the failing side,
    and those with its choice. One is named if, of all ways to deal the failures out, so few (`SURE`) would put as many
    of them within (Fisher's exact test, one-sided).

    Args:
        trial: A failed one.
        others: All other trials that have ended.
        space: What is searched.
    """
    best: tuple[float, Part] | None = None
    for parameter in space:
        if parameter.name not in trial.suggestion.values:
            continue
        for part in _parts(parameter, trial.suggestion.values[parameter.name], others):
            chance = _chance(part)
            if part.count >= FEWEST_IN_PART and chance <= SURE and (best is None or chance < best[0]):
                best = chance, part
    return best[1] if best else None


def unusual(parameter: Parameter, value: Value, completed: Sequence[Value]) -> str:
    """Returns how a value differs from those of all completed trials; "" where it does not, or there are too few."""
    if len(completed) < FEWEST_COMPLETED:
        return ""
    if parameter.kind is Kind.CHOICE:
        is_new = not any(same(value, each) for each in completed)
        return f"none of the {len(completed)} completed trials has it" if is_new else ""
    numbers = [each for each in completed if isinstance(each, int | float)]
    if not isinstance(value, int | float) or not numbers:
        return ""
    if value > max(numbers):
        return f"above all {len(numbers)} completed trials (at most {show_value(max(numbers))})"
    if value < min(numbers):
        return f"below all {len(numbers)} completed trials (at least {show_value(min(numbers))})"
    return ""


def number_between(low: float, high: float) -> float:
    """Returns the shortest number between two, in their middle: by magnitude where both are above 0."""
    assert low < high, "there is nothing between"
    middle = math.sqrt(low) * math.sqrt(high) if low > 0 else (low + high) / 2
    return next((short for digits in range(1, 17) if low < (short := float(f"{middle:.{digits}g}")) < high), middle)


def _apart(parameter: Parameter, left: Mapping[str, Value], right: Mapping[str, Value]) -> float:
    name = parameter.name
    if name not in left or name not in right:
        return 1.0
    one, other = left[name], right[name]
    if parameter.kind is Kind.CHOICE or not isinstance(one, int | float) or not isinstance(other, int | float):
        return 0.0 if same(one, other) else 1.0
    low, high = (_scaled(parameter, each) for each in parameter.bounds)
    return abs(_scaled(parameter, one) - _scaled(parameter, other)) / (high - low) if high > low else 0.0


def _scaled(parameter: Parameter, value: float) -> float:
    return math.log(value) if parameter.log else float(value)


def _parts(parameter: Parameter, value: Value, others: Sequence[Trial]) -> list[Part]:
    """Returns the parts that hold a value: of a range one for each bound between two neighbouring values."""
    having = [each for each in others if parameter.name in each.suggestion.values]
    if parameter.kind is Kind.CHOICE:
        inside = [each for each in having if same(each.suggestion.values[parameter.name], value)]
        failed, words = _failures(inside), f"{parameter.name}={spell_value(value)}"
        outside = len(others) - len(inside)
        return [Part(parameter.name, words, failed, len(inside), _failures(others) - failed, outside)]
    if not isinstance(value, int | float):
        return []
    numbers = {each.id: each.suggestion.values[parameter.name] for each in having}
    ordered = sorted((float(number), trial) for trial, number in numbers.items() if isinstance(number, int | float))
    is_failed = {each.id: each.status is TrialStatus.FAILED for each in having}
    below = [0, *accumulate(int(is_failed[trial]) for _, trial in ordered)]  # failures among the lowest 0, 1, 2, …
    levels = [number for number, _ in ordered]
    all_failed = _failures(others)
    parts = []
    for low, high in _gaps(sorted({*levels, float(value)})):
        is_above, split = value >= high, bisect.bisect_left(levels, high)
        count, failed = (len(levels) - split, below[-1] - below[split]) if is_above else (split, below[split])
        bound, words = _bound(parameter, low, high, is_above=is_above)
        parts.append(Part(parameter.name, words, failed, count, all_failed - failed, len(others) - count, bound))
    return parts


def _gaps(levels: Sequence[float]) -> list[tuple[float, float]]:
    """Returns neighbouring values, so many pairs at most that a study of thousands of trials is told of at once."""
    pairs = list(pairwise(levels))
    return pairs[:: -(-len(pairs) // MOST_BOUNDS) or 1]


def _bound(parameter: Parameter, low: float, high: float, *, is_above: bool) -> tuple[Bound, str]:
    """Returns where a part ends that lies above or below what is between two values, and how to say so."""
    if parameter.kind is Kind.INT:
        words = f"{high:.0f} or more" if is_above else f"{low:.0f} or less"
        return Bound(int(low if is_above else high), is_above), f"{parameter.name} of {words}"
    between = number_between(low, high)
    words = f"{'above' if is_above else 'below'} {show_value(between)}"
    return Bound(between, is_above), f"{parameter.name} {words}"


def _failures(trials: Sequence[Trial]) -> int:
    return sum(each.status is TrialStatus.FAILED for each in trials)


def _chance(part: Part) -> float:
    """Returns the share of ways to deal the failures out that put as many into the part: the hypergeometric tail."""
    count = part.count + part.count_outside
    failed = part.failed + part.failed_outside
    if part.failed * count <= failed * part.count:  # no more than its share
        return 1.0
    logarithms = (
        _log_ways(failed, within) + _log_ways(count - failed, part.count - within) - _log_ways(count, part.count)
        for within in range(part.failed, min(failed, part.count) + 1)
        if part.count - within <= count - failed
    )
    return math.fsum(map(math.exp, logarithms))


def _log_ways(of: int, taken: int) -> float:
    """Returns the logarithm of the number of ways to take some out of more: the number itself may have many digits."""
    return math.lgamma(of + 1) - math.lgamma(taken + 1) - math.lgamma(of - taken + 1)
