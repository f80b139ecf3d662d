"""Small data: all rows at once, with the optimisers of `scipy.optimize.minimize` and the exact gradient.

    weights = one float64 vector
    minimize(loss and gradient of all rows, weights, callback=what an epoch's end is elsewhere)

One iteration of the optimiser is one epoch to everybody else: its metrics are measured and shown to the callbacks,
which may end the training. How many times the loss is computed within an iteration is the optimiser's affair.

The model is trained as a twin in double precision, which begins with the very weights that other engines begin with. A
line search compares losses that differ in the ninth digit; in single precision these differences are noise, and
L-BFGS-B or BFGS give up long before the gradient is small.

`l2` has the meaning that full-batch training usually gives it: λ / (2m) · Σ w² over all kernels, for m training rows,
and no biases. With the other engines it is Keras' own λ · Σ w². The twin's penalties are of that kind, so that whoever
evaluates or saves it finds the loss that was minimised.

The memory of an optimiser (its approximation of the Hessian, its trust region) stays within scipy: a training cannot go
on from a state, and is run again. It is deterministic.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tunecli.study.trial import Program
from tunecli.training.engines.base import Fitted, Job, row_count
from tunecli.training.engines.fused import refuse_batch_callbacks

if TYPE_CHECKING:
    import keras
    import numpy as np
    import tensorflow as tf
    from numpy.typing import NDArray

    from tunecli.training.engines.base import Arrays

    Vector = NDArray[np.float64]
    """The weights of a model one after the other, or as many numbers; shape `(weights,)`."""

WITH_PRODUCTS = ("Newton-CG", "trust-ncg")
"""The methods that ask for products of the Hessian with a vector."""

_EVALUATIONS = 2**31 - 1
"""Any number: scipy's own limits are on what an iteration costs, ours is on iterations."""


class ScipyMinimize:
    """Fits models with one method of scipy.

    Args:
        method: As scipy calls it.
    """

    def __init__(self, method: str) -> None:
        self._method = method

    def fit(self, job: Job) -> Fitted:
        """Trains a twin of the job's model; callbacks see every iteration as an epoch.

        An optimiser that ends where it began, at a minimum, say, has been seen in one epoch all the same.

        Raises:
            ValueError: A callback waits for the ends of batches.
        """
        refuse_batch_callbacks(job.callbacks)
        assert job.start_epoch == 0, "there is no state to go on from"
        with _in_double_precision():
            model = twin(job.model, row_count(job.train))
            objective = Objective(model, job.train)
            iterations = _Iterations(job, model, objective)
            stopped = self._minimize(objective, iterations)
        return Fitted(model, Program.COMPILED, stopped)

    def _minimize(self, objective: Objective, iterations: _Iterations) -> str:
        """Returns why it has stopped."""
        from scipy.optimize import minimize

        def loss_and_gradient(vector: Vector) -> tuple[float, Vector]:
            iterations.begin()
            return objective.loss_and_gradient(vector)

        start = objective.weights()
        iterations.begin_training()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # of line searches; the message says it too
                result = minimize(
                    loss_and_gradient,
                    start,
                    method=self._method,
                    jac=True,
                    hessp=objective.product if self._method in WITH_PRODUCTS else None,
                    callback=iterations.end,
                    options=self._options(iterations.most),
                )
            if iterations.done == 0:
                iterations.end(start)
            reason = f"{self._method}: {result.message}"
        except _EndedError as ended:
            reason = str(ended)
        iterations.end_training()
        return reason

    def _options(self, most: int) -> dict[str, int]:
        if self._method == "TNC":  # it has no limit on iterations
            return {"maxfun": _EVALUATIONS}
        return {"maxiter": most} | ({"maxfun": _EVALUATIONS} if self._method == "L-BFGS-B" else {})


class Objective:
    """The loss of a model on some rows, as a function of its weights.

    Args:
        model: In double precision, built and compiled.
        arrays: The rows, all of which are taken at once.
    """

    def __init__(self, model: keras.Model, arrays: Arrays) -> None:
        import keras
        import tensorflow as tf

        self._model = model
        self._arrays = keras.tree.map_structure(tf.constant, arrays)
        # metrics and the loss make their variables at the first batch, which may not happen inside a traced function
        model._symbolic_build(data_batch=self._arrays)
        self._variables = model.trainable_variables
        self._shapes = [tuple(each.shape) for each in self._variables]
        self._sizes = [math.prod(shape) for shape in self._shapes]
        vector = tf.TensorSpec((sum(self._sizes),), tf.float64)
        self._traced = tf.function(self._loss_and_gradient, input_signature=[vector], autograph=False)
        self._traced_product = tf.function(self._product, input_signature=[vector, vector], autograph=False)

    def weights(self) -> Vector:
        """Returns the weights that the model has."""
        import keras
        import numpy as np

        return np.concatenate([np.ravel(keras.ops.convert_to_numpy(each)) for each in self._variables])

    def assign(self, weights: Vector) -> None:
        """Gives the model these weights."""
        import numpy as np

        parts = np.split(weights, np.cumsum(self._sizes)[:-1])
        for variable, part, shape in zip(self._variables, parts, self._shapes, strict=True):
            variable.assign(part.reshape(shape))

    def loss_and_gradient(self, weights: Vector) -> tuple[float, Vector]:
        """Returns the loss, penalties included, and its gradient."""
        import numpy as np

        loss, gradient = self._traced(weights)
        return float(loss), np.array(gradient)

    def product(self, weights: Vector, direction: Vector) -> Vector:
        """Returns the Hessian at these weights times a vector.

        The gradient's product with the vector is differentiated once more (Pearlmutter 1994, "Fast exact multiplication
        by the Hessian"): the Hessian itself is never formed, and a product costs about two gradients.
        """
        import numpy as np

        return np.array(self._traced_product(weights, direction))

    def _loss(self, weights: tf.Tensor) -> tf.Tensor:
        import keras
        import tensorflow as tf

        flat = tf.split(weights, self._sizes)
        parts = [tf.reshape(part, shape) for part, shape in zip(flat, self._shapes, strict=True)]
        x, y, row_weights = keras.utils.unpack_x_y_sample_weight(self._arrays)
        with keras.StatelessScope(state_mapping=list(zip(self._variables, parts, strict=True))):
            return self._model.compute_loss(x, y, self._model(x, training=True), row_weights)

    def _loss_and_gradient(self, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = self._loss(weights)
        return loss, tape.gradient(loss, weights)

    def _product(self, weights: tf.Tensor, direction: tf.Tensor) -> tf.Tensor:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(weights)
            _, gradient = self._loss_and_gradient(weights)
        zero = tf.UnconnectedGradients.ZERO  # of a loss without curvature, such as mae
        return tape.gradient(gradient, weights, output_gradients=direction, unconnected_gradients=zero)


def twin(model: keras.Model, rows: int) -> keras.Model:
    """Returns a model in double precision with the same weights, loss and metrics, and penalties λ / (2m) · Σ w².

    Args:
        model: Built and compiled, with penalties λ · Σ w² on kernels or none.
        rows: m, the rows that it is to be trained on.
    """
    import keras

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = {**layer.get_config(), "dtype": "float64"}
        penalty = getattr(layer, "kernel_regularizer", None)
        if penalty is not None:
            config["kernel_regularizer"] = keras.regularizers.L2(float(penalty.l2) / (2 * rows))
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=copied)
    copy.set_weights(model.get_weights())
    copy.compile_from_config(model.get_compile_config())
    return copy


@contextmanager
def _in_double_precision() -> Iterator[None]:
    """Lets losses and metrics be made in double precision, which take theirs from floatx."""
    import keras

    floatx = keras.config.floatx()
    keras.config.set_floatx("float64")
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)


class _EndedError(Exception):
    """The training has ended before the optimiser did; its text says why."""


class _Iterations:
    """Shows the iterations of an optimiser to the callbacks of a job, as epochs.

    Attributes:
        most: How many there may be.
        done: How many there were.
    """

    def __init__(self, job: Job, model: keras.Model, objective: Objective) -> None:
        import keras

        self.most = job.end_epoch
        self.done = 0
        self._model = model
        self._objective = objective
        self._measure = _measuring(model, job.train, job.validation)
        self._callbacks = keras.callbacks.CallbackList(list(job.callbacks), model=model)
        self._has_begun = False
        self._last: Vector = objective.weights()
        self._logs: dict[str, float] = {}

    def begin_training(self) -> None:
        self._model.stop_training = False
        self._callbacks.on_train_begin()

    def begin(self) -> None:
        """Begins an iteration, unless one has begun: the optimiser says only when it has ended one."""
        if not self._has_begun:
            self._callbacks.on_epoch_begin(self.done)
            self._has_begun = True

    def end(self, weights: Vector) -> None:
        """Ends an iteration that came to these weights.

        Raises:
            _EndedError: It was the last that may be, or a callback has ended the training.
        """
        self.begin()
        self._last = weights.copy()
        self._objective.assign(self._last)
        self._logs = self._measure()
        self._callbacks.on_epoch_end(self.done, self._logs)
        self.done += 1
        self._has_begun = False
        # an exception of our own, since TNC takes no StopIteration
        if self._model.stop_training:
            raise _EndedError("early stopping")
        if self.done == self.most:
            raise _EndedError(f"all {self.most} iterations are done")

    def end_training(self) -> None:
        self._objective.assign(self._last)  # callbacks may put back better ones
        self._callbacks.on_train_end(self._logs)


def _measuring(model: keras.Model, train: Arrays, validation: Arrays | None) -> Callable[[], dict[str, float]]:
    """Returns a function that measures a model on all its rows, as `fit` logs it."""
    import keras
    import tensorflow as tf

    parts = {"": train} | ({} if validation is None else {"val_": validation})
    tensors = {prefix: keras.tree.map_structure(tf.constant, part) for prefix, part in parts.items()}

    def measure() -> dict[str, tf.Tensor]:
        logs: dict[str, tf.Tensor] = {}
        for prefix, part in tensors.items():
            model.reset_metrics()
            model.test_step(part)
            logs |= {f"{prefix}{name}": value for name, value in model.get_metrics_result().items()}
        return logs

    traced = tf.function(measure, autograph=False)
    return lambda: {name: float(value) for name, value in traced().items()}


L_BFGS_B = ScipyMinimize("L-BFGS-B")
TNC = ScipyMinimize("TNC")
CG = ScipyMinimize("CG")
BFGS = ScipyMinimize("BFGS")
NEWTON_CG = ScipyMinimize("Newton-CG")
TRUST_NCG = ScipyMinimize("trust-ncg")
