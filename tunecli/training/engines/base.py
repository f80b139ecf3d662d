"""The protocol of an engine: fit a compiled model for epochs [start, end) on arrays.

Every engine draws the order of rows in an epoch from (seed, epoch) alone, so that a training that is cut in two goes on
as if it had not been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tunecli.study.trial import Program

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    Arrays = tuple[Any, ...]
    """Inputs, targets and, if rows count differently, sample weights, as Keras takes them: rows are the first axis of
    each, and each is an array or, for several inputs or outputs, a tuple or dict of arrays."""

VALIDATION_ELEMENTS = 2**20
"""Input elements of one validation batch: large enough to be fast, small enough for the activations of a CNN."""

MOST_COPIED_BYTES = 2**31
"""Arrays up to this size are copied in the order of an epoch at its begin; larger ones are read batch by batch."""


@dataclass(frozen=True)
class Job:
    """One fit.

    Attributes:
        model: Built and compiled, with its weights as training is to begin.
        train: What to train on.
        validation: The same for the validation part, or None.
        batch_size: Rows of one step; the last step of an epoch takes what is left.
        start_epoch: The first epoch to train, counted from 0.
        end_epoch: The epoch before which to stop.
        seed: With the epoch, decides the order of rows.
        shuffle: Whether rows are reordered at all.
        callbacks: Keras callbacks, called at the ends of epochs as under `keras.Model.fit`; they find the model that
            is trained as `self.model`.
        identity: What tells the model from all others, for one whose configuration does not say all that it computes;
            "" for one whose does.
    """

    model: keras.Model
    train: Arrays
    validation: Arrays | None
    batch_size: int
    start_epoch: int
    end_epoch: int
    seed: int
    shuffle: bool = True
    callbacks: Sequence[Any] = field(default_factory=tuple)
    identity: str = ""

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Returns the order in which an epoch visits the rows of `train`."""
        return row_order(self.seed, epoch, row_count(self.train), shuffle=self.shuffle)


@dataclass(frozen=True)
class Fitted:
    """What a fit leaves.

    Attributes:
        model: The trained model; another object than the job's where a compiled program was used again, or where the
            engine trains a copy.
        program: Where the program came from.
        stopped: Why the optimiser stopped, in its own words; "" for engines that train as many epochs as they are told.
    """

    model: keras.Model
    program: Program = Program.NONE
    stopped: str = ""


class Engine(Protocol):
    """A way to fit a model."""

    def fit(self, job: Job) -> Fitted:
        """Trains the job's model, or one that has taken over its state; callbacks see every epoch."""
        ...


def row_order(seed: int, epoch: int, rows: int, *, shuffle: bool) -> NDArray[np.int64]:
    """Returns the order in which an epoch visits its rows; shape `(rows,)`."""
    import numpy as np

    return np.random.default_rng([seed, epoch]).permutation(rows) if shuffle else np.arange(rows)


def row_count(arrays: Arrays) -> int:
    """Returns the length of the first axis."""
    rows: int = len(_leaves(arrays)[0])
    return rows


def byte_count(arrays: Arrays) -> int:
    """Returns the size of all arrays together."""
    return sum(leaf.nbytes for leaf in _leaves(arrays))


def validation_batch_size(arrays: Arrays) -> int:
    """Returns the rows of one validation batch."""
    return max(256, min(4096, VALIDATION_ELEMENTS // max(1, element_count(arrays[0]))))


def element_count(inputs: Any) -> int:
    """Returns how many numbers a row has in all inputs together."""
    return sum(leaf[:1].size for leaf in _leaves(inputs))


def _leaves(arrays: Any) -> list[Any]:
    import keras

    leaves: list[Any] = keras.tree.flatten(arrays)
    return leaves
