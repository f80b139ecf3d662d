"""Weights alone, beside a description of the layers that they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.store.files import write_whole
from tunecli.training.exports.base import Takes
from tunecli.training.exports.h5 import given_features
from tunecli.training.exports.keras_file import run_model

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.exports.base import Inputs

ARCHITECTURE = "model.json"


class Weights:
    """`.weights.h5` and `model.json`, from which Keras builds the layers."""

    summary = "the weights as .weights.h5 and the layers as JSON; preprocessing beside them"
    file = "model.weights.h5"
    takes = Takes.FEATURES
    float_type = "float64"
    packages: tuple[str, ...] = ()
    is_code_free = False
    has_operations = True

    def write(self, model: keras.Model, folder: Path) -> None:
        """Writes both files."""
        write_whole(folder / ARCHITECTURE, model.to_json(indent=1).encode())
        model.save_weights(folder / self.file)

    def run(self, folder: Path, inputs: Inputs, custom_objects: Mapping[str, Any]) -> NDArray[np.float32]:
        """Builds the layers, loads their weights and runs them."""
        import keras

        text = (folder / ARCHITECTURE).read_text(encoding="utf-8")
        model = keras.models.model_from_json(text, custom_objects=dict(custom_objects))
        model.load_weights(folder / self.file)
        return run_model(model, inputs)

    def usage(self, inputs: Sequence[str], own: str) -> list[str]:
        """Returns Python code that predicts."""
        return [
            "import keras",
            f'model = keras.models.model_from_json(open("{ARCHITECTURE}", encoding="utf-8").read(){own})',
            f'model.load_weights("{self.file}")',
            f"outputs = model.predict({given_features(inputs)})",
        ]


FORMAT = Weights()
