"""Makes sure that a spec leaves nothing open, and shows how to fix what it does.

A spec that searches names many configurations. The values that are proposed are its defaults, or the middle of its
ranges; where these cannot all be set on the command line, the lines for a copy of the file are shown.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunecli.errors import Problem, SpecError, TunecliError
from tunecli.plan import Plan, resolve
from tunecli.spec.experiment import ExperimentSpec
from tunecli.spec.load import SpecFile, load
from tunecli.spec.space import Kind, Parameter, SearchSpace, Value, Values
from tunecli.spec.tuners import RandomTuner

_ANY_TUNER = "tuner=random"
"""Others refuse a space in which there is nothing to search."""


def require_fixed(file: SpecFile, plan: Plan, overrides: Sequence[str], runs: Path) -> None:
    """Makes sure that a spec is of one configuration.

    Args:
        file: The spec.
        plan: Its plan.
        overrides: With which it was read.
        runs: The folder of the studies.

    Raises:
        SpecError: It searches; names every parameter that is open, and a way to fix all of them.
    """
    if not len(plan.space):
        return
    hint = _hint(file, plan, overrides, runs)
    problems = [
        file.problem((_block(file.spec, each.name), each.name), f"is searched in {each.describe()}")
        for each in plan.space
    ]
    last = Problem("a trace trains one configuration, and this spec searches", str(file.path), hint)
    raise SpecError([*problems, last])


def proposed(space: SearchSpace) -> Values:
    """Returns a value for each parameter that is then read: defaults, or middles of ranges.

    Of a choice without a default, the value with which most of the others are read comes first.
    """
    values: Values = {}
    for parameter in space:
        if parameter.is_active(values):
            values[parameter.name] = _middle(parameter, space)
    return values


def _middle(parameter: Parameter, space: SearchSpace) -> Value:
    if parameter.default is not None:
        return parameter.default
    if parameter.kind is Kind.CHOICE:
        return max(parameter.values, key=lambda value: _readers(parameter.name, value, space))  # of equals, the first
    if parameter.step is not None:
        values = parameter.finite_values() or ()
        return values[len(values) // 2]
    low, high = parameter.bounds
    middle = math.sqrt(low * high) if parameter.log else (low + high) / 2
    if parameter.kind is Kind.INT:
        return round(middle)
    short = float(f"{middle:.2g}")
    return short if parameter.contains(short) else middle


def _readers(name: str, value: Value, space: SearchSpace) -> int:
    """Returns how many parameters are read with this value of another."""
    conditions = [each for parameter in space for each in parameter.when if each.parameter == name]
    return sum(condition.holds({name: value}) for condition in conditions)


def _hint(file: SpecFile, plan: Plan, overrides: Sequence[str], runs: Path) -> str:
    written = _as_written(plan, proposed(plan.space))
    more = [f"{_block(file.spec, name)}.{name}={_flow(value)}" for name, value in written.items()]
    # what a tuner says to the space of the user's own code is not known before that has run
    is_searched_by_any = isinstance(file.spec.tuner, RandomTuner)
    with_any = [*overrides, *more, *([] if is_searched_by_any else [_ANY_TUNER])]
    for given in ([*overrides, *more] if plan.custom is None else with_any, with_any):
        if _is_fine(file.path, given, runs):
            options = " ".join(f"-S {shlex.quote(each)}" for each in given)
            return f"fix them: tunecli trace {shlex.quote(str(file.path))} {options}"
    lines = "".join(f"\n  {name}: {_flow(value)}" for name, value in written.items())
    tuner = "" if is_searched_by_any else "\ntuner: random"
    return f"write these instead, in a copy of it:\nsearch_space:{lines}{tuner}"


def _is_fine(path: Path, overrides: Sequence[str], runs: Path) -> bool:
    try:
        return not len(resolve(load(path, overrides), runs=runs).space)
    except TunecliError:
        return False


def _as_written(plan: Plan, values: Values) -> dict[str, Any]:
    """Returns values as they stand in a spec, where a bare list would be a choice."""
    written = plan.as_spec(values)
    return {name: {"layers": value} if isinstance(value, list) else value for name, value in written.items()}


def _block(spec: ExperimentSpec, name: str) -> str:
    return "model" if name in spec.model.parameters else "search_space"


def _flow(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True, width=1000)
    return text.removesuffix("...\n").strip()
