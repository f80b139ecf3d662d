"""TensorFlow Lite (LiteRT): one file for phones and small machines, of its built-in operations alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.training.exports.base import Takes, in_batches, only_output
from tunecli.training.exports.saved_model import SIGNATURE

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.exports.base import Inputs


class Tflite:
    """`.tflite`: single precision, and no texts."""

    summary = "one .tflite file for TensorFlow Lite (LiteRT), preprocessing inside; texts as codes"
    file = "model.tflite"
    takes = Takes.CODES
    float_type = "float32"
    packages: tuple[str, ...] = ()
    is_code_free = True
    has_operations = True

    def write(self, model: keras.Model, folder: Path) -> None:
        """Converts the graph; what TensorFlow Lite has no operation for is an error, and no call of TensorFlow's."""
        import tensorflow as tf

        builtins = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
        model.export(folder / self.file, format="litert", verbose=False, target_spec=builtins)

    def run(self, folder: Path, inputs: Inputs, custom_objects: Mapping[str, Any]) -> NDArray[np.float32]:
        """Runs the file in TensorFlow's interpreter."""
        import tensorflow as tf

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the interpreter has moved to a package of its own, ai-edge-litert
            interpreter = tf.lite.Interpreter(str(folder / self.file))
        runner = interpreter.get_signature_runner(SIGNATURE)
        return in_batches(lambda batch: only_output(runner(**batch)), inputs)

    def usage(self, inputs: Sequence[str], own: str) -> list[str]:
        """Returns Python code that predicts."""
        given = ", ".join(f"{name}={name}" for name in inputs)
        return [
            "from ai_edge_litert.interpreter import Interpreter  # of ai-edge-litert; or tf.lite.Interpreter",
            f'interpreter = Interpreter("{self.file}")',
            f'outputs = interpreter.get_signature_runner("{SIGNATURE}")({given})',
        ]


FORMAT = Tflite()
