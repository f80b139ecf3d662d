"""The fused engine against `keras.Model.fit`: the same weights, the same histories, the same callbacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunecli.families.base import DataSignature
from tunecli.families.compiling import OPTIMIZERS, compile_model, shared_hyperparameters
from tunecli.families.mlp import FAMILY as MLP
from tunecli.spec.experiment import Task
from tunecli.study.trial import Program
from tunecli.training.engines import ENGINES, Fitted, Job
from tunecli.training.engines.fused import FusedEngine
from tunecli.training.runtime import seed_everything

FUSED = ("graph", "fused")
ROWS = 70


@pytest.fixture
def double() -> Iterator[None]:
    """Counts in float64, so that engines differ by rounding alone."""
    import keras

    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


def arrays(task: Task, dtype: str = "float64") -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS, 4)).astype(dtype)
    signal = x[:, :1] * x[:, 1:2] + x[:, 2:3]
    if task is Task.REGRESSION:
        return x, signal
    if task is Task.BINARY:
        return x, (signal > 0).astype(dtype)
    return x, np.digitize(signal[:, 0], [-0.5, 0.5]).astype("int32")


def build(task: Task, seed: int = 3, **values: Any) -> Any:
    everything = {"units": 6, "hidden_layers": 2, "activation": "tanh", **values}
    for each in (*MLP.hyperparameters, *shared_hyperparameters(task)):
        if each.name not in everything and each.applies_to(everything):
            everything[each.name] = each.default
    seed_everything(seed)
    model = MLP.build(DataSignature(task, (4,), 3 if task is Task.MULTICLASS else 1), everything)
    compile_model(model, task, everything)
    return model


def train(engine: Any, model: Any, data: Any, *callbacks: Any, epochs: int = 3, seed: int = 11) -> tuple[Fitted, Any]:
    import keras

    history = keras.callbacks.History()
    member = ENGINES.load(engine) if isinstance(engine, str) else engine
    fitted = member.fit(Job(model, data, data, 16, 0, epochs, seed, callbacks=[*callbacks, history]))
    return fitted, history.history


def assert_alike(ours: tuple[Fitted, Any], theirs: tuple[Fitted, Any], tolerance: float) -> None:
    for mine, other in zip(ours[0].model.get_weights(), theirs[0].model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=tolerance)
    assert ours[1].keys() == theirs[1].keys()
    for name, values in theirs[1].items():
        np.testing.assert_allclose(ours[1][name], values, rtol=tolerance, atol=tolerance, err_msg=name)


def assert_engines_alike(task: Task, *engines: str, **values: Any) -> None:
    data = arrays(task)
    theirs = train("keras", build(task, **values), data)
    for engine in engines:
        assert_alike(train(engine, build(task, **values), data), theirs, 1e-8)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_gives_what_fit_gives(optimizer: str) -> None:
    extra = {"momentum": 0.8} if optimizer in ("sgd", "rmsprop") else {}
    assert_engines_alike(Task.REGRESSION, *FUSED, optimizer=optimizer, batch_normalization=True, l2=0.01, **extra)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    ("task", "loss"),
    [
        (Task.REGRESSION, "mae"),
        (Task.REGRESSION, "huber"),
        (Task.BINARY, "binary_crossentropy"),
        (Task.MULTICLASS, "sparse_categorical_crossentropy"),
    ],
)
def test_every_loss_gives_what_fit_gives(task: Task, loss: str) -> None:
    assert_engines_alike(task, "graph", loss=loss)


@pytest.mark.usefixtures("double")
@settings(max_examples=3, deadline=None, derandomize=True)
@given(
    layers=st.integers(0, 3),
    units=st.integers(1, 9),
    activation=st.sampled_from(["relu", "tanh", "selu"]),
    rate=st.floats(1e-4, 1e-2),
)
def test_small_random_networks_give_what_fit_gives(layers: int, units: int, activation: str, rate: float) -> None:
    values = {"hidden_layers": layers, "units": units, "activation": activation, "learning_rate": rate}
    data = arrays(Task.REGRESSION)
    ours = train("graph", build(Task.REGRESSION, **values), data, epochs=2)
    assert_alike(ours, train("keras", build(Task.REGRESSION, **values), data, epochs=2), 1e-8)


@pytest.mark.parametrize("engine", FUSED)
def test_in_single_precision_losses_agree(engine: str) -> None:
    data = arrays(Task.REGRESSION, "float32")
    ours = train(engine, build(Task.REGRESSION), data)
    assert_alike(ours, train("keras", build(Task.REGRESSION), data), 1e-3)


def test_dropout_agrees_in_distribution() -> None:
    """Each engine draws its own masks; over several seeds the mean losses are the same."""
    data = arrays(Task.REGRESSION, "float32")

    def losses(name: str) -> Any:
        runs = [train(name, build(Task.REGRESSION, seed, dropout=0.3), data, seed=seed) for seed in range(5)]
        return np.array([history["loss"] for _, history in runs])

    ours, theirs = losses("fused"), losses("keras")
    assert not np.allclose(ours[0], ours[1])
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / len(ours))
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 4 * error).all()


def test_a_reused_program_gives_the_bits_of_a_fresh_one() -> None:
    data = arrays(Task.REGRESSION, "float32")
    engine = FusedEngine(use_xla=True)
    values = {"dropout": 0.2, "batch_normalization": True, "optimizer": "nadam"}
    first, history = train(engine, build(Task.REGRESSION, **values), data)
    weights = first.model.get_weights()
    for seed in range(3):
        other, _ = train(engine, build(Task.REGRESSION, seed, **values, learning_rate=0.1), data, seed=seed)
        assert other.program is Program.REUSED
    again, again_history = train(engine, build(Task.REGRESSION, **values), data)
    assert (first.program, again.program, engine.compiled) == (Program.COMPILED, Program.REUSED, 1)
    assert again_history == history
    assert all((mine == other).all() for mine, other in zip(again.model.get_weights(), weights, strict=True))


@pytest.mark.parametrize(
    "change",
    [{"units": 7}, {"beta_1": 0.5}],
    ids=str,
)
def test_what_does_not_live_in_variables_makes_a_new_program(change: dict[str, Any]) -> None:
    data = arrays(Task.REGRESSION, "float32")
    engine = FusedEngine(use_xla=False)
    train(engine, build(Task.REGRESSION), data, epochs=1)
    ours = train(engine, build(Task.REGRESSION, **change), data, epochs=1)
    assert ours[0].program is Program.COMPILED
    assert_alike(ours, train("keras", build(Task.REGRESSION, **change), data, epochs=1), 1e-3)


@pytest.mark.usefixtures("double")
def test_callbacks_behave_as_under_fit() -> None:
    import keras

    def callbacks() -> list[Any]:
        return [
            keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=0.05, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=0, min_delta=0.1),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        ]

    data = arrays(Task.REGRESSION)
    ours = train("fused", build(Task.REGRESSION, learning_rate=0.02), data, *callbacks(), epochs=30)
    theirs = train("keras", build(Task.REGRESSION, learning_rate=0.02), data, *callbacks(), epochs=30)
    assert 2 < len(theirs[1]["loss"]) < 30, "the case is meant to stop early"
    assert_alike(ours, theirs, 1e-8)


def test_a_callback_that_waits_for_batches_is_refused() -> None:
    import keras

    class Nosy(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            pass

    with pytest.raises(ValueError, match=r"Nosy\.on_train_batch_end needs the keras engine"):
        train("graph", build(Task.REGRESSION), arrays(Task.REGRESSION, "float32"), Nosy())


def test_the_programs_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunecli.training.engines.fused.MOST_PROGRAMS", 1)
    data = arrays(Task.REGRESSION, "float32")
    engine = FusedEngine(use_xla=False)
    origins = [train(engine, build(Task.REGRESSION, units=units), data, epochs=1)[0].program for units in (2, 3, 2, 2)]
    assert origins == [Program.COMPILED] * 3 + [Program.REUSED]
