"""TensorFlow's SavedModel: the calculation itself, for TensorFlow and its servers; asks for no code, not even Keras."""

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

SIGNATURE = "serving_default"


class SavedModel:
    """A folder with a graph and its variables."""

    summary = "a SavedModel for TensorFlow and its servers, preprocessing inside"
    file = "saved_model"
    takes = Takes.TEXTS
    float_type = "float64"
    packages: tuple[str, ...] = ()
    is_code_free = True
    has_operations = True

    def write(self, model: keras.Model, folder: Path) -> None:
        """Writes the folder."""
        model.export(folder / self.file, format="tf_saved_model", verbose=False)

    def run(self, folder: Path, inputs: Inputs, custom_objects: Mapping[str, Any]) -> NDArray[np.float32]:
        """Loads the folder and runs its signature."""
        import tensorflow as tf

        loaded = tf.saved_model.load(str(folder / self.file))
        signature = loaded.signatures[SIGNATURE]
        return in_batches(lambda batch: only_output(signature(**as_tensors(batch))), inputs)

    def usage(self, inputs: Sequence[str], own: str) -> list[str]:
        """Returns Python code that predicts."""
        given = ", ".join(f"{name}=tf.constant({name})" for name in inputs)
        return [
            "import tensorflow as tf",
            f'loaded = tf.saved_model.load("{self.file}")',
            f'outputs = loaded.signatures["{SIGNATURE}"]({given})',
        ]


FORMAT = SavedModel()
