"""Sets up TensorFlow for a process that trains, once, before anything else uses it."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@cache
def import_tensorflow() -> None:
    """Imports TensorFlow and Keras without the lines that they write to stderr as they load.

    TensorFlow's C++ part writes some of them before it reads TF_CPP_MIN_LOG_LEVEL, so that the file descriptor itself
    is turned away meanwhile. If the import fails, what it had to say is shown after all.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _stderr_kept_back():
        import keras  # noqa: F401
        import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    # what the imports made stays for good: garbage collection need not look at it again, 0.2 s each time
    gc.collect()
    gc.freeze()


@cache
def configure(threads: int | None) -> None:
    """Fixes the threads that one operation, and all operations together, may use.

    Args:
        threads: How many; None for as many as there are processors.
    """
    import_tensorflow()
    import tensorflow as tf

    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def seed_everything(seed: int) -> None:
    """Seeds what initial weights and dropout are drawn from: Keras takes their seeds from Python's generator.

    `keras.utils.set_random_seed` would seed TensorFlow's own generator as well, which nothing here draws from, and
    thereby throw away what TensorFlow has prepared of every program: 0.15 s for each trial that uses one again.
    """
    import random

    import numpy as np

    random.seed(seed)
    np.random.seed(seed)


@contextmanager
def stderr_dropped() -> Iterator[None]:
    """Drops what converters write to stderr as they work; what went wrong is in their exceptions."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _stderr_kept_back() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
