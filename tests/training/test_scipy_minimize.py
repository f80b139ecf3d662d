"""The scipy engine: exact derivatives, known minima, and what the rest of the program sees of an optimiser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunecli.cli.main import run
from tunecli.plan import Plan
from tunecli.study.events import Finished, from_line, to_line
from tunecli.study.trial import Outcome, Program, TrialStatus
from tunecli.training.data import search_parts
from tunecli.training.engines import ENGINES, Job, can_resume, choose_engine
from tunecli.training.engines.scipy_minimize import Objective, twin
from tunecli.training.run_trial import TrialRequest, TrialResult, build_model, run_trial
from tunecli.training.runtime import seed_everything

METHODS = ["L-BFGS-B", "TNC", "CG", "BFGS", "Newton-CG", "trust-ncg"]
LEAST_SQUARES = 1.668570
"""The RMSE of ordinary least squares on all 200 rows of Advertising."""

ALL_ROWS = {"name": "advertising", "validation": 0, "test": 0}
SCIPY = {"engine": "scipy"}
MLP = {"family": "mlp", "hidden_layers": 1, "units": 4, "activation": "tanh"}


def network(loss: Any, *, outputs: int = 1, activation: str | None = None, l2: float = 0.0) -> Any:
    import keras

    seed_everything(3)
    penalty = keras.regularizers.L2(l2) if l2 else None
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(5, activation="tanh", kernel_regularizer=penalty)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(outputs, activation=activation, kernel_regularizer=penalty)(hidden))
    model.compile("sgd", loss)
    return model


def rows(classes: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)).astype("float32")
    y = (np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:]).astype("float32")
    return x, (np.digitize(y[:, 0], [-0.5, 0.5]).astype("int32") if classes else y)


def request(plan: Plan, **changes: Any) -> dict[str, Any]:
    values = plan.complete({})
    settings = {"values": values, "engine": choose_engine(plan, values, 1, 1)[0], "seed": 7, "start_epoch": 0}
    settings |= {"keep_end": False, "state_out": Path("/nowhere/state.npz"), "save_every_s": 1e9} | changes
    return TrialRequest(plan=plan, end_epoch=plan.training.epochs, **settings).model_dump(mode="json")


def train(plan: Plan, **changes: Any) -> TrialResult:
    result = TrialResult.model_validate(run_trial(request(plan, **changes), lambda message: False))
    assert result.cause == "", result.details
    return result


def curve(result: TrialResult, metric: str = "loss") -> list[float]:
    return [each.metrics[metric] for each in result.measurements]


@pytest.fixture
def linear(make_plan: Callable[..., Plan]) -> Callable[..., Plan]:
    """A plan for a linear model of all rows of Advertising."""

    def make(**training: Any) -> Plan:
        return make_plan(dataset=ALL_ROWS, objective="rmse", training={"engine": "scipy", **training})

    return make


@pytest.mark.parametrize(
    "case",
    [
        {"loss": "mse"},
        {"loss": "mse", "l2": 0.3},
        {"loss": "sparse_categorical_crossentropy", "outputs": 3, "activation": "softmax"},
    ],
    ids=["regression", "penalised", "classes"],
)
def test_gradient_and_products_are_those_of_finite_differences(case: dict[str, Any]) -> None:
    import keras

    arrays = rows(classes=case.get("outputs", 0))
    keras.config.set_floatx("float64")
    try:
        objective = Objective(twin(network(**case), 40), arrays)
        start = objective.weights()
        _, gradient = objective.loss_and_gradient(start)
        step = 1e-5
        direction = np.random.default_rng(1).normal(size=start.size)
        ahead, behind = (objective.loss_and_gradient(start + sign * step * direction) for sign in (1, -1))
    finally:
        keras.config.set_floatx("float32")
    assert (start.dtype, gradient.dtype) == (np.float64, np.float64)
    assert gradient @ direction == pytest.approx((ahead[0] - behind[0]) / (2 * step), rel=1e-7)
    np.testing.assert_allclose(objective.product(start, direction), (ahead[1] - behind[1]) / (2 * step), atol=1e-8)


def test_a_loss_without_curvature_has_a_hessian_of_zeros() -> None:
    import keras

    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile("sgd", "mae")
    objective = Objective(twin(model, 40), rows())
    assert (objective.product(objective.weights(), np.ones(4)) == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_comes_to_least_squares(method: str, linear: Callable[..., Plan]) -> None:
    result = train(linear(method=method))
    rmse = curve(result, "rmse")
    assert rmse[-1] == pytest.approx(LEAST_SQUARES, rel=1e-4 if method in ("TNC", "CG") else 1e-6)
    assert rmse[0] > rmse[-1]
    assert len(rmse) < 500
    assert result.stopped.startswith(f"{method}: ")


def test_every_iteration_is_measured_like_an_epoch(make_plan: Callable[..., Plan]) -> None:
    messages: list[dict[str, Any]] = []
    plan = make_plan(model=MLP, training={"engine": "scipy", "max_iterations": 6})
    result = run_trial(request(plan), lambda message: bool(messages.append(message)))
    assert [message["measurement"] for message in messages] == result["measurements"]
    assert [each["epoch"] for each in result["measurements"]] == [1, 2, 3, 4, 5, 6]
    names = {"loss", "mse", "rmse", "mae", "r2"}
    assert set(result["measurements"][0]["metrics"]) == names | {f"val_{name}" for name in names}
    assert result["stopped"] == "all 6 iterations are done"
    assert result["program"] == Program.COMPILED


def test_figures_are_those_of_the_model_that_is_left(make_plan: Callable[..., Plan]) -> None:
    import keras

    plan = make_plan(model={**MLP, "l2": 2.0}, training={"engine": "scipy", "max_iterations": 5})
    parts = search_parts(plan.dataset)
    (x, y), validation = parts.parts
    model = build_model(plan, plan.complete({}), parts.signature, 7)
    before = model.get_weights()
    history = keras.callbacks.History()
    job = Job(model, (x, y), validation, len(x), 0, 5, seed=7, callbacks=[history])
    trained = ENGINES.load("scipy:BFGS").fit(job).model
    for prefix, part in (("", (x, y)), ("val_", validation)):
        figures = trained.evaluate(*part, batch_size=1000, verbose=0, return_dict=True)
        assert {name: history.history[f"{prefix}{name}"][-1] for name in figures} == pytest.approx(figures, rel=1e-6)
    kernels = [layer.kernel.numpy() for layer in trained.layers if hasattr(layer, "kernel")]
    penalty = 2.0 / (2 * len(x)) * sum((kernel**2).sum() for kernel in kernels)
    error = ((trained.predict(x, verbose=0) - y) ** 2).mean()
    assert history.history["loss"][-1] == pytest.approx(error + penalty, rel=1e-6)
    assert keras.config.floatx() == "float32"
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_penalty_of_ridge_regression_comes_to_its_solution(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(dataset=ALL_ROWS, objective="rmse", model={"family": "linear", "l2": 50.0}, training=SCIPY)
    x, y = search_parts(plan.dataset).parts[0]
    centred = x - x.mean(axis=0)
    # the derivative of the loss, 2/m · Xᵀ(Xw - y) + l2/m · w, is zero here
    kernel = np.linalg.solve(centred.T @ centred + 25.0 * np.eye(3), centred.T @ (y - y.mean()))
    rmse = np.sqrt(((centred @ kernel - (y - y.mean())) ** 2).mean())
    assert curve(train(plan), "rmse")[-1] == pytest.approx(rmse, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_early_stopping_ends_it(method: str, make_plan: Callable[..., Plan]) -> None:
    stopping = {"patience": 2, "min_delta": 100.0}
    plan = make_plan(model=MLP, training={"engine": "scipy", "method": method, "early_stopping": stopping})
    result = train(plan, keep_end=True)
    assert len(result.measurements) == 3
    assert result.stopped == "early stopping"


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_bits(method: str, make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(model=MLP, training={"engine": "scipy", "method": method, "max_iterations": 8})
    first = [each.metrics for each in train(plan).measurements]
    assert [each.metrics for each in train(plan).measurements] == first
    assert [each.metrics for each in train(plan, seed=8).measurements] != first


def test_it_begins_with_the_weights_of_other_engines() -> None:
    model = network("mse")
    for ours, theirs in zip(twin(model, 10).get_weights(), model.get_weights(), strict=True):
        assert ours.dtype == np.float64
        np.testing.assert_array_equal(ours, theirs)


def test_one_that_is_asked_to_end_ends_without_a_state(make_plan: Callable[..., Plan], tmp_path: Path) -> None:
    plan = make_plan(model=MLP, training=SCIPY)
    asked = iter([False, True])
    payload = request(plan, state_out=tmp_path / "state.npz", keep_end=True, save_every_s=0.0)
    result = TrialResult.model_validate(run_trial(payload, lambda message: next(asked)))
    assert result.is_cut
    assert len(result.measurements) == 2
    assert list(tmp_path.glob("*.npz")) == []


def test_one_that_has_ended_leaves_no_state(make_plan: Callable[..., Plan], tmp_path: Path) -> None:
    plan = make_plan(model=MLP, training={"engine": "scipy", "max_iterations": 2})
    messages: list[dict[str, Any]] = []
    payload = request(plan, state_out=tmp_path / "state.npz", keep_end=True, save_every_s=0.0)
    run_trial(payload, lambda message: bool(messages.append(message)))
    assert all("measurement" in message for message in messages)
    assert list(tmp_path.glob("*.npz")) == []


@pytest.mark.parametrize("method", METHODS)
def test_one_that_begins_at_the_minimum_is_measured_once(method: str) -> None:
    import keras

    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="zeros")(inputs))
    model.compile("sgd", "mse")
    history = keras.callbacks.History()
    x = np.eye(3, dtype="float32")
    fitted = ENGINES.load(f"scipy:{method}").fit(
        Job(model, (x, 0 * x[:, :1]), None, 3, 0, 9, seed=1, callbacks=[history])
    )
    assert history.history["loss"] == [0.0]
    assert fitted.stopped.startswith(method)


def test_a_loss_that_is_no_number_fails_the_trial(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(model={**MLP, "activation": "linear", "output_activation": "exponential"}, training=SCIPY)
    payload = request(plan)
    payload["values"]["l2"] = 1e308
    result = run_trial(payload, lambda message: False)
    assert result["cause"] == "loss is inf in epoch 1"


def test_callbacks_that_wait_for_batches_are_refused() -> None:
    import keras

    class Wait(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None: ...

    with pytest.raises(ValueError, match="needs the keras engine"):
        ENGINES.load("scipy:CG").fit(Job(network("mse"), rows(), None, 40, 0, 2, seed=1, callbacks=[Wait()]))


@pytest.mark.parametrize("method", METHODS)
def test_the_method_is_a_part_of_the_engines_name(method: str, linear: Callable[..., Plan]) -> None:
    plan = linear(method=method)
    name, reason = choose_engine(plan, plan.complete({}), 200, 2_400)
    assert (name, reason) == (f"scipy:{method}", "named in the spec")
    assert name in ENGINES.names
    assert not can_resume(name)


@pytest.mark.parametrize("engine", ["keras", "graph", "fused"])
def test_engines_that_take_steps_can_resume(engine: str) -> None:
    assert can_resume(engine)


def test_the_journal_keeps_the_reason_and_is_silent_without_one() -> None:
    event = Finished(at=1.0, trial=0, outcome=Outcome(TrialStatus.COMPLETED, score=1.0, best_epoch=1, stopped="done"))
    assert from_line(to_line(event)) == event
    other = Finished(at=1.0, trial=0, outcome=Outcome(TrialStatus.COMPLETED, score=1.0, best_epoch=1))
    assert b"stopped" not in to_line(other)
    assert from_line(to_line(other)) == other


@pytest.mark.parametrize("seed", range(10))
def test_all_infrared_readings_are_told_apart(
    seed: int, configs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = [f"--set={each}" for each in (f"seed={seed}", "search_space.l2=0.01", "baselines=false")]
    search = ["search", str(configs / "infrared.yaml"), *changes, "--runs", str(tmp_path), "--quiet", "--json"]
    assert run(search) == 0
    (trial,) = json.loads(capsys.readouterr().out)["trials"]
    assert trial["score"] == 1.0
    assert run(["show", "infrared", "0", "--runs", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stopped"].startswith("L-BFGS-B: CONVERGENCE")
    lines = (tmp_path / "infrared" / "trials" / "0" / "epochs.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["metrics"]["accuracy"] == 1.0, "at the last iteration, too"


@pytest.mark.parametrize("seed", [0, 1])
def test_without_normalisation_the_same_network_gets_stuck(
    seed: int, configs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (f"seed={seed}", "search_space.l2=0.01", "baselines=false", "model.normalization=none")
    search = ["search", str(configs / "infrared.yaml"), *(f"--set={each}" for each in settings)]
    assert run([*search, "--runs", str(tmp_path), "--quiet", "--json"]) == 0
    (trial,) = json.loads(capsys.readouterr().out)["trials"]
    assert trial["score"] < 0.95
