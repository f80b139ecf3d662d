"""Embeddings of numbers (Gorishniy et al. 2022, "On embeddings for numerical features in tabular deep learning").

A network sees a number as many features instead of one: how far it has come through each of some bins, or sines and
cosines of it. With `embedding_width`, a linear layer and a ReLU of each feature's own follow: what the paper calls Q-LR
and PLR.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunecli.families.base import Hyperparameter
from tunecli.families.layers import l2_penalty
from tunecli.spec.space import Kind, Value

if TYPE_CHECKING:
    import keras

PIECEWISE_LINEAR, PERIODIC = "piecewise_linear", "periodic"
EMBEDDING = "numeric_embedding"
NO_EMBEDDING = "none"

EMBEDDING_HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    Hyperparameter(
        EMBEDDING,
        Kind.CHOICE,
        NO_EMBEDDING,
        "How each number becomes several features.",
        values=(NO_EMBEDDING, PIECEWISE_LINEAR, PERIODIC),
    ),
    Hyperparameter(
        "embedding_bins",
        Kind.INT,
        32,
        "Bins of each number, with edges at quantiles.",
        min=1,
        applies={EMBEDDING: (PIECEWISE_LINEAR,)},
    ),
    Hyperparameter(
        "embedding_frequencies",
        Kind.INT,
        32,
        "Frequencies of each number, each a sine and a cosine.",
        min=1,
        applies={EMBEDDING: (PERIODIC,)},
    ),
    Hyperparameter(
        "embedding_sigma",
        Kind.FLOAT,
        0.3,
        "Standard deviation of the first frequencies.",
        min=0.0,
        applies={EMBEDDING: (PERIODIC,)},
    ),
    Hyperparameter(
        "embedding_width",
        Kind.INT,
        16,
        "Units behind the encoding of each number, with relu; 0 for the bare encoding.",
        min=0,
        applies={EMBEDDING: (PIECEWISE_LINEAR, PERIODIC)},
    ),
)


def embedded(tensor: Any, numeric: int, values: Mapping[str, Value]) -> Any:
    """Replaces the numbers among the features by their embeddings; indicators go by.

    Args:
        tensor: The features, `(rows, features)`.
        numeric: How many of them, the first ones, are numbers.
        values: The hyperparameter values.

    Returns:
        `(rows, features)`; the tensor itself without an embedding, or without numbers.
    """
    import keras

    if values[EMBEDDING] == NO_EMBEDDING or not numeric:
        return tensor
    features = tensor.shape[-1]
    if numeric == features:
        return keras.layers.Flatten(name="embedding")(_embedding(tensor, values))

    from tunecli.families.keras_classes import Features

    numbers = Features(0, numeric, name="numbers")(tensor)
    indicators = Features(numeric, features, name="indicators")(tensor)
    flat = keras.layers.Flatten(name="embedding")(_embedding(numbers, values))
    return keras.layers.Concatenate(name="embedded")([flat, indicators])


def adapt_embeddings(model: keras.Model, inputs: Any) -> None:
    """Puts the edges of bins where training rows have their quantiles.

    Args:
        model: Freshly built.
        inputs: What the model reads, of the training rows alone.
    """
    import keras

    from tunecli.families.keras_classes import PiecewiseLinearEncoding

    for layer in model.layers:
        if isinstance(layer, PiecewiseLinearEncoding):
            layer.adapt(keras.ops.convert_to_numpy(keras.Function(model.input, layer.input)(inputs)))


def _embedding(numbers: Any, values: Mapping[str, Value]) -> Any:
    """Returns the embedding of each number: `(rows, numbers, width)`."""
    import keras

    from tunecli.families.keras_classes import PeriodicEncoding, PiecewiseLinearEncoding, SeparateDense

    floatx = keras.config.floatx()  # a half is too coarse for the place within a bin, or the angle of a sine
    layer: keras.layers.Layer
    if values[EMBEDDING] == PIECEWISE_LINEAR:
        layer = PiecewiseLinearEncoding(_whole(values, "embedding_bins"), dtype=floatx, name="encoding")
    else:
        frequencies, sigma = _whole(values, "embedding_frequencies"), values["embedding_sigma"]
        assert isinstance(sigma, float), "embedding_sigma was checked against its hyperparameter"
        layer = PeriodicEncoding(frequencies, sigma, dtype=floatx, name="encoding")
    width = _whole(values, "embedding_width")
    if not width:
        return layer(numbers)
    penalty = l2_penalty(values)
    dense = SeparateDense(width, activation="relu", kernel_regularizer=penalty, name="embedding_dense")
    return dense(layer(numbers))


def _whole(values: Mapping[str, Value], name: str) -> int:
    number = values[name]
    assert isinstance(number, int), f"{name} was checked against its hyperparameter"
    return number
