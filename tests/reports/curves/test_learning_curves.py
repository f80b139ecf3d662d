from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from tunecli.reports.curves.learning_curves import (
    AN_EPOCH,
    HALF_AN_EPOCH,
    NOTHING,
    EarlyStopping,
    Promotion,
    curve_document,
    gap_ratio,
    learning_curve,
    restored_epoch,
    spans_decades,
    train_shift,
    trial_curve,
)
from tunecli.reports.curves.shape import Form
from tunecli.study.objective import Goal, Objective
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement

RMSE = Objective(metric="val_rmse", goal=Goal.MINIMIZE)
ACCURACY = Objective(metric="val_accuracy", goal=Goal.MAXIMIZE)


def measured(
    validation: Sequence[float], train: Sequence[float] | None = None, *, name: str = "rmse", first: int = 1
) -> list[Measurement]:
    found = []
    for index, value in enumerate(validation):
        metrics = {f"val_{name}": value} | ({} if train is None else {name: train[index]})
        found.append(Measurement(epoch=first + index, metrics=metrics))
    return found


def test_training_values_stand_half_an_epoch_before_validation_values() -> None:
    curve = learning_curve(measured([3.0, 2.0], [4.0, 2.5]), RMSE)
    assert curve.shift == HALF_AN_EPOCH
    (training,) = curve.trainings
    assert training.epochs == (1, 2)
    assert curve.train_x(training.epochs) == (0.5, 1.5)
    assert (training.train, training.validation) == ((4.0, 2.5), (3.0, 2.0))


@pytest.mark.parametrize(
    ("metric", "engine", "is_one_batch", "shift"),
    [
        ("rmse", "graph", False, HALF_AN_EPOCH),
        ("loss", "keras", False, HALF_AN_EPOCH),
        ("r2", "fused", True, AN_EPOCH),
        ("rmse", "scipy:L-BFGS-B", False, NOTHING),
        ("learning_rate", "keras", False, NOTHING),
        ("own", "keras", False, HALF_AN_EPOCH),
    ],
)
def test_what_is_moved(metric: str, engine: str, is_one_batch: bool, shift: float) -> None:
    names = [Measurement(epoch=1, metrics={"own": 1.0, "val_own": 1.0, "learning_rate": 0.1})]
    assert train_shift(metric, names, engine, is_one_batch) == shift


def test_the_best_epoch_is_that_of_the_objective_whatever_is_shown() -> None:
    found = [
        Measurement(epoch=1, metrics={"val_rmse": 2.0, "val_mae": 0.5, "mae": 0.25}),
        Measurement(epoch=2, metrics={"val_rmse": 1.0, "val_mae": 0.8, "mae": 0.2}),
    ]
    curve = learning_curve(found, RMSE, metric="val_mae")
    assert (curve.metric, curve.best_epoch) == ("mae", 2)
    assert (curve.train_at_best, curve.validation_at_best) == (0.2, 0.8)
    assert curve.gap_ratio == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("train", "validation", "goal", "ratio"),
    [
        (2.0, 3.0, Goal.MINIMIZE, 1.5),
        (0.9, 0.6, Goal.MAXIMIZE, 1.5),
        (0.0, 3.0, Goal.MINIMIZE, None),
        (2.0, 0.0, Goal.MAXIMIZE, None),
        (0.5, -0.1, Goal.MAXIMIZE, None),
        (math.inf, 1.0, Goal.MINIMIZE, None),
        (1.0, math.nan, Goal.MINIMIZE, None),
        (None, 1.0, Goal.MINIMIZE, None),
    ],
)
def test_a_gap_above_one_is_worse_on_unseen_rows(
    train: float | None, validation: float, goal: Goal, ratio: float | None
) -> None:
    assert gap_ratio(train, validation, goal) == (None if ratio is None else pytest.approx(ratio))


def test_a_lineage_is_one_curve_with_its_promotions() -> None:
    curve = learning_curve(measured([3, 2, 1.5, 1.2]), RMSE, promotions=[Promotion(1, 5), Promotion(3, 9)])
    assert curve.trainings[0].epochs == (1, 2, 3, 4)
    assert curve.promotions == (Promotion(1, 5), Promotion(3, 9))


def test_several_trainings_have_a_mean_at_the_epochs_that_all_have() -> None:
    curve = learning_curve(
        (),
        Objective(metric="fold_rmse", goal=Goal.MINIMIZE),
        trainings=[
            (0, "fold 1 of 2", measured([4.0, 2.0, 3.0], [8.0, 2.0, 1.0])),
            (1, "fold 2 of 2", measured([6.0, 4.0], [4.0, 1.0])),
        ],
        best_epochs={0: 2, 1: 2},
    )
    assert curve.mean is not None
    assert curve.mean.epochs == (1, 2)
    assert curve.mean.validation == (5.0, 3.0)
    assert curve.mean.train == (6.0, 1.5)
    assert curve.mean.validation_sd == (pytest.approx(2**0.5), pytest.approx(2**0.5))
    assert [each.epochs for each in curve.trainings] == [(1, 2, 3), (1, 2)]
    assert curve.best_epoch == 2
    assert (curve.train_at_best, curve.validation_at_best) == (1.5, 3.0)
    assert curve.restored_epoch is None


def test_a_gap_in_one_training_is_a_gap_in_the_mean() -> None:
    several = [(0, "a", measured([1.0, math.nan])), (1, "b", measured([3.0, 2.0]))]
    curve = learning_curve((), RMSE, trainings=several)
    assert curve.mean is not None
    assert curve.mean.validation[0] == 2.0
    assert math.isnan(curve.mean.validation[1] or 0.0)
    assert curve.mean.train == (None, None)


def test_trainings_that_have_not_begun_are_left_out() -> None:
    curve = learning_curve((), RMSE, trainings=[(0, "a", measured([1.0])), (1, "b", [])])
    assert [each.name for each in curve.trainings] == ["a"]


def test_a_trial_without_any_epoch_has_an_empty_curve() -> None:
    curve = learning_curve((), RMSE)
    assert (curve.trainings, curve.main, curve.best_epoch, curve.gap_ratio) == ((), None, None, None)
    assert curve.shape.form is Form.UNKNOWN


def test_what_is_never_finite_has_no_best_epoch_though_training_was() -> None:
    curve = learning_curve(measured([math.inf, math.nan], [5.0, 4.0]), RMSE)
    assert curve.best_epoch is None
    assert curve.shape.form is Form.DIVERGES


@pytest.mark.parametrize(
    ("values", "min_delta", "epoch"),
    [([3.0, 2.0, 1.99, 1.5], 0.0, 4), ([3.0, 2.0, 1.99, 1.98], 0.1, 2), ([1.0, 1.0, 2.0], 0.0, 1), ([], 0.0, None)],
)
def test_the_restored_epoch_is_the_last_that_was_better_by_enough(
    values: list[float], min_delta: float, epoch: int | None
) -> None:
    stopping = EarlyStopping("val_rmse", min_delta, restore_best_weights=True)
    assert restored_epoch(measured(values), stopping, RMSE) == epoch
    assert restored_epoch(measured(values), replace(stopping, restore_best_weights=False), RMSE) is None


def test_early_stopping_may_watch_a_metric_that_is_better_when_higher() -> None:
    found = measured([0.5, 0.9, 0.8], name="accuracy")
    assert restored_epoch(found, EarlyStopping("val_accuracy", 0.0, restore_best_weights=True), ACCURACY) == 2


def test_more_than_two_decades_are_logarithmic() -> None:
    assert spans_decades([1.0, 100.1])
    assert not spans_decades([1.0, 100.0])
    assert not spans_decades([0.0, 1e6])
    assert not spans_decades([None, math.nan, math.inf])
    assert spans_decades([1.0, None, math.nan, 1e6])


def test_a_curve_is_written_as_json_without_what_is_not_finite() -> None:
    document = curve_document(learning_curve(measured([1.0, math.nan], [math.inf, 1.0]), RMSE))
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text)["trainings"][0]["validation"] == [1.0, None]
    assert document["trainings"][0]["train_x"] == [0.5, 1.5]
    assert document["shape"]["words"].startswith("no number from epoch 2")


def test_a_trial_s_curve_is_read_from_its_records(make_snapshot: Callable[..., Snapshot]) -> None:
    snapshot = make_snapshot(({"batch_size": "full"}, 0.5), ({"batch_size": 8}, None))
    stopping = {"monitor": "val_rmse", "min_delta": 0.0, "restore_best_weights": True}
    plan = {"fixed": {}, "training": {"early_stopping": stopping}, "evaluation": None}
    found = measured([3.0, 2.0, 1.0, 0.5, 0.7])

    done = trial_curve(snapshot, 0, measurements=found, plan=plan)
    assert (done.shift, done.best_epoch, done.restored_epoch) == (AN_EPOCH, 4, 4)
    running = trial_curve(snapshot, 1, measurements=found[:2], plan=plan)
    assert (running.shift, running.best_epoch) == (HALF_AN_EPOCH, 2)


def test_a_damaged_plan_takes_names_only(make_snapshot: Callable[..., Snapshot]) -> None:
    several = {0: measured([1.0]), 1: measured([2.0])}
    curve = trial_curve(make_snapshot(({}, None)), 0, measurements=(), trainings=several, plan=None)
    assert [each.name for each in curve.trainings] == ["training 1", "training 2"]


def test_trainings_have_the_names_of_the_plan(make_snapshot: Callable[..., Snapshot]) -> None:
    plan = {"evaluation": {"folds": 3, "repeats": 1, "scheme": None}}
    several = {0: measured([1.0]), 2: measured([2.0])}
    curve = trial_curve(make_snapshot(({}, None)), 0, measurements=(), trainings=several, plan=plan)
    assert [each.name for each in curve.trainings] == ["fold 1 of 3", "fold 3 of 3"]
