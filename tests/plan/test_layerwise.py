"""One value for each layer: what a tuner sees, and what a model gets."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plan.test_resolve import plan_of, problems
from tunecli.plan import Plan
from tunecli.plan.preview import largest_values, preview
from tunecli.spec.space import Condition, Kind, Values

Make = Callable[..., Plan]
UNITS = {"min": 16, "max": 256, "log": True, "per": "hidden_layers"}


def layered(make_plan: Make, counter: Any, units: Any = UNITS, **others: Any) -> Plan:
    space = {"units": units, **({} if counter is None else {"hidden_layers": counter}), **others}
    return make_plan(model="mlp", search_space=space)


def conditions(plan: Plan) -> dict[str, tuple[Condition, ...]]:
    return {each.name: each.when for each in plan.space}


def on(*counts: int) -> tuple[Condition, ...]:
    return (Condition(parameter="hidden_layers", values=counts),)


def test_each_layer_that_may_be_there_has_a_parameter_that_exists_only_with_it(make_plan: Make) -> None:
    plan = layered(make_plan, {"min": 1, "max": 3})
    assert conditions(plan) == {"hidden_layers": (), "units_1": (), "units_2": on(2, 3), "units_3": on(3)}
    second = plan.space.parameters[2]
    assert (second.kind, second.bounds, second.log) == (Kind.INT, (16, 256), True)


def test_layers_that_are_always_there_depend_on_nothing(make_plan: Make) -> None:
    assert conditions(layered(make_plan, {"values": [4, 2]})) == {
        "hidden_layers": (),
        "units_1": (),
        "units_2": (),
        "units_3": on(4),
        "units_4": on(4),
    }
    assert conditions(layered(make_plan, 3)) == {"units_1": (), "units_2": (), "units_3": ()}
    assert list(conditions(layered(make_plan, None))) == ["units_1", "units_2"], "two hidden layers are the default"


def test_choices_defaults_and_conditions_are_those_of_every_layer(make_plan: Make) -> None:
    units = {"values": [32, 64], "default": 64, "per": "hidden_layers", "when": {"optimizer": "sgd"}}
    space = {"optimizer": ["adam", "sgd"], "units": units, "hidden_layers": [1, 2]}
    plan = make_plan(model="mlp", search_space=space)
    sgd = (Condition(parameter="optimizer", values=("sgd",)),)
    found = conditions(plan)
    assert (found["units_1"], found["units_2"]) == (sgd, (*on(2), *sgd))
    assert {(each.values, each.default) for each in plan.space if each.name.startswith("units")} == {((32, 64), 64)}
    assert plan.complete({"optimizer": "adam", "hidden_layers": 2})["units"] == 64


def test_a_model_gets_a_list_and_no_parameter_of_a_layer(make_plan: Make) -> None:
    plan = layered(make_plan, {"min": 1, "max": 3})
    values = plan.complete({"hidden_layers": 2, "units_1": 100, "units_2": 30})
    assert (values["units"], values["hidden_layers"]) == ([100, 30], 2)
    assert not any(name.startswith("units_") for name in values)
    assert layered(make_plan, 2).complete({"units_1": 20, "units_2": 30})["hidden_layers"] == 2
    assert largest_values(plan)["units"] == [256, 256, 256]


def test_the_winner_can_be_pasted_into_a_spec(make_plan: Make) -> None:
    plan = layered(make_plan, {"min": 1, "max": 3}, l2=[0.0, 0.1])
    searched: Values = {"hidden_layers": 2, "units_1": 100, "units_2": 30, "l2": 0.1}
    assert plan.as_spec(searched) == {"l2": 0.1, "units": [100, 30]}
    assert plan.as_spec({"l2": 0.1}) == {"l2": 0.1}


def test_blocks_of_a_network_have_filters_each() -> None:
    text = (
        "dataset: fashion_mnist\nmodel: cnn\n"
        "search_space: {blocks: [1, 2, 3], filters: {values: [8, 16], per: blocks}}\n"
    )
    plan = plan_of(text)
    assert [each.name for each in plan.space] == ["blocks", "filters_1", "filters_2", "filters_3"]
    assert plan.complete({"blocks": 2, "filters_1": 8, "filters_2": 16})["filters"] == [8, 16]


def test_a_grid_counts_every_layer_that_is_there(make_plan: Make) -> None:
    plan = layered(make_plan, {"min": 1, "max": 3}, {"values": [32, 64], "per": "hidden_layers"})
    assert plan.space.grid_size() == 2 + 4 + 8
    assert len(list(plan.space.grid())) == 14
    assert preview(plan)["space"][2]["when"] == ["hidden_layers is 2 or 3"]


def test_one_value_for_all_layers_is_fixed(make_plan: Make) -> None:
    plan = layered(make_plan, {"min": 1, "max": 3}, {"values": [32], "per": "hidden_layers"})
    assert plan.fixed == {"units": 32}
    assert [each.name for each in plan.space] == ["hidden_layers"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    counter=st.one_of(
        st.tuples(st.integers(1, 4), st.integers(1, 4)).map(lambda pair: {"min": min(pair), "max": max(pair)}),
        st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True),
        st.integers(1, 4),
    ),
    units=st.sampled_from([{"min": 1, "max": 9}, {"min": 2, "max": 64, "log": True}, {"values": [8, 4]}]),
    seed=st.integers(0, 99),
)
def test_no_width_of_a_layer_that_is_not_there_is_ever_active(
    make_plan: Make, counter: Any, units: dict[str, Any], seed: int
) -> None:
    plan, chance = layered(make_plan, counter, units | {"per": "hidden_layers"}), random.Random(seed)
    values: Values = {}
    for parameter in plan.space:
        if parameter.is_active(values):
            values[parameter.name] = chance.choice(list(parameter.grid_values()))
    count = values.get("hidden_layers", plan.fixed.get("hidden_layers"))
    assert isinstance(count, int)
    assert sum(name.startswith("units_") for name in values) == count
    assert plan.space.faults(values) == []
    assert plan.space.faults(values | {f"units_{count + 1}": 8}), "a phantom is refused"
    completed = plan.complete(values)
    assert completed["units"] == [values[f"units_{number}"] for number in range(1, count + 1)]
    assert completed["hidden_layers"] == count


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        (
            "units: {min: 8, max: 64, per: hiden_layers}",
            "a.yaml:4:33: search_space.units.per: units is given for each of hidden_layers, not of hiden_layers\n"
            "hint: write per: hidden_layers",
        ),
        (
            "dropout: {min: 0, max: 0.5, per: hidden_layers}",
            "a.yaml:4:36: search_space.dropout.per: dropout is the same for all layers\nhint: drop per",
        ),
        (
            "units: {min: 8, max: 64, per: hidden_layers}\n  hidden_layers: {min: 0, max: 3}",
            "a.yaml:4:33: search_space.units.per: hidden_layers may be 0, which leaves no layer\n"
            "hint: let hidden_layers begin at 1",
        ),
        (
            "units: {min: 8, max: 64, per: hidden_layers}\n  hidden_layers: {min: 1, max: 100}",
            "a.yaml:4:33: search_space.units.per: hidden_layers may be 100; at most 64 layers have a value each\n"
            "hint: lower hidden_layers",
        ),
        (
            "optimizer: [adam, sgd]\n  hidden_layers: {min: 1, max: 3, when: {optimizer: sgd}}\n"
            "  units: {min: 8, max: 64, per: hidden_layers}",
            "a.yaml:6:33: search_space.units.per: hidden_layers is searched only under a condition\n"
            "hint: drop that condition, or per: hidden_layers",
        ),
        (
            "units: {value: 8, per: hidden_layers}",
            "a.yaml:4:26: search_space.units.per: needs a range or values\n"
            "hint: write {min: …, max: …, per: …}, or drop per",
        ),
        ("units: {layers: [[8], [4]], per: hidden_layers}", "a.yaml:4:36: search_space.units.per: needs a range"),
        ("units: {min: 8, max: 64, per: 3}", "a.yaml:4:33: search_space.units.per: 3 is not a text"),
        (
            "units: {min: 8, max: 64, per: hidden_layers}\n  l2: {min: 0, max: 1, when: {units: 8}}",
            "a.yaml:5:38: search_space.l2.when.units: units has a value for each layer\n"
            "hint: name a parameter that has one value",
        ),
        (
            "units: {min: 8, max: 64, per: hidden_layers}\n  units_1: 8",
            "a.yaml:5:3: search_space.units_1: 'units_1' is read by nothing in mlp",
        ),
        (
            "units: {min: 8, max: 64, per: hidden_layers, default: 4}",
            "a.yaml:4:57: search_space.units.default: 4 is not in 8 … 64",
        ),
        ("units: {min: 0, max: 64, per: hidden_layers}", "a.yaml:4:16: search_space.units.min: 0 is below 1"),
        (
            "units: {min: 8, max: 64, per: hidden_layers}\n  hidden_layers: {min: 1, max: 2.5}",
            "a.yaml:5:32: search_space.hidden_layers.max: 2.5 is not a whole number",
        ),
    ],
)
def test_what_has_no_meaning(space: str, problem: str) -> None:
    (found,) = problems(f"dataset: advertising\nmodel: mlp\nsearch_space:\n  {space}\n")
    assert found.startswith(problem)
