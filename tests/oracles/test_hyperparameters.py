import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles.simulation import RICH
from tunecli.oracles.hyperparameters import Encoding
from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace, Value, same


def space_of(**options: object) -> SearchSpace:
    return SearchSpace(parameters=(Parameter(name="p", **options),))  # type: ignore[arg-type]


FINITE = [
    pytest.param({"kind": Kind.CHOICE, "values": ("a", "b")}, id="words"),
    pytest.param({"kind": Kind.CHOICE, "values": (True, 1, 1.0, "1", None, [1])}, id="equal but of other types"),
    pytest.param({"kind": Kind.CHOICE, "values": (3, 1, 2)}, id="in the user's order"),
    pytest.param({"kind": Kind.INT, "min": -2, "max": 2}, id="whole numbers"),
    pytest.param({"kind": Kind.INT, "min": 1, "max": 9, "step": 3}, id="stepped whole numbers"),
    pytest.param({"kind": Kind.FLOAT, "min": 0.0, "max": 1.0, "step": 0.1}, id="stepped floats"),
]


@pytest.mark.parametrize("options", FINITE)
def test_finite_values_travel_as_positions_and_come_back_as_they_were(options: dict[str, object]) -> None:
    space = space_of(**options)
    encoding = Encoding(space)
    values = space.parameters[0].finite_values() or ()
    assert [encoding.encode({"p": value})["p"] for value in values] == list(range(len(values)))
    assert all(same(encoding.decode({"p": index})["p"], value) for index, value in enumerate(values))


@pytest.mark.parametrize("options", FINITE)
def test_kerastuner_reaches_every_finite_value(options: dict[str, object]) -> None:
    space = space_of(**options)
    encoding = Encoding(space)
    kind = encoding.hyperparameters().space[0]
    count = space.size() or 0
    found = [encoding.decode({"p": kind.prob_to_value((index + 0.5) / count)})["p"] for index in range(count)]
    assert all(same(left, right) for left, right in zip(found, space.parameters[0].finite_values() or (), strict=True))


@pytest.mark.parametrize("probability", [-1e-17, 0.0, 0.5, 1.0 - 2**-53, 1.0])
@pytest.mark.parametrize(
    "options",
    [
        *FINITE,
        {"kind": Kind.INT, "min": 16, "max": 256, "log": True},
        {"kind": Kind.FLOAT, "min": 1e-4, "max": 1e-2, "log": True},
        {"kind": Kind.FLOAT, "min": 0.1, "max": 0.7},
        {"kind": Kind.FLOAT, "min": 3.0, "max": 3.0},
    ],
)
def test_no_probability_leads_out_of_the_range(options: dict[str, object], probability: float) -> None:
    space = space_of(**options)
    encoding = Encoding(space)
    value = encoding.decode({"p": encoding.hyperparameters().space[0].prob_to_value(probability)})
    assert space.faults(value) == []


def test_the_maximum_of_a_range_by_magnitude_is_reached_and_not_passed() -> None:
    encoding = Encoding(space_of(kind=Kind.INT, min=16, max=256, log=True))
    kind = encoding.hyperparameters().space[0]
    assert kind.prob_to_value(1.0) == 257, "KerasTuner no longer passes the maximum: the clamp may go"
    assert encoding.decode({"p": kind.prob_to_value(1.0)}) == {"p": 256}


@given(
    low=st.floats(1e-9, 1e9),
    factor=st.floats(1.0, 1e9),
    probability=st.floats(0, 1),
    log=st.booleans(),
    kind=st.sampled_from([Kind.INT, Kind.FLOAT]),
)
def test_ranges_survive_rounding(low: float, factor: float, probability: float, log: bool, kind: Kind) -> None:
    bounds: tuple[float, float] = (low, low * factor)
    if kind is Kind.INT:
        bounds = (math.ceil(low), math.ceil(low) + int(factor))
    space = space_of(kind=kind, min=bounds[0], max=bounds[1], log=log)
    encoding = Encoding(space)
    values = encoding.decode({"p": encoding.hyperparameters().space[0].prob_to_value(probability)})
    assert space.faults(values) == []
    assert encoding.decode(encoding.encode(values)) == values


def test_numbers_are_pythons_own() -> None:
    import numpy as np

    encoding = Encoding(RICH)
    values = encoding.decode({"rate": np.float64(0.001), "units": np.int64(17), "layers": np.int64(0)})
    assert [type(value) for value in values.values()] == [int, int, float]


def test_a_long_range_costs_no_list() -> None:
    encoding = Encoding(space_of(kind=Kind.INT, min=1, max=10**12))
    assert encoding.encode({"p": 10**11}) == {"p": 10**11 - 1}


@pytest.mark.parametrize(
    ("values", "active"),
    [
        ({"optimizer": "adam"}, set()),
        ({"optimizer": "rmsprop"}, {"momentum"}),
        ({"optimizer": "sgd", "layers": 1}, {"momentum"}),
        ({"optimizer": "sgd", "layers": 3}, {"momentum", "nesterov"}),
        ({"optimizer": "sgd", "layers": 3, "nesterov": False}, {"momentum", "nesterov"}),
        ({"optimizer": "sgd", "layers": 3, "nesterov": True}, {"momentum", "nesterov", "decay"}),
    ],
)
def test_conditions_hold_where_ours_do(values: dict[str, Value], active: set[str]) -> None:
    encoding = Encoding(RICH)
    found = encoding.hyperparameters()
    found.values = encoding.encode(values)
    conditional = {"momentum", "nesterov", "decay"}
    assert {each.name for each in found.space if found.is_active(each)} & conditional == active
    assert {each.name for each in RICH.active(values)} & conditional == active


def test_one_parent_may_stand_in_two_nested_conditions() -> None:
    parent = Parameter(name="a", kind=Kind.CHOICE, values=("x", "y", "z"))
    both = tuple(Condition(parameter="a", values=values) for values in (("x", "y"), ("y", "z")))
    found = Encoding(SearchSpace(parameters=(parent, Parameter(name="b", kind=Kind.INT, min=0, max=1, when=both))))
    hyperparameters = found.hyperparameters()
    for value, is_active in (("x", False), ("y", True), ("z", False)):
        hyperparameters.values = found.encode({"a": value})
        assert hyperparameters.is_active("b") is is_active


def test_a_default_is_handed_over_and_otherwise_the_first() -> None:
    found = {each.name: each.default for each in Encoding(RICH).hyperparameters().space}
    assert (found["optimizer"], found["layers"], found["rate"]) == (1, 0, 1e-4)
