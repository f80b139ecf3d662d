"""A study as one of Optuna's, in memory: for its importances, its storages and its dashboard.

    optuna_study(study).best_value == study.snapshot.best.score

Every searched hyperparameter has one distribution in all trials. What Optuna cannot hold is spelled: where a choice has
lists among its values, or both 1 and true (which Optuna takes for one), all its values become JSON texts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tunecli.reports.study_data import StudyData
from tunecli.spec.space import Kind, Parameter, SearchSpace, Value, same, show_value
from tunecli.study.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

MOST_STEPS = 1_000_000
"""Of a finer range Optuna cannot tell whether a value lies on a step: it counts steps in floats."""


def optuna_study(study: StudyData) -> Study:
    """Returns a study's trials as Optuna's, in the order of asking; nothing is printed.

    A completed trial's value is its score. `intermediate_values` are those of the objective by epoch, counted from 1
    over the lineage; a trial of several trainings has the means over the epochs that all of them have measured.

    User attributes hold trial, tunecli's id, and what is known of slot, engine, epochs_run, best_epoch, score_sd,
    parent (the trial that it goes on from), metrics (at the best epoch), cause (of failure), stopped, and `outside`:
    values that the search space does not know, as text.
    """
    import optuna

    known = distributions(study.space)
    with _quietly():
        made = optuna.create_study(study_name=study.name, direction=study.objective.goal.value)
    made.add_trials(_trial(study, trial, known) for trial in study.snapshot.trials.values())
    return made


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """Returns Optuna's distribution of each searched hyperparameter."""
    return {parameter.name: _distribution(parameter) for parameter in space}


def _distribution(parameter: Parameter) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.kind is Kind.CHOICE:
        return CategoricalDistribution(_choices(parameter))
    low, high = parameter.bounds
    # Optuna knows no steps of a range by magnitude
    step = None if parameter.log else parameter.step
    if step is not None:
        # said here, since Optuna would lower it with a warning
        count = parameter.count() or 1
        high = type(high)(Decimal(str(low)) + (count - 1) * Decimal(str(step)))
        step = step if count <= MOST_STEPS else None
    if parameter.kind is Kind.INT:
        return IntDistribution(int(low), int(high), log=parameter.log, step=int(step or 1))
    return FloatDistribution(low, high, log=parameter.log, step=step)


def _choices(parameter: Parameter) -> list[Any]:
    """Returns the values of a choice as Optuna can hold and tell them apart."""
    can_be_held = not any(isinstance(value, list) for value in parameter.values)
    if can_be_held and len({*map(_hashed, parameter.values)}) == len(parameter.values):
        return list(parameter.values)
    return [json.dumps(value, ensure_ascii=False) for value in parameter.values]


def _hashed(value: Value) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _held(parameter: Parameter, value: Value) -> Any:
    """Returns a value within the parameter's range, as the distribution holds it."""
    if parameter.kind is not Kind.CHOICE:
        return value
    index = next(index for index, each in enumerate(parameter.values) if same(each, value))
    return _choices(parameter)[index]


def _trial(study: StudyData, trial: Trial, known: Mapping[str, BaseDistribution]) -> FrozenTrial:
    from optuna.trial import TrialState, create_trial

    states = {
        TrialStatus.COMPLETED: TrialState.COMPLETE,
        TrialStatus.FAILED: TrialState.FAIL,
        TrialStatus.RUNNING: TrialState.RUNNING,
    }
    within = {
        parameter.name: _held(parameter, trial.suggestion.values[parameter.name])
        for parameter in study.space
        if parameter.name in trial.suggestion.values and parameter.contains(trial.suggestion.values[parameter.name])
    }
    made = create_trial(
        state=states[trial.status],
        value=trial.score,
        params=within,
        distributions={name: known[name] for name in within},
        user_attrs=_attributes(trial, within),
        intermediate_values=_objective_by_epoch(study, trial),
    )
    made.datetime_start = datetime.fromtimestamp(trial.asked_at if trial.started_at is None else trial.started_at)
    if trial.outcome is not None:
        made.datetime_complete = datetime.fromtimestamp(trial.asked_at if trial.ended_at is None else trial.ended_at)
    return made


def _attributes(trial: Trial, within: Mapping[str, Any]) -> dict[str, Any]:
    outcome = trial.outcome
    known: dict[str, Any] = {
        "trial": trial.id,
        "slot": trial.slot,
        "engine": trial.engine,
        "parent": trial.suggestion.parent,
        "outside": {name: show_value(value) for name, value in trial.suggestion.values.items() if name not in within},
    }
    if outcome is not None:
        known |= {
            "epochs_run": outcome.epochs_run,
            "best_epoch": outcome.best_epoch,
            "score_sd": outcome.score_sd,
            "metrics": outcome.metrics,
            "cause": outcome.cause,
            "stopped": outcome.stopped,
        }
    return {name: value for name, value in known.items() if value not in (None, "", {})}


def _objective_by_epoch(study: StudyData, trial: Trial) -> dict[int, float]:
    """Returns the objective's finite values by epoch; none where it is not measured by epoch (folds)."""
    metric = study.objective.metric
    curves = [
        {each.epoch: each.metrics[metric] for each in curve if math.isfinite(each.metrics.get(metric, math.nan))}
        for curve in (study.trainings[trial.id].values() or (study.curves[trial.id],))
    ]
    common = [epoch for epoch in curves[0] if all(epoch in curve for curve in curves)]
    return {epoch: sum(curve[epoch] for curve in curves) / len(curves) for epoch in common}


@contextmanager
def _quietly() -> Iterator[None]:
    """Keeps Optuna from announcing on stderr what it does."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)
