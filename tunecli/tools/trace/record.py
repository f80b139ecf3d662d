"""What is recorded of a training: plain arrays, one entry an update."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LinearRecord:
    """The parameters of a linear model, as it holds them.

    Attributes:
        kernels: Before the first update, and after each; shape `(updates + 1, features, outputs)`.
        biases: The same, `(updates + 1, outputs)`.
        kernel_gradients: Of each update, `(updates, features, outputs)`.
        bias_gradients: The same, `(updates, outputs)`.
    """

    kernels: Floats
    biases: Floats
    kernel_gradients: Floats
    bias_gradients: Floats


@dataclass(frozen=True)
class Record:
    """A training, update by update.

    Attributes:
        epochs: In which epoch each update was, counted from 1; shape `(updates,)`, as of all that follow.
        batches: Which batch of its epoch it was, counted from 1.
        rows: The rows of each batch, by their number in the data set, counted from 0, in the order of the batch.
        batch_losses: Of the batch, as the update minimised it: before the update, penalties included, and with dropout
            where there is any.
        losses: Over all training rows, before the first update and after each: `(updates + 1,)`. As Keras evaluates:
            without dropout, penalties included.
        running: Loss and metrics of the epoch so far, as Keras accumulates them, by name.
        learning_rates: Of each update.
        gradient_norms: Of all gradients of an update together: the root of the sum of squares.
        layer_norms: Of the weights of each layer, by its name, as `losses`: `(updates + 1,)`.
        layer_gradient_norms: Of the gradients of each layer, `(updates,)`.
        linear: Every parameter of a linear model; None for another, or one of too many.
        epoch_logs: What Keras has to say at the end of each epoch, validation included.
        stopped: Why it ended before its last epoch, or "".
    """

    epochs: Ints
    batches: Ints
    rows: list[Ints]
    batch_losses: Floats
    losses: Floats
    running: dict[str, Floats]
    learning_rates: Floats
    gradient_norms: Floats
    layer_norms: dict[str, Floats]
    layer_gradient_norms: dict[str, Floats]
    linear: LinearRecord | None
    epoch_logs: list[dict[str, float]] = field(default_factory=list)
    stopped: str = ""

    @property
    def updates(self) -> int:
        """How many there are."""
        return len(self.epochs)

    @property
    def epoch_ends(self) -> list[int]:
        """The iterations, counted from 1, at which an epoch was over or the training ended."""
        ends = [index for index in range(1, self.updates) if self.epochs[index] != self.epochs[index - 1]]
        return [*ends, *([self.updates] if self.updates else [])]


class Collected:
    """What a recorder has taken down so far, in lists that grow."""

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.batches: list[int] = []
        self.rows: list[Any] = []
        self.batch_losses: list[float] = []
        self.losses: list[float] = []
        self.running: list[dict[str, float]] = []
        self.learning_rates: list[float] = []
        self.weights: list[list[Any]] = []
        self.gradients: list[list[Any]] = []
        self.layer_norms: list[Floats] = []
        self.layer_gradient_norms: list[Floats] = []
        self.epoch_logs: list[dict[str, float]] = []
        self.stopped = ""

    def record(self, layers: list[str]) -> Record:
        """Returns all of it; weights and gradients were kept where every parameter is to be seen."""
        import numpy as np

        names = list(dict.fromkeys(name for each in self.running for name in each))
        norms = np.array(self.layer_norms, dtype=np.float64).reshape(-1, len(layers))
        gradient_norms = np.array(self.layer_gradient_norms, dtype=np.float64).reshape(-1, len(layers))
        return Record(
            epochs=np.array(self.epochs, dtype=np.int64),
            batches=np.array(self.batches, dtype=np.int64),
            rows=self.rows,
            batch_losses=np.array(self.batch_losses),
            losses=np.array(self.losses),
            running={name: np.array([each.get(name, np.nan) for each in self.running]) for name in names},
            learning_rates=np.array(self.learning_rates),
            gradient_norms=np.sqrt((gradient_norms**2).sum(axis=1)),
            layer_norms=dict(zip(layers, norms.T, strict=True)),
            layer_gradient_norms=dict(zip(layers, gradient_norms.T, strict=True)),
            linear=self._linear() if self.weights else None,
            epoch_logs=self.epoch_logs,
            stopped=self.stopped,
        )

    def _linear(self) -> LinearRecord:
        import numpy as np

        kernels, biases = (np.array(each, dtype=np.float64) for each in zip(*self.weights, strict=True))
        shapes = kernels.shape[1:], biases.shape[1:]
        gradients = list(zip(*self.gradients, strict=True)) or [(), ()]
        of_kernels, of_biases = (
            np.array(each, dtype=np.float64).reshape(-1, *shape) for each, shape in zip(gradients, shapes, strict=True)
        )
        return LinearRecord(kernels, biases, of_kernels, of_biases)
