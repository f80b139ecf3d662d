"""Wide & Deep (Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems", section 3).

Some features go straight to the output, where a linear model memorises them; some, the same or others, go through
hidden layers first. Both paths meet in the output layer and are trained together.

The deep path may have an output of its own beside it, which helps to train its layers (Szegedy et al. 2015, "Going
Deeper with Convolutions", section 5, auxiliary classifiers) and predicts nothing in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tunecli.errors import UsageError
from tunecli.families.base import Blueprint, DataSignature, Hyperparameter
from tunecli.families.embeddings import EMBEDDING_HYPERPARAMETERS, embedded
from tunecli.families.layers import (
    HIDDEN_LAYERS,
    dropped,
    hidden,
    output,
    per_layer,
)
from tunecli.families.members import ENSEMBLE_HEADS, dense, join_members, split_members
from tunecli.scripting import Lines
from tunecli.spec.space import Kind, Value

if TYPE_CHECKING:
    import keras

INPUTS = ("wide", "deep")
"""The names of its inputs."""


class WideDeep:
    """Two inputs: one beside the hidden layers, one before them."""

    summary = "a linear model and hidden layers side by side, each with features of its own"
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter("hidden_layers", Kind.INT, 2, "Number of hidden layers of the deep path.", min=1),
        Hyperparameter(
            "units", Kind.INT, 64, "Units of every hidden layer, or layer by layer.", min=1, layer_count="hidden_layers"
        ),
        *HIDDEN_LAYERS,
        *EMBEDDING_HYPERPARAMETERS,
        ENSEMBLE_HEADS,
        Hyperparameter(
            "aux_weight",
            Kind.FLOAT,
            0.0,
            "Share in the loss of an output of the deep path; 0 leaves it out.",
            min=0.0,
            below=1.0,
        ),
    )

    def fault(self, image_shape: tuple[int, int, int] | None) -> str | None:
        """Returns why images do not fit, or None for a table."""
        return None if image_shape is None else "wide_deep needs a table, and these data are images"

    def build(self, signature: DataSignature, values: Mapping[str, Value]) -> keras.Model:
        """Builds the model; its inputs are a dict of `wide` and `deep`, each `(batch, its features)`.

        With an auxiliary output it has a dict of outputs, too: `main` and `aux`.
        """
        import keras

        inputs = {name: keras.Input((_width(signature, name),), name=name) for name in INPUTS}
        wide = split_members(inputs["wide"], values, name="wide_members")
        deep = split_members(embedded(inputs["deep"], _numeric(signature, "deep"), values), values)
        for number, width in enumerate(per_layer(values, "units", count="hidden_layers"), start=1):
            deep = hidden(deep, dense(values, is_first=number == 1), f"hidden_{number}", values, units=width)
            deep = dropped(deep, f"hidden_{number}_dropout", values)
        both = keras.layers.Concatenate(name="wide_and_deep")([wide, deep])
        if not values["aux_weight"]:
            return join_members(inputs, output(both, signature, values), "wide_deep")
        paths = {"main": both, "aux": deep}
        outputs = {name: output(tensor, signature, values, name=name) for name, tensor in paths.items()}
        return join_members(inputs, outputs, "wide_deep")

    def script(self, blueprint: Blueprint) -> Lines:
        """Writes nothing.

        Raises:
            UsageError: Always: a script holds one array of inputs.
        """
        hint = "write family: mlp, which reads all features in one input"
        raise UsageError("a script of KerasTuner has no family wide_deep", where="model.family", hint=hint)


def _width(signature: DataSignature, name: str) -> int:
    """Returns how many features go into an input."""
    return len(signature.inputs[name]) if signature.inputs else signature.shape[0]


def _numeric(signature: DataSignature, name: str) -> int:
    """Returns how many of the features of an input, the first ones, are numbers."""
    if not signature.inputs:
        return signature.numeric
    return sum(position < signature.numeric for position in signature.inputs[name])


FAMILY = WideDeep()
