"""What a plan may be told to do better: nothing that is wrong, but what its author may not have meant."""

from __future__ import annotations

from collections.abc import Iterator

from tunecli.datasets import DATASETS
from tunecli.plan.plan import Plan
from tunecli.plan.space_limits import space_limits
from tunecli.reports.space.notes import space_notes
from tunecli.spec.space import Kind, Parameter, spell_value
from tunecli.spec.tuners import BayesianTuner, GridTuner, HyperbandTuner, RandomTuner
from tunecli.study.objective import plain_metric

LARGE_GRID = 1000
"""Grids beyond this are rarely meant."""

WIDE = 100
"""From this ratio of max to min, a range is usually searched by magnitude."""


_SUMS = ("mse", "rmse", "mae")
"""Metrics that add up errors of all targets."""


def advice(plan: Plan) -> list[str]:
    """Returns one line for everything worth saying about a plan; pure."""
    return [*_on_the_tuner(plan), *_on_the_training(plan), *_on_the_space(plan)]


def data_notes(plan: Plan) -> tuple[str, ...]:
    """Returns what people should know of how the data are read.

    Raises:
        DataError: The user's own file is missing or damaged.
    """
    return DATASETS.load(plan.dataset.name).describe(plan.dataset.options).notes


def _on_the_tuner(plan: Plan) -> Iterator[str]:
    tuner, size = plan.tuner, plan.space.size()
    if not len(plan.space):
        if plan.custom is None:  # what the user's code declares may not be known yet
            yield "nothing is searched: every value is fixed, so this is one training"
    elif isinstance(tuner, GridTuner):
        yield from _on_the_grid(tuner, plan.space.grid_size())
    elif isinstance(tuner, RandomTuner | BayesianTuner) and size is not None and size <= tuner.max_trials:
        yield f"the space has only {size} configurations: tuner: grid tries each of them once"
    elif isinstance(tuner, BayesianTuner) and (tuner.num_initial_points or 0) >= tuner.max_trials:
        points = tuner.num_initial_points
        yield f"all {tuner.max_trials} trials are random: the model begins after {points} (num_initial_points)"


def _on_the_grid(tuner: GridTuner, size: int) -> Iterator[str]:
    if tuner.max_trials is not None and tuner.max_trials < size:
        yield f"only the first {tuner.max_trials} of {size} grid points are tried: the first parameters hardly vary"
    elif tuner.max_trials is None and size > LARGE_GRID:
        yield f"the grid has {size} points: a step makes ranges coarser, and tuner: random needs fewer trials"


def _on_the_training(plan: Plan) -> Iterator[str]:
    tuner, stopping = plan.tuner, plan.training.early_stopping
    epochs = plan.training.epochs
    if isinstance(tuner, HyperbandTuner) and tuner.max_epochs:
        epochs = tuner.max_epochs
    if stopping is not None and stopping.patience >= epochs:
        yield f"early stopping never acts: its patience ({stopping.patience}) is not below the epochs ({epochs})"
    metric = plan.objective.metric
    if plan.dataset.validation and metric == plain_metric(metric):
        yield f"{metric} is measured on the rows that are trained on: val_{metric} shows what a model has learnt"
    if plan.targets and plain_metric(metric) in _SUMS:
        better = metric.replace(plain_metric(metric), "r2")
        yield f"{metric} is over all targets, and those of large numbers decide it: in {better} all count alike"


def _on_the_space(plan: Plan) -> Iterator[str]:
    for parameter in plan.space:
        if parameter.kind is Kind.CHOICE:
            continue
        low, high = parameter.bounds
        last = (parameter.finite_values() or [high])[-1]
        if parameter.step is not None and last != high:
            yield f"{parameter.name} ends at {spell_value(last)}: its max ({spell_value(high)}) is no step from min"
        if _looks_log(parameter):
            yield f"{parameter.name} spans {_short(low)} to {_short(high)}: log: true would search small values as well"
    notes = space_notes(plan.space, plan.fixed, space_limits(plan), is_custom=plan.custom is not None)
    yield from (each.sentence for each in notes)


def _looks_log(parameter: Parameter) -> bool:
    low, high = parameter.bounds
    return parameter.kind is Kind.FLOAT and not parameter.log and parameter.step is None and 0 < low * WIDE <= high


def _short(number: float) -> str:
    return f"{number:g}"
