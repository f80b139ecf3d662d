"""ONNX, by way of tf2onnx: one file for ONNX Runtime and whatever else reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.training.exports.base import Takes, in_batches

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.exports.base import Inputs


class Onnx:
    """`.onnx`: texts would take a tokenizer of ONNX's own, and come as codes."""

    summary = "one .onnx file for ONNX Runtime, preprocessing inside; texts as codes; pip install 'tunecli[onnx]'"
    file = "model.onnx"
    takes = Takes.CODES
    float_type = "float64"
    packages = ("tf2onnx", "onnx", "onnxruntime")
    is_code_free = True
    has_operations = True

    def write(self, model: keras.Model, folder: Path) -> None:
        """Converts the graph."""
        model(model.input)  # Keras converts no model that was never called
        model.export(folder / self.file, format="onnx", verbose=False)

    def run(self, folder: Path, inputs: Inputs, custom_objects: Mapping[str, Any]) -> NDArray[np.float32]:
        """Runs the file in ONNX Runtime."""
        import onnxruntime

        session = onnxruntime.InferenceSession(folder / self.file, providers=["CPUExecutionProvider"])
        return in_batches(lambda batch: session.run(None, dict(batch))[0], inputs)

    def usage(self, inputs: Sequence[str], own: str) -> list[str]:
        """Returns Python code that predicts."""
        given = ", ".join(f'"{name}": {name}' for name in inputs)
        return [
            "import onnxruntime",
            f'session = onnxruntime.InferenceSession("{self.file}")',
            f"outputs = session.run(None, {{{given}}})",
        ]


FORMAT = Onnx()
