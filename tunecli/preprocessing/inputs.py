"""Routes prepared features to the inputs of a model that has several.

    parts = routed(prepare(data, rows), {"wide": ("MedInc",), "deep": ("MedInc", "AveRooms")})
    x, y = parts.parts[0]                 # x is {"wide": (rows, 1), "deep": (rows, 2)}

A column stands for every feature that comes from it: all texts of a categorical one, and the indicator of missing
numbers. To predict with a model that is kept, transform by its preprocessing, then route by its `inputs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tunecli.families.base import DataSignature
from tunecli.preprocessing.prepare import Prepared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    InputColumns = Mapping[str, Sequence[str]]


def routed(parts: Prepared, inputs: InputColumns | None) -> Prepared:
    """Returns parts whose `x` holds one array for each input; as they are for a model of one input.

    Args:
        parts: Of a table, each `x` of shape `(rows, features)`.
        inputs: The columns of each input, by its name; None for one input.
    """
    if inputs is None:
        return parts
    signature = routed_signature(parts.signature, inputs)
    found: list[Any] = [(route(part[0], signature), *part[1:]) for part in parts.parts]
    return replace(parts, signature=signature, parts=found)


def routed_signature(signature: DataSignature, inputs: InputColumns | None) -> DataSignature:
    """Returns a signature that says which features go into each input."""
    if inputs is None:
        return signature
    positions = {
        name: tuple(index for index, column in enumerate(signature.columns) if column in columns)
        for name, columns in inputs.items()
    }
    return replace(signature, inputs=positions)


def route(x: NDArray[np.float32], signature: DataSignature) -> dict[str, NDArray[np.float32]]:
    """Returns the features of each input, shape `(rows, its features)`, from a matrix of all of them."""
    return {name: x[:, list(positions)] for name, positions in signature.inputs.items()}
