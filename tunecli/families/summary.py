"""What a built model looks like, as plain values that can be kept and shown without Keras."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class LayerSummary:
    """One layer of a model.

    Attributes:
        name: Its name in the model.
        kind: Its class, such as Dense.
        output_shape: Of one row, without the batch axis; () where it is not one shape, or not known beforehand.
        parameters: How many numbers it holds, trained or not.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int

    def as_json(self) -> dict[str, Any]:
        """Returns the layer as JSON holds it."""
        return {**asdict(self), "output_shape": list(self.output_shape)}


def describe_layers(model: keras.Model) -> list[LayerSummary]:
    """Returns the layers of a built model in order, without its inputs."""
    return [
        LayerSummary(layer.name, type(layer).__name__, _output_shape(layer), layer.count_params())
        for layer in model.layers
        if type(layer).__name__ != "InputLayer"
    ]


def _output_shape(layer: keras.Layer) -> tuple[int, ...]:
    """Returns the shape that a layer of a graph of layers has; within a model that computes in `call` there is none."""
    try:
        output = layer.output
    except (AttributeError, ValueError):  # never part of a graph, or of several
        return ()
    return tuple(output.shape[1:]) if hasattr(output, "shape") else ()
