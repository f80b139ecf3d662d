"""Two studies: which has the better winner, and whether that may be chance; what is tested is in `significance`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

from tunecli.reports.comparison.study import Study, draws, score_of, training_scores, winner
from tunecli.reports.significance import (
    TTest,
    best_of_n_test,
    corrected_t_test,
    holm,
    smallest_p,
    welch_t_test,
)
from tunecli.spec.evaluation import SCHEMES
from tunecli.study.events import EndReason
from tunecli.study.objective import FOLD, Objective
from tunecli.study.trial import Trial

LEVEL = 0.05
"""A difference that chance makes less often than this is called more than chance."""

DRAWS = "random"
"""The tuner whose trials are independent draws."""

_ON_THESE_ROWS = "it says how they differ on these validation rows, not on others"

_ENOUGH = (EndReason.TARGET, EndReason.NO_GAIN)
"""Ends that depend on the scores."""
"""Ends that depend on the scores."""


class ChanceTestKind(StrEnum):
    """What is tested."""

    BEST_OF_N = "best_of_n"
    FOLDS = "folds"
    SEEDS = "seeds"


@dataclass(frozen=True)
class ChanceTest:
    """A test of a difference.

    Attributes:
        kind: What is tested.
        counts: How many trials, folds or seeds each study has.
        difference: The first's score less the second's, in the metric's own units.
        p: How often chance alone makes one so large.
        p_holm: The same, raised for the number of pairs.
        t: The statistic of a t-test, else None.
        df: Its degrees of freedom, else None.
        caveats: What keeps the test from being taken at its word.
        is_sound: Whether its conditions are met.
    """

    kind: ChanceTestKind
    counts: tuple[int, int]
    difference: float
    p: float
    p_holm: float
    t: float | None = None
    df: float | None = None
    caveats: tuple[str, ...] = ()
    is_sound: bool = True

    @property
    def is_more_than_chance(self) -> bool:
        """Whether the difference is taken to be more than chance."""
        return self.is_sound and self.p_holm < LEVEL


@dataclass(frozen=True)
class Pair:
    """Two studies.

    Attributes:
        labels: What they are called.
        better: The one whose best score is better; None if they are equal.
        difference: The first's best score less the second's.
        tests: Whether that may be chance.
        untested: Why a test was left out that users may expect.
    """

    labels: tuple[str, str]
    better: str | None
    difference: float
    tests: tuple[ChanceTest, ...]
    untested: tuple[str, ...] = ()


def compare_pairs(studies: Sequence[Study], objective: Objective) -> list[Pair]:
    """Compares each two of the studies that have a winner.

    Args:
        studies: Their scores mean the same.
        objective: What to compare by.
    """
    scored = [each for each in studies if winner(each, objective) is not None]
    return _adjusted([_pair(one, other, objective) for one, other in combinations(scored, 2)])


def _pair(one: Study, other: Study, objective: Objective) -> Pair:
    first, best = _require_winner(one, objective)
    second, best_of_other = _require_winner(other, objective)
    better = None
    if best != best_of_other:
        better = one.label if objective.is_better(best, best_of_other) else other.label
    of_trainings, untested = _of_trainings(one, other, first, second, objective)
    tests = (_best_of_n(one, other, objective, best - best_of_other), *of_trainings)
    return Pair((one.label, other.label), better, best - best_of_other, tests, untested)


def _require_winner(study: Study, objective: Objective) -> tuple[Trial, float]:
    found = winner(study, objective)
    assert found is not None, f"{study.label} has a winner"
    score = score_of(found.outcome, study, objective)
    assert score is not None, "a winner has a score"
    return found, score


def _best_of_n(one: Study, other: Study, objective: Objective, difference: float) -> ChanceTest:
    first, second = (draws(each, objective) for each in (one, other))
    p = best_of_n_test(first, second)
    caveats = []
    guided = list(dict.fromkeys(each.tuner for each in (one, other) if each.tuner != DRAWS))
    if guided:
        caveats.append(
            f"the trials of {' and '.join(guided)} are no independent draws, as this test takes them to be: do not "
            "rely on this p; repeat each search with other seeds and compare their bests"
        )
    elif (least := smallest_p(len(first), len(second))) > LEVEL:
        caveats.append(f"with so few trials no difference could be shown: p cannot fall below {least:.2g}")
    if enough := [each.label for each in (one, other) if each.snapshot.end_reason in _ENOUGH]:
        caveats.append(
            f"{' and '.join(enough)} ended because enough was found, so that the number of trials was not fixed "
            "beforehand: do not rely on this p"
        )
    if shared := _shared(one, other):
        caveats.append(
            f"{shared} trials of each tried the same values, as equal seeds do: the test takes them for independent, "
            "which makes it cautious"
        )
    return ChanceTest(
        ChanceTestKind.BEST_OF_N,
        (len(first), len(second)),
        difference,
        p,
        p,
        caveats=tuple(caveats),
        is_sound=not (guided or enough),
    )


def _shared(one: Study, other: Study) -> int:
    """Returns how many of the first trials of two studies tried the same values."""
    count = 0
    for first, second in zip(one.snapshot.trials.values(), other.snapshot.trials.values(), strict=False):
        if first.suggestion.values != second.suggestion.values:
            break
        count += 1
    return count


def _of_trainings(
    one: Study, other: Study, first: Trial, second: Trial, objective: Objective
) -> tuple[list[ChanceTest], tuple[str, ...]]:
    """Compares winners by their folds or seeds.

    Returns:
        The test, if there is one, and why there is none.
    """
    scores = training_scores(first, one, objective), training_scores(second, other, objective)
    counts = len(scores[0]), len(scores[1])
    if min(counts) < 2:
        which = "only one of the winners was trained several times" if max(counts) > 1 else "each was trained once"
        return [], (f"the winners: {which}; evaluation: {{folds: 5}} would tell how far their scores vary",)
    if one.folds is None and other.folds is None:
        return _t_tests(
            ChanceTestKind.SEEDS,
            counts,
            welch_t_test(*scores),
            "it says how they differ on these validation rows, not on others",
        )
    if not objective.metric.startswith(FOLD):
        return [], (
            f"the winners: {objective.metric} is not measured on folds; compare by a {FOLD} metric with --metric",
        )
    evaluation = one.plan["evaluation"]
    if one.plan["evaluation"] != other.plan["evaluation"]:
        return [], ("the winners: they were not scored by the same folds and repeats",)
    scheme, split = evaluation.get("scheme"), one.plan["dataset"].get("split")
    if (scheme or (SCHEMES[split][0] if split else None)) == "time":
        return [], (
            "the winners: no test is known for folds in the order of time, which are trained on more and more rows",
        )
    test_share = 1 / (evaluation["folds"] - 1)
    return _t_tests(ChanceTestKind.FOLDS, counts, corrected_t_test(*scores, test_share), "")


def _t_tests(
    kind: ChanceTestKind, counts: tuple[int, int], found: TTest | None, scope: str
) -> tuple[list[ChanceTest], tuple[str, ...]]:
    if found is None:
        return [], ("the winners: the scores of their trainings do not vary, so that nothing says how large chance is",)
    caveats = ("the winners were chosen by these scores, which flatters both", *([scope] if scope else []))
    return [ChanceTest(kind, counts, found.difference, found.p, found.p, t=found.t, df=found.df, caveats=caveats)], ()


def _adjusted(pairs: Sequence[Pair]) -> list[Pair]:
    """Raises the p of each kind of test for the number of pairs that it was made of."""
    raised: dict[tuple[int, ChanceTestKind], float] = {}
    for kind in ChanceTestKind:
        places = [(number, test) for number, pair in enumerate(pairs) for test in pair.tests if test.kind is kind]
        for (number, _), p in zip(places, holm([test.p for _, test in places]), strict=True):
            raised[number, kind] = p
    return [
        replace(pair, tests=tuple(replace(test, p_holm=raised[number, test.kind]) for test in pair.tests))
        for number, pair in enumerate(pairs)
    ]
