from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
import pytest

from tests.reports.comparison.conftest import PLAN, MakeStudy
from tunecli.reports.comparison.pairs import ChanceTestKind, Pair, compare_pairs
from tunecli.reports.comparison.study import Study
from tunecli.reports.significance import best_of_n_test, corrected_t_test, welch_t_test
from tunecli.study.events import EndReason
from tunecli.study.objective import Goal, Objective

ON_FOLDS = Objective(metric="fold_rmse", goal=Goal.MINIMIZE)
RMSE = Objective(metric="val_rmse", goal=Goal.MINIMIZE)
ACCURACY = Objective(metric="val_accuracy", goal=Goal.MAXIMIZE)
FOLDS = {"folds": 3, "repeats": 1, "scheme": None}
BY_VALIDATION: dict[str, Any] = {"evaluation": FOLDS, "metric": "val_rmse"}


def one_pair(one: Study, other: Study, objective: Objective = RMSE) -> Pair:
    (found,) = compare_pairs([one, other], objective)
    return found


def test_the_better_one_and_by_how_much(make_study: MakeStudy) -> None:
    pair = one_pair(make_study("a", 0.5, 0.7), make_study("b", 0.6, 0.4))
    assert (pair.labels, pair.better, pair.difference) == (("a", "b"), "b", pytest.approx(0.1))
    assert one_pair(make_study("a", 0.5), make_study("b", 0.5)).better is None


def test_a_metric_that_is_better_when_higher(make_study: MakeStudy) -> None:
    kind: dict[str, Any] = {"metric": "val_accuracy", "goal": Goal.MAXIMIZE}
    pair = one_pair(make_study("a", 0.5, 0.7, **kind), make_study("b", 0.6, None, **kind), ACCURACY)
    assert pair.better == "a"
    assert pair.tests[0].p == pytest.approx(best_of_n_test([-0.5, -0.7], [-0.6, math.inf]))


def test_trials_that_failed_count_as_draws(make_study: MakeStudy) -> None:
    test = one_pair(make_study("a", 0.5, None, None), make_study("b", 0.6)).tests[0]
    assert (test.kind, test.counts) == (ChanceTestKind.BEST_OF_N, (3, 1))


def test_searches_that_draw_alike_are_seldom_told_apart_and_unlike_ones_are(make_study: MakeStudy) -> None:
    random = np.random.default_rng(3)
    alike = [
        one_pair(*(make_study(name, *map(float, random.lognormal(size=30))) for name in "ab")).tests[0]
        for _ in range(200)
    ]
    assert 0 < sum(test.is_more_than_chance for test in alike) <= 20
    unlike = one_pair(*(make_study(n, *map(float, random.normal(at, 0.1, size=30))) for n, at in (("a", 1), ("b", 2))))
    assert unlike.better == "a"
    assert unlike.tests[0].is_more_than_chance


def test_too_few_trials_are_said(make_study: MakeStudy) -> None:
    test = one_pair(make_study("a", 0.1, 0.2, 0.3), make_study("b", 0.6, 0.7, 0.8)).tests[0]
    assert test.p == pytest.approx(0.1)
    assert test.caveats == ("with so few trials no difference could be shown: p cannot fall below 0.1",)


@pytest.mark.parametrize("tuner", ["hyperband", "bayesian", "grid"])
def test_trials_that_are_no_independent_draws_show_nothing(tuner: str, make_study: MakeStudy) -> None:
    scores = [number / 100 for number in range(20)]
    test = one_pair(
        make_study("a", *scores, tuner={"name": tuner}), make_study("b", *(score + 9 for score in scores))
    ).tests[0]
    assert test.p < 0.001
    assert not test.is_sound
    assert not test.is_more_than_chance
    assert test.caveats[0].startswith(f"the trials of {tuner} are no independent draws")


def test_a_search_that_stopped_when_it_had_enough_shows_nothing(make_study: MakeStudy) -> None:
    test = one_pair(make_study("a", 0.5, end=EndReason.TARGET), make_study("b", 0.6)).tests[0]
    assert not test.is_sound
    assert test.caveats[-1].startswith("a ended because enough was found")


def test_equal_seeds_are_noticed(make_study: MakeStudy) -> None:
    one, other = make_study("a", *[0.5] * 12, first_units=8), make_study("b", *[0.6] * 10, first_units=8)
    assert one_pair(one, other).tests[0].caveats[0].startswith("10 trials of each tried the same values")


def test_winners_of_the_same_folds_are_compared_on_them(make_study: MakeStudy) -> None:
    first, second = [0.5, 0.6, 0.7], [0.52, 0.68, 0.71]
    kind: dict[str, Any] = {"evaluation": FOLDS, "metric": "fold_rmse"}
    pair = one_pair(make_study("a", first, [0.9, 0.9, 0.9], **kind), make_study("b", second, **kind), ON_FOLDS)
    test = pair.tests[1]
    expected = corrected_t_test(first, second, 1 / 2)
    assert expected is not None
    assert (test.kind, test.counts, test.df) == (ChanceTestKind.FOLDS, (3, 3), 2)
    assert (test.t, test.p) == (expected.t, expected.p)
    assert test.difference == pytest.approx(statistics.fmean(first) - statistics.fmean(second))
    assert pair.untested == ()


def test_winners_over_seeds_are_compared_unpaired(make_study: MakeStudy) -> None:
    first, second = [0.5, 0.6, 0.7], [0.8, 0.81]
    evaluation = {"folds": None, "repeats": 3, "scheme": None}
    one = make_study("a", first, evaluation=evaluation)
    other = make_study("b", second, evaluation={**evaluation, "repeats": 2})
    test = one_pair(one, other).tests[1]
    expected = welch_t_test(first, second)
    assert expected is not None
    assert (test.kind, test.counts, test.p) == (ChanceTestKind.SEEDS, (3, 2), expected.p)


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ({}, {}, "each was trained once"),
        (
            {"evaluation": FOLDS, "metric": "val_rmse"},
            {"evaluation": FOLDS, "metric": "val_rmse"},
            "not measured on folds",
        ),
        ({"evaluation": FOLDS}, {}, "only one of the winners was trained several times"),
        ({"evaluation": FOLDS}, {"evaluation": {**FOLDS, "repeats": 2}}, "not scored by the same folds and repeats"),
        ({"evaluation": {**FOLDS, "scheme": "time"}}, {"evaluation": {**FOLDS, "scheme": "time"}}, "order of time"),
        (
            {"evaluation": FOLDS, "dataset": {**PLAN["dataset"], "split": "last"}},
            {"evaluation": FOLDS, "dataset": {**PLAN["dataset"], "split": "last"}},
            "order of time",
        ),
    ],
)
def test_why_winners_are_not_compared(
    first: dict[str, Any], second: dict[str, Any], why: str, make_study: MakeStudy
) -> None:
    scores = {True: [0.5, 0.6, 0.7], False: 0.5}
    one = make_study("a", scores["evaluation" in first], **{"metric": "fold_rmse", **first})
    other = make_study("b", scores["evaluation" in second], **{"metric": "fold_rmse", **second})
    pair = one_pair(one, other, one.snapshot.objective)
    assert len(pair.tests) == 1
    assert why in pair.untested[0]


def test_winners_that_do_not_vary_are_not_compared(make_study: MakeStudy) -> None:
    studies = (make_study(name, [0.5, 0.5, 0.5], evaluation=FOLDS, metric="fold_rmse") for name in "ab")
    pair = one_pair(*studies, ON_FOLDS)
    assert "do not vary" in pair.untested[0]


def test_more_pairs_ask_for_more(make_study: MakeStudy) -> None:
    studies = [
        make_study(name, *(at + number / 100 for number in range(5))) for name, at in zip("abc", (0, 1, 2), strict=True)
    ]
    pairs = compare_pairs(studies, RMSE)
    assert [pair.labels for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(pair.tests[0].p_holm > pair.tests[0].p for pair in pairs)
    assert all(pair.tests[0].p_holm == pytest.approx(3 * 2 / 252) for pair in pairs)


def test_a_study_without_a_winner_is_in_no_pair(make_study: MakeStudy) -> None:
    assert compare_pairs([make_study("a", None), make_study("b", 0.5)], RMSE) == []
