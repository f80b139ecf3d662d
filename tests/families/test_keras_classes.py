"""The layers against formulas of the papers, written out in NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunecli.families.keras_classes import (
    Features,
    MemberDense,
    MemberMean,
    MemberModel,
    Members,
    PeriodicEncoding,
    PiecewiseLinearEncoding,
    SeparateDense,
    bin_edges,
)

RNG = np.random.default_rng(0)


def piecewise_linear(x: float, edges: Any) -> list[float]:
    """Equation 1 of Gorishniy et al. 2022; `edges` are b_0 … b_T, none of them twice."""
    bins = len(edges) - 1
    encoded = []
    for t in range(1, bins + 1):
        if x < edges[t - 1] and t > 1:
            encoded.append(0.0)
        elif x >= edges[t] and t < bins:
            encoded.append(1.0)
        else:
            encoded.append((x - edges[t - 1]) / (edges[t] - edges[t - 1]))
    return encoded


def encoded(column: Any, bins: int, numbers: Any) -> Any:
    layer = PiecewiseLinearEncoding(bins)
    layer.build((None, 1))
    layer.adapt(np.asarray(column)[:, np.newaxis])
    return np.asarray(layer(np.asarray(numbers, "float32")[:, np.newaxis]))[:, 0]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    column=st.lists(
        st.sampled_from([-2.0, -0.5, 0.0, 0.25, 1.0, 7.0]) | st.integers(-300, 300).map(lambda n: n / 100), min_size=1
    ),
    bins=st.integers(1, 9),
)
def test_numbers_are_encoded_as_the_paper_has_it(column: list[float], bins: int) -> None:
    edges = np.unique(np.quantile(np.array(column, np.float64), np.linspace(0, 1, bins + 1)).astype(np.float32))
    numbers = np.concatenate([np.linspace(-4, 8, 50), edges]).astype(np.float32)
    ours = encoded(column, bins, numbers)
    assert ours.shape == (len(numbers), bins)
    if len(edges) == 1:
        assert (ours == 0).all(), "a column of one value says nothing"
        return
    # the room that is not needed lies before the last bin, and is 0
    used = [*range(len(edges) - 2), bins - 1]
    expected = np.array([piecewise_linear(float(number), edges.astype(np.float64)) for number in numbers])
    unused = np.setdiff1d(np.arange(bins), used)
    np.testing.assert_allclose(ours[:, used], expected, rtol=1e-4, atol=1e-5)
    assert (ours[:, unused] == 0).all()


def test_bins_hold_equal_numbers_of_rows() -> None:
    column = RNG.exponential(size=1000).astype("float32")
    counts, _ = np.histogram(column, bin_edges(column, 8))
    assert set(counts) == {125}


def test_bins_of_which_no_rows_were_seen_give_no_number() -> None:
    layer = PiecewiseLinearEncoding(4)
    assert np.isnan(np.asarray(layer(np.zeros((2, 3), "float32")))).all()


def test_sines_and_cosines_are_taken_at_the_frequencies_of_each_number() -> None:
    layer = PeriodicEncoding(5, sigma=0.3)
    x = RNG.normal(size=(7, 2)).astype("float32")
    ours = np.asarray(layer(x))
    angles = 2 * np.pi * x[:, :, np.newaxis] * np.asarray(layer.coefficients)
    np.testing.assert_allclose(ours, np.concatenate([np.sin(angles), np.cos(angles)], axis=-1), atol=1e-6)


def test_frequencies_begin_with_the_deviation_that_is_asked_for() -> None:
    keras.utils.set_random_seed(1)
    layer = PeriodicEncoding(2000, sigma=0.3)
    layer.build((None, 2))
    assert np.asarray(layer.coefficients).std() == pytest.approx(0.3, rel=0.05)
    assert "sigma" not in layer.get_config(), "programs of one form are used again whatever their variables hold"


def test_each_group_has_a_dense_layer_of_its_own() -> None:
    keras.utils.set_random_seed(1)
    layer = SeparateDense(3, activation="relu", kernel_initializer="he_normal")
    x = RNG.normal(size=(6, 4, 50)).astype("float32")
    layer(x)
    layer.bias.assign(RNG.normal(size=(4, 3)))
    kernel, bias = map(np.asarray, (layer.kernel, layer.bias))
    expected = np.stack([np.maximum(x[:, g] @ kernel[g] + bias[g], 0) for g in range(4)], axis=1)
    np.testing.assert_allclose(np.asarray(layer(x)), expected, atol=1e-5)
    assert len(np.unique(kernel)) == kernel.size, "no two groups begin alike"
    assert kernel.std() == pytest.approx(np.sqrt(2 / 50), rel=0.1), "as a layer of its own would begin"


@pytest.mark.parametrize("weighs_inputs", [True, False])
def test_members_share_a_kernel_and_weigh_what_goes_in_and_out(weighs_inputs: bool) -> None:
    layer = MemberDense(3, activation="tanh", weighs_inputs=weighs_inputs)
    x = RNG.normal(size=(6, 2, 5)).astype("float32")
    layer(x)
    for variable in layer.weights:
        variable.assign(RNG.normal(size=variable.shape))
    r = np.asarray(layer.adapter_in) if weighs_inputs else np.ones((2, 5))
    expected = np.tanh((x * r) @ np.asarray(layer.kernel) * np.asarray(layer.adapter_out) + np.asarray(layer.bias))
    np.testing.assert_allclose(np.asarray(layer(x)), expected, atol=1e-5)


def test_members_begin_by_seeing_features_with_signs_of_their_own() -> None:
    keras.utils.set_random_seed(1)
    x = RNG.normal(size=(6, 40)).astype("float32")
    seen = np.asarray(Members(3)(x))
    assert set(np.unique(seen / x[:, np.newaxis])) == {-1.0, 1.0}
    assert (seen[:, 0] != seen[:, 1]).any()


def members_of(outputs: int, activation: str | None) -> MemberModel:
    inputs = keras.Input((4,))
    members = Members(3)(Features(0, 4)(inputs))
    heads = SeparateDense(outputs, activation=activation, kernel_regularizer=keras.regularizers.L2(0.1))(members)
    return MemberModel(inputs, MemberMean()(heads))


def losses(loss: str, y: Any, predicted: Any) -> Any:
    """The loss of each row of each member, `(rows, members)`."""
    if loss == "mse":
        return ((predicted - y[:, np.newaxis]) ** 2).mean(axis=-1)
    return -np.log(np.take_along_axis(predicted, y[:, np.newaxis, np.newaxis], axis=-1)[..., 0])


@pytest.mark.parametrize(("loss", "outputs"), [("mse", 1), ("sparse_categorical_crossentropy", 3)])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_training_takes_the_mean_of_the_members_losses(loss: str, outputs: int, is_weighted: bool) -> None:
    model = members_of(outputs, "softmax" if outputs > 1 else None)
    model.compile("sgd", loss, metrics=["mae"] if outputs == 1 else ["accuracy"])
    x = RNG.normal(size=(8, 4)).astype("float32")
    y = RNG.integers(0, 3, 8) if outputs > 1 else RNG.normal(size=(8, 1)).astype("float32")
    weights = RNG.uniform(0.5, 2, size=8).astype("float32") if is_weighted else np.ones(8, "float32")
    each = np.asarray(model(x, training=True))
    mean = np.asarray(model(x))
    assert each.shape == (8, 3, outputs)
    np.testing.assert_allclose(mean, each.mean(axis=1), atol=1e-6)
    penalty = 0.1 * (np.asarray(model.layers[-2].kernel) ** 2).sum()
    own = (losses(loss, y, each) * weights[:, np.newaxis]).mean() + penalty
    of_mean = (losses(loss, y, mean[:, np.newaxis]) * weights[:, np.newaxis]).mean() + penalty
    assert own > of_mean * 1.01, "the two must be told apart"

    measured = model.evaluate(x, y, sample_weight=weights if is_weighted else None, verbose=0, return_dict=True)
    assert measured["loss"] == pytest.approx(of_mean, rel=1e-5)
    trained = model.train_on_batch(x, y, weights if is_weighted else None, return_dict=True)
    assert trained["loss"] == pytest.approx(own, rel=1e-5)
    metric = "mae" if outputs == 1 else "accuracy"
    assert trained[metric] == pytest.approx(measured[metric], rel=1e-5), "metrics are of the mean"


def test_outputs_that_members_share_count_as_each_ones() -> None:
    inputs = keras.Input((4,))
    heads = MemberMean(name="heads")(SeparateDense(1)(Members(3)(inputs)))
    model = MemberModel(inputs, {"heads": heads, "shared": keras.layers.Dense(1, name="shared")(inputs)})
    model.compile("sgd", {"heads": "mse", "shared": "mae"}, loss_weights={"heads": 0.75, "shared": 0.25})
    x, y = RNG.normal(size=(8, 4)).astype("float32"), RNG.normal(size=(8, 1)).astype("float32")
    each = {name: np.asarray(array) for name, array in model(x, training=True).items()}
    own = 0.75 * losses("mse", y, each["heads"]).mean() + 0.25 * np.abs(each["shared"] - y).mean()
    assert model.train_on_batch(x, {"heads": y, "shared": y}, return_dict=True)["loss"] == pytest.approx(own, rel=1e-5)


def test_all_of_them_are_saved_with_what_they_have_learnt(tmp_path: Path) -> None:
    inputs = keras.Input((4,))
    bins = PiecewiseLinearEncoding(5)
    numbers = SeparateDense(3, activation="relu", kernel_regularizer="l2")(bins(Features(0, 2)(inputs)))
    waves = PeriodicEncoding(2, sigma=0.5)(Features(2, 4)(inputs))
    both = keras.layers.Concatenate()([keras.layers.Flatten()(numbers), keras.layers.Flatten()(waves)])
    heads = SeparateDense(1)(MemberDense(6, activation="gelu", weighs_inputs=False)(Members(3)(both)))
    model = MemberModel(inputs, MemberMean()(heads))
    x = RNG.normal(size=(20, 4)).astype("float32")
    bins.adapt(x[:, :2])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is MemberModel
    assert sum(map(float, again.losses)) == sum(map(float, model.losses)) > 0
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
