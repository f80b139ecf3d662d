"""A multilayer perceptron: dense hidden layers, all alike or each of its own width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tunecli.families.base import Blueprint, DataSignature, Hyperparameter
from tunecli.families.layers import (
    ACTIVATION,
    BATCH_NORMALIZATION,
    DROPOUT,
    KERNEL_INITIALIZER,
    L2,
    OUTPUT_ACTIVATION,
    dropped,
    flat_inputs,
    hidden,
    output,
    per_layer,
)
from tunecli.families.layers_script import (
    dropped_script,
    flat_inputs_script,
    hidden_script,
    output_script,
    per_layer_script,
)
from tunecli.scripting import Lines
from tunecli.spec.space import Kind, Value

if TYPE_CHECKING:
    import keras


class Mlp:
    """Dense layers, each with its activation and dropout; images are read as one long row."""

    summary = "dense hidden layers"
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter("hidden_layers", Kind.INT, 2, "Number of hidden layers.", min=0),
        Hyperparameter(
            "units", Kind.INT, 64, "Units of every hidden layer, or layer by layer.", min=1, layer_count="hidden_layers"
        ),
        ACTIVATION,
        KERNEL_INITIALIZER,
        DROPOUT,
        BATCH_NORMALIZATION,
        L2,
        OUTPUT_ACTIVATION,
    )

    def fault(self, image_shape: tuple[int, int, int] | None) -> str | None:
        """Returns None: every input fits."""
        return None

    def build(self, signature: DataSignature, values: Mapping[str, Value]) -> keras.Model:
        """Builds the model."""
        import keras

        inputs, tensor = flat_inputs(signature)
        for number, width in enumerate(per_layer(values, "units", count="hidden_layers"), start=1):
            tensor = hidden(tensor, keras.layers.Dense, f"hidden_{number}", values, units=width)
            tensor = dropped(tensor, f"hidden_{number}_dropout", values)
        return keras.Model(inputs, output(tensor, signature, values), name="mlp")

    def script(self, blueprint: Blueprint) -> Lines:
        """Writes what `build` does."""
        return [
            *flat_inputs_script(blueprint),
            *per_layer_script(
                blueprint,
                "units",
                count="hidden_layers",
                body=lambda width: [
                    *hidden_script(blueprint, "Dense", "hidden_{number}", width),
                    *dropped_script(blueprint, "hidden_{number}_dropout"),
                ],
            ),
            *output_script(blueprint, model="mlp"),
        ]


FAMILY = Mlp()
