"""Whole epochs in one TensorFlow program: the model's own `train_step` inside a loop that Python does not see.

    batches = gather(rows in this epoch's order)          # once, outside the loop: inside it costs a hundredfold
    while step < steps: model.train_step(batches[step])   # one program
    model.train_step(what is left)                        # its last, shorter batch: a small graph of its own

`FUSED` compiles the loop with XLA, `GRAPH` runs it as a plain graph: slower by the step, ready in half the time.

A program is tied to the variables of one model. A job whose model differs only in what lives in variables (weights,
optimizer state, learning rate, random state) has its state copied into the model of an earlier program, and trains
there: nothing is compiled again.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from tunecli.study.trial import Program
from tunecli.training.engines.base import Fitted, Job, row_order, validation_batch_size

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from tunecli.training.engines.base import Arrays

MOST_PROGRAMS = 32
"""Programs kept for reuse. XLA keeps about 9 MB of each for as long as the process lives, dropped or not."""

BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)
"""The methods of a callback that Python would have to call within an epoch."""


class FusedEngine:
    """Fits models with one program an epoch.

    Attributes:
        compiled: How many programs this process has made.
    """

    def __init__(self, *, use_xla: bool) -> None:
        self._use_xla = use_xla
        self._programs: OrderedDict[str, EpochProgram] = OrderedDict()
        self.compiled = 0

    def fit(self, job: Job) -> Fitted:
        """Trains the job's model, or one that has taken over its state; callbacks see every epoch."""
        import keras

        refuse_batch_callbacks(job.callbacks)
        job.model.optimizer.build(job.model.trainable_variables)
        program, origin = self._program(job)
        callbacks = keras.callbacks.CallbackList(list(job.callbacks), model=program.model)
        arrays = EpochArrays(job)
        program.model.stop_training = False
        callbacks.on_train_begin()
        logs: dict[str, float] = {}
        for epoch in range(job.start_epoch, job.end_epoch):
            callbacks.on_epoch_begin(epoch)
            logs = program.run(arrays, epoch)
            callbacks.on_epoch_end(epoch, logs)
            if program.model.stop_training:
                break
        callbacks.on_train_end(logs)
        return Fitted(program.model, origin)

    def _program(self, job: Job) -> tuple[EpochProgram, Program]:
        key = program_key(job)
        program = self._programs.get(key)
        if program is not None:
            self._programs.move_to_end(key)
            program.take_over(job.model)
            return program, Program.REUSED
        program = self._programs[key] = EpochProgram(job, use_xla=self._use_xla)
        self.compiled += 1
        if len(self._programs) > MOST_PROGRAMS:
            self._programs.popitem(last=False)
        return program, Program.COMPILED


class EpochArrays:
    """A job's arrays as tensors, in the order of each epoch."""

    def __init__(self, job: Job) -> None:
        import tensorflow as tf

        self._job = job
        self._train = tuple(tf.constant(array) for array in job.train)
        self.validation = [] if job.validation is None else list(_batches(job.validation))

    def epoch(self, epoch: int) -> tuple[Any, Any]:
        """Returns an epoch's full batches, shape `(steps, batch, …)`, and what is left, or None."""
        import tensorflow as tf

        job, rows = self._job, len(self._job.train[0])
        order = row_order(job.seed, epoch, rows, shuffle=job.shuffle)
        x, y = (tf.gather(array, order) for array in self._train)
        steps = rows // job.batch_size
        whole = steps * job.batch_size
        full = tuple(tf.reshape(a[:whole], (steps, job.batch_size, *a.shape[1:])) for a in (x, y))
        return full, (x[whole:], y[whole:]) if whole < rows else None


class EpochProgram:
    """The functions that train and validate one model, traced once."""

    def __init__(self, job: Job, *, use_xla: bool) -> None:
        import tensorflow as tf

        self.model = model = job.model
        # metrics make their variables at the first batch, which may not happen inside a traced function
        model._symbolic_build(data_batch=tuple(tf.constant(array[: job.batch_size]) for array in job.train))

        def train(batches: tuple[tf.Tensor, tf.Tensor]) -> None:
            x, y = batches

            def step(index: tf.Tensor) -> tuple[tf.Tensor]:
                model.train_step((x[index], y[index]))
                return (index + 1,)

            tf.while_loop(lambda index: index < tf.shape(x)[0], step, (tf.constant(0),))

        self._train = tf.function(train, jit_compile=use_xla)
        self._train_rest = tf.function(model.train_step)
        self._test = tf.function(model.test_step, reduce_retracing=True)

    def take_over(self, model: keras.Model) -> None:
        """Copies the state of another model of the same kind into this program's."""
        ours, theirs = self.model, model
        for mine, other in zip(
            [*ours.variables, *ours.optimizer.variables], [*theirs.variables, *theirs.optimizer.variables], strict=True
        ):
            mine.assign(other)

    def run(self, arrays: EpochArrays, epoch: int) -> dict[str, float]:
        """Trains one epoch, validates, and returns the metrics as `fit` logs them."""
        full, rest = arrays.epoch(epoch)
        self.model.reset_metrics()
        self._train(full)
        if rest is not None:
            self._train_rest(rest)
        logs = self._metrics()
        if arrays.validation:
            self.model.reset_metrics()
            for batch in arrays.validation:
                self._test(batch)
            logs |= {f"val_{name}": value for name, value in self._metrics().items()}
        return logs

    def _metrics(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.model.get_metrics_result().items()}


def program_key(job: Job) -> str:
    """Returns what two jobs must have in common to share a program: all but what lives in variables."""
    compiled = job.model.get_compile_config()
    compiled["optimizer"]["config"].pop("learning_rate")
    shapes = [(str(array.dtype), array.shape) for array in (*job.train, *(job.validation or ()))]
    return json.dumps([job.model.get_config(), compiled, shapes, job.batch_size], sort_keys=True, default=str)


def refuse_batch_callbacks(callbacks: Any) -> None:
    """Makes sure that no callback waits for the ends of batches, which Python does not see.

    Raises:
        ValueError: One does; train it with the keras engine.
    """
    import keras

    for callback in callbacks:
        for hook in BATCH_HOOKS:
            if getattr(type(callback), hook, None) is not getattr(keras.callbacks.Callback, hook, None):
                raise ValueError(f"{type(callback).__name__}.{hook} needs the keras engine")


def _batches(arrays: Arrays) -> Any:
    import tensorflow as tf

    size = validation_batch_size(arrays)
    for begin in range(0, len(arrays[0]), size):
        yield tuple(tf.constant(array[begin : begin + size]) for array in arrays)


FUSED = FusedEngine(use_xla=True)
GRAPH = FusedEngine(use_xla=False)
