"""Finds the hyperparameters of a user's own model by building it, and tries the user's callbacks: runs in a worker.

    runner = "tunecli.training.discovery:discover"
    request → {"problem": …} or {"discovered": …}

KerasTuner's walk builds until every conditional scope was open once. Many models declare in a loop instead
(`for i in range(hp.Int("layers", 1, 5)): hp.Int(f"units_{i}", …)`), so that each value that may show more is tried
too: both ends of a range of whole numbers, every value of a choice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tunecli.errors import DataError, Problem, TunecliError, UsageError
from tunecli.families.custom import FAMILY
from tunecli.plan import DatasetPlan, Plan
from tunecli.plan.sources import Discovered
from tunecli.spec.space import Condition, Kind, Parameter, Value
from tunecli.training.constant_kernels import constant_kernels
from tunecli.training.data import or_none, search_parts
from tunecli.training.models import custom_family
from tunecli.training.own_fit import OwnFit
from tunecli.training.runtime import seed_everything
from tunecli.training.user_callbacks import user_callbacks

DISCOVERY = "tunecli.training.discovery:discover"
"""The name of `discover`, for executors."""

ROWS = 64
"""Of each part, for a `fit` that looks at them."""

MOST_BUILDS = 500
"""Beyond this, a file asks for other names every time."""

RESERVED = "tuner/"
"""How KerasTuner's own values begin."""


class DiscoveryRequest(BaseModel):
    """What a worker needs.

    Attributes:
        plan: The study's plan, without a space.
        sources: Where the copies of the user's files lie.
    """

    model_config = ConfigDict(extra="forbid")

    plan: Plan
    sources: Path


def discover(payload: dict[str, Any], report: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Runs a `DiscoveryRequest`; returns `{"discovered": …}`, or `{"problem": …}` with what is wrong."""
    request = DiscoveryRequest.model_validate(payload)
    try:
        user_callbacks(request.plan, request.sources)
        found = Discovered() if request.plan.custom is None else _discover_custom(request.plan, request.sources)
    except TunecliError as error:
        return {"problem": asdict(error.problems[0]), "is_of_data": isinstance(error, DataError)}
    return {"discovered": found.model_dump(mode="json")}


def problem_of(answer: dict[str, Any]) -> Problem:
    """Returns the problem that `discover` has answered."""
    return Problem(**answer)


def _discover_custom(plan: Plan, sources: Path) -> Discovered:
    family = custom_family(plan, sources)
    parts = _rows(plan.dataset) if family.has_own_fit else None

    alike: dict[str, None] = {}

    def ask(hp: Any) -> None:
        seed_everything(plan.seed)
        builder = family.builder()
        model = family.build_with(builder, hp)
        alike.update(dict.fromkeys(constant_kernels(model)))
        if parts is not None:
            train, validation = parts[0], or_none(parts[1])
            OwnFit(family, builder, hp, model).capture(train, validation, epochs=plan.training.epochs)

    walk = Walk(ask)
    walk.run()
    return Discovered(parameters=tuple(parameters(walk.found, str(family.file))), notes=(*walk.notes, *alike))


def _rows(dataset: DatasetPlan) -> Any:
    few = min(ROWS, dataset.max_rows or ROWS)
    return search_parts(dataset.model_copy(update={"max_rows": few})).parts


@dataclass
class Walk:
    """Calls code with ever other values, until it asks for no hyperparameter that was not seen before.

    Attributes:
        ask: Calls the code with a `keras_tuner.HyperParameters`.
        found: What it has asked for, in order.
        notes: Where it has failed on the way.
    """

    ask: Callable[[Any], None]
    found: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Walks.

        Raises:
            TunecliError: The code fails with all hyperparameters at their defaults, or finds no end.
        """
        waiting: list[dict[str, Any]] = [{}]
        seen_scopes: list[Any] = []
        builds = 0
        while waiting:
            values = waiting.pop(0)
            builds += 1
            if builds > MOST_BUILDS:
                what = f"asks for new hyperparameters even when it is built for the {MOST_BUILDS}th time"
                raise UsageError(what, hint="give its hyperparameters fixed names")
            hp = self._asked(values)
            for each in hp.space:
                if not any(each.name == one.name and each.conditions == one.conditions for one in self.found):
                    self.found.append(each)
                    waiting += [{**values, each.name: value} for value in _telling(each)]
            for scope in [*hp.active_scopes, *hp.inactive_scopes]:
                if scope not in seen_scopes:
                    seen_scopes.append(scope)
                    if scope in hp.inactive_scopes:
                        waiting.append({**values, **{each.name: each.values[0] for each in scope}})

    def _asked(self, values: dict[str, Any]) -> Any:
        hp = FAMILY.hyperparameters_of(values)
        try:
            self.ask(hp)
        except TunecliError as error:
            if not values:
                raise
            problem = error.problems[0]
            at = ", ".join(f"{name}={value}" for name, value in values.items())
            self.notes.append(f"with {at}: {problem.where}: {problem.what}; such trials will fail")
        return hp


def parameters(found: list[Any], where: str) -> Iterator[Parameter]:
    """Yields what KerasTuner's hyperparameters are in our terms, each behind those that its conditions name.

    Args:
        found: What was asked for, in order; a name may come once for each conditional scope.
        where: The file, for errors.

    Raises:
        UsageError: One cannot be told in our terms.
    """
    by_name: dict[str, Parameter] = {}
    for each in found:
        if each.name.startswith(RESERVED):
            raise UsageError(f"a hyperparameter is called '{each.name}'", where=where, hint="choose another name")
        parameter = _parameter(each, where)
        known = by_name.get(each.name)
        by_name[each.name] = parameter if known is None else _united(known, parameter, where)
    yield from by_name.values()


def _united(one: Parameter, other: Parameter, where: str) -> Parameter:
    """Returns a parameter that two conditional scopes declare alike, with the conditions of both.

    Raises:
        UsageError: They declare it otherwise, or no condition of ours says when it is active.
    """
    if one.model_copy(update={"when": ()}) == other.model_copy(update={"when": ()}):
        apart = [(mine, its) for mine, its in zip(one.when, other.when, strict=False) if mine != its]
        is_alike = len(one.when) == len(other.when)
        if is_alike and len(apart) == 1 and apart[0][0].parameter == apart[0][1].parameter:
            mine, its = apart[0]
            values = (*mine.values, *(value for value in its.values if value not in mine.values))
            both = Condition(parameter=mine.parameter, values=values)
            return one.model_copy(update={"when": tuple(both if each == mine else each for each in one.when)})
    what = f"'{one.name}' is declared in two conditional scopes that cannot be made one"
    raise UsageError(what, where=where, hint="give each scope a name of its own for it")


def _parameter(hp: Any, where: str) -> Parameter:
    kind = type(hp).__name__
    when = tuple(Condition(parameter=each.name, values=tuple(map(_plain, each.values))) for each in hp.conditions)
    common = {"name": hp.name, "when": when}
    if kind in ("Int", "Float"):
        return Parameter(**common, **_range(hp, where))
    if kind == "Boolean":
        return Parameter(**common, kind=Kind.CHOICE, values=(False, True), default=bool(hp.default))
    if kind == "Fixed":
        return Parameter(**common, kind=Kind.CHOICE, values=(_plain(hp.value),))
    if kind == "Choice":
        return Parameter(**common, kind=Kind.CHOICE, values=tuple(map(_plain, hp.values)), default=_plain(hp._default))
    raise UsageError(f"'{hp.name}' is a {kind}", where=where, hint="use hp.Int, Float, Choice, Boolean or Fixed")


def _range(hp: Any, where: str) -> dict[str, Any]:
    number = int if type(hp).__name__ == "Int" else float
    low, high = hp.min_value, hp.max_value
    # without a default, KerasTuner's is the lowest value, and a Float forgets which of the two it was
    default = None if hp.default == low else number(hp.default)
    if hp.sampling == "reverse_log":
        hint = "write sampling='log', or search 1 - x by magnitude"
        raise UsageError(f"'{hp.name}' has sampling='reverse_log', which is not supported", where=where, hint=hint)
    if low == high:
        return {"kind": Kind.CHOICE, "values": (number(low),)}
    step = hp.step
    if hp.sampling == "log" and step is not None:
        count = int(math.log(high / low, step) + 1e-8) + 1  # as KerasTuner counts them
        listed = dict.fromkeys(number(low * step**index) for index in range(count))
        return {"kind": Kind.CHOICE, "values": tuple(listed), "default": default}
    step = None if step is None or (number is int and step == 1) else number(step)
    kind = Kind.INT if number is int else Kind.FLOAT
    bounds = {"min": number(low), "max": number(high), "step": step}
    return {"kind": kind, **bounds, "log": hp.sampling == "log", "default": default}


def _telling(hp: Any) -> list[Any]:
    """Returns the values beside which code may ask for more than it does beside the default."""
    kind = type(hp).__name__
    if kind == "Int":
        values = [hp.max_value, hp.min_value]
    elif kind == "Choice":
        values = list(hp.values)
    else:
        values = [False, True] if kind == "Boolean" else []
    return [value for value in values if value != hp.default]


def _plain(value: Any) -> Value:
    """Frees a value from numpy."""
    plain: Value = value.item() if hasattr(value, "item") else value
    return plain
