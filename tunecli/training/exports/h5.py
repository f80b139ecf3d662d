"""The older HDF5 format of Keras: the model alone, which reads what the preprocessing beside it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.training.exports.base import Takes
from tunecli.training.exports.keras_file import run_keras

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.exports.base import Inputs


class H5:
    """`.h5`: its header takes 64 kB at most, and it knows layers only, no operations between them."""

    summary = "one .h5 file, the older format of Keras; preprocessing beside it"
    file = "model.h5"
    takes = Takes.FEATURES
    float_type = "float64"
    packages: tuple[str, ...] = ()
    is_code_free = False
    has_operations = False

    def write(self, model: keras.Model, folder: Path) -> None:
        """Writes the file."""
        model.save(folder / self.file, include_optimizer=False)

    def run(self, folder: Path, inputs: Inputs, custom_objects: Mapping[str, Any]) -> NDArray[np.float32]:
        """Loads the file and runs it."""
        return run_keras(folder / self.file, inputs, custom_objects)

    def usage(self, inputs: Sequence[str], own: str) -> list[str]:
        """Returns Python code that predicts."""
        return [
            "import keras",
            f'model = keras.saving.load_model("{self.file}", compile=False{own})',
            f"outputs = model.predict({given_features(inputs)})",
        ]


def given_features(inputs: Sequence[str]) -> str:
    """Returns what a model of features is called with, as code."""
    return inputs[0] if len(inputs) == 1 else "{" + ", ".join(f'"{name}": {name}' for name in inputs) + "}"


FORMAT = H5()
