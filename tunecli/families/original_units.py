"""Training in scaled units of the target, while everything that is predicted or reported is in its original ones.

    model = … → OriginalUnits                    # y = scale · z + offset
    loss = InScaledUnits(mse, layer)             # mse((y - offset) / scale, (prediction - offset) / scale)

Scale and offset are variables that training leaves alone: a compiled program serves every fold and every trial, and a
state or a saved model carries them along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Scale = float | list[float]
"""Of one target, or of each of several."""

FITTED = "fitted"
"""The key of an `InScaledUnits`' config that holds what lives in variables of the model: no part of a program."""


@keras.saving.register_keras_serializable("tunecli")
class OriginalUnits(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Maps what the layers before it give to the units of the target; of several targets, each to its own.

    Args:
        method: `standard`, so that the scaled training targets have mean 0 and standard deviation 1, or `minmax`.
        low: What `minmax` makes of the smallest training target.
        high: What it makes of the largest.
    """

    def __init__(self, method: str, low: float = 0.0, high: float = 1.0, **settings: Any) -> None:
        super().__init__(trainable=False, **{key: each for key, each in settings.items() if key != "trainable"})
        self.method, self.low, self.high = method, low, high

    def build(self, input_shape: Any) -> None:
        """Makes the variables; until the targets are known, nothing is scaled."""
        targets = input_shape[-1]
        shape = () if targets == 1 else (targets,)  # states of earlier versions hold bare numbers
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones", trainable=False)
        self.offset = self.add_weight(name="offset", shape=shape, initializer="zeros", trainable=False)

    def call(self, inputs: Any) -> Any:
        """Returns the same in the units of the target."""
        return inputs * self.scale + self.offset

    def fit_targets(self, targets: NDArray[np.generic]) -> None:
        """Fits to the training targets, `(rows, targets)`; equal ones are only shifted."""
        import numpy as np

        values = np.ascontiguousarray(targets.astype("float64").T)
        low, high = values.min(axis=1), values.max(axis=1)
        if self.method == "standard":
            scale, offset, constant = values.std(axis=1), values.mean(axis=1), 0.0
        else:
            scale = (high - low) / (self.high - self.low)
            offset, constant = low - self.low * scale, (self.low + self.high) / 2
        is_constant = low == high
        # `constant` is what the layers before are to give for targets that are all the same
        self.scale.assign(np.where(is_constant, 1.0, scale).reshape(self.scale.shape))
        self.offset.assign(np.where(is_constant, low - constant, offset).reshape(self.offset.shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns how to make it; the variables are saved beside it."""
        return {**super().get_config(), "method": self.method, "low": self.low, "high": self.high}


@keras.saving.register_keras_serializable("tunecli")
class InScaledUnits(keras.losses.Loss):  # type: ignore[misc]  # Keras is untyped
    """A loss of scaled targets and predictions, from those in original units.

    Args:
        loss: Of Keras, by name or as an object.
        layer: Holds scale and offset; None for a loss without a model, such as one that was loaded, which has numbers.
        scale: In place of the layer's: one number, or one for each target.
        offset: In place of the layer's.
    """

    def __init__(
        self,
        loss: Any,
        layer: OriginalUnits | None = None,
        *,
        scale: Scale = 1.0,
        offset: Scale = 0.0,
        name: str = "in_scaled_units",
        reduction: str = "sum_over_batch_size",
    ) -> None:
        super().__init__(name=name, reduction=reduction)
        self.loss = keras.losses.get(loss)
        self._is_bound = layer is not None
        # behind a function, where Keras does not look for layers to save
        self._scaling: Callable[[], tuple[Any, Any]] = (
            (lambda: (scale, offset)) if layer is None else (lambda: (layer.scale, layer.offset))
        )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each row."""
        scale, offset = (keras.ops.cast(each, y_pred.dtype) for each in self._scaling())
        of_rows = self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss
        return of_rows((y_true - offset) / scale, (y_pred - offset) / scale)

    def get_config(self) -> dict[str, Any]:
        """Returns how to make it without the model."""
        scale, offset = (keras.ops.convert_to_numpy(each).tolist() for each in self._scaling())
        numbers = {"scale": scale, "offset": offset}
        inner = {**super().get_config(), "loss": keras.losses.serialize(self.loss)}
        return {**inner, **({FITTED: numbers} if self._is_bound else numbers)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InScaledUnits:
        """Makes one that holds numbers."""
        others = {key: each for key, each in config.items() if key not in ("loss", FITTED)}
        return cls(keras.losses.deserialize(config["loss"]), **{**others, **config.get(FITTED, {})})


def with_original_units(model: keras.Model, method: str, range_: tuple[float, float]) -> keras.Model:
    """Returns a model that ends in `OriginalUnits`, each of its outputs through the same one.

    Args:
        model: Uncompiled.
        method: Of the layer.
        range_: What the model's own last layer can give; an infinite end stands for 0 or 1.
    """
    low, high = (end if math.isfinite(end) else number for end, number in zip(range_, (0.0, 1.0), strict=True))
    layer = OriginalUnits(method, low, high, dtype=keras.config.floatx(), name="original_units")
    outputs = keras.tree.map_structure(layer, model.output)
    return type(model)(model.input, outputs, name=model.name)


def scaling_of(model: keras.Model) -> tuple[str, list[float], list[float]] | None:
    """Returns the method, and scale and offset of each target of a model; None where they were not scaled."""
    layer = next((each for each in model.layers if isinstance(each, OriginalUnits)), None)
    if layer is None:
        return None
    scale, offset = (keras.ops.convert_to_numpy(each).ravel().tolist() for each in (layer.scale, layer.offset))
    return layer.method, scale, offset


def in_scaled_units(model: keras.Model, loss: Any) -> Any:
    """Returns the loss that belongs to a model: in scaled units where it ends in `OriginalUnits`."""
    layer = next((each for each in model.layers if isinstance(each, OriginalUnits)), None)
    return loss if layer is None else InScaledUnits(loss, layer)


def without_fitted(config: Any) -> Any:
    """Returns a serialised config without what lives in variables of the model."""
    if isinstance(config, Mapping):
        return {key: without_fitted(each) for key, each in config.items() if key != FITTED}
    return [without_fitted(each) for each in config] if isinstance(config, list | tuple) else config
