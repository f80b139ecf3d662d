"""What the trials of a study say about one parameter: configurations, and how easily chance does the same.

Trials of a lineage (Hyperband) are one configuration, scored by its best trial. Every finding is held against the
chance of seeing it if the parameter did not matter; the tests use ranks alone, so that one bad score weighs no more
than another.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, correlation, fmean

from tunecli.spec.space import Kind, Parameter, Value, Values
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Trial

BINS = 4
"""Into how many parts of equal count the values of a range are sorted: enough to see a dip in its middle."""

FEWEST_IN_BIN = 3
"""The ranks of fewer are no group to speak of."""


@dataclass(frozen=True)
class Configuration:
    """Values that were tried, and what came of them.

    Attributes:
        values: The searched parameters that were active.
        key: The score, lower being better, whatever the objective; None if every trial failed.
        cause: Why the last of them failed; "" if one completed.
        epochs: The epochs behind its last trial when that ends.
    """

    values: Values
    key: float | None
    cause: str
    epochs: int

    @property
    def is_scored(self) -> bool:
        """Whether a trial completed."""
        return self.key is not None


def configurations(snapshot: Snapshot) -> list[Configuration]:
    """Returns what was tried and has ended, in the order of asking."""
    lineages: dict[int, list[Trial]] = {}
    for trial in snapshot.trials.values():
        if trial.is_finished:
            lineages.setdefault(snapshot.lineage(trial.id)[0], []).append(trial)
    return [_configuration(snapshot, trials) for trials in lineages.values()]


def _configuration(snapshot: Snapshot, trials: Sequence[Trial]) -> Configuration:
    keys = [snapshot.objective.sort_key(trial.score) for trial in trials if trial.score is not None]
    last = trials[-1]
    cause = "" if keys or last.outcome is None else last.outcome.cause
    return Configuration(last.suggestion.values, min(keys, default=None), cause, last.suggestion.end_epoch)


def of_one_budget(snapshot: Snapshot) -> list[Configuration]:
    """Returns the completed trials of the commonest number of epochs, the larger of equals: others compare badly."""
    done = snapshot.completed
    if not done:
        return []
    counts = Counter(trial.suggestion.end_epoch for trial in done)
    epochs = max(counts, key=lambda each: (counts[each], each))
    return [_configuration(snapshot, [trial]) for trial in done if trial.suggestion.end_epoch == epochs]


def having(parameter: Parameter, tried: Sequence[Configuration]) -> list[Configuration]:
    """Returns the configurations in which a parameter was active, the best first, those without a score last."""
    found = [each for each in tried if parameter.name in each.values]
    return sorted(found, key=lambda each: (each.key is None, each.key or 0.0))


def chance_of_none(total: int, marked: int, drawn: int) -> float:
    """Returns the chance that none of `drawn` things is one of the `marked` among `total`, drawn without looking."""
    return math.comb(total - marked, drawn) / math.comb(total, drawn)


def chance_of_outside(total: int, outside: int, drawn: int) -> float:
    """Returns the chance that as many of `total` in a row lie before the first or behind the last of those drawn.

    (total - s + 1) · C(s - 2, drawn - 2) of the C(total, drawn) draws span exactly s places.
    """
    spans = range(drawn, total - outside + 1)
    return sum((total - span + 1) * math.comb(span - 2, drawn - 2) for span in spans) / math.comb(total, drawn)


def chance_of_difference(groups: Sequence[Sequence[float]]) -> float:
    """Returns the chance of ranks that differ as much between groups of one distribution.

    Kruskal and Wallis 1952, corrected for ties, with the cube root of chi-squared taken as normal (Wilson and Hilferty
    1931), which is within 0.01 of its own distribution.
    """
    scores = sorted(score for group in groups for score in group)
    count, freedom = len(scores), len(groups) - 1
    ranks, ties = _ranks(scores)
    scatter = 1 - ties / (count**3 - count) if count > 1 else 0.0
    if freedom < 1 or scatter == 0:
        return 1.0
    sums = sum(sum(ranks[score] for score in group) ** 2 / len(group) for group in groups)
    statistic = max(0.0, (12 / (count * (count + 1)) * sums - 3 * (count + 1)) / scatter)
    if freedom == 1:
        return 2 * (1 - NormalDist().cdf(math.sqrt(statistic)))
    spread = 2 / (9 * freedom)
    return 1 - NormalDist().cdf(((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread))


def _ranks(ordered: Sequence[float]) -> tuple[dict[float, float], int]:
    """Returns the mean rank of each score, from 1, and the sum of t³ - t over ties of t."""
    counts = Counter(ordered)
    ranks: dict[float, float] = {}
    before = ties = 0
    for score, count in counts.items():
        ranks[score] = before + (count + 1) / 2
        before += count
        ties += count**3 - count
    return ranks, ties


def chance_of_better(these: Sequence[float], others: Sequence[float]) -> float:
    """Returns the chance that `these` rank as far before `others` though both are of one distribution."""
    if not these or not others:
        return 1.0
    chance = chance_of_difference([these, others]) / 2
    scores = sorted([*these, *others])
    ranks, _ = _ranks(scores)
    is_before = sum(map(ranks.__getitem__, these)) / len(these) < (len(scores) + 1) / 2
    return chance if is_before else 1 - chance


def chance_of_trend(numbers: Sequence[float], scores: Sequence[float]) -> float:
    """Returns the chance of ranks that go as much up or down together though neither knows of the other."""
    return 2 * min(0.5, chance_of_rise(numbers, scores), chance_of_rise([-each for each in numbers], scores))


def chance_of_rise(numbers: Sequence[float], scores: Sequence[float]) -> float:
    """Returns the chance of ranks that rise as much together though neither knows of the other.

    Spearman 1904, its coefficient times the root of n - 1 taken as normal, which is within 0.01 for twenty.
    """
    if len(set(numbers)) < 2 or len(set(scores)) < 2:
        return 1.0
    first, second = (_ranks(sorted(each))[0] for each in (numbers, scores))
    coefficient = correlation([first[each] for each in numbers], [second[each] for each in scores])
    return 1 - NormalDist().cdf(coefficient * math.sqrt(len(numbers) - 1))


def parts(parameter: Parameter, tried: Sequence[Configuration]) -> list[str | None]:
    """Returns which value or part of a range each configuration has; None where too few have it to say anything."""
    values = [each.values[parameter.name] for each in tried]
    labels = list(map(repr, values))
    if parameter.kind is not Kind.CHOICE and len(set(labels)) > BINS:
        ordered = sorted(map(_number, values))
        # equal values stay together
        labels = [str(bisect_left(ordered, _number(each)) * BINS // len(ordered)) for each in values]
    counts = Counter(labels)
    return [label if counts[label] >= FEWEST_IN_BIN else None for label in labels]


def by_part(labels: Sequence[str | None], scores: Sequence[float]) -> dict[str, list[float]]:
    """Returns the scores of each part."""
    found: dict[str, list[float]] = {}
    for label, score in zip(labels, scores, strict=True):
        if label is not None:
            found.setdefault(label, []).append(score)
    return found


def chance_of_effect(parameter: Parameter, tried: Sequence[Configuration], scores: Sequence[float]) -> float | None:
    """Returns the chance of scores that depend as much on a parameter which does not matter: by parts, or by a trend.

    Returns:
        The smaller of both chances; None where there are not two parts to compare.
    """
    found = by_part(parts(parameter, tried), scores)
    if len(found) < 2:
        return None
    chance = chance_of_difference(list(found.values()))
    if parameter.kind is Kind.CHOICE:
        return chance
    return min(chance, chance_of_trend([_number(each.values[parameter.name]) for each in tried], scores))


def without_effect(parameter: Parameter, tried: Sequence[Configuration], scores: Sequence[float]) -> list[float]:
    """Returns the ranks of scores less the mean rank of their part: what another parameter is left to explain."""
    ranks, _ = _ranks(sorted(scores))
    labels = parts(parameter, tried)
    means = {label: fmean(ranks[each] for each in mine) for label, mine in by_part(labels, scores).items()}
    return [
        ranks[score] - (means[label] if label is not None else ranks[score])
        for label, score in zip(labels, scores, strict=True)
    ]


def _number(value: Value) -> float:
    assert isinstance(value, int | float), "a range has numbers"
    return value
