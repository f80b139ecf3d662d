"""Trains the one model of a sweep, batch by batch, with the data, the weights and the loss of a trial."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.errors import UsageError
from tunecli.families.bounded import USE_MINMAX, target_fault
from tunecli.plan import Plan
from tunecli.preprocessing import Choices, routed
from tunecli.search.discovery import copy_sources
from tunecli.spec.load import SpecFile
from tunecli.spec.space import Values
from tunecli.tools.lr_find.curve import Curve, Sweep
from tunecli.training.data import trial_parts
from tunecli.training.engines import batch_rows
from tunecli.training.engines.base import row_count, row_order
from tunecli.training.models import Built, build
from tunecli.training.runtime import configure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.engines.base import Arrays

FIRST_TRIAL = 0
"""Whose seed the weights and the order of rows come from."""


def run_sweep(file: SpecFile, plan: Plan, values: Values, sweep: Sweep, runs: Path) -> Curve:
    """Trains a model with growing rates; returns the loss of every step.

    Args:
        file: The spec.
        plan: Its plan.
        values: All values of the model.
        sweep: The rates.
        runs: The folder of the studies, for `init_from`.

    Raises:
        UsageError: The model cannot reach the targets.
        DataError: The data are missing or damaged.
        StudyError: The model cannot be built.
    """
    configure(plan.limits.threads)
    training = plan.trainings[0]
    seed = plan.trial_seed(FIRST_TRIAL, training)
    parts = routed(trial_parts(plan, training, None, Choices.of(values)), plan.inputs)
    train = parts.parts[0]
    if fault := target_fault(values, train[1], parts.target_names):
        raise UsageError(fault, where=str(file.path), hint=USE_MINMAX)
    with tempfile.TemporaryDirectory(prefix="tunecli-") as folder:
        sources = Path(folder)
        if plan.sources:
            copy_sources(file, plan, runs, sources)
        built = build(plan, values, parts.signature, seed, sources)
        built.complete(train)
    rows = batch_rows(values, row_count(train))
    return _sweep(built, train, _batches(seed, row_count(train), rows, shuffle=plan.training.shuffle), Curve(sweep))


def _sweep(built: Built, train: Arrays, batches: Iterator[NDArray[np.int64]], curve: Curve) -> Curve:
    """Takes the steps; stops with the curve."""
    import keras

    model = built.model
    while curve.ending is None:
        # a variable of the compiled step: no rate is traced anew
        model.optimizer.learning_rate = curve.sweep.rate(len(curve.records) + 1)
        rows = next(batches)
        batch = keras.tree.map_structure(lambda array, rows=rows: array[rows], train)
        model.reset_metrics()  # they would be means over all batches
        curve.take(float(_loss_of_step(model, batch)))
    return curve


def _loss_of_step(model: Any, batch: Arrays) -> Any:
    inputs, targets, *weights = batch
    return model.train_on_batch(inputs, targets, *weights, return_dict=True)["loss"]


def _batches(seed: int, rows: int, batch_size: int, *, shuffle: bool) -> Iterator[NDArray[np.int64]]:
    """Yields the rows of one batch after the other, epoch after epoch, in the order of a trial's.

    A batch goes on into the next epoch rather than being short: losses of fewer rows are noisier than their neighbours.
    """
    import numpy as np

    epoch, left = 0, np.empty(0, dtype=np.int64)
    while True:
        while len(left) < batch_size:
            left = np.concatenate([left, row_order(seed, epoch, rows, shuffle=shuffle)])
            epoch += 1
        yield left[:batch_size]
        left = left[batch_size:]
