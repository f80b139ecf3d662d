"""How much disk a search needs, from a model as large as its space allows."""

from __future__ import annotations

from tunecli.plan import Plan
from tunecli.plan.preview import largest_values
from tunecli.spec.tuners import HyperbandTuner, hyperband_brackets
from tunecli.training.data import search_parts
from tunecli.training.run_trial import build_model

EVENT_BYTES = 2_000
"""A trial's lines in the journal, its layers and its folder."""

EPOCH_BYTES = 300
"""One measurement."""


def disk_bytes(plan: Plan) -> int:
    """Returns the bytes that a study needs at its largest, its model included.

    Raises:
        DataError: The data, which decide the width of the models, are missing or damaged.
    """
    values = largest_values(plan)
    model = build_model(plan, values, search_parts(plan.dataset).signature, seed=1)
    model.optimizer.build(model.trainable_variables)
    state = sum(variable.nbytes for variable in [*model.variables, *model.optimizer.variables])
    weights = sum(variable.nbytes for variable in model.variables)
    states = _states_kept(plan)
    if plan.training.early_stopping is not None and plan.training.early_stopping.restore_best_weights:
        state += weights
    return states * state + weights * 3 + plan.trial_count * EVENT_BYTES + plan.epoch_count * EPOCH_BYTES


def _states_kept(plan: Plan) -> int:
    """Hyperband keeps the states of one bracket's rungs, and the one being written."""
    if not isinstance(plan.tuner, HyperbandTuner):
        return 0
    brackets = hyperband_brackets(plan.tuner.max_epochs or plan.training.epochs, plan.tuner.factor)
    return 1 + max(sum(rung.trials for rung in bracket[:-1]) for bracket in brackets)
