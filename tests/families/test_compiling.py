from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tunecli.families.base import Hyperparameter
from tunecli.families.compiling import (
    LOSSES,
    OPTIMIZER_HYPERPARAMETERS,
    OPTIMIZERS,
    build_optimizer,
    compile_model,
    shared_hyperparameters,
)
from tunecli.spec.experiment import Task
from tunecli.spec.space import Kind, Value, Values
from tunecli.study.objective import metric_names

TASKS = [pytest.param(task, id=task) for task in Task]


def read_by(optimizer: str) -> list[Hyperparameter]:
    return [each for each in OPTIMIZER_HYPERPARAMETERS[1:] if each.applies_to({"optimizer": optimizer})]


def unusual(hyperparameter: Hyperparameter) -> Value:
    """A legal value that is nobody's default."""
    return True if hyperparameter.kind is Kind.CHOICE else 0.375


def tiny_model(task: Task, values: Values | None = None) -> keras.Model:
    outputs, activation = {
        Task.REGRESSION: (1, "linear"),
        Task.BINARY: (1, "sigmoid"),
        Task.MULTICLASS: (3, "softmax"),
        Task.MULTILABEL: (2, "sigmoid"),
    }[task]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(outputs, activation)])
    defaults = {each.name: each.default for each in reversed(shared_hyperparameters(task))}
    compile_model(model, task, defaults | {"optimizer": "adam", "learning_rate": 0.001} | (values or {}))
    return model


def evaluate(model: keras.Model, inputs: Any, targets: Any, **options: Any) -> dict[str, float]:
    return model.evaluate(np.asarray(inputs, "float32"), np.asarray(targets), return_dict=True, verbose=0, **options)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_hyperparameter_of_an_optimizer_reaches_it(optimizer: str) -> None:
    wanted = {each.name: unusual(each) for each in read_by(optimizer)}
    config = build_optimizer({"optimizer": optimizer, **wanted}).get_config()

    assert {name: pytest.approx(config[name]) for name in wanted} == wanted


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_defaults_are_those_of_keras(optimizer: str) -> None:
    built = build_optimizer({"optimizer": optimizer}).get_config()

    for each in read_by(optimizer):
        assert built[each.name] == pytest.approx(each.default), each.name


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_optimizer_has_one_hyperparameter_of_a_name(optimizer: str) -> None:
    names = [each.name for each in read_by(optimizer)]

    assert len(names) == len(set(names))
    assert "learning_rate" in names


def test_what_another_optimizer_reads_is_left_out() -> None:
    assert "momentum" not in build_optimizer({"optimizer": "adam", "momentum": 0.9}).get_config()


@pytest.mark.parametrize("task", TASKS)
def test_a_training_yields_the_metrics_that_the_objectives_name(task: Task) -> None:
    model = tiny_model(task)
    targets = [[0, 1], [1, 1], [1, 0]] if task is Task.MULTILABEL else [[0], [1], [1]]
    figures = evaluate(model, [[0, 1], [1, 0], [1, 1]], targets)

    assert set(figures) == set(metric_names(task, validation=False))


@pytest.mark.parametrize(("task", "loss"), [(task, loss) for task, losses in LOSSES.items() for loss in losses])
def test_every_loss_trains(task: Task, loss: str) -> None:
    model = tiny_model(task, {"loss": loss})

    targets = np.ones((4, 2 if task is Task.MULTILABEL else 1))
    assert np.isfinite(model.train_on_batch(np.ones((4, 2)), targets)[0])


def test_huber_turns_at_delta() -> None:
    model = tiny_model(Task.REGRESSION, {"loss": "huber", "huber_delta": 2.0})
    model.set_weights([np.zeros((2, 1)), np.zeros(1)])

    assert evaluate(model, [[1, 1]], [[10.0]])["loss"] == pytest.approx(2.0 * (10 - 1))


def test_huber_delta_belongs_to_regression_alone() -> None:
    assert "huber_delta" in {each.name for each in shared_hyperparameters(Task.REGRESSION)}
    assert "huber_delta" not in {each.name for each in shared_hyperparameters(Task.BINARY)}


def test_regression_metrics_are_those_of_the_definition() -> None:
    model = tiny_model(Task.REGRESSION)
    model.set_weights([np.array([[1.0], [0.0]]), np.zeros(1)])
    figures = evaluate(model, [[1, 0], [2, 0], [4, 0]], [[1.0], [3.0], [2.0]])

    assert figures["mse"] == pytest.approx(5 / 3)
    assert figures["rmse"] == pytest.approx((5 / 3) ** 0.5)
    assert figures["mae"] == pytest.approx(1.0)
    assert figures["r2"] == pytest.approx(1 - 5 / 2)


def test_r2_is_exact_for_targets_far_from_zero() -> None:
    random = np.random.default_rng(0)
    predicted = (2000 + 10 * random.standard_normal((2000, 1))).astype("float32")
    targets = predicted + 5 * random.standard_normal((2000, 1)).astype("float32")
    model = tiny_model(Task.REGRESSION)
    model.set_weights([np.array([[1.0], [0.0]]), np.zeros(1)])
    figures = evaluate(model, np.hstack([predicted, predicted]), targets, batch_size=32)

    exact = targets.astype("float64")
    expected = 1 - ((exact - predicted) ** 2).sum() / ((exact - exact.mean()) ** 2).sum()
    assert figures["r2"] == pytest.approx(expected, abs=1e-6)


def test_r2_of_a_single_row_is_zero() -> None:
    assert evaluate(tiny_model(Task.REGRESSION), [[1, 1]], [[5.0]])["r2"] == 0


def test_summing_in_double_precision_leaves_the_rest_in_single() -> None:
    tiny_model(Task.REGRESSION)

    assert keras.config.floatx() == "float32"
    assert keras.layers.Dense(1).compute_dtype == "float32"
