"""Layers whose variables are fitted to the training rows before training begins.

    model = build_model(…)
    fit_layers(model, train)      # then a state may be restored, which has fitted layers of its own

What is fitted lives in variables that training leaves alone: it is in every state and in the saved model, and a
compiled program is used again whatever it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunecli.families.embeddings import adapt_embeddings

if TYPE_CHECKING:
    import keras

    from tunecli.training.engines.base import Arrays


def fit_layers(model: keras.Model, train: Arrays) -> None:
    """Fits the bins of embeddings and the scaling of targets; several outputs learn the same targets.

    Args:
        model: Built.
        train: The training part.
    """
    import keras

    adapt_embeddings(model, train[0])
    targets = keras.tree.flatten(train[1])[0]
    for layer in model.layers:
        if hasattr(layer, "fit_targets"):
            layer.fit_targets(targets)
