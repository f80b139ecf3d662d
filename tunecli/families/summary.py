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
        output_shape: Of one row, without the batch axis.
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
        LayerSummary(layer.name, type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
        if type(layer).__name__ != "InputLayer"
    ]
