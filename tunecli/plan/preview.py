"""What a search would do, as figures: for `search --dry-run`."""

from __future__ import annotations

from typing import Any

from tunecli.plan.plan import Plan
from tunecli.spec.space import Condition, Parameter, show_value
from tunecli.spec.tuners import GridTuner, HyperbandTuner, hyperband_brackets


def preview(plan: Plan) -> dict[str, Any]:
    """Returns the plan, the size of its space, and the trials and epochs it comes to.

    `space_size` is None where a range is continuous; `brackets` is empty but for Hyperband, and lists each bracket of
    one iteration as rungs of `{trials, epochs}`.
    """
    is_grid = isinstance(plan.tuner, GridTuner)
    return {
        "study": plan.name,
        "dataset": plan.dataset.name,
        "family": plan.family,
        "task": plan.task,
        "targets": list(plan.targets),
        "objective": plan.objective.model_dump(mode="json"),
        "space": [
            {"name": each.name, "range": each.describe(), "when": [_condition(one) for one in each.when]}
            for each in plan.space
        ],
        "space_size": plan.space.grid_size() if is_grid else plan.space.size(),
        "fixed": dict(plan.fixed),
        "tuner": plan.tuner.model_dump(mode="json"),
        "trials": plan.trial_count,
        "trainings_per_trial": len(plan.trainings),
        "epochs": plan.epoch_count,
        "brackets": _brackets(plan),
        "plan": plan.model_dump(mode="json"),
    }


def largest_values(plan: Plan) -> dict[str, Any]:
    """Returns the values of a configuration that is as large as the space allows, to bound what models need."""
    values: dict[str, Any] = {}
    for parameter in plan.space:
        if parameter.is_active(values):
            values[parameter.name] = _largest(parameter)
    return plan.complete(values)


def _largest(parameter: Parameter) -> Any:
    points = parameter.grid_values()
    return max(points, key=lambda value: sum(value) if isinstance(value, list) else _magnitude(value))


def _magnitude(value: Any) -> float:
    if value == "none":  # what a model may have or not
        return -1.0
    return float(value) if isinstance(value, int | float) else 0.0


def _condition(condition: Condition) -> str:
    return f"{condition.parameter} is {' or '.join(map(show_value, condition.values))}"


def _brackets(plan: Plan) -> list[list[dict[str, int]]]:
    if not isinstance(plan.tuner, HyperbandTuner):
        return []
    brackets = hyperband_brackets(plan.tuner.max_epochs or plan.training.epochs, plan.tuner.factor)
    return [[{"trials": rung.trials, "epochs": rung.epochs} for rung in bracket] for bracket in brackets]
