"""What is said of constant kernels is so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tunecli.training.constant_kernels import constant_kernels


def model_of(hidden: str, behind: str, activation: str) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, activation, kernel_initializer=hidden, name="hidden"),
            layers.Dense(1, kernel_initializer=behind, name="output"),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


def trained_kernel(model: Any) -> Any:
    dice = np.random.default_rng(0)
    rows = dice.normal(size=(64, 3)).astype("float32")
    model.fit(rows, rows @ np.float32([1, -2, 3]), epochs=2, batch_size=8, verbose=0)
    return np.asarray(model.get_layer("hidden").kernel)


def test_units_between_constant_kernels_stay_alike() -> None:
    model = model_of("ones", "ones", "tanh")
    (note,) = constant_kernels(model)
    assert "all units of hidden get equal gradients" in note
    kernel = trained_kernel(model)
    assert np.ptp(kernel, axis=1).max() == 0
    assert np.abs(kernel - 1).max() > 0


def test_relu_units_that_begin_at_zero_never_learn() -> None:
    model = model_of("zeros", "glorot_uniform", "relu")
    (note,) = constant_kernels(model)
    assert "never learns" in note
    assert not trained_kernel(model).any()


@pytest.mark.parametrize(
    ("hidden", "behind", "activation"),
    [("zeros", "glorot_uniform", "tanh"), ("glorot_uniform", "zeros", "relu"), ("he_normal", "he_normal", "relu")],
)
def test_units_that_become_different_are_not_spoken_of(hidden: str, behind: str, activation: str) -> None:
    model = model_of(hidden, behind, activation)
    assert list(constant_kernels(model)) == []
    assert np.ptp(trained_kernel(model), axis=1).min() > 0
