"""The layers and models of the families that Keras does not have itself.

Importing this module registers them, which `keras.models.load_model` asks for: it finds no class by its module's name
unless that module has been imported. It imports Keras at its top, so only functions that build or load models import
it.

What a layer learns from the rows (`adapt`) and what it draws at random lives in variables and never in its config:
engines use a compiled program again for every model of an equal config.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKAGE = "tunecli"


@keras.saving.register_keras_serializable(PACKAGE)
class Features(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Takes the features from `begin` up to, not including, `end` of each row: `(rows, end - begin)`."""

    def __init__(self, begin: int, end: int, **options: Any) -> None:
        super().__init__(**options)
        self.begin, self.end = begin, end

    def call(self, inputs: Any) -> Any:
        """Takes them."""
        return inputs[:, self.begin : self.end]

    def get_config(self) -> dict[str, Any]:
        """Returns what builds the layer anew."""
        return {**super().get_config(), "begin": self.begin, "end": self.end}


@keras.saving.register_keras_serializable(PACKAGE)
class PiecewiseLinearEncoding(keras.layers.Layer):  # type: ignore[misc]
    """Says how far a number has come through each of some bins (Gorishniy et al. 2022, section 3.2, equation 1).

    `(rows, features)` becomes `(rows, features, bins)`: 1 for the bins below the number, 0 for those above, and the
    covered share of the bin that it lies in. Below the first edge and above the last one, the first and the last bin
    go on as lines. `adapt` puts the edges at quantiles; until then the output is not a number.

    Args:
        bins: How many bins each feature has at most.
        options: Those of every layer.
    """

    def __init__(self, bins: int, **options: Any) -> None:
        super().__init__(**options)
        self.bins = bins

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes room for the edges."""
        self.edges = self.add_weight(
            name="edges",
            shape=(input_shape[-1], self.bins + 1),
            initializer=keras.initializers.Constant(float("nan")),
            trainable=False,
        )

    def adapt(self, data: NDArray[np.generic]) -> None:
        """Sets the edges to the quantiles of some rows, `(rows, features)`."""
        self.edges.assign(np.stack([bin_edges(column, self.bins) for column in np.asarray(data).T]))

    def call(self, inputs: Any) -> Any:
        """Encodes."""
        ops = keras.ops
        edges = ops.convert_to_tensor(self.edges)
        low, width = edges[:, :-1], edges[:, 1:] - edges[:, :-1]
        # a bin without width is a feature's room that it does not need: whatever is divided by infinity is 0
        covered = (inputs[:, :, None] - low) / ops.where(width == 0, float("inf"), width)
        covered = ops.maximum(covered, ops.where(low > edges[:, :1], 0.0, float("-inf")))
        is_last = np.arange(self.bins) == self.bins - 1
        return ops.minimum(covered, np.where(is_last, float("inf"), 1.0).astype(self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        """Returns what builds the layer anew, without the edges."""
        return {**super().get_config(), "bins": self.bins}


def bin_edges(column: NDArray[np.generic], bins: int) -> NDArray[np.float32]:
    """Returns the edges of at most `bins` bins with equal numbers of rows; shape `(bins + 1,)`.

    Equal quantiles count once. What a column lacks in edges then repeats the lower one of its last bin: bins without
    width, in the middle, so that the first and the last bin are what they are for every column.
    """
    quantiles = np.quantile(column.astype(np.float64), np.linspace(0, 1, bins + 1))
    edges = np.unique(quantiles.astype(np.float32))
    lower = edges[:-1] if len(edges) > 1 else edges
    return np.concatenate([lower, np.full(bins - len(lower), lower[-1]), edges[-1:]])


@keras.saving.register_keras_serializable(PACKAGE)
class PeriodicEncoding(keras.layers.Layer):  # type: ignore[misc]
    """Sines and cosines of a number at learnt frequencies (Gorishniy et al. 2022, section 3.3, equation 5).

    `(rows, features)` becomes `(rows, features, 2 · frequencies)`: sin(2πcx) for each frequency c of the feature, then
    cos(2πcx).

    Args:
        frequencies: How many each feature has.
        sigma: The standard deviation of the frequencies to begin with, around 0; not in the config, since it lives on
            in the frequencies alone.
        options: Those of every layer.
    """

    def __init__(self, frequencies: int, sigma: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.frequencies = frequencies
        self._sigma = sigma

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Draws the frequencies."""
        self.coefficients = self.add_weight(
            name="coefficients",
            shape=(input_shape[-1], self.frequencies),
            initializer=keras.initializers.RandomNormal(stddev=self._sigma),
        )

    def call(self, inputs: Any) -> Any:
        """Encodes."""
        ops = keras.ops
        angles = 2 * np.pi * ops.expand_dims(inputs, -1) * self.coefficients
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns what builds the layer anew."""
        return {**super().get_config(), "frequencies": self.frequencies}


class _Dense(keras.layers.Layer):  # type: ignore[misc]
    """What the dense layers below have in common with `keras.layers.Dense`."""

    def __init__(
        self,
        units: int,
        *,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def get_config(self) -> dict[str, Any]:
        """Returns what builds the layer anew."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }

    def add_kernel(self, shape: tuple[int, ...], initializer: Any) -> None:
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=initializer, regularizer=self.kernel_regularizer
        )

    def add_bias(self, groups: int) -> None:
        shape = (groups, self.units)
        self.bias = self.add_weight(name="bias", shape=shape, initializer="zeros") if self.use_bias else None

    def finished(self, outputs: Any) -> Any:
        """Adds the bias, if there is one, and applies the activation."""
        return self.activation(outputs if self.bias is None else outputs + self.bias)


@keras.saving.register_keras_serializable(PACKAGE)
class SeparateDense(_Dense):
    """A dense layer for each group of numbers in a row: `(rows, groups, numbers)` becomes `(rows, groups, units)`.

    Every group has a kernel and a bias of its own, which begin as those of a layer of its own would.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernels and biases."""
        _, groups, width = input_shape
        assert groups is not None, "the groups are known"
        assert width is not None, "their width is known"
        self.add_kernel((groups, width, self.units), _each_its_own(self.kernel_initializer))
        self.add_bias(groups)

    def call(self, inputs: Any) -> Any:
        """Applies each group's layer."""
        return self.finished(keras.ops.einsum("rgn,gnu->rgu", inputs, self.kernel))


@keras.saving.register_keras_serializable(PACKAGE)
class Members(keras.layers.Layer):  # type: ignore[misc]
    """Gives a row to each member of an ensemble: `(rows, features)` becomes `(rows, members, features)`.

    Each member sees the features through weights of its own, which begin as -1 or 1 at random: the first adapter of
    TabM (Gorishniy et al. 2024, section 3.3), and what makes members differ.
    """

    def __init__(self, members: int, **options: Any) -> None:
        super().__init__(**options)
        self.members = members

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Draws the signs."""
        self.adapter = self.add_weight(name="adapter", shape=(self.members, input_shape[-1]), initializer=_random_signs)

    def call(self, inputs: Any) -> Any:
        """Weighs the features for each member."""
        return keras.ops.expand_dims(inputs, 1) * self.adapter

    def get_config(self) -> dict[str, Any]:
        """Returns what builds the layer anew."""
        return {**super().get_config(), "members": self.members}


@keras.saving.register_keras_serializable(PACKAGE)
class MemberDense(_Dense):
    """A dense layer that the members of an ensemble share: `(rows, members, numbers)` to `(rows, members, units)`.

    A member's own are the weights of its inputs and outputs and its bias: s ∘ ((r ∘ x) W) + b (BatchEnsemble, Wen et
    al. 2020, as TabM has it, Gorishniy et al. 2024, equation 1). They begin as 1, 1 and 0.

    Args:
        units: Width of the output.
        weighs_inputs: Whether members have r; the first layer's is in `Members`.
        options: Those of `keras.layers.Dense`.
    """

    def __init__(self, units: int, *, weighs_inputs: bool = True, **options: Any) -> None:
        super().__init__(units, **options)
        self.weighs_inputs = weighs_inputs

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the kernel and what is a member's own."""
        _, members, width = input_shape
        assert members is not None, "the members are known"
        assert width is not None, "their width is known"
        self.add_kernel((width, self.units), self.kernel_initializer)
        self.adapter_in = None
        if self.weighs_inputs:
            self.adapter_in = self.add_weight(name="adapter_in", shape=(members, width), initializer="ones")
        self.adapter_out = self.add_weight(name="adapter_out", shape=(members, self.units), initializer="ones")
        self.add_bias(members)

    def call(self, inputs: Any) -> Any:
        """Multiplies all rows of all members with the kernel at once."""
        ops = keras.ops
        _, members, width = inputs.shape
        weighed = inputs if self.adapter_in is None else inputs * self.adapter_in
        shared = ops.matmul(ops.reshape(weighed, (-1, width)), self.kernel)
        return self.finished(ops.reshape(shared, (-1, members, self.units)) * self.adapter_out)

    def get_config(self) -> dict[str, Any]:
        """Returns what builds the layer anew."""
        return {**super().get_config(), "weighs_inputs": self.weighs_inputs}


@keras.saving.register_keras_serializable(PACKAGE)
class MemberMean(keras.layers.Layer):  # type: ignore[misc]
    """The mean over members, `(rows, members, outputs)` to `(rows, outputs)`; in training it lets them all through."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Takes the mean."""
        return inputs if training else keras.ops.mean(inputs, axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape of the mean."""
        return (input_shape[0], *input_shape[2:])


@keras.saving.register_keras_serializable(PACKAGE)
class MemberModel(keras.Model):  # type: ignore[misc]
    """A functional model whose outputs end in `MemberMean`.

    Its loss in training is the mean of its members' losses, so that each learns by itself (Gorishniy et al. 2024,
    section 3.3); metrics, validation and predictions are of the members' mean.
    """

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Returns the loss, penalties included; of members, where their predictions come one by one."""
        members = max(_members(each) for each in keras.tree.flatten(y_pred))
        if members:
            # one long batch: the mean over the rows of all members is the mean of the members' means
            y_pred = keras.tree.map_structure(lambda each: _member_rows(each, members), y_pred)
            y, sample_weight = keras.tree.map_structure(lambda each: _repeated(each, members), (y, sample_weight))
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Returns the metrics of the members' mean."""
        mean = keras.tree.map_structure(lambda each: keras.ops.mean(each, axis=1) if _members(each) else each, y_pred)
        metrics: dict[str, Any] = super().compute_metrics(x, y, mean, sample_weight)
        return metrics


def _members(predicted: Any) -> int:
    """Returns how many members' predictions there are, `(rows, members, outputs)`; 0 for `(rows, outputs)`."""
    return predicted.shape[1] if len(predicted.shape) == 3 else 0


def _repeated(array: Any, members: int) -> Any:
    """Returns each row once for each member, one after the other."""
    return None if array is None else keras.ops.repeat(array, members, axis=0)


def _member_rows(predicted: Any, members: int) -> Any:
    """Returns the predictions of all members, row by row; those that they share stand for each of them."""
    if not _members(predicted):
        return _repeated(predicted, members)
    return keras.ops.reshape(predicted, (-1, predicted.shape[-1]))


def _each_its_own(initializer: Any) -> Callable[..., Any]:
    """Returns an initializer that draws each entry of the first axis as an array of its own.

    Of a three-dimensional kernel Keras would take the first axis for the size of a convolution's window; and one
    initializer gives the same numbers each time, its copies do not.
    """

    def draw(shape: tuple[int, ...], dtype: Any = None) -> Any:
        return keras.ops.stack([initializer.clone()(shape[1:], dtype=dtype) for _ in range(shape[0])])

    return draw


def _random_signs(shape: tuple[int, ...], dtype: Any = None) -> Any:
    return keras.ops.sign(keras.initializers.RandomUniform(-1, 1)(shape, dtype=dtype))
