"""Seconds an epoch takes, engine by engine, interleaved in one run: medians, and how many times faster than `fit`.

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
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tunecli.datasets.base import DatasetOptions
from tunecli.errors import DataError
from tunecli.plan import DatasetPlan
from tunecli.training.data import search_parts
from tunecli.training.engines import ENGINES, Job
from tunecli.training.engines.base import row_order

Arrays = tuple[Any, Any]
Epochs = Callable[[int, int], list[float]]
"""Trains epochs [start, end) and returns the seconds that each took."""

BATCH = 32
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
    problems = {
        "california 2 × 32": (california, (32, 32), 0),
        "california 2 × 128": (california, (128, 128), 0),
        "fashion 300-100": (fashion, (300, 100), 10),
    }
    results = {name: measure(*problem, rounds=options.rounds) for name, problem in problems.items()}
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


def measure(data: Arrays, widths: Sequence[int], classes: int, *, rounds: int) -> dict[str, dict[str, float]]:
    """Returns median seconds and ratios of each variant; in every round each of them has a turn."""
    variants: dict[str, Epochs] = {
        "fit": fit_epochs(data, widths, classes, steps=1),
        "fit x32": fit_epochs(data, widths, classes, steps=32),
        **{name: engine_epochs(name, data, widths, classes) for name in ENGINES.names},
        "limit": functional_epochs(data, widths, classes),
    }
    times: dict[str, list[float]] = {name: [] for name in variants}
    for start in range(0, rounds * EPOCHS, EPOCHS):
        for name, epochs in variants.items():
            times[name] += epochs(start, start + EPOCHS)[1:]
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        name: {"seconds": own, "times_fit": medians["fit"] / own, "of_limit": own / medians["limit"]}
        for name, own in medians.items()
    }


def model(data: Arrays, widths: Sequence[int], classes: int) -> Any:
    keras.utils.set_random_seed(1)
    inputs = hidden = keras.Input(data[0].shape[1:])
    for width in widths:
        hidden = keras.layers.Dense(width, activation="relu")(hidden)
    outputs = keras.layers.Dense(classes or 1, activation="softmax" if classes else None)(hidden)
    built = keras.Model(inputs, outputs)
    loss, metric = ("sparse_categorical_crossentropy", "accuracy") if classes else ("mse", "mae")
    built.compile("adam", loss, metrics=[metric])
    return built


def fit_epochs(data: Arrays, widths: Sequence[int], classes: int, *, steps: int) -> Epochs:
    built = model(data, widths, classes)
    built.steps_per_execution = steps

    def run(start: int, end: int) -> list[float]:
        timer = Timer()
        built.fit(*data, batch_size=BATCH, epochs=end, initial_epoch=start, verbose=0, callbacks=[timer])
        return timer.seconds

    return run


def engine_epochs(name: str, data: Arrays, widths: Sequence[int], classes: int) -> Epochs:
    built = model(data, widths, classes)

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
    lines = [f"{'':20} {'variant':8} {'s/epoch':>9} {'× fit':>7} {'limit ×':>8}"]
    for problem, variants in results.items():
        for name, figures in variants.items():
            lines.append(
                f"{problem:20} {name:8} {figures['seconds']:9.4f} {figures['times_fit']:7.1f} "
                f"{figures['of_limit']:8.2f}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
