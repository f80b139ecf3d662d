"""Simple models: the same rows, metrics and units as the trials'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tunecli.datasets
from tunecli.datasets.base import Columns, RawData
from tunecli.datasets.split import Split
from tunecli.datasets.stored import store
from tunecli.families.compiling import compile_model
from tunecli.plan import Plan
from tunecli.spec.experiment import Task
from tunecli.study.baseline import Baseline
from tunecli.study.objective import metric_names
from tunecli.training import baselines
from tunecli.training.baselines import baseline_names, fit_baseline
from tunecli.training.data import load, search_parts, trial_parts
from tunecli.training.metrics import class_metrics, label_metrics, regression_metrics

Make = Callable[..., Plan]
ADVERTISING = Path(tunecli.datasets.__file__).parent / "data" / "advertising.csv"


def fit(plan: Plan, name: str, folder: Path, data: RawData | None = None, parts: Split | None = None) -> Baseline:
    if data is None or parts is None:
        data, parts = load(plan.dataset)
    if not folder.exists():
        store(folder, data, parts)
    said: list[dict[str, Any]] = []

    def report(message: dict[str, Any]) -> bool:
        said.append(message)
        return False

    request = {"plan": plan.model_dump(mode="json"), "name": name, "data": str(folder)}
    found = Baseline.model_validate(fit_baseline(request, report))
    assert said == [{"rows": found.rows}]
    return found


def images(task: Task, classes: int, rows: int = 60) -> RawData:
    """Images whose first pixel tells the class."""
    codes = np.arange(rows) % classes
    pixels = np.zeros((rows, 4, 4, 1), np.uint8)
    pixels[:, 0, 0, 0] = 255 * codes // (classes - 1)
    none = np.zeros((rows, 0))
    columns = Columns(none, (), none.astype(np.int32), images=pixels)
    return RawData(task, columns, codes, "class", tuple("abc"[:classes]))


def halves(rows: int) -> Split:
    numbers = np.arange(rows)
    return Split(train=numbers[: rows // 2], validation=numbers[rows // 2 :], test=numbers[:0])


@pytest.mark.parametrize("name", baseline_names(Task.REGRESSION))
def test_every_baseline_has_the_metrics_of_a_trial(name: str, make_plan: Make, tmp_path: Path) -> None:
    plan = make_plan()
    found = fit(plan, name, tmp_path / "data")
    assert set(found.metrics) == set(metric_names(Task.REGRESSION, validation=True))
    assert found.score == found.metrics["val_rmse"]
    again = fit(plan, name, tmp_path / "data")
    assert again.metrics == found.metrics


def test_the_closed_forms_come_out_on_the_training_rows_alone(make_plan: Make, tmp_path: Path) -> None:
    plan = make_plan()
    (x, y), (x_val, y_val) = search_parts(plan.dataset).parts
    mean = np.sqrt(np.mean((y.astype(float).mean() - y_val) ** 2))
    weights = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]).astype(float), y.astype(float), rcond=None)[0]
    least = np.sqrt(np.mean((np.column_stack([x_val, np.ones(len(x_val))]) @ weights - y_val) ** 2))

    assert fit(plan, "mean", tmp_path / "data").score == pytest.approx(mean, rel=1e-6)
    assert fit(plan, "least squares", tmp_path / "data").score == pytest.approx(least, rel=1e-6)


def test_under_cross_validation_the_score_is_the_mean_over_the_same_folds(make_plan: Make, tmp_path: Path) -> None:
    plan = make_plan(evaluation={"folds": 3, "repeats": 2})
    scores = []
    for number in range(3):
        (_, y), _, (_, y_fold) = trial_parts(plan, number, None).parts
        scores.append(np.sqrt(np.mean((y.astype(float).mean() - y_fold) ** 2)))
    found = fit(plan, "mean", tmp_path / "data")
    assert found.score == pytest.approx(np.mean(scores), rel=1e-6)
    assert {"fold_rmse", "val_rmse", "rmse"} <= found.metrics.keys()


def test_a_training_objective_is_scored_on_the_training_rows(make_plan: Make, tmp_path: Path) -> None:
    plan = make_plan(dataset={"name": "advertising", "validation": 0}, objective="rmse")
    found = fit(plan, "least squares", tmp_path / "data")
    assert set(found.metrics) == set(metric_names(Task.REGRESSION, validation=False))
    assert found.score == found.metrics["rmse"]


def test_a_loss_that_is_searched_is_not_compared(make_plan: Make, tmp_path: Path) -> None:
    found = fit(make_plan(search_space={"loss": ["mse", "mae"]}), "mean", tmp_path / "data")
    assert "val_loss" not in found.metrics
    found = fit(make_plan(model={"family": "linear", "loss": "mae"}), "mean", tmp_path / "data")
    assert found.metrics["val_loss"] == found.metrics["val_mae"]


@pytest.mark.parametrize("name", baseline_names(Task.MULTICLASS))
@pytest.mark.parametrize(("task", "classes"), [(Task.BINARY, 2), (Task.MULTICLASS, 3)])
def test_images_are_flattened(task: Task, classes: int, name: str, make_plan: Make, tmp_path: Path) -> None:
    plan = make_plan().model_copy(update={"task": task})
    plan = plan.model_copy(update={"objective": plan.objective.model_copy(update={"metric": "val_accuracy"})})
    data = images(task, classes)
    found = fit(plan, name, tmp_path / "data", data, halves(len(data.target)))
    assert set(found.metrics) == set(metric_names(task, validation=True))
    if name == "majority class":
        assert found.score == pytest.approx(1 / classes)
        assert found.metrics["val_loss"] == pytest.approx(np.log(classes))
    if name == "logistic regression":
        assert found.score == 1.0


def test_a_class_that_was_not_fitted_is_impossible(make_plan: Make, tmp_path: Path) -> None:
    data = images(Task.MULTICLASS, 3)
    codes = np.array([0, 2] * 15 + [1] * 30)
    data = RawData(data.task, data.columns, codes, "class", data.classes)
    plan = make_plan().model_copy(update={"task": Task.MULTICLASS})
    found = fit(plan, "majority class", tmp_path / "data", data, halves(60))
    assert found.metrics["val_accuracy"] == 0
    assert found.metrics["val_loss"] == pytest.approx(-np.log(1e-7), rel=1e-3)
    assert (found.score, found.cause) == (None, "has no val_rmse to compare")


def test_large_data_are_thinned_out(make_plan: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = baselines._KINDS[Task.REGRESSION]
    thinned = tuple(replace(kind, most_rows=lambda size: 10) for kind in kinds)
    monkeypatch.setitem(baselines._KINDS, Task.REGRESSION, thinned)
    found = fit(make_plan(), "least squares", tmp_path / "data")
    assert (found.rows, found.train_rows) == (10, 120)


def test_tables_are_fitted_whole_and_images_are_not() -> None:
    table, images = baselines.Size(12_384, 8, 1), baselines.Size(48_000, 784, 10)
    for kind in baselines._KINDS[Task.REGRESSION]:
        assert kind.most_rows(table) >= table.rows
        assert kind.note(table) == ""
    for kind in baselines._KINDS[Task.MULTICLASS][1:]:
        assert 1_000 < kind.most_rows(images) < images.rows
    assert baselines._KINDS[Task.MULTICLASS][3].note(images).endswith(" of 100 rounds")


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_regression_is_measured_as_keras_does(loss: str, make_plan: Make, tmp_path: Path) -> None:
    import keras

    plan = make_plan(model={"family": "linear", "loss": loss})
    (x, y), _ = search_parts(plan.dataset).parts
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    compile_model(model, plan.task, plan.complete({}))
    theirs = model.evaluate(x, y, return_dict=True, verbose=0)
    predicted = model.predict(x, verbose=0)[:, 0].astype(np.float64)
    ours = regression_metrics(y[:, 0].astype(np.float64), predicted, loss=baselines._loss(plan))
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_classes_are_measured_as_keras_does() -> None:
    import keras

    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.1] * 4, size=50).astype(np.float32)
    codes = rng.integers(0, 4, size=50)
    ours = class_metrics(codes, probabilities.astype(np.float64))
    loss = np.mean(keras.losses.sparse_categorical_crossentropy(codes, probabilities))
    accuracy = np.mean(keras.metrics.sparse_categorical_accuracy(codes, probabilities))
    assert ours == pytest.approx({"loss": float(loss), "accuracy": float(accuracy)}, rel=1e-4)


@pytest.mark.parametrize("name", baseline_names(Task.REGRESSION))
def test_several_targets_are_fitted_together(name: str, make_plan: Make, tmp_path: Path) -> None:
    plan = make_plan(dataset={"name": "csv", "path": str(ADVERTISING), "target": ["sales", "radio"]})
    found = fit(plan, name, tmp_path / "data")
    assert set(found.metrics) == set(metric_names(Task.REGRESSION, validation=True))
    if name == "mean":
        (_, y), (_, y_val) = search_parts(plan.dataset).parts
        assert found.score == pytest.approx(np.sqrt(np.mean((y.astype(float).mean(axis=0) - y_val) ** 2)), rel=1e-6)


def labels(rows: int = 60) -> RawData:
    """Three labels, two of which follow from the column."""
    numbers = np.linspace(-1, 1, rows)[:, np.newaxis]
    holds = np.stack([numbers[:, 0] > 0, numbers[:, 0] < 0.5, np.arange(rows) % 3 == 0], axis=1)
    columns = Columns(numbers, ("x",), np.empty((rows, 0), dtype=np.int32))
    return RawData(Task.MULTILABEL, columns, holds.astype(np.int64), "a, b, c", targets=("a", "b", "c"))


@pytest.mark.parametrize("name", baseline_names(Task.MULTILABEL))
def test_labels_are_fitted_one_by_one(name: str, make_plan: Make, tmp_path: Path) -> None:
    changes = {"task": Task.MULTILABEL, "targets": ("a", "b", "c")}
    plan = make_plan().model_copy(update=changes)
    plan = plan.model_copy(update={"objective": plan.objective.model_copy(update={"metric": "val_auc"})})
    data = labels()
    found = fit(plan, name, tmp_path / "data", data, Split(np.arange(0, 60, 2), np.arange(1, 60, 2), np.arange(0)))
    assert set(found.metrics) == set(metric_names(Task.MULTILABEL, validation=True))
    if name == "label frequencies":
        assert found.score == 0.5
    if name == "logistic regression":
        assert found.score is not None
        assert found.score > 0.75


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_measured_as_keras_does(seed: int) -> None:
    import keras

    rng = np.random.default_rng(seed)
    truth = (rng.random((50, 4)) < [0.5, 0.2, 0.9, 0]).astype(np.float32)  # the last one never holds
    probabilities = rng.random((50, 4)).astype(np.float32)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Identity()])
    compile_model(model, Task.MULTILABEL, {"loss": "binary_crossentropy", "optimizer": "sgd"})
    theirs = model.evaluate(probabilities, truth, return_dict=True, verbose=0)
    assert label_metrics(truth, probabilities.astype(np.float64)) == pytest.approx(theirs, rel=1e-4)


@pytest.mark.usefixtures("real_data")
def test_california_house_values(make_plan: Make, tmp_path: Path) -> None:
    plan = make_plan(dataset="california_housing")
    names = ("mean", "least squares", "HistGradientBoosting")
    scores = {name: fit(plan, name, tmp_path / "data").score or 0.0 for name in names}
    assert scores["mean"] == pytest.approx(1.15, abs=0.05)
    assert scores["least squares"] == pytest.approx(0.73, abs=0.03)
    assert scores["HistGradientBoosting"] < 0.5
