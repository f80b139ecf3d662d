"""Watches Keras' own `fit` batch by batch, without changing what it computes.

    with watched(model) as probe:              # the model tells each step's loss and gradients
        recorder = Recorder(model, …, probe)
        fit(callbacks=[recorder.callback()])
    recorder.record()

The step that trains is Keras' own: only what passes through two of its public methods, `Model.compute_loss` and
`Optimizer.apply`, is noted on the way. Dropout, penalties and loss scaling are thereby as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError
from tunecli.tools.trace.record import Collected, Record
from tunecli.training.engines.base import row_count, validation_batch_size

if TYPE_CHECKING:
    import keras
    import numpy as np
    import tensorflow as tf
    from numpy.typing import NDArray

    from tunecli.training.engines.base import Arrays


class Probe:
    """What the last step came to, in variables that the step itself assigns.

    Attributes:
        loss: Of the batch, before its update.
        gradients: One for each trainable variable of the model, in their order; NaN where scaling the loss made one
            too large for half precision, and Keras skipped the update.
    """

    def __init__(self, model: keras.Model) -> None:
        import tensorflow as tf

        self.loss = tf.Variable(math.nan, dtype=tf.float32, trainable=False)
        self.gradients = [tf.Variable(tf.zeros(each.shape), trainable=False) for each in model.trainable_variables]

    def forget_gradients(self) -> None:
        """Puts NaN in their place, until there are others."""
        import tensorflow as tf

        for variable in self.gradients:
            variable.assign(tf.fill(variable.shape, math.nan))

    def note_gradients(self, gradients: Any) -> None:
        """Notes them, as dense tensors; a variable that the loss does not reach has none."""
        import tensorflow as tf

        for variable, gradient in zip(self.gradients, gradients, strict=True):
            found = tf.zeros_like(variable) if gradient is None else tf.convert_to_tensor(gradient)
            variable.assign(tf.cast(found, variable.dtype))


@contextmanager
def watched(model: keras.Model) -> Iterator[Probe]:
    """Lets a compiled model, built and not yet trained, tell what its steps come to; it is itself again behind."""
    import tensorflow as tf

    probe = Probe(model)
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # behind a scaling of the loss
    may_skip = optimizer is not model.optimizer
    compute_loss, apply = model.compute_loss, optimizer.apply

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def telling_loss(*arguments: Any, **named: Any) -> Any:
        loss = compute_loss(*arguments, **named)
        if named.get("training", True):
            probe.loss.assign(tf.cast(loss, tf.float32))
            if may_skip:
                probe.forget_gradients()
        return loss

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def telling_gradients(gradients: Any, trainable_variables: Any = None) -> Any:
        probe.note_gradients(gradients)
        return apply(gradients, trainable_variables)

    model.compute_loss, optimizer.apply = telling_loss, telling_gradients
    try:
        yield probe
    finally:
        del model.compute_loss, optimizer.apply


class Recorder:
    """Takes down each update.

    Args:
        model: What is trained: a model as `watched` gives it.
        train: What it is trained on.
        probe: Of the model.
        order: Returns the order in which an epoch, counted from 0, visits the rows of `train`.
        batch_size: Rows of one step.
        numbers: What number each row of `train` has in the data set; shape `(rows,)`.
        keeps_parameters: Whether every weight is kept, not only norms.
        say: Is told the epoch, counted from 1, when one ends.
    """

    def __init__(
        self,
        model: keras.Model,
        train: Arrays,
        probe: Probe,
        *,
        order: Callable[[int], NDArray[np.int64]],
        batch_size: int,
        numbers: NDArray[np.int64],
        keeps_parameters: bool,
        say: Callable[[int], None],
    ) -> None:
        self._model, self._probe = model, probe
        self._order, self._batch_size, self._numbers = order, batch_size, numbers
        self._keeps_parameters, self._say = keeps_parameters, say
        self._loss_over = _loss_over_rows(model, train)
        self._layers = list(dict.fromkeys(self._layer_of(each) for each in model.trainable_variables))
        self._collected = Collected()

    def record(self) -> Record:
        """Returns what was taken down."""
        return self._collected.record(self._layers)

    def callback(self) -> keras.callbacks.Callback:
        """Returns what Keras calls."""
        import keras

        recorder = self

        class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
            def on_train_begin(self, logs: Any = None) -> None:
                recorder._note_state()

            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                recorder._begin_epoch(epoch)

            def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
                recorder._collected.learning_rates.append(float(self.model.optimizer.learning_rate))

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                self.model.stop_training |= not recorder._note_update(batch, logs or {})

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                recorder._collected.epoch_logs.append({name: float(each) for name, each in (logs or {}).items()})
                recorder._say(epoch + 1)

        return Watch()

    def _begin_epoch(self, epoch: int) -> None:
        self._epoch, self._visits = epoch, self._numbers[self._order(epoch)]

    def _note_update(self, batch: int, logs: Any) -> bool:
        """Takes down an update; returns whether there is any sense in another one."""
        found, size = self._collected, self._batch_size
        found.epochs.append(self._epoch + 1)
        found.batches.append(batch + 1)
        found.rows.append(self._visits[batch * size : (batch + 1) * size])
        found.batch_losses.append(float(self._probe.loss.numpy()))
        found.running.append({name: float(value) for name, value in logs.items()})
        gradients = [each.numpy() for each in self._probe.gradients]
        found.layer_gradient_norms.append(self._norms(gradients))
        if self._keeps_parameters:
            found.gradients.append(gradients)
        self._note_state()
        if not math.isfinite(found.losses[-1]):
            found.stopped = f"the loss is {found.losses[-1]} after update {len(found.epochs)}"
        return not found.stopped

    def _note_state(self) -> None:
        found = self._collected
        weights = [each.numpy() for each in self._model.trainable_variables]
        if self._keeps_parameters:
            found.weights.append(weights)
        found.layer_norms.append(self._norms(weights))
        found.losses.append(self._loss_over())

    def _norms(self, arrays: list[Any]) -> NDArray[np.float64]:
        """Returns the norm of what belongs to each layer."""
        import numpy as np

        sums = dict.fromkeys(self._layers, 0.0)
        for variable, array in zip(self._model.trainable_variables, arrays, strict=True):
            sums[self._layer_of(variable)] += float(np.square(array, dtype=np.float64).sum())
        norms: NDArray[np.float64] = np.sqrt(np.array(list(sums.values())))
        return norms

    def _layer_of(self, variable: Any) -> str:
        """Returns the layer that a variable belongs to, such as `hidden_1` of `hidden_1/kernel`."""
        path: str = variable.path.removeprefix(f"{self._model.name}/")
        return path.rpartition("/")[0] or path


def require_watchable(model: keras.Model) -> None:
    """Makes sure that a model is trained by Keras' own step.

    Raises:
        StudyError: It brings a step of its own.
    """
    import keras

    if type(model).train_step is not keras.Model.train_step:
        hint = "tunecli search trains it; a trace needs the step that Keras has"
        raise StudyError(f"{type(model).__name__} has a train_step of its own, which cannot be watched", hint=hint)


def _loss_over_rows(model: keras.Model, train: Arrays) -> Callable[[], float]:
    """Returns what gives the loss over all rows, as Keras evaluates it; it leaves the metrics of the epoch alone."""
    import keras
    import tensorflow as tf

    size, rows = validation_batch_size(train), row_count(train)
    chunks = [
        (keras.tree.map_structure(lambda array, begin=begin: tf.constant(array[begin : begin + size]), train))
        for begin in range(0, rows, size)
    ]
    # the losses of several outputs are tracked, each by its name, wherever a loss is computed
    touched = model.metrics_variables if len(model.outputs or ()) > 1 else []

    @tf.function  # type: ignore[untyped-decorator]
    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def loss_of(chunk: tuple[tf.Tensor, ...]) -> tf.Tensor:
        inputs, targets, *weighted = chunk
        predicted = model(inputs, training=False)
        weights = weighted[0] if weighted else None
        return model.compute_loss(x=inputs, y=targets, y_pred=predicted, sample_weight=weights, training=False)

    def loss() -> float:
        kept = [tf.identity(each.value) for each in touched]
        total = sum(float(loss_of(chunk)) * len(keras.tree.flatten(chunk)[0]) for chunk in chunks)
        for variable, value in zip(touched, kept, strict=True):
            variable.assign(value)
        return total / rows

    return loss
