"""The hyperparameters of the one model that a sweep trains: what a spec fixes, and what is usual for the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunecli.errors import UsageError
from tunecli.families.surroundings import CONSTANT, EPOCHS, SCHEDULE_HYPERPARAMETERS
from tunecli.plan import Plan
from tunecli.spec.experiment import SCIPY_ENGINE
from tunecli.spec.space import Kind, Parameter, Value, Values

RATE = "learning_rate"

_UNREAD = frozenset({RATE, EPOCHS.name, *(each.name for each in SCHEDULE_HYPERPARAMETERS)})
"""What a sweep sets itself, or has no use for."""


@dataclass(frozen=True)
class Chosen:
    """The values of the trained model.

    Attributes:
        values: All of them, as a trial gets them.
        settled: Those that the spec searches, and which were settled here.
        ignored: What the spec says of the rate's course, and a sweep leaves out: such as `schedule: cosine`.
    """

    values: Values
    settled: Values
    ignored: tuple[str, ...]


def choose_values(plan: Plan, spec: str) -> Chosen:
    """Returns the values to train with: of a searched parameter its default, else its family's, else the middle.

    Args:
        plan: The plan.
        spec: The file's name in messages.

    Raises:
        UsageError: No rate of the plan's can be swept.
    """
    _refuse_without_rate(plan, spec)
    searched: Values = {}
    for parameter in plan.space:
        if parameter.is_active({**plan.fixed, **searched}):
            searched[parameter.name] = _usual(parameter, _default(plan, parameter.name, searched))
    values = plan.complete(searched)
    rate = next((each for each in plan.space if each.name == RATE), None)
    if rate is not None and RATE not in searched:
        unmet = next(each for each in rate.when if not each.holds({**plan.fixed, **searched}))
        value = unmet.values[0]
        taken = values.get(unmet.parameter)
        what = f"is searched only where {unmet.parameter} is {value}, and this test would take {taken}"
        hint = f"test that one: tunecli lr-find {spec} -S search_space.{unmet.parameter}={value}"
        raise UsageError(what, where=f"{spec}: {RATE}", hint=hint)
    return Chosen(
        values=values,
        settled={name: value for name, value in plan.as_spec(searched).items() if name not in _UNREAD},
        ignored=tuple(_ignored(plan)),
    )


def _refuse_without_rate(plan: Plan, spec: str) -> None:
    if plan.training.engine == SCIPY_ENGINE:
        hint = "drop it, and an optimizer with a learning rate trains the model"
        raise UsageError("engine: scipy takes no learning rate", where=f"{spec}: training.engine", hint=hint)
    if plan.custom is not None:
        what = f"{plan.custom.source.file} compiles its models itself, so that there is no learning_rate to set"
        hint = "search its rate as a hyperparameter, over several powers of ten"
        raise UsageError(what, where=f"{spec}: model.family", hint=hint)


def _default(plan: Plan, name: str, searched: Mapping[str, Value]) -> Value:
    """Returns what a hyperparameter is where a spec says nothing, beside these values."""
    given = {**plan.fixed, **searched}
    found = (each.default for each in plan.hyperparameters() if each.name == name and each.applies_to(given))
    return next(found, None)


def _usual(parameter: Parameter, default: Value) -> Value:
    for value in (parameter.default, default):
        if value is not None and parameter.contains(value):
            return value
    if parameter.kind is Kind.CHOICE:
        return parameter.values[0]
    return _middle(parameter)


def _middle(parameter: Parameter) -> Value:
    """Returns the value in the middle of a range, by magnitude where it is searched so."""
    low, high = parameter.bounds
    points = parameter.finite_values()
    if points is not None and not parameter.log:
        return points[(len(points) - 1) // 2]
    middle = (low * high) ** 0.5 if parameter.log else (low + high) / 2
    return round(middle) if parameter.kind is Kind.INT else middle


def _ignored(plan: Plan) -> list[str]:
    """Returns what the spec says of the course of the rate."""
    searched = {parameter.name for parameter in plan.space}
    fixed = {name: plan.fixed.get(name) for name in ("schedule", "warmup_epochs")}
    found = [f"{name}: {value}" for name, value in fixed.items() if value not in (None, CONSTANT, 0)]
    return [*found, *(name for name in fixed if name in searched)]


def present_rates(plan: Plan) -> tuple[float, float] | None:
    """Returns the least and the greatest rate that a plan has; None where it says nothing of it."""
    parameter = next((each for each in plan.space if each.name == RATE), None)
    if parameter is None:
        fixed = plan.fixed.get(RATE)
        return (float(fixed), float(fixed)) if isinstance(fixed, int | float) else None
    if parameter.kind is Kind.CHOICE:
        rates = [float(each) for each in parameter.values if isinstance(each, int | float)]
        return min(rates), max(rates)
    low, high = parameter.bounds
    return float(low), float(high)
