"""How much disk a search needs, from a model as large as its space allows."""

from __future__ import annotations

import math
import os
from typing import Any

from tunecli.datasets import DATASETS
from tunecli.families.base import DataSignature
from tunecli.plan import Plan
from tunecli.plan.preview import largest_values
from tunecli.preprocessing.inputs import routed_signature
from tunecli.spec.experiment import Task
from tunecli.spec.tuners import HyperbandTuner, hyperband_brackets
from tunecli.training.data import search_parts
from tunecli.training.run_trial import build_model

EVENT_BYTES = 2_000
"""A trial's lines in the journal, its layers and its folder."""

FLOAT_BYTES = 4

EPOCH_BYTES = 300
"""One measurement."""


def disk_bytes(plan: Plan) -> int:
    """Returns the bytes that a study needs at its largest, its model included.

    Raises:
        DataError: The user's own file, which decides the width of the models, is missing or damaged.
    """
    values = largest_values(plan)
    model = build_model(plan, values, routed_signature(_signature(plan), plan.inputs), seed=1)
    model.optimizer.build(model.trainable_variables)
    weights = _bytes(model.variables)
    state = weights + _bytes(model.optimizer.variables)
    states = _states_kept(plan)
    if plan.training.early_stopping is not None and plan.training.early_stopping.restore_best_weights:
        state += weights
    return states * state + weights * 3 + plan.trial_count * EVENT_BYTES + plan.epoch_count * EPOCH_BYTES


def _bytes(variables: list[Any]) -> int:
    return sum(math.prod(variable.shape) * FLOAT_BYTES for variable in variables)


def _signature(plan: Plan) -> DataSignature:
    """Returns what models see; a data set of known form need not be fetched for it."""
    description = DATASETS.load(plan.dataset.name).describe(plan.dataset.options)
    if plan.dataset.options.path is not None and description.image_shape is None:
        return search_parts(plan.dataset).signature
    outputs = len(description.classes) if description.task is Task.MULTICLASS else 1
    columns = description.features  # those of known data sets are numbers, one feature each
    return DataSignature(plan.task, description.image_shape or (len(columns),), outputs, columns, len(columns))


def _states_kept(plan: Plan) -> int:
    """Returns how many states there are at most: of the best, of a rung that Hyperband may promote, of what runs.

    One that runs has two for a moment: the last that it saved, and the one that it writes.
    """
    workers = plan.limits.workers
    running = workers if isinstance(workers, int) else os.cpu_count() or 1
    kept = min(plan.limits.keep, plan.trial_count) + 2 * min(running, plan.trial_count)
    if not isinstance(plan.tuner, HyperbandTuner):
        return kept
    brackets = hyperband_brackets(plan.tuner.max_epochs or plan.training.epochs, plan.tuner.factor)
    return kept + max(sum(rung.trials for rung in bracket[1:]) for bracket in brackets)
