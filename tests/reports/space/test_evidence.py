from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import pytest
from scipy import stats

from tunecli.reports.space.evidence import (
    chance_of_better,
    chance_of_difference,
    chance_of_none,
    chance_of_outside,
    chance_of_trend,
    configurations,
    having,
    of_one_budget,
    parts,
    without_effect,
)
from tunecli.spec.space import Kind, Parameter
from tunecli.study.objective import Goal
from tunecli.study.snapshot import Snapshot

LEARNING_RATE = Parameter(name="learning_rate", kind=Kind.FLOAT, min=0.0, max=1.0)
Make = Callable[..., Snapshot]


def test_chances_are_those_of_counting() -> None:
    hands = list(combinations(range(9), 3))
    assert chance_of_none(9, 4, 3) == sum(all(card >= 4 for card in hand) for hand in hands) / len(hands)
    for outside in range(7):
        spans = [hand for hand in hands if 9 - (hand[-1] - hand[0] + 1) >= outside]
        assert chance_of_outside(9, outside, 3) == pytest.approx(len(spans) / len(hands))


@pytest.mark.parametrize("seed", range(5))
def test_ranks_are_compared_as_by_scipy(seed: int) -> None:
    dice = random.Random(seed)
    scores = [[round(dice.gauss(0.3 * group, 1), 1) for _ in range(8)] for group in range(3)]  # with ties
    assert chance_of_difference(scores) == pytest.approx(stats.kruskal(*scores).pvalue, abs=0.01)
    better = stats.mannwhitneyu(scores[0], scores[2], alternative="less", method="asymptotic", use_continuity=False)
    assert chance_of_better(scores[0], scores[2]) == pytest.approx(better.pvalue, abs=0.01)
    numbers = [dice.random() for _ in range(24)]
    flat = [score for group in scores for score in group]
    assert chance_of_trend(numbers, flat) == pytest.approx(stats.spearmanr(numbers, flat).pvalue, abs=0.02)


def test_equal_scores_differ_by_nothing() -> None:
    assert chance_of_difference([[1.0, 1.0], [1.0, 1.0]]) == 1
    assert chance_of_trend([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]) == 1
    assert chance_of_better([], [1.0]) == 1


def test_a_lineage_is_one_configuration_with_its_best_score(make_snapshot: Make) -> None:
    snapshot = make_snapshot(({"a": 1}, 3.0), ({"a": 2}, "nan"), ({"a": 1}, 2.0), ({"a": 3}, None))
    child = snapshot.trials[2]
    snapshot.trials[2] = replace(child, suggestion=replace(child.suggestion, parent=0, start_epoch=30, end_epoch=90))
    found = configurations(snapshot)
    assert [(each.values, each.key, each.cause, each.epochs) for each in found] == [
        ({"a": 1}, 2.0, "", 90),
        ({"a": 2}, None, "nan", 30),
    ]


def test_the_best_come_first_whatever_the_goal(make_snapshot: Make) -> None:
    snapshot = make_snapshot(({"a": 1}, 0.2), ({"a": 2}, "nan"), ({"b": 1}, 0.5), ({"a": 3}, 0.9), goal=Goal.MAXIMIZE)
    parameter = Parameter(name="a", kind=Kind.INT, min=1, max=3)
    assert [each.values["a"] for each in having(parameter, configurations(snapshot))] == [3, 1, 2]


def test_trials_of_other_budgets_are_left_aside(make_snapshot: Make) -> None:
    snapshot = make_snapshot(*[({"a": number}, 1.0 + number) for number in range(5)])
    for trial in (0, 1):
        found = snapshot.trials[trial]
        snapshot.trials[trial] = replace(found, suggestion=replace(found.suggestion, end_epoch=90))
    assert [each.values["a"] for each in of_one_budget(snapshot)] == [2, 3, 4]
    assert of_one_budget(make_snapshot()) == []


def test_parts_hold_equal_counts_and_keep_equal_values_together(make_snapshot: Make) -> None:
    tried = configurations(make_snapshot(*[({"learning_rate": number / 40}, 1.0) for number in range(40)]))
    labels = parts(LEARNING_RATE, tried)
    assert [labels.count(label) for label in dict.fromkeys(labels)] == [10, 10, 10, 10]
    values = [0.1] * 9 + [0.2] * 9 + [0.3, 0.4, 0.5, 0.6]
    tried = configurations(make_snapshot(*[({"learning_rate": value}, 1.0) for value in values]))
    assert len(set(parts(LEARNING_RATE, tried)[:9])) == 1
    choice = Parameter(name="learning_rate", kind=Kind.CHOICE, values=(0.1, 0.2))
    tried = configurations(make_snapshot(*[({"learning_rate": value}, 1.0) for value in (0.1, 0.1, 0.1, 0.2, 0.2)]))
    assert parts(choice, tried) == ["0.1", "0.1", "0.1", None, None]


def test_another_parameter_is_taken_out_of_the_ranks(make_snapshot: Make) -> None:
    choice = Parameter(name="a", kind=Kind.CHOICE, values=("x", "y"))
    trials = [({"a": "x" if number < 4 else "y"}, float(number)) for number in range(8)]
    tried = configurations(make_snapshot(*trials))
    assert without_effect(choice, tried, list(map(float, range(8)))) == [-1.5, -0.5, 0.5, 1.5] * 2
