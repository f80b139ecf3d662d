"""A multilayer perceptron: dense hidden layers, all alike or each of its own width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tunecli.families.base import Blueprint, DataSignature, Hyperparameter
from tunecli.families.embeddings import EMBEDDING_HYPERPARAMETERS, embedded
from tunecli.families.layers import (
    HIDDEN_LAYERS,
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
from tunecli.families.members import ENSEMBLE_HEADS, dense, join_members, split_members
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
        *HIDDEN_LAYERS,
        *EMBEDDING_HYPERPARAMETERS,
        ENSEMBLE_HEADS,
    )

    def fault(self, image_shape: tuple[int, int, int] | None) -> str | None:
        """Returns None: every input fits."""
        return None

    def build(self, signature: DataSignature, values: Mapping[str, Value]) -> keras.Model:
        """Builds the model."""
        inputs, tensor = flat_inputs(signature)
        tensor = split_members(embedded(tensor, signature.numeric, values), values)
        for number, width in enumerate(per_layer(values, "units", count="hidden_layers"), start=1):
            layer = dense(values, is_first=number == 1)
            tensor = hidden(tensor, layer, f"hidden_{number}", values, units=width)
            tensor = dropped(tensor, f"hidden_{number}_dropout", values)
        return join_members(inputs, output(tensor, signature, values), "mlp")

    def script(self, blueprint: Blueprint) -> Lines:
        """Writes what `build` does, without embeddings and members, which `eject` refuses."""
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
