"""Keras' own format: one file, preprocessing and all, for `keras.saving.load_model`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.training.exports.base import Takes, as_tensors, in_batches, only_output

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.exports.base import Inputs


class KerasFile:
    """`.keras`: layers by name, with their settings and weights."""

    summary = "one .keras file for Keras 3, preprocessing inside"
    file = "model.keras"
    takes = Takes.TEXTS
    float_type = "float64"
    packages: tuple[str, ...] = ()
    is_code_free = False
    has_operations = True

    def write(self, model: keras.Model, folder: Path) -> None:
        """Writes the file."""
        model.save(folder / self.file)

    def run(self, folder: Path, inputs: Inputs, custom_objects: Mapping[str, Any]) -> NDArray[np.float32]:
        """Loads the file and runs it."""
        return run_keras(folder / self.file, inputs, custom_objects)

    def usage(self, inputs: Sequence[str], own: str) -> list[str]:
        """Returns Python code that predicts."""
        given = ", ".join(f'"{name}": tf.constant({name})' for name in inputs)
        return [
            "import keras",
            "import tensorflow as tf",
            f'model = keras.saving.load_model("{self.file}"{own})',
            f"outputs = model({{{given}}})  # predict() would round numbers to float32",
        ]


def run_keras(path: Path, inputs: Inputs, custom_objects: Mapping[str, Any]) -> NDArray[np.float32]:
    """Loads a file of Keras' and runs it."""
    import keras

    # what a user's own code has built, from a bundle whose code may be run
    model = keras.saving.load_model(
        path, compile=False, custom_objects=dict(custom_objects), safe_mode=not custom_objects
    )
    return run_model(model, inputs)


def run_model(model: keras.Model, inputs: Inputs) -> NDArray[np.float32]:
    """Runs a loaded model, whose one input may have no name."""
    is_named = isinstance(model.input, Mapping)

    def run(batch: Inputs) -> Any:
        tensors = as_tensors(batch)
        return only_output(model(tensors if is_named else next(iter(tensors.values())), training=False))

    return in_batches(run, inputs)


FORMAT = KerasFile()
