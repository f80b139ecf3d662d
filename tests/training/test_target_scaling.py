"""Training in scaled units: what is reported stays in those of the target, in every engine, state and file."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

import tunecli.datasets
from tests.training.test_run_trial import curve, run
from tunecli.plan import Plan
from tunecli.study.trial import Program
from tunecli.training.data import search_parts
from tunecli.training.engines import ENGINES, Job
from tunecli.training.engines.fused import FusedEngine
from tunecli.training.fitted_layers import fit_layers
from tunecli.training.run_trial import build_model

MakePlan = Callable[..., Plan]
ADVERTISING = Path(tunecli.datasets.__file__).parent / "data" / "advertising.csv"
MLP = {"family": "mlp", "units": 4, "hidden_layers": 1, "activation": "tanh"}
SPACE = {"target_scaling": ["none", "standard", "minmax"], "output_activation": ["auto", "sigmoid", "tanh", "softplus"]}


@pytest.fixture
def plan(make_plan: MakePlan) -> Plan:
    return make_plan(model=MLP, search_space=SPACE)


def built(plan: Plan, targets: Any = None, **values: Any) -> tuple[Any, Any]:
    """A model, fitted but not trained, and its training part."""
    parts = search_parts(plan.dataset)
    inputs, own = parts.parts[0]
    train = inputs, own if targets is None else targets
    model = build_model(plan, plan.complete(values), parts.signature, seed=5)
    fit_layers(model, train)
    return model, train


def trained(engine: Any, plan: Plan, targets: Any = None, epochs: int = 4, **values: Any) -> tuple[Any, Any, Program]:
    model, train = built(plan, targets, **values)
    fitted = engine.fit(Job(model, train, train, 32, 0, epochs, seed=5))
    return fitted.model.get_weights(), fitted.model.predict(train[0], verbose=0), fitted.program


@pytest.mark.parametrize(("method", "divisor"), [("standard", np.std), ("minmax", np.ptp)])
def test_the_loss_is_in_scaled_units_and_every_metric_in_those_of_the_target(
    plan: Plan, method: str, divisor: Callable[[Any], float]
) -> None:
    targets = search_parts(plan.dataset).parts[0][1]
    metrics = run(plan, 3, target_scaling=method).measurements[-1].metrics
    assert metrics["val_loss"] == pytest.approx(metrics["val_mse"] / float(divisor(targets)) ** 2, rel=1e-4)
    assert metrics["val_rmse"] == pytest.approx(metrics["val_mse"] ** 0.5, rel=1e-5)
    assert metrics["val_rmse"] < 30
    plain = run(plan, 3).measurements[-1].metrics
    assert plain["val_loss"] == pytest.approx(plain["val_mse"])


@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_it_learns_what_a_plain_training_on_scaled_targets_learns(plan: Plan, method: str) -> None:
    targets = search_parts(plan.dataset).parts[0][1]
    scale, offset = (targets.std(), targets.mean()) if method == "standard" else (np.ptp(targets), targets.min())
    plain, predicted, _ = trained(ENGINES.load("keras"), plan, (targets - offset) / scale)
    ours, in_units, _ = trained(ENGINES.load("keras"), plan, target_scaling=method)
    for mine, other in zip(ours, [*plain, scale, offset], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(in_units, predicted * scale + offset, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("engine", ["graph", "fused"])
def test_engines_agree(plan: Plan, engine: str) -> None:
    theirs = trained(ENGINES.load("keras"), plan, target_scaling="standard")
    ours = trained(ENGINES.load(engine), plan, target_scaling="standard")
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("use_xla", [False, True])
def test_a_program_is_used_again_for_other_targets_and_does_not_remember_the_first(plan: Plan, use_xla: bool) -> None:
    other = search_parts(plan.dataset).parts[0][1] * 100 + 7
    values: dict[str, Any] = {"target_scaling": "minmax", "output_activation": "sigmoid"}
    engine = FusedEngine(use_xla=use_xla)
    trained(engine, plan, **values)
    again = trained(engine, plan, other, **values)
    fresh = trained(FusedEngine(use_xla=use_xla), plan, other, **values)
    assert (again[2], fresh[2]) == (Program.REUSED, Program.COMPILED)
    for mine, its in zip(again[0], fresh[0], strict=True):
        assert mine.tobytes() == its.tobytes()


@pytest.mark.parametrize("engine", ["keras", "graph", "fused"])
def test_a_training_cut_in_two_goes_on_as_if_it_had_not_been(plan: Plan, tmp_path: Path, engine: str) -> None:
    state = tmp_path / "state.npz"
    whole = run(plan, 4, engine=engine, target_scaling="standard")
    first = run(plan, 2, into=state, engine=engine, target_scaling="standard")
    second = run(plan, 4, start=2, out_of=state, engine=engine, target_scaling="standard")
    assert curve(first, second) == curve(whole)


def test_a_saved_model_predicts_and_scores_as_it_did(plan: Plan, tmp_path: Path) -> None:
    import keras

    model, train = built(plan, target_scaling="standard", loss="mse")
    model = ENGINES.load("graph").fit(Job(model, train, None, 32, 0, 3, seed=5)).model
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(train[0], verbose=0), model.predict(train[0], verbose=0))
    ours, theirs = (each.evaluate(*train, verbose=0, return_dict=True) for each in (model, loaded))
    assert theirs == pytest.approx(ours, rel=1e-5)
    loaded.fit(*train, verbose=0)
    loaded.save(tmp_path / "again.keras")
    assert (
        keras.models.load_model(tmp_path / "again.keras").loss.get_config()["loss"] == model.loss.get_config()["loss"]
    )


@pytest.mark.parametrize(("activation", "low", "high"), [("sigmoid", 0, 1), ("tanh", -1, 1), ("softplus", 0, math.inf)])
def test_minmax_puts_targets_into_the_range_of_the_activation(
    plan: Plan, activation: str, low: float, high: float
) -> None:
    model, (_, targets) = built(plan, target_scaling="minmax", output_activation=activation)
    layer = model.layers[-1]
    ends = [(float(end) - float(layer.offset)) / float(layer.scale) for end in (targets.min(), targets.max())]
    assert ends == pytest.approx([low, min(high, 1)], abs=1e-6)
    assert run(plan, 1, target_scaling="minmax", output_activation=activation).cause == ""


def test_scipy_minimises_the_scaled_loss(make_plan: MakePlan) -> None:
    plan = make_plan(model=MLP | {"target_scaling": "standard"}, training={"engine": "scipy", "max_iterations": 30})
    metrics = run(plan, 30, engine="scipy:L-BFGS-B").measurements[-1].metrics
    targets = search_parts(plan.dataset).parts[0][1]
    assert metrics["loss"] == pytest.approx(metrics["mse"] / targets.var(), rel=1e-4)
    assert metrics["r2"] > 0.95


def test_equal_targets_are_only_shifted(plan: Plan) -> None:
    model, _ = built(plan, np.full((160, 1), 42.0, dtype=np.float32), target_scaling="standard")
    layer = model.layers[-1]
    assert (float(layer.scale), float(layer.offset)) == (1, 42)


@pytest.fixture
def two(make_plan: MakePlan) -> Plan:
    """Two targets of other units: sales in thousands, and thousands of dollars."""
    dataset = {"name": "csv", "path": str(ADVERTISING), "target": ["sales", "newspaper"]}
    return make_plan(dataset=dataset, model=MLP, search_space=SPACE)


@pytest.mark.parametrize(("method", "divisor"), [("standard", np.std), ("minmax", np.ptp)])
def test_each_target_is_scaled_by_itself(two: Plan, method: str, divisor: Callable[..., Any]) -> None:
    model, (_, targets) = built(two, target_scaling=method)
    layer = model.layers[-1]
    np.testing.assert_allclose(layer.scale, divisor(targets.astype(float), axis=0), rtol=1e-6)
    offset = targets.astype(float).mean(axis=0) if method == "standard" else targets.min(axis=0)
    np.testing.assert_allclose(layer.offset, offset, rtol=1e-6)
    metrics = run(two, 3, target_scaling=method).measurements[-1].metrics
    assert metrics["val_rmse"] == pytest.approx(metrics["val_mse"] ** 0.5, rel=1e-5)
    assert metrics["val_loss"] < metrics["val_mse"] / 20


def test_of_several_targets_one_that_never_varies_is_only_shifted(two: Plan) -> None:
    targets = np.stack([np.arange(160.0), np.full(160, 42.0)], axis=1).astype(np.float32)
    model, _ = built(two, targets[:120], target_scaling="standard")
    layer = model.layers[-1]
    np.testing.assert_allclose(layer.scale, [np.arange(120.0).std(), 1], rtol=1e-6)
    np.testing.assert_allclose(layer.offset, [59.5, 42], rtol=1e-6)


@pytest.mark.parametrize("engine", ["keras", "graph", "fused"])
def test_a_training_on_several_targets_goes_on_as_if_it_had_not_been_cut(
    two: Plan, tmp_path: Path, engine: str
) -> None:
    state = tmp_path / "state.npz"
    whole = run(two, 4, engine=engine, target_scaling="standard")
    first = run(two, 2, into=state, engine=engine, target_scaling="standard")
    second = run(two, 4, start=2, out_of=state, engine=engine, target_scaling="standard")
    assert curve(first, second) == curve(whole)


def test_a_saved_model_of_several_targets_scores_as_it_did(two: Plan, tmp_path: Path) -> None:
    import keras

    model, train = built(two, target_scaling="minmax", loss="mae")
    model = ENGINES.load("graph").fit(Job(model, train, None, 32, 0, 3, seed=5)).model
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    ours, theirs = (each.evaluate(*train, verbose=0, return_dict=True) for each in (model, loaded))
    assert theirs == pytest.approx(ours, rel=1e-5)


def test_a_target_that_an_activation_cannot_reach_is_named(two: Plan) -> None:
    cause = run(two, 1, output_activation="sigmoid").cause
    assert cause.startswith("'sales' is 1.6 … 27, which output_activation: sigmoid (0 … 1) cannot reach")


def test_an_activation_that_cannot_reach_the_targets_fails_its_trial(plan: Plan) -> None:
    cause = run(plan, 1, output_activation="tanh").cause
    expected = "'sales' is 1.6 … 27, which output_activation: tanh (-1 … 1) cannot reach: write target_scaling: minmax"
    assert cause.startswith(expected)
    cause = run(plan, 1, output_activation="softplus", target_scaling="standard").cause
    assert "output_activation: softplus (from 0) cannot reach" in cause
    assert run(plan, 1, output_activation="softplus").cause == ""
