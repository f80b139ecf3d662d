"""Figures and their intervals: scikit-learn's values, and intervals that hold the truth as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tunecli.spec.experiment import Task
from tunecli.training.intervals import bootstrap
from tunecli.training.scoring import classes_statistic, numbers_statistic, score

RANDOM = np.random.default_rng(0)


def mean_of(values: np.ndarray):  # type: ignore[no-untyped-def]
    return lambda counts: {"mean": float(counts @ values / counts.sum())}


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(300):
        values = np.random.default_rng(seed).normal(size=60)
        interval = bootstrap(mean_of(values), 60, seed=seed, resamples=300)["mean"]
        assert interval is not None
        held += interval.low <= 0 <= interval.high
    assert 0.90 < held / 300 < 0.98


def test_an_interval_is_as_wide_as_theory_says() -> None:
    values = RANDOM.normal(scale=3, size=900)
    interval = bootstrap(mean_of(values), 900)["mean"]
    assert interval is not None
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / 30, rel=0.1)
    assert bootstrap(mean_of(values), 900)["mean"] == interval
    assert bootstrap(mean_of(values), 900, seed=1)["mean"] != interval


def test_rows_of_a_group_are_drawn_together() -> None:
    groups = np.repeat(np.arange(30), 20)
    values = RANDOM.normal(size=30)[groups]  # all rows of a group alike: 30 values, not 600
    alone, grouped = (bootstrap(mean_of(values), 600, groups=each)["mean"] for each in (None, groups))
    assert alone is not None
    assert grouped is not None
    assert (grouped.high - grouped.low) / (alone.high - alone.low) == pytest.approx(math.sqrt(20), rel=0.2)


def test_what_cannot_be_told_has_no_interval() -> None:
    assert bootstrap(mean_of(np.ones(1)), 1) == {"mean": None}
    assert bootstrap(mean_of(np.ones(9)), 9, groups=np.zeros(9, int)) == {"mean": None}
    assert bootstrap(lambda counts: {"x": float("nan")}, 9, resamples=10) == {"x": None}


def drawn() -> np.ndarray:
    return RANDOM.integers(400, size=400)


def test_figures_of_numbers_are_those_of_scikit_learn_in_every_resample() -> None:
    target = RANDOM.normal(loc=100, size=400)
    predicted = target + RANDOM.normal(scale=0.3, size=400) + 0.1
    statistic = numbers_statistic(target, predicted)
    for rows in (np.arange(400), drawn(), drawn()):
        ours = statistic(np.bincount(rows, minlength=400).astype(float))
        theirs = score(Task.REGRESSION, target[rows], predicted[rows]).figures
        assert ours == pytest.approx({name: each.value for name, each in theirs.items()}, rel=1e-9)


@pytest.mark.parametrize("classes", [2, 4])
def test_figures_of_classes_are_those_of_scikit_learn_in_every_resample(classes: int) -> None:
    codes = RANDOM.integers(classes, size=400)
    raw = np.round(RANDOM.random((400, classes)) + (np.arange(classes) == codes[:, None]) * 0.4, 1) + 0.01
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    if classes == 2:
        probabilities = np.stack([1 - probabilities[:, 1], probabilities[:, 1]], axis=1)
    statistic = classes_statistic(codes, probabilities)
    for rows in (np.arange(400), drawn(), drawn()):
        ours = statistic(np.bincount(rows, minlength=400).astype(float))
        outputs = probabilities[rows] if classes > 2 else probabilities[rows, 1]
        theirs = score(Task.MULTICLASS if classes > 2 else Task.BINARY, codes[rows], outputs).figures
        assert ours == pytest.approx({name: each.value for name, each in theirs.items()}, rel=1e-9)


def test_each_figure_lies_in_its_interval() -> None:
    target = RANDOM.normal(size=200)
    for name, figure in score(Task.REGRESSION, target, target + RANDOM.normal(size=200)).figures.items():
        assert figure.value is not None
        assert figure.interval is not None
        assert figure.interval.low < figure.value < figure.interval.high, name


def test_a_class_without_rows_leaves_what_it_decides_undefined() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.6, 0.2, 0.2]])
    scored = score(Task.MULTICLASS, np.array([0, 1, 1, 0]), probabilities, ("a", "b", "c"))
    assert scored.figures["roc_auc"].value is None
    assert scored.figures["roc_auc"].interval is None
    assert scored.figures["accuracy"].value == 0.75
    assert scored.figures["balanced_accuracy"].value == 0.75
    assert scored.confusion == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert [(each.name, each.support) for each in scored.per_class] == [("a", 2), ("b", 2), ("c", 0)]
    assert scored.per_class[1].recall == 0.5


def test_one_row_and_one_value() -> None:
    figures = score(Task.REGRESSION, np.array([1.0]), np.array([3.0])).figures
    assert figures["rmse"].value == figures["bias"].value == 2
    assert figures["r2"].value is None
    assert figures["rmse"].interval is None
    one = score(Task.BINARY, np.array([1]), np.array([0.9]), ("no", "yes")).figures
    assert one["accuracy"].value == 1
    assert one["roc_auc"].value is None


def test_residuals_say_how_far_off_predictions_are() -> None:
    residuals = score(Task.REGRESSION, np.zeros(101), np.arange(101.0)).residuals
    assert (residuals["min"], residuals["median"], residuals["max"], residuals["mean"]) == (0, 50, 100, 50)
    assert residuals["95 %"] == pytest.approx(95)
