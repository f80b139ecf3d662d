"""One dense layer: linear, logistic or softmax regression by task. The baseline for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tunecli.families.base import Blueprint, DataSignature, Hyperparameter
from tunecli.families.layers import L2, OUTPUT_ACTIVATION, flat_inputs, output
from tunecli.families.layers_script import flat_inputs_script, output_script
from tunecli.scripting import Lines
from tunecli.spec.space import Value

if TYPE_CHECKING:
    import keras


class Linear:
    """A model without hidden layers; images are read as one long row."""

    summary = "one layer: linear, logistic or softmax regression"
    hyperparameters: tuple[Hyperparameter, ...] = (L2, OUTPUT_ACTIVATION)

    def fault(self, image_shape: tuple[int, int, int] | None) -> str | None:
        """Returns None: every input fits."""
        return None

    def build(self, signature: DataSignature, values: Mapping[str, Value]) -> keras.Model:
        """Builds the model."""
        import keras

        inputs, tensor = flat_inputs(signature)
        return keras.Model(inputs, output(tensor, signature, values), name="linear")

    def script(self, blueprint: Blueprint) -> Lines:
        """Writes what `build` does."""
        return [*flat_inputs_script(blueprint), *output_script(blueprint, model="linear")]


FAMILY = Linear()
