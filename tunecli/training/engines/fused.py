"""Whole epochs, validation included, in one TensorFlow program that calls the model's own `train_step`.

    train = gather(rows in this epoch's order)              # once, outside the loop: inside it costs a hundredfold
    while step < steps: model.train_step(batches[step])     # Python does not see it
    while step < …:     model.test_step(batches[step])

`FUSED` compiles the loop over full batches with XLA; the last, shorter batch runs beside it as a plain graph, since XLA
would need a second program for its shape. `GRAPH` runs everything as a plain graph, which takes batches of any length
in one loop: slower by the step, ready in a third of the time.

A program is tied to the variables of one model. A job whose model differs only in what lives in variables (weights,
optimizer state, learning rate, random state) or goes into the program as an argument (the optimizer's settings) has its
state copied into the model of an earlier program, and trains there: nothing is compiled again.
"""

from __future__ import annotations

import inspect
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tunecli.study.trial import Program
from tunecli.training.engines.base import Fitted, Job, row_count, validation_batch_size

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

MOST_PROGRAMS = 32
"""Programs kept for reuse. Of one for two hidden layers XLA keeps about 18 MB, and a plain graph 6 MB, for as long as
the process lives: dropping it, collecting garbage and clearing Keras' session give next to nothing back."""

ARGUMENTS = {
    "adam": ("beta_1", "beta_2", "epsilon"),
    "adamw": ("beta_1", "beta_2", "epsilon", "weight_decay"),
    "nadam": ("beta_1", "beta_2", "epsilon"),
    "rmsprop": ("rho", "epsilon"),
    "adagrad": ("epsilon",),
}
"""By optimizer, the settings that its update takes as tensors. The others decide what the update is: momentum, say,
is compared in Python."""

INITIAL_STATE = ("initial_accumulator_value",)
"""Settings of optimizers that live on in their variables alone."""

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
        compiled: How many programs this process has made, and XLA still holds.
    """

    def __init__(self, *, use_xla: bool) -> None:
        self._use_xla = use_xla
        self._programs: OrderedDict[str, EpochProgram] = OrderedDict()
        self.compiled = 0

    def fit(self, job: Job) -> Fitted:
        """Trains the job's model, or one that has taken over its state; callbacks see every epoch.

        Raises:
            ValueError: A callback waits for the ends of batches.
        """
        import keras

        refuse_batch_callbacks(job.callbacks)
        job.model.optimizer.build(job.model.trainable_variables)
        program, origin = self._program(job)
        callbacks = keras.callbacks.CallbackList(list(job.callbacks), model=program.model)
        feed = Feed(job)
        program.model.stop_training = False
        callbacks.on_train_begin()
        logs: dict[str, float] = {}
        for epoch in range(job.start_epoch, job.end_epoch):
            callbacks.on_epoch_begin(epoch)
            logs = program.run(feed, epoch)
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


class Feed:
    """A job's arrays and settings, as tensors."""

    def __init__(self, job: Job) -> None:
        import keras
        import tensorflow as tf

        self._job = job
        self.train = keras.tree.map_structure(tf.constant, job.train)
        self.validation = None if job.validation is None else keras.tree.map_structure(tf.constant, job.validation)
        own = inner_optimizer(job.model)
        self.settings = {name: tf.constant(getattr(own, name), tf.float64) for name in _arguments(own)}

    def order(self, epoch: int) -> tf.Tensor:
        """Returns the order of an epoch's rows."""
        import tensorflow as tf

        return tf.constant(self._job.order(epoch))


class EpochProgram:
    """The function that trains and validates one model for an epoch, traced once."""

    def __init__(self, job: Job, *, use_xla: bool) -> None:
        import keras
        import tensorflow as tf

        self.model = job.model
        self._rows, self._batch_size = row_count(job.train), job.batch_size
        self._validation_rows = 0 if job.validation is None else row_count(job.validation)
        self._validation_size = 0 if job.validation is None else validation_batch_size(job.validation)
        # metrics make their variables at the first batch, which may not happen inside a traced function
        batch = keras.tree.map_structure(lambda array: tf.constant(array[: job.batch_size]), job.train)
        self.model._symbolic_build(data_batch=batch)
        train = self._train_compiled if use_xla else self._train_as_graph
        self._full_batches = tf.function(self._train_full_batches, jit_compile=True, autograph=False)
        self._epoch = tf.function(lambda *feed: self._train_and_validate(train, *feed), autograph=False)

    def take_over(self, model: keras.Model) -> None:
        """Copies the state and the settings of another model of the same kind into this program's."""
        ours, theirs = self.model, model
        for mine, other in zip(
            [*ours.variables, *ours.optimizer.variables], [*theirs.variables, *theirs.optimizer.variables], strict=True
        ):
            mine.assign(other)
        own, other = inner_optimizer(ours), inner_optimizer(theirs)
        for name in (*_arguments(other), *INITIAL_STATE):
            if hasattr(other, name):
                setattr(own, name, getattr(other, name))

    def run(self, feed: Feed, epoch: int) -> dict[str, float]:
        """Trains one epoch, validates, and returns the metrics as `fit` logs them."""
        logs = self._epoch(feed.train, feed.order(epoch), feed.validation, feed.settings)
        return {name: float(value) for name, value in logs.items()}

    def _train_and_validate(
        self, train: Callable[[Any, Any], None], arrays: Any, order: tf.Tensor, validation: Any, settings: Any
    ) -> dict[str, tf.Tensor]:
        import keras
        import tensorflow as tf

        self.model.reset_metrics()
        shuffled = keras.tree.map_structure(lambda array: tf.gather(array, order), arrays)
        with _arguments_set(self.model, settings):
            train(shuffled, settings)
        logs = dict(self.model.get_metrics_result())
        if validation is not None:
            self.model.reset_metrics()
            _for_slices(self.model.test_step, validation, self._validation_rows, self._validation_size)
            logs |= {f"val_{name}": value for name, value in self.model.get_metrics_result().items()}
        return logs

    def _train_as_graph(self, arrays: Any, settings: Any) -> None:
        _for_slices(self.model.train_step, arrays, self._rows, self._batch_size)

    def _train_compiled(self, arrays: Any, settings: Any) -> None:
        import keras
        import tensorflow as tf

        steps = self._rows // self._batch_size
        whole = steps * self._batch_size

        def in_batches(array: tf.Tensor) -> tf.Tensor:
            return tf.reshape(array[:whole], (steps, self._batch_size, *array.shape[1:]))

        self._full_batches(keras.tree.map_structure(in_batches, arrays), settings)
        if whole < self._rows:
            self.model.train_step(keras.tree.map_structure(lambda array: array[whole:], arrays))

    def _train_full_batches(self, batches: Any, settings: Any) -> None:
        import keras
        import tensorflow as tf

        def step(index: tf.Tensor) -> tuple[tf.Tensor]:
            self.model.train_step(keras.tree.map_structure(lambda array: array[index], batches))
            return (index + 1,)

        steps = keras.tree.flatten(batches)[0].shape[0]
        with _arguments_set(self.model, settings):
            tf.while_loop(lambda index: index < steps, step, (tf.constant(0),))


def _for_slices(step: Callable[[Any], Any], arrays: Any, rows: int, size: int) -> None:
    """Calls a model's step on slices of `size` rows and on what is left, as part of a plain graph."""
    import keras
    import tensorflow as tf

    if size >= rows:
        step(arrays)
        return

    def body(begin: tf.Tensor) -> tuple[tf.Tensor]:
        step(keras.tree.map_structure(lambda array: array[begin : begin + size], arrays))
        return (begin + size,)

    tf.while_loop(lambda begin: begin < rows, body, (tf.constant(0),))


def program_key(job: Job) -> str:
    """Returns what two jobs must have in common to share a program: all but what lives in variables or arguments."""
    import keras

    from tunecli.families.original_units import without_fitted

    leaves = keras.tree.flatten((job.train, job.validation))
    shapes = [None if leaf is None else (str(leaf.dtype), leaf.shape) for leaf in leaves]
    if job.identity:
        return json.dumps([job.identity, shapes, job.batch_size])
    compiled = job.model.get_compile_config()
    settings = compiled["optimizer"]["config"]
    settings = settings.get("inner_optimizer", {}).get("config", settings)
    if not isinstance(settings["learning_rate"], Mapping):  # a schedule is a part of the program
        del settings["learning_rate"]
    for name in (*_arguments(inner_optimizer(job.model)), *INITIAL_STATE):
        settings.pop(name, None)
    parts = [job.model.get_config(), without_fitted(compiled), _loss_settings(job.model), shapes, job.batch_size]
    return json.dumps(parts, sort_keys=True, default=str)


def _loss_settings(model: keras.Model) -> list[Any]:
    """Returns the settings of a model's losses; the config of Keras' Huber leaves its delta out."""
    import keras

    losses = [getattr(each, "loss", each) for each in keras.tree.flatten(model.loss)]  # one may be within another
    return [getattr(each, "_fn_kwargs", None) for each in losses]


def inner_optimizer(model: keras.Model) -> Any:
    """Returns the optimizer that updates the weights; under mixed_float16 another one around it scales the loss."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def refuse_batch_callbacks(callbacks: Any) -> None:
    """Makes sure that no callback waits for the ends of batches, which Python does not see.

    Raises:
        ValueError: One does; train it with the keras engine.
    """
    for callback in callbacks:
        if hook := batch_hook(callback):
            raise ValueError(f"{type(callback).__name__}.{hook} needs the keras engine")


def batch_hook(callback: Any) -> str | None:
    """Returns the first method of a callback that is called within an epoch, or None."""
    import keras

    for hook in BATCH_HOOKS:
        is_inherited = getattr(type(callback), hook, None) is getattr(keras.callbacks.Callback, hook, None)
        if not is_inherited or hook in vars(callback):  # LambdaCallback has them in the instance
            return hook
    return None


def _arguments(optimizer: Any) -> tuple[str, ...]:
    """Returns the settings of an optimizer that go into its program as arguments: those not at their defaults.

    In double precision Keras rounds some numbers to float32 where it would not round a tensor, so that a setting that
    never varies is better left to it.
    """
    import keras

    own = type(optimizer)
    if own is not getattr(keras.optimizers, own.__name__, None):
        return ()  # what a user's own optimizer does with its settings is not known
    defaults = inspect.signature(own).parameters
    names = ARGUMENTS.get(own.__name__.lower(), ())
    return tuple(name for name in names if getattr(optimizer, name) != defaults[name].default)


@contextmanager
def _arguments_set(model: keras.Model, settings: Mapping[str, tf.Tensor]) -> Iterator[None]:
    """Puts tensors in the place of an optimizer's settings while its update is traced."""
    optimizer = inner_optimizer(model)
    numbers = {name: getattr(optimizer, name) for name in settings}
    for name, tensor in settings.items():
        setattr(optimizer, name, _Number(tensor))
    try:
        yield
    finally:
        for name, number in numbers.items():
            setattr(optimizer, name, number)


class _Number:
    """A float64 tensor that behaves as a Python number does in an update: rounded at its first use, not before.

    1 - 0.999 rounded to float32 is the number that Keras multiplies with; 1 - float32(0.999) is off by 5e-5 of it.
    """

    def __init__(self, tensor: tf.Tensor) -> None:
        self._tensor = tensor

    def __rsub__(self, other: float) -> _Number:
        return _Number(other - self._tensor)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        import keras
        import tensorflow as tf

        return tf.cast(self._tensor, dtype or keras.config.floatx(), name=name)


FUSED = FusedEngine(use_xla=True)
GRAPH = FusedEngine(use_xla=False)
