"""Binding parameters to the hyperparameters that read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tunecli.families.base import Hyperparameter, boolean
from tunecli.plan.bind import Binding, bind
from tunecli.spec.load import load
from tunecli.spec.space import Condition, Kind

ADAMS = ("adam", "adamw")
HYPERPARAMETERS = (
    Hyperparameter("layers_count", Kind.INT, 2, "Number of layers.", min=0),
    Hyperparameter("units", Kind.INT, 64, "Units.", min=8, layer_count="layers_count"),
    Hyperparameter("dropout", Kind.FLOAT, 0.0, "Share dropped.", min=0.0, below=1.0),
    Hyperparameter("activation", Kind.CHOICE, "relu", "Activation.", values=("relu", "tanh")),
    Hyperparameter("optimizer", Kind.CHOICE, "adam", "How weights are updated.", values=("sgd", "rmsprop", *ADAMS)),
    Hyperparameter("rate", Kind.FLOAT, 0.01, "Size of an update.", min=0.0, applies={"optimizer": ("sgd",)}),
    Hyperparameter("rate", Kind.FLOAT, 0.001, "Size.", min=0.0, applies={"optimizer": ("rmsprop", *ADAMS)}),
    Hyperparameter("momentum", Kind.FLOAT, 0.0, "Kept.", min=0, below=1, applies={"optimizer": ("sgd", "rmsprop")}),
    boolean("nesterov", "Look ahead.", applies={"optimizer": ("sgd",)}),
    Hyperparameter("batch_size", Kind.INT, 32, "Rows of one step.", min=1, words=("full",)),
)


def bound(space: str, *, rest: str = "") -> tuple[Binding, list[str]]:
    path = Path("a.yaml")
    path.write_text(f"dataset: csv\nmodel: mlp\nsearch_space: {{{space}}}\n{rest}\n")
    file = load(path)
    found: list[str] = []

    def report(loc: tuple[str | int, ...], what: str, hint: str = "", *, at_key: bool = False) -> None:
        found.append(str(file.problem(loc, what, hint, at_key=at_key)))

    return bind(file.spec, HYPERPARAMETERS, report), found


def fine(space: str, *, rest: str = "") -> Binding:
    binding, found = bound(space, rest=rest)
    assert found == []
    return binding


def conditions(binding: Binding, name: str) -> tuple[Condition, ...]:
    return next(parameter for parameter in binding.space if parameter.name == name).when


@pytest.mark.parametrize(
    ("written", "bounds"),
    [
        ("dropout: {min: 0, max: 0.5}", (Kind.FLOAT, 0.0, 0.5, None)),
        ("rate: {min: 0, max: 1}", (Kind.FLOAT, 0.0, 1.0, None)),
        ("rate: {min: 0, max: 10, step: 2}", (Kind.FLOAT, 0.0, 10.0, 2.0)),
        ("layers_count: {min: 1, max: 4}", (Kind.INT, 1, 4, None)),
        ("units: {min: 16, max: 64, step: 4}", (Kind.INT, 16, 64, 4)),
        ("units: {type: int, min: 16, max: 64}", (Kind.INT, 16, 64, None)),
    ],
)
def test_a_range_takes_its_type_from_the_hyperparameter(written: str, bounds: tuple[Any, ...]) -> None:
    (parameter,) = fine(written).space
    found = (parameter.kind, parameter.min, parameter.max, parameter.step)
    assert repr(found) == repr(bounds)


def test_choices_are_of_the_type_of_the_hyperparameter_and_in_order() -> None:
    binding = fine("rate: [1, 0.1], batch_size: [64, full, 8], nesterov: {type: bool}, optimizer: sgd")
    values = {parameter.name: parameter.values for parameter in binding.space}
    assert repr(values) == "{'rate': (1.0, 0.1), 'batch_size': (64, 'full', 8), 'nesterov': (False, True)}"


@pytest.mark.parametrize("written", ["units: 16", "units: [16]", "units: {min: 16, max: 16}", "units: {value: 16}"])
def test_one_value_is_fixed(written: str) -> None:
    binding = fine(written)
    assert binding.fixed == {"units": 16}
    assert len(binding.space) == 0


def test_a_default_is_kept_in_the_type_of_the_hyperparameter() -> None:
    (parameter,) = fine("dropout: {min: 0, max: 0.5, default: 0}").space
    assert repr(parameter.default) == "0.0"


def test_layers_are_fixed_or_a_choice_among_lists() -> None:
    assert fine("units: {layers: [300, 100]}").fixed == {"units": [300, 100]}
    for written in ("units: {layers: [[300, 100], [50]]}", "units: [[300, 100], [50]]"):
        (parameter,) = fine(written).space
        assert parameter.values == ([300, 100], [50])


def test_the_batch_size_of_the_training_is_a_fixed_value() -> None:
    assert fine("", rest="training: {batch_size: full}").fixed == {"batch_size": "full"}


def test_what_only_some_optimizers_read_depends_on_the_optimizer() -> None:
    binding = fine("momentum: {min: 0, max: 0.9}, optimizer: [adam, rmsprop, sgd]")
    assert [parameter.name for parameter in binding.space] == ["optimizer", "momentum"]
    assert conditions(binding, "momentum") == (Condition(parameter="optimizer", values=("rmsprop", "sgd")),)


def test_what_every_searched_optimizer_reads_depends_on_nothing() -> None:
    binding = fine("optimizer: [adam, sgd], rate: {min: 0.1, max: 1}")
    assert conditions(binding, "rate") == ()


def test_a_written_condition_stands_for_the_automatic_one() -> None:
    binding = fine("optimizer: [adam, sgd, rmsprop], momentum: {min: 0, max: 0.9, when: {optimizer: sgd}}")
    assert conditions(binding, "momentum") == (Condition(parameter="optimizer", values=("sgd",)),)


def test_conditions_go_through_several_levels() -> None:
    binding = fine(
        "optimizer: [adam, sgd], nesterov: {type: bool}, momentum: {min: 0.1, max: 0.9, when: {nesterov: true}}"
    )
    assert conditions(binding, "nesterov") == (Condition(parameter="optimizer", values=("sgd",)),)
    assert conditions(binding, "momentum") == (
        Condition(parameter="nesterov", values=(True,)),
        Condition(parameter="optimizer", values=("sgd",)),
    )
    assert [each.name for each in binding.space.active({"optimizer": "adam", "nesterov": True})] == ["optimizer"]


def test_a_condition_on_a_fixed_parent_that_holds_is_no_condition() -> None:
    binding = fine("optimizer: sgd, momentum: {min: 0, max: 0.9, when: {optimizer: sgd}}")
    assert conditions(binding, "momentum") == ()


def test_a_condition_takes_the_type_of_its_parent() -> None:
    binding = fine("dropout: [0, 0.5], units: {min: 8, max: 9, when: {dropout: 0}}")
    assert repr(conditions(binding, "units")[0].values) == "(0.0,)"


@pytest.mark.parametrize("written", ["value: 0.5", "values: [0.5]", "min: 0.5, max: 0.5"])
def test_one_value_under_a_condition_is_searched(written: str) -> None:
    binding = fine(f"activation: [relu, tanh], dropout: {{{written}, when: {{activation: tanh}}}}")
    dropout = binding.space.parameters[1]
    assert (dropout.values, dropout.when) == ((0.5,), (Condition(parameter="activation", values=("tanh",)),))
    assert binding.fixed == {}


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (
            "unitz: 64",
            "a.yaml:3:16: search_space.unitz: 'unitz' is read by nothing in mlp\nhint: did you mean 'units'?",
        ),
        ("units: 4", "a.yaml:3:23: search_space.units: 4 is below 8\nhint: units: units"),
        ("units: [8, 4]", "a.yaml:3:27: search_space.units[1]: 4 is below 8\nhint: units: units"),
        (
            "activation: rleu",
            "a.yaml:3:28: search_space.activation: 'rleu' is not one of relu, tanh\nhint: did you mean 'relu'?",
        ),
        (
            "units: {min: 16.0, max: 64}",
            "a.yaml:3:29: search_space.units.min: 16.0 is not a whole number, which units is\nhint: units: units",
        ),
        (
            "units: {min: 16, max: 64, step: 0.5}",
            "a.yaml:3:48: search_space.units.step: 0.5 is not a whole number, which units is\nhint: units: units",
        ),
        ("units: {min: 1, max: 64}", "a.yaml:3:29: search_space.units.min: 1 is below 8\nhint: units: units"),
        (
            "dropout: {min: 0, max: 1}",
            "a.yaml:3:39: search_space.dropout.max: 1 is not below 1\nhint: dropout: share dropped",
        ),
        (
            "activation: {min: 1, max: 2}",
            "a.yaml:3:28: search_space.activation: activation takes a choice, not a range\n"
            "hint: write a list of relu, tanh",
        ),
        (
            "units: {type: float, min: 8, max: 9}",
            "a.yaml:3:30: search_space.units.type: units is of type int, not float\nhint: drop type",
        ),
        (
            "units: {type: bool}",
            "a.yaml:3:30: search_space.units.type: units is of type int, not bool\nhint: drop type",
        ),
        (
            "dropout: {min: 0, max: 0.5, default: 0.7}",
            "a.yaml:3:53: search_space.dropout.default: 0.7 is not in 0 … 0.5\nhint: name a value that is searched",
        ),
        (
            "dropout: {layers: [3]}",
            "a.yaml:3:34: search_space.dropout.layers: dropout is not given layer by layer\n"
            "hint: write a range or values",
        ),
        (
            "layers_count: [1, 2], units: {layers: [64]}",
            "a.yaml:3:54: search_space.units.layers: sets layers_count too, which is declared\n"
            "hint: drop layers_count, or layers",
        ),
        (
            "units: {layers: [[64], [4, 64]]}",
            "a.yaml:3:39: search_space.units.layers[1]: 4 is below 8\nhint: write units: {layers: …}",
        ),
        (
            "units: {value: [64, 64]}",
            "a.yaml:3:31: search_space.units.value: [64, 64] is a list\nhint: write units: {layers: …}",
        ),
        (
            "momentum: {min: 0, max: 0.5}",
            "a.yaml:3:16: search_space.momentum: momentum is not read when optimizer is adam\n"
            "hint: it is read when optimizer is sgd or rmsprop",
        ),
        (
            "optimizer: [adam, adamw], momentum: 0.5",
            "a.yaml:3:42: search_space.momentum: momentum is not read when optimizer is adam or adamw\n"
            "hint: it is read when optimizer is sgd or rmsprop",
        ),
        (
            "optimizer: adam, units: {min: 8, max: 9, when: {optimizer: sgd}}",
            "a.yaml:3:75: search_space.units.when.optimizer: optimizer is always adam\n"
            "hint: drop this parameter, or search optimizer, too",
        ),
        (
            "optimizer: [adam, sgd], units: {min: 8, max: 9, when: {optimizer: [sgd, rmsprop]}}",
            "a.yaml:3:88: search_space.units.when.optimizer[1]: optimizer is never rmsprop\n"
            "hint: it is searched in adam, sgd",
        ),
        (
            "optimizer: [adam, sgd], momentum: {min: 0, max: 0.5, when: {optimizer: adam}}",
            "a.yaml:3:87: search_space.momentum.when.optimizer: momentum is not read when optimizer is adam\n"
            "hint: it is read when optimizer is sgd",
        ),
        (
            "nesterov: {type: bool}, optimizer: {values: [sgd, adam], when: {nesterov: true}}",
            "a.yaml:3:16: search_space.nesterov: decides over optimizer, but is read only under some of its values\n"
            "hint: drop the condition of optimizer",
        ),
    ],
)
def test_what_is_wrong(written: str, problem: str) -> None:
    assert bound(written)[1] == [problem]


def test_all_problems_are_reported() -> None:
    assert len(bound("units: [1, 2, 3], activation: [x, y], foo: 1")[1]) == 6


def test_specs_written_by_yaml_are_read_alike() -> None:
    space = {"rate": {"min": 1e-5, "max": 1e-1, "log": True}}
    (parameter,) = fine(yaml.safe_dump(space, default_flow_style=True).strip()[1:-1]).space
    assert parameter.bounds == (1e-5, 1e-1)
