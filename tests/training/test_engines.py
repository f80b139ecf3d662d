"""The engines, against a loop of `train_on_batch`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tunecli.training.engines import ENGINES, Job, can_resume
from tunecli.training.engines.base import row_order
from tunecli.training.runtime import seed_everything

ROWS = 90
IN_STEPS = [name for name in ENGINES.names if can_resume(name)]


@pytest.fixture
def arrays() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 3)).astype("float32")
    return x, (x @ np.array([[1.0], [2.0], [-1.0]], "float32")).astype("float32")


def model(optimizer: str) -> Any:
    import keras

    seed_everything(3)
    layers = [keras.Input((3,)), keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(1)]
    built = keras.Sequential(layers)
    built.compile(optimizer, "mse", metrics=["mae"])
    return built


def weights(built: Any) -> Any:
    return np.concatenate([each.ravel() for each in built.get_weights()])


@pytest.mark.parametrize("engine", IN_STEPS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("batch_size", [32, 30])
def test_every_row_is_trained_on_once_an_epoch_in_the_seeded_order(
    engine: str, optimizer: str, batch_size: int, arrays: tuple[Any, Any]
) -> None:
    x, y = arrays
    trained = ENGINES.load(engine).fit(Job(model(optimizer), arrays, None, batch_size, 0, 3, seed=11)).model
    reference = model(optimizer)
    for epoch in range(3):
        order = row_order(11, epoch, ROWS, shuffle=True)
        for begin in range(0, ROWS, batch_size):
            rows = order[begin : begin + batch_size]
            reference.train_on_batch(x[rows], y[rows])
    np.testing.assert_allclose(weights(trained), weights(reference), rtol=0, atol=1e-6)
    assert int(trained.optimizer.iterations) == int(reference.optimizer.iterations)


@pytest.mark.parametrize("engine", IN_STEPS)
def test_without_shuffling_rows_keep_their_order(engine: str, arrays: tuple[Any, Any]) -> None:
    trained = ENGINES.load(engine).fit(Job(model("sgd"), arrays, None, 32, 0, 2, seed=11, shuffle=False)).model
    reference = model("sgd")
    reference.fit(*arrays, batch_size=32, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(weights(trained), weights(reference), rtol=0, atol=1e-6)


@pytest.mark.parametrize("engine", IN_STEPS)
def test_validation_covers_every_row(engine: str, arrays: tuple[Any, Any]) -> None:
    import keras

    history = keras.callbacks.History()
    trained = ENGINES.load(engine).fit(Job(model("sgd"), arrays, arrays, 32, 0, 1, seed=11, callbacks=[history])).model
    expected = trained.evaluate(*arrays, verbose=0, return_dict=True)
    assert history.history["val_mae"][0] == pytest.approx(expected["mae"], rel=1e-6)
    assert history.history["val_loss"][0] == pytest.approx(expected["loss"], rel=1e-6)


@pytest.mark.parametrize("engine", IN_STEPS)
def test_the_loss_of_an_epoch_tells_of_its_middle_or_with_one_batch_of_its_begin(
    engine: str, arrays: tuple[Any, Any]
) -> None:
    """What `reports.learning_curves` draws training values by; validation here is on the training rows."""
    import keras

    def losses(batch_size: int) -> tuple[Any, Any]:
        history = keras.callbacks.History()
        job = Job(model("sgd"), arrays, arrays, batch_size, 0, 4, seed=11, callbacks=[history])
        ENGINES.load(engine).fit(job)
        return np.array(history.history["loss"]), np.array(history.history["val_loss"])

    training, at_ends = losses(ROWS)
    np.testing.assert_allclose(training[1:], at_ends[:-1], rtol=1e-5)
    training, at_ends = losses(9)
    assert np.all(training[1:] < at_ends[:-1])
    assert np.all(training > at_ends)


def test_scipy_measures_both_parts_at_the_end_of_an_iteration(arrays: tuple[Any, Any]) -> None:
    import keras

    history = keras.callbacks.History()
    job = Job(model("sgd"), arrays, arrays, ROWS, 0, 4, seed=11, callbacks=[history])
    ENGINES.load("scipy:L-BFGS-B").fit(job)
    np.testing.assert_allclose(history.history["loss"], history.history["val_loss"], rtol=1e-9)


def test_rows_too_many_to_copy_are_read_in_the_same_order(
    arrays: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained() -> Any:
        return weights(ENGINES.load("keras").fit(Job(model("adam"), arrays, None, 32, 1, 4, seed=11)).model)

    copied = trained()
    monkeypatch.setattr("tunecli.training.engines.keras_fit.MOST_COPIED_BYTES", 0)
    np.testing.assert_allclose(trained(), copied, rtol=0, atol=1e-6)


def test_orders_differ_between_epochs_and_seeds_and_repeat() -> None:
    first = row_order(1, 0, 50, shuffle=True)
    assert sorted(first) == list(range(50))
    assert (first == row_order(1, 0, 50, shuffle=True)).all()
    assert (first != row_order(1, 1, 50, shuffle=True)).any()
    assert (first != row_order(2, 0, 50, shuffle=True)).any()
