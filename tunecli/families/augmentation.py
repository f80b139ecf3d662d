"""Other views of the training images: layers that act in training alone, so that a saved model predicts without them.

What they draw comes from random state that is a part of the model, and so of every state that a trial goes on from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunecli.families.base import Blueprint, Hyperparameter, boolean
from tunecli.families.layers_script import layer_script, name_script, switched
from tunecli.scripting import Lines
from tunecli.spec.space import Kind, Value

FLIP = boolean("augment_flip", "Mirror half of the training images, left to right.")

SHIFT = Hyperparameter(
    "augment_shift",
    Kind.FLOAT,
    0.0,
    "Move training images by up to this share of their height and width; edges are repeated.",
    min=0.0,
    below=0.5,
)

AUGMENTATION = (FLIP, SHIFT)


def augmented(tensor: Any, values: Mapping[str, Value]) -> Any:
    """Applies what `values` say; values without augmentation add no layers.

    Args:
        tensor: Images, `(rows, height, width, channels)`.
        values: Of the trial.
    """
    import keras

    if values[FLIP.name]:
        tensor = keras.layers.RandomFlip("horizontal", name="augment_flip")(tensor)
    if shift := values[SHIFT.name]:
        tensor = keras.layers.RandomTranslation(shift, shift, fill_mode="nearest", name="augment_shift")(tensor)
    return tensor


def augmented_script(blueprint: Blueprint) -> Lines:
    """Writes what `augmented` does."""
    flip, shift = blueprint.settings[FLIP.name], blueprint.settings[SHIFT.name]
    moved = (shift.code, shift.code, 'fill_mode="nearest"', name_script("augment_shift"))
    return [
        *switched(flip, layer_script("RandomFlip", '"horizontal"', name_script("augment_flip"))),
        *switched(shift, layer_script("RandomTranslation", *moved)),
    ]
