"""The formats that a bundle is exported to."""

from tunecli.registry import Registry
from tunecli.training.exports.base import Format

FORMATS: Registry[Format] = Registry(
    "format",
    {
        "keras": "tunecli.training.exports.keras_file:FORMAT",
        "h5": "tunecli.training.exports.h5:FORMAT",
        "weights": "tunecli.training.exports.weights:FORMAT",
        "saved_model": "tunecli.training.exports.saved_model:FORMAT",
        "tflite": "tunecli.training.exports.tflite:FORMAT",
        "onnx": "tunecli.training.exports.onnx:FORMAT",
    },
    synonyms={"hdf5": "h5", "tf": "saved_model", "litert": "tflite"},
)

__all__ = ["FORMATS", "Format"]
