"""What a format is: how a model is written in it, how what was written is run again, and how a user would.

    class KerasFile:                                # exports/keras_file.py
        takes = Takes.TEXTS                         # what its graph begins with
        def write(self, model, folder): ...
        def run(self, folder, inputs): ...          # the same outputs, from the file alone

A format knows nothing of bundles: which model is written, and whether it predicts as it should, is up to `export`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    Inputs = Mapping[str, NDArray[Any]]

PREDICTION, PROBABILITIES = "prediction", "probabilities"
"""The names of outputs: in the target's units, or of classes."""


class Takes(StrEnum):
    """What the graph of a format begins with."""

    TEXTS = "texts"  # raw columns, and texts as they stand in the table
    CODES = "codes"  # raw columns, and codes of texts
    FEATURES = "features"  # what the preprocessing gives


class Format(Protocol):
    """A way to write a model down."""

    @property
    def summary(self) -> str:
        """One line for people."""
        ...

    @property
    def file(self) -> str:
        """The name of the file, or folder, that holds the model."""
        ...

    @property
    def takes(self) -> Takes:
        """What the graph begins with."""
        ...

    @property
    def float_type(self) -> str:
        """The type of raw numbers, be they taken by the graph or by the preprocessing beside it."""
        ...

    @property
    def packages(self) -> tuple[str, ...]:
        """The modules that it needs beyond those that tunecli brings, from its extra."""
        ...

    @property
    def is_code_free(self) -> bool:
        """Whether the file holds the calculation itself, and not the names of classes that calculate."""
        ...

    @property
    def has_operations(self) -> bool:
        """Whether it can hold operations outside of layers."""
        ...

    def write(self, model: keras.Model, folder: Path) -> None:
        """Writes a model.

        Args:
            model: The graph: inputs by name, outputs by name; of features, as the model takes and gives them.
            folder: Where to; it exists.

        Raises:
            Exception: Whatever a converter raises where it cannot.
        """
        ...

    def run(self, folder: Path, inputs: Inputs, custom_objects: Mapping[str, Any]) -> NDArray[np.float32]:
        """Reads what was written, and runs it.

        Args:
            folder: As `write` has filled it.
            inputs: By name; arrays of rows.
            custom_objects: The user's own classes, where the model has some.

        Returns:
            `(rows, outputs)`.
        """
        ...

    def usage(self, inputs: Sequence[str], own: str) -> list[str]:
        """Returns Python code that predicts with the file.

        Args:
            inputs: The names of the inputs, which are variables.
            own: Code of what Keras is to be told of classes of the user's own: `, custom_objects=…`, or "".
        """
        ...


BATCH_ROWS = 256
"""So many rows are run at once when a file is checked."""


def in_batches(run: Any, inputs: Inputs) -> NDArray[np.float32]:
    """Runs rows batch by batch; the last one is shorter, which shows that any number of rows goes in."""
    import numpy as np

    rows = len(next(iter(inputs.values())))
    parts = [
        np.asarray(run({name: array[begin : begin + BATCH_ROWS] for name, array in inputs.items()}))
        for begin in range(0, rows, BATCH_ROWS)
    ]
    return np.concatenate(parts)


def as_tensors(inputs: Inputs) -> dict[str, Any]:
    """Returns arrays as tensors of TensorFlow, texts too."""
    import tensorflow as tf

    return {name: tf.constant(array.tolist() if array.dtype == object else array) for name, array in inputs.items()}


def only_output(outputs: Any) -> Any:
    """Returns the one output, which may come by its name."""
    return next(iter(outputs.values())) if isinstance(outputs, Mapping) else outputs
