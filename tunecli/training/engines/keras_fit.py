"""Keras' own `fit`, fed with tensors: always right, and the reference for every other engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tunecli.training.engines.base import Fitted, Job, row_order, validation_batch_size

if TYPE_CHECKING:
    import tensorflow as tf

    from tunecli.training.engines.base import Arrays

STEPS_PER_EXECUTION = 128
"""Steps between two looks at Python: most of the gain of a whole epoch, and Ctrl-C is still heard within a second."""


class KerasFit:
    """Runs `keras.Model.fit`, many steps at a time."""

    def fit(self, job: Job) -> Fitted:
        """Trains the job's model; its callbacks see every epoch."""
        import keras

        rows = len(job.train[0])
        steps = -(-rows // job.batch_size)
        job.model.steps_per_execution = min(steps, STEPS_PER_EXECUTION)
        order = _EpochOrder(job.seed, rows, job.start_epoch, shuffle=job.shuffle)
        count_epochs = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: order.begin(epoch))
        job.model.fit(
            _train_dataset(job.train, job.batch_size, order),
            validation_data=None if job.validation is None else _validation_dataset(job.validation),
            initial_epoch=job.start_epoch,
            epochs=job.end_epoch,
            callbacks=[count_epochs, *job.callbacks],
            shuffle=False,
            verbose=0,
        )
        return Fitted(job.model)


ENGINE = KerasFit()


class _EpochOrder:
    """The order of rows in the current epoch, as a generator that TensorFlow asks once an epoch."""

    def __init__(self, seed: int, rows: int, epoch: int, *, shuffle: bool) -> None:
        self.seed, self.rows, self.epoch, self.shuffle = seed, rows, epoch, shuffle

    def begin(self, epoch: int) -> None:
        self.epoch = epoch

    def __call__(self) -> Iterator[Any]:
        yield row_order(self.seed, self.epoch, self.rows, shuffle=self.shuffle)


def _train_dataset(arrays: Arrays, batch_size: int, order: _EpochOrder) -> tf.data.Dataset:
    import tensorflow as tf

    x, y = (tf.constant(array) for array in arrays)
    orders = tf.data.Dataset.from_generator(order, output_signature=tf.TensorSpec((order.rows,), tf.int64))

    def batches(rows: tf.Tensor) -> tf.data.Dataset:
        # gathered once an epoch: gathering batch by batch costs more than the steps themselves
        return tf.data.Dataset.from_tensor_slices((tf.gather(x, rows), tf.gather(y, rows))).batch(batch_size)

    # a known length, since Keras otherwise takes one empty step behind the last, which moves Adam's moments
    length = tf.data.experimental.assert_cardinality(-(-order.rows // batch_size))
    return orders.flat_map(batches).prefetch(8).apply(length)


def _validation_dataset(arrays: Arrays) -> tf.data.Dataset:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays).batch(validation_batch_size(arrays)).cache()
