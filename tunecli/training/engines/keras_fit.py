"""Keras' own `fit`: always right, and the reference for every other engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tunecli.training.engines.base import (
    MOST_COPIED_BYTES,
    Fitted,
    Job,
    byte_count,
    row_count,
    validation_batch_size,
)
from tunecli.training.engines.fused import batch_hook

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from tunecli.training.engines.base import Arrays

STEPS_PER_EXECUTION = 128
"""Steps between two looks at Python: most of the gain of a whole epoch, and Ctrl-C is still heard within a second."""


class KerasFit:
    """Runs `keras.Model.fit`, many steps at a time unless a callback waits for each."""

    def fit(self, job: Job) -> Fitted:
        """Trains the job's model; its callbacks see every epoch."""
        import keras

        current = _Epoch(job)
        waits = any(map(batch_hook, job.callbacks))
        job.model.steps_per_execution = 1 if waits else min(current.steps, STEPS_PER_EXECUTION)
        count_epochs = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: current.begin(epoch))
        job.model.fit(
            _copied(current) if byte_count(job.train) <= MOST_COPIED_BYTES else _read_in_batches(current),
            validation_data=None if job.validation is None else _validation_dataset(job.validation),
            initial_epoch=job.start_epoch,
            epochs=job.end_epoch,
            callbacks=[count_epochs, *job.callbacks],
            shuffle=False,
            verbose=0,
        )
        return Fitted(job.model)


ENGINE = KerasFit()


class _Epoch:
    """The epoch that is being trained, for those who fetch its rows."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.rows = row_count(job.train)
        self.steps = -(-self.rows // job.batch_size)
        self.begin(job.start_epoch)

    def begin(self, epoch: int) -> None:
        self.order = self.job.order(epoch)


def _copied(current: _Epoch) -> tf.data.Dataset:
    """Returns batches of a copy in the order of the epoch: gathering batch by batch costs more than the steps."""
    import keras
    import tensorflow as tf

    arrays = keras.tree.map_structure(tf.constant, current.job.train)

    def orders() -> Iterator[Any]:
        yield current.order

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]  # it has no statement to convert
    def batches(order: tf.Tensor) -> tf.data.Dataset:
        epoch = keras.tree.map_structure(lambda array: tf.gather(array, order), arrays)
        return tf.data.Dataset.from_tensor_slices(epoch).batch(current.job.batch_size)

    dataset = tf.data.Dataset.from_generator(orders, output_signature=tf.TensorSpec((current.rows,), tf.int64))
    # a known length, since Keras otherwise takes one empty step behind the last, which moves Adam's moments
    return dataset.flat_map(batches).prefetch(8).apply(tf.data.experimental.assert_cardinality(current.steps))


def _read_in_batches(current: _Epoch) -> keras.utils.PyDataset:
    import keras

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is untyped
        def __len__(self) -> int:
            return current.steps

        def __getitem__(self, step: int) -> Any:
            size = current.job.batch_size
            rows = current.order[step * size : (step + 1) * size]
            return keras.tree.map_structure(lambda array: array[rows], current.job.train)

    return Batches()


def _validation_dataset(arrays: Arrays) -> tf.data.Dataset:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays).batch(validation_batch_size(arrays)).cache()
