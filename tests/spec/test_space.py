"""The search space: what holds for every space, and the corners that once went wrong."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace, Value, show_value, spell_value

INTS = st.integers(-20, 20)
STEPS = st.sampled_from([0.1, 0.25, 0.3, 1e-3, 0.7, 2.0])


@st.composite
def parameters(draw: st.DrawFn, name: str, earlier: list[Parameter], *, finite: bool) -> Parameter:
    kinds = ["choice", "int", "stepped", *([] if finite else ["float", "log"])]
    kind = draw(st.sampled_from(kinds))
    when = draw(conditions(earlier)) if earlier and draw(st.booleans()) else ()
    if kind == "choice":
        values = draw(st.lists(st.sampled_from([1, 2, 1.5, "a", "b", True, None]), min_size=1, max_size=4, unique=True))
        return Parameter(name=name, kind=Kind.CHOICE, values=tuple(values), when=when)
    if kind == "int":
        low, width = draw(INTS), draw(st.integers(1, 6))
        step = draw(st.sampled_from([None, 1, 2, 3]))
        return Parameter(name=name, kind=Kind.INT, min=low, max=low + width, step=step, when=when)
    if kind == "stepped":
        low, step, count = draw(INTS), draw(STEPS), draw(st.integers(1, 5))
        high = float(Decimal(str(float(low))) + count * Decimal(str(step)))
        return Parameter(name=name, kind=Kind.FLOAT, min=float(low), max=high, step=step, when=when)
    return Parameter(name=name, kind=Kind.FLOAT, min=0.001, max=10.0, log=kind == "log", when=when)


@st.composite
def conditions(draw: st.DrawFn, earlier: list[Parameter]) -> tuple[Condition, ...]:
    parent = draw(st.sampled_from(earlier))
    points = list(parent.grid_values())
    chosen = draw(st.lists(st.sampled_from(points), min_size=1, max_size=2, unique_by=repr))
    return (Condition(parameter=parent.name, values=tuple(chosen)),)


@st.composite
def spaces(draw: st.DrawFn, *, finite: bool) -> SearchSpace:
    found: list[Parameter] = []
    for name in "abcd"[: draw(st.integers(0, 4))]:
        found.append(draw(parameters(name, found, finite=finite)))
    return SearchSpace(parameters=tuple(found))


@given(spaces(finite=False))
def test_every_grid_point_is_valid(space: SearchSpace) -> None:
    for values in itertools.islice(space.grid(), 200):
        assert space.faults(values) == []


@given(spaces(finite=True))
def test_size_counts_the_distinct_configurations(space: SearchSpace) -> None:
    distinct = {repr(values) for values in space.grid()}
    assert space.size() == len(distinct) == space.grid_size()


@given(st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 6)), STEPS, st.integers(1, 50))
def test_stepped_floats_reach_their_maximum(low: float, step: float, count: int) -> None:
    high = float(Decimal(str(low)) + count * Decimal(str(step)))
    parameter = Parameter(name="x", kind=Kind.FLOAT, min=low, max=high, step=step)
    values = list(parameter.finite_values() or ())
    assert values[0] == low
    assert values[-1] == high
    assert len(values) == parameter.count() == count + 1
    assert all(parameter.contains(value) for value in values)


@given(spaces(finite=False))
def test_a_space_survives_json(space: SearchSpace) -> None:
    again = SearchSpace.model_validate_json(space.model_dump_json())
    assert repr(again) == repr(space)
    assert repr(SearchSpace.model_validate(json.loads(space.model_dump_json()))) == repr(space)


def test_a_space_with_an_open_range_has_no_size() -> None:
    space = SearchSpace(parameters=(Parameter(name="x", kind=Kind.FLOAT, min=0.0, max=1.0),))
    assert space.size() is None
    assert space.grid_size() == 10


def test_a_space_without_parameters_has_one_configuration() -> None:
    assert SearchSpace().size() == 1
    assert list(SearchSpace().grid()) == [{}]


def test_millions_of_values_are_counted_without_being_made() -> None:
    wide = Parameter(name="wide", kind=Kind.INT, min=1, max=10**9)
    child = Parameter(
        name="child", kind=Kind.CHOICE, values=("a", "b"), when=(Condition(parameter="wide", values=(7, 8)),)
    )
    assert SearchSpace(parameters=(wide, child)).size() == 10**9 + 2
    assert wide.contains(10**9)


@pytest.mark.parametrize(
    ("parameter", "value", "is_inside"),
    [
        ({"kind": "int", "min": 1, "max": 4}, 4, True),
        ({"kind": "int", "min": 1, "max": 4}, 5, False),
        ({"kind": "int", "min": 1, "max": 4}, 2.0, False),
        ({"kind": "int", "min": 0, "max": 4}, True, False),
        ({"kind": "int", "min": 1, "max": 9, "step": 4}, 5, True),
        ({"kind": "int", "min": 1, "max": 9, "step": 4}, 6, False),
        ({"kind": "float", "min": 0.0, "max": 1.0}, 1, False),
        ({"kind": "float", "min": 0.0, "max": 1.0}, float("nan"), False),
        ({"kind": "float", "min": 0.1, "max": 0.7, "step": 0.1}, 0.3, True),
        ({"kind": "float", "min": 0.1, "max": 0.7, "step": 0.1}, 0.30000000000000004, False),
        ({"kind": "choice", "values": (1, 2)}, 1.0, False),
        ({"kind": "choice", "values": (False, True)}, 1, False),
        ({"kind": "choice", "values": ([300, 100], [50])}, [300, 100], True),
    ],
)
def test_contains_minds_types_and_steps(parameter: dict[str, Any], value: Value, is_inside: bool) -> None:
    assert Parameter.model_validate({"name": "x", **parameter}).contains(value) is is_inside


def test_a_child_of_an_inactive_parameter_is_inactive() -> None:
    first = Parameter(name="a", kind=Kind.CHOICE, values=("x", "y"))
    second = Parameter(name="b", kind=Kind.CHOICE, values=(1, 2), when=(Condition(parameter="a", values=("x",)),))
    third = Parameter(name="c", kind=Kind.CHOICE, values=(3, 4), when=(Condition(parameter="b", values=(1,)),))
    space = SearchSpace(parameters=(first, second, third))
    assert [each.name for each in space.active({"a": "y", "b": 1, "c": 3})] == ["a"]
    assert space.faults({"a": "y", "b": 1}) == ["b is not active"]
    assert space.size() == 1 + 1 + 2


def test_faults_name_what_is_missing_and_outside() -> None:
    space = SearchSpace(
        parameters=(
            Parameter(name="units", kind=Kind.INT, min=16, max=2000000),
            Parameter(name="rate", kind=Kind.FLOAT, min=0.001, max=0.1, log=True),
        )
    )
    assert space.faults({"units": 8}) == ["rate is missing", "units=8 is outside 16 … 2000000"]


def test_a_log_grid_ends_at_its_bounds() -> None:
    points = Parameter(name="x", kind=Kind.FLOAT, min=1e-4, max=1e-1, log=True).grid_values()
    assert (points[0], points[-1], len(points)) == (1e-4, 1e-1, 10)


def test_values_are_shown_short_and_spelled_out() -> None:
    assert show_value(0.123456) == "0.1235"
    assert spell_value(0.123456) == "0.123456"
    assert [spell_value(each) for each in (True, None, "a", [1, 2])] == ["true", "null", "a", "[1, 2]"]
