"""A model with an auxiliary output, under every engine, and from there to what is kept and averaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.training.test_fused import FUSED, ROWS, arrays, assert_alike, double, train
from tunecli.families.base import DataSignature
from tunecli.families.compiling import LOSSES, compile_model, shared_hyperparameters
from tunecli.families.two_outputs import TwoOutputs
from tunecli.families.wide_deep import FAMILY
from tunecli.spec.experiment import Task
from tunecli.study.objective import metric_names
from tunecli.study.trial import Program
from tunecli.training.engines.fused import FusedEngine
from tunecli.training.ensemble import Ensemble
from tunecli.training.evaluate import evaluate, evaluate_predictions, predict
from tunecli.training.runtime import seed_everything
from tunecli.training.state import capture, restore

__all__ = ["double"]


def build(task: Task = Task.REGRESSION, seed: int = 3, **values: Any) -> Any:
    everything = {"units": 6, "activation": "tanh", "aux_weight": 0.25, **values}
    for each in (*FAMILY.hyperparameters, *shared_hyperparameters(task)):
        if each.name not in everything and each.applies_to(everything):
            everything[each.name] = each.default
    seed_everything(seed)
    inputs = {"wide": (0, 1, 2), "deep": (2, 3)}
    outputs = 3 if task in (Task.MULTICLASS, Task.MULTILABEL) else 1
    model = FAMILY.build(DataSignature(task, (4,), outputs, inputs=inputs), everything)
    compile_model(model, task, everything)
    return model


def data(task: Task = Task.REGRESSION, dtype: str = "float32") -> tuple[Any, Any]:
    x, y = arrays(task, dtype)
    return {"wide": x[:, :3], "deep": x[:, 2:]}, y


@pytest.mark.parametrize("task", Task)
def test_it_yields_the_metrics_that_the_objectives_name(task: Task) -> None:
    figures = evaluate(build(task), data(task))
    assert set(figures) == set(metric_names(task, validation=False, auxiliary=True))


@pytest.mark.parametrize(("task", "loss"), [(task, loss) for task, losses in LOSSES.items() for loss in losses])
def test_the_loss_is_the_weighted_sum_of_both_outputs_and_the_penalty(task: Task, loss: str) -> None:
    model = build(task, loss=loss, l2=0.1, **({"huber_delta": 0.5} if loss == "huber" else {}))
    x, y = data(task)
    figures, outputs = evaluate(model, (x, y)), model.predict(x, verbose=0)
    functions = {"huber": lambda y, p: keras.losses.huber(y, p, 0.5)}
    for name in ("main", "aux"):
        mean = float(np.mean(functions.get(loss, keras.losses.get(loss))(y, outputs[name])))
        assert figures[f"{name}_loss"] == pytest.approx(mean, rel=1e-5)
    both = 0.75 * figures["main_loss"] + 0.25 * figures["aux_loss"]  # type: ignore[operator]
    assert figures["loss"] == pytest.approx(both + float(sum(model.losses)), rel=1e-5)


def test_the_plain_metrics_are_those_of_the_main_output() -> None:
    model = build()
    x, y = data()
    figures, outputs = evaluate(model, (x, y)), model.predict(x, verbose=0)
    rmse = {name: float(np.sqrt(np.mean((outputs[name] - y) ** 2))) for name in outputs}
    assert figures["rmse"] == pytest.approx(rmse["main"], rel=1e-5)
    assert figures["aux_rmse"] == pytest.approx(rmse["aux"], rel=1e-5)
    assert rmse["main"] != pytest.approx(rmse["aux"], rel=1e-2)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("engine", FUSED)
@pytest.mark.parametrize("task", [Task.REGRESSION, Task.MULTICLASS])
def test_engines_give_what_fit_gives_a_shorter_last_batch_included(engine: str, task: Task) -> None:
    assert ROWS % 16, "the case is meant to have one"
    values = {"l2": 0.01, "batch_normalization": True}
    ours = train(engine, build(task, **values), data(task, "float64"))
    assert_alike(ours, train("keras", build(task, **values), data(task, "float64")), 1e-8)
    assert "val_aux_loss" in ours[1]


def test_a_program_is_not_used_again_for_another_weight_and_is_for_another_rate() -> None:
    engine = FusedEngine(use_xla=False)
    train(engine, build(), data(), epochs=1)
    same = train(engine, build(learning_rate=0.1), data(), epochs=1)
    other = train(engine, build(aux_weight=0.5), data(), epochs=1)
    assert (same[0].program, other[0].program) == (Program.REUSED, Program.COMPILED)
    assert_alike(other, train("keras", build(aux_weight=0.5), data(), epochs=1), 1e-4)


def test_the_auxiliary_output_trains_the_deep_path() -> None:
    """With the whole loss on it, nearly, the main output hardly moves, and the deep layers do as it wants."""
    before = build(aux_weight=0.999)
    weights = {layer.name: layer.get_weights() for layer in before.layers}
    model = train("graph", before, data(), epochs=20)[0].model
    figures = evaluate(model, data())
    assert figures["aux_mse"] < 0.8 * evaluate(build(), data())["aux_mse"]  # type: ignore[operator]
    assert not np.allclose(model.get_layer("hidden_1").get_weights()[0], weights["hidden_1"][0])


def test_a_state_goes_on_to_the_bit() -> None:
    def fit(model: Any, begin: int, end: int) -> Any:
        from tunecli.training.engines import ENGINES, Job

        return ENGINES.load("graph").fit(Job(model, data(), data(), 16, begin, end, 11)).model

    whole = fit(build(dropout=0.2), 0, 4).get_weights()
    half = capture(fit(build(dropout=0.2), 0, 2), None, epoch=2)
    again = build(dropout=0.2)
    restore(half, again)
    for ours, theirs in zip(fit(again, 2, 4).get_weights(), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_kept_model_is_the_same_after_reloading(tmp_path: Path) -> None:
    model = train("graph", build(l2=0.01), data(), epochs=1)[0].model
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(reloaded, TwoOutputs)
    assert evaluate(reloaded, data()) == pytest.approx(evaluate(model, data()), rel=1e-6)
    for name, predicted in predict(model, data()).items():
        np.testing.assert_array_equal(predict(reloaded, data())[name], predicted)


def test_predictions_evaluate_as_the_model_does_and_members_are_averaged_output_by_output() -> None:
    part, models = data(), [build(seed=seed, l2=0.1) for seed in (1, 2)]
    figures = evaluate(models[0], part)
    again = evaluate_predictions(models[0], part, predict(models[0], part))
    penalty = float(sum(models[0].losses))
    assert again == pytest.approx({**figures, "loss": figures["loss"] - penalty}, rel=1e-5)  # type: ignore[operator]

    ensemble = Ensemble({"test": part})
    for model in models:
        ensemble.add(model, {"test": evaluate(model, part)})
    mean = np.mean([predict(model, part)["aux"] for model in models], axis=0)
    rmse = float(np.sqrt(np.mean((mean - part[1]) ** 2)))
    assert ensemble.evaluate("test")["aux_rmse"] == pytest.approx(rmse, rel=1e-5)
