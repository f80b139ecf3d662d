"""Seconds an epoch takes, engine by engine, interleaved in one run: medians, and how many times faster than `fit`.

`warm-up` is what the first epoch takes beyond that: building the model, tracing and compiling.

    python -m tests.benchmarks engines [--rounds 5] [--json]

`fit` is plain `keras.Model.fit` on arrays; `fit x32` runs 32 steps an execution; `limit` is a functional loop without
Keras: what an engine that calls a model's own `train_step` can hope for. Real data if TUNECLI_DATA names them, else
random figures of the same shape.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tunecli.datasets.base import DatasetOptions
from tunecli.errors import DataError
from tunecli.plan import DatasetPlan
from tunecli.training.data import search_parts
from tunecli.training.engines import ENGINES, Job, can_resume
from tunecli.training.engines.base import row_order

Arrays = tuple[Any, Any]
Epochs = Callable[[int, int], list[float]]
"""Trains epochs [start, end) and returns the seconds that each took."""

Variants = dict[str, Callable[[], Epochs]]
"""By name, what builds a model and returns how to train it."""

BATCH = 32

CNN_ROWS = 9_600
"""Images that the CNN is trained on: a fifth, which takes seconds enough."""

EPOCHS = 3
"""Epochs of one turn; the first of each warms up and is not counted."""


class Timer(keras.callbacks.Callback):  # type: ignore[misc]
    """Takes the time from each epoch's begin to its end, as a search sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self._began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    california, fashion = arrays("california_housing", (13_209, 8), 0), arrays("fashion_mnist", (48_000, 784), 10)
    images = tuple(
        array[:CNN_ROWS].reshape(-1, *shape) for array, shape in zip(fashion, ((28, 28, 1), ()), strict=True)
    )
    problems: dict[str, Variants] = {
        "california 2 × 32": dense_variants(california, (32, 32), 0),
        "california 2 × 128": dense_variants(california, (128, 128), 0),
        "fashion 300-100": dense_variants(fashion, (300, 100), 10),
        "fashion cnn": keras_variants(images, cnn),
    }
    results = {name: measure(variants, options.rounds) for name, variants in problems.items()}
    print(json.dumps(results, indent=2) if options.json else table(results))


def arrays(name: str, shape: tuple[int, int], classes: int) -> Arrays:
    plan = DatasetPlan(name=name, options=DatasetOptions(), validation=0.2, test=0.0 if classes else 0.2, split_seed=0)
    try:
        x, y = search_parts(plan).parts[0]
    except DataError:
        rng = np.random.default_rng(0)
        x = rng.normal(size=shape).astype("float32")
        y = rng.integers(0, classes, shape[0]).astype("int32") if classes else x[:, :1] * 2
    return x.reshape(len(x), -1), y


def dense_variants(data: Arrays, widths: Sequence[int], classes: int) -> Variants:
    """Everything that trains a network of dense layers."""
    limit = {"limit": lambda: functional_epochs(data, widths, classes)}
    return keras_variants(data, lambda: dense(data, widths, classes)) | limit


def keras_variants(data: Arrays, build: Callable[[], Any]) -> Variants:
    """Everything that trains a model of Keras."""
    return {
        "fit": lambda: fit_epochs(data, build(), steps=1),
        "fit x32": lambda: fit_epochs(data, build(), steps=32),
        **{name: partial(engine_epochs, name, data, build) for name in ENGINES.names if can_resume(name)},
    }


def measure(variants: Variants, rounds: int) -> dict[str, dict[str, float]]:
    """Returns median seconds and ratios of each variant; in every round each of them has a turn."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    first: dict[str, float] = {}
    trainings: dict[str, Epochs] = {}
    for start in range(0, rounds * EPOCHS, EPOCHS):
        for name, prepare in variants.items():
            began = time.perf_counter()
            if name not in trainings:
                trainings[name] = prepare()
            built = time.perf_counter() - began
            seconds = trainings[name](start, start + EPOCHS)
            first.setdefault(name, built + seconds[0])
            times[name] += seconds[1:]
    medians = {name: statistics.median(values) for name, values in times.items()}
    limit = medians.get("limit")
    return {
        name: {
            "seconds": own,
            "times_fit": medians["fit"] / own,
            "of_limit": own / limit if limit else float("nan"),
            "warm_up": first[name] - own,
        }
        for name, own in medians.items()
    }


def dense(data: Arrays, widths: Sequence[int], classes: int) -> Any:
    keras.utils.set_random_seed(1)
    inputs = hidden = keras.Input(data[0].shape[1:])
    for width in widths:
        hidden = keras.layers.Dense(width, activation="relu")(hidden)
    outputs = keras.layers.Dense(classes or 1, activation="softmax" if classes else None)(hidden)
    built = keras.Model(inputs, outputs)
    loss, metric = ("sparse_categorical_crossentropy", "accuracy") if classes else ("mse", "mae")
    built.compile("adam", loss, metrics=[metric])
    return built


def cnn() -> Any:
    keras.utils.set_random_seed(1)
    layers = [keras.Input((28, 28, 1))]
    for filters in (16, 32):
        layers += [keras.layers.Conv2D(filters, 3, activation="relu"), keras.layers.MaxPooling2D()]
    layers += [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    built = keras.Sequential(layers)
    built.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return built


def fit_epochs(data: Arrays, built: Any, *, steps: int) -> Epochs:
    built.steps_per_execution = steps

    def run(start: int, end: int) -> list[float]:
        timer = Timer()
        built.fit(*data, batch_size=BATCH, epochs=end, initial_epoch=start, verbose=0, callbacks=[timer])
        return timer.seconds

    return run


def engine_epochs(name: str, data: Arrays, build: Callable[[], Any]) -> Epochs:
    built = build()

    def run(start: int, end: int) -> list[float]:
        timer = Timer()
        ENGINES.load(name).fit(Job(built, data, None, BATCH, start, end, seed=1, callbacks=[timer]))
        return timer.seconds

    return run


def functional_epochs(data: Arrays, widths: Sequence[int], classes: int) -> Epochs:
    """Returns epochs of Adam written by hand, compiled whole; the shorter last batch is left out."""
    x, y = (tf.constant(array) for array in data)
    rng = np.random.default_rng(0)
    sizes = [data[0].shape[1], *widths, classes or 1]
    shapes = [shape for a, b in pairwise(sizes) for shape in ((a, b), (b,))]
    weights = [tf.constant(rng.normal(size=shape, scale=0.1), tf.float32) for shape in shapes]
    state = [weights, [tf.zeros_like(w) for w in weights], [tf.zeros_like(w) for w in weights], tf.constant(0.0)]

    def loss(weights: list[Any], x: Any, y: Any) -> Any:
        hidden = x
        for index in range(0, len(weights), 2):
            hidden = hidden @ weights[index] + weights[index + 1]
            hidden = tf.nn.relu(hidden) if index < len(weights) - 2 else hidden
        if classes:
            return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(tf.reshape(y, [-1]), hidden))
        return tf.reduce_mean((hidden - y) ** 2)

    @tf.function(jit_compile=True)
    def epoch(xs: Any, ys: Any, state: Any) -> Any:
        def step(index: Any, weights: Any, means: Any, squares: Any, count: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(weights)
                value = loss(weights, xs[index], ys[index])
            gradients = tape.gradient(value, weights)
            count += 1.0
            means = [0.9 * m + 0.1 * g for m, g in zip(means, gradients, strict=True)]
            squares = [0.999 * s + 0.001 * g * g for s, g in zip(squares, gradients, strict=True)]
            rate = 0.001 * tf.sqrt(1 - 0.999**count) / (1 - 0.9**count)
            moved = zip(weights, means, squares, strict=True)
            weights = [w - rate * m / (tf.sqrt(s) + 1e-7) for w, m, s in moved]
            return index + 1, weights, means, squares, count

        return tf.while_loop(lambda index, *_: index < tf.shape(xs)[0], step, (tf.constant(0), *state))[1:]

    def run(start: int, end: int) -> list[float]:
        seconds = []
        for number in range(start, end):
            began = time.perf_counter()
            order = row_order(1, number, len(x), shuffle=True)[: len(x) // BATCH * BATCH]
            batches = [tf.reshape(tf.gather(a, order), (-1, BATCH, *a.shape[1:])) for a in (x, y)]
            state[:] = epoch(*batches, state)
            state[3].numpy()  # waits for the result
            seconds.append(time.perf_counter() - began)
        return seconds

    return run


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = [f"{'':20} {'variant':8} {'s/epoch':>9} {'× fit':>7} {'limit ×':>8} {'warm-up':>8}"]
    for problem, variants in results.items():
        for name, figures in variants.items():
            lines.append(
                f"{problem:20} {name:8} {figures['seconds']:9.4f} {figures['times_fit']:7.1f} "
                f"{figures['of_limit']:8.2f} {figures['warm_up']:8.2f}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
