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
from tunecli.training.engines.base import row_order
from tunecli.training.engines.fused import FusedEngine
from tunecli.training.runtime import import_tensorflow, seed_everything

FUSED = ("graph", "fused")
ROWS = 70


@pytest.fixture
def double() -> Iterator[None]:
    """Counts in float64, so that engines differ by rounding alone."""
    import keras

    def compute_in(precision: str) -> None:
        keras.config.set_floatx(precision)
        keras.config.set_dtype_policy(precision)

    compute_in("float64")
    yield
    compute_in("float32")


def arrays(task: Task, dtype: str = "float64") -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS, 4)).astype(dtype)
    signal = x[:, :1] * x[:, 1:2] + x[:, 2:3]
    if task is Task.REGRESSION:
        return x, signal
    if task is Task.BINARY:
        return x, (signal > 0).astype(dtype)
    if task is Task.MULTILABEL:
        return x, np.concatenate([signal > 0, signal > 1, x[:, :1] > 0], axis=1).astype(dtype)
    return x, np.digitize(signal[:, 0], [-0.5, 0.5]).astype("int32")


def build(task: Task, seed: int = 3, **values: Any) -> Any:
    everything = {"units": 6, "hidden_layers": 2, "activation": "tanh", **values}
    for each in (*MLP.hyperparameters, *shared_hyperparameters(task)):
        if each.name not in everything and each.applies_to(everything):
            everything[each.name] = each.default
    import_tensorflow()  # draws from the generator that is seeded next
    seed_everything(seed)
    model = MLP.build(DataSignature(task, (4,), 3 if task in (Task.MULTICLASS, Task.MULTILABEL) else 1), everything)
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


CLASS_WEIGHTS = {0: 0.5, 1: 1.0, 2: 3.0}


def weighted() -> tuple[Any, Any, Any]:
    x, y = arrays(Task.MULTICLASS)
    return x, y, np.array([CLASS_WEIGHTS[each] for each in y])


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "extra", [{"batch_normalization": True}, {"l2": 0.01}, {"batch_normalization": True, "l2": 0.01}], ids=str
)
def test_every_optimizer_gives_what_fit_gives_with_class_weights(optimizer: str, extra: dict[str, Any]) -> None:
    values = {"optimizer": optimizer, "momentum": 0.8, **extra}
    theirs = train("keras", build(Task.MULTICLASS, **values), weighted())
    for engine in FUSED if len(extra) == 2 else ["graph"]:
        assert_alike(train(engine, build(Task.MULTICLASS, **values), weighted()), theirs, 1e-8)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_gives_what_fit_gives_for_regression(optimizer: str) -> None:
    assert_engines_alike(Task.REGRESSION, "fused", optimizer=optimizer, momentum=0.8)


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
    "change", [{"units": 7}, {"optimizer": "sgd", "momentum": 0.5}, {"loss": "huber", "huber_delta": 5.0}], ids=str
)
def test_what_does_not_live_in_variables_makes_a_new_program(change: dict[str, Any]) -> None:
    data = arrays(Task.REGRESSION, "float32")
    engine = FusedEngine(use_xla=False)
    before = {"units": 6, "optimizer": change.get("optimizer", "adam"), "momentum": 0.1}
    before |= {"loss": change.get("loss", "mse"), "huber_delta": 0.1}
    train(engine, build(Task.REGRESSION, **before), data, epochs=1)
    ours = train(engine, build(Task.REGRESSION, **before | change), data, epochs=1)
    assert ours[0].program is Program.COMPILED
    assert_alike(ours, train("keras", build(Task.REGRESSION, **before | change), data, epochs=1), 1e-3)


SETTINGS = {
    "adam": {"beta_1": (0.5, 0.75), "beta_2": (0.875, 0.9375), "epsilon": (0.5, 0.25)},
    "adamw": {"beta_1": (0.5, 0.75), "beta_2": (0.875, 0.9375), "weight_decay": (0.5, 0.25)},
    "nadam": {"beta_1": (0.5, 0.75), "beta_2": (0.875, 0.9375), "epsilon": (0.5, 0.25)},
    "rmsprop": {"rho": (0.5, 0.75), "epsilon": (0.5, 0.25)},
    "adagrad": {"epsilon": (0.5, 0.25), "initial_accumulator_value": (0.5, 0.25)},
}
"""Two values of each setting that float32 holds exactly: Keras rounds some of them to it even in double precision."""


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(("engine", "optimizer"), [*(("graph", name) for name in SETTINGS), ("fused", "adam")])
def test_settings_of_optimizers_are_arguments_of_one_program(engine: str, optimizer: str) -> None:
    data = arrays(Task.REGRESSION)
    member = FusedEngine(use_xla=engine == "fused")
    for index in range(2):
        values = {name: pair[index] for name, pair in SETTINGS[optimizer].items()}
        ours = train(member, build(Task.REGRESSION, optimizer=optimizer, **values), data)
        assert_alike(ours, train("keras", build(Task.REGRESSION, optimizer=optimizer, **values), data), 1e-8)
        config = ours[0].model.optimizer.get_config()
        assert {name: config[name] for name in values} == values, "what is saved with the model"
    assert member.compiled == 1


def test_settings_are_rounded_as_fit_rounds_them() -> None:
    """1 - 0.999 is taken before it is rounded to single precision: afterwards it would be 5e-5 of itself off."""
    data = arrays(Task.REGRESSION, "float32")
    ours = train("graph", build(Task.REGRESSION, beta_2=0.9999), data)
    assert_alike(ours, train("keras", build(Task.REGRESSION, beta_2=0.9999), data), 2e-6)


@pytest.mark.usefixtures("double")
def test_sample_weights_do_what_class_weights_do_under_fit() -> None:
    (x, y, weights), classes = weighted(), CLASS_WEIGHTS
    order = row_order(11, 0, ROWS, shuffle=True)
    history = build(Task.MULTICLASS).fit(x[order], y[order], 16, class_weight=classes, shuffle=False, verbose=0).history
    for engine in ("keras", *FUSED):
        ours = train(engine, build(Task.MULTICLASS), (x, y, weights), epochs=1)[1]
        assert ours["loss"] == pytest.approx(history["loss"], rel=1e-8)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("engine", FUSED)
def test_several_inputs_and_outputs_give_what_fit_gives(engine: str) -> None:
    import keras

    # whole batches only: Keras' own means of each output's loss count a shorter last batch as much as a full one
    x, y = (array[:64] for array in arrays(Task.REGRESSION))
    data = ({"wide": x[:, :3], "deep": x[:, 1:]}, {"main": y, "aux": y[:, :1] * 2})

    def model() -> Any:
        seed_everything(3)
        wide, deep = keras.Input((3,), name="wide"), keras.Input((3,), name="deep")
        hidden = keras.layers.Dense(5, activation="tanh", name="hidden")(deep)
        main = keras.layers.Dense(1, name="main")(keras.layers.Concatenate(name="both")([wide, hidden]))
        aux = keras.layers.Dense(1, name="aux")(hidden)
        built = keras.Model({"wide": wide, "deep": deep}, {"main": main, "aux": aux})
        metrics = {"main": ["mae"], "aux": ["mse"]}
        loss, weights = {"main": "mse", "aux": "mae"}, {"main": 0.9, "aux": 0.1}
        built.compile("adam", loss, weights, metrics)
        return built

    ours = train(engine, model(), data)
    assert {"main_mae", "aux_mse", "val_aux_mse"} < ours[1].keys()
    assert_alike(ours, train("keras", model(), data), 1e-8)


@pytest.mark.parametrize("engine", FUSED)
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_gives_nearly_what_fit_gives(engine: str, precision: str) -> None:
    import keras

    data = arrays(Task.REGRESSION, "float32")
    keras.config.set_dtype_policy(precision)
    try:
        ours, theirs = (train(each, build(Task.REGRESSION, units=8), data) for each in (engine, "keras"))
    finally:
        keras.config.set_dtype_policy("float32")
    assert ours[0].model.get_layer("hidden_1").compute_dtype == precision.removeprefix("mixed_")
    np.testing.assert_allclose(ours[1]["val_loss"], theirs[1]["val_loss"], rtol=0.05)


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
