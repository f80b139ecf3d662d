"""Where a linear model begins: weights by column or in their order, in the data's units."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunecli.errors import SpecError
from tunecli.plan import Plan, resolve
from tunecli.plan.plan import StartPlan
from tunecli.spec.load import load


def plan_of(text: str, *overrides: str) -> Plan:
    Path("a.yaml").write_text(text)
    return resolve(load(Path("a.yaml"), overrides))


def start(model: str, *overrides: str) -> StartPlan | None:
    return plan_of(f"dataset: advertising\nmodel: {{family: linear{model}}}\n", *overrides).start


def test_weights_are_named_or_listed() -> None:
    assert start("") is None
    assert start(", initial_weights: {tv: 0.5, radio: 2}") == StartPlan(weights={"TV": 0.5, "radio": 2.0})
    assert start(", initial_weights: [1, 2, 3], initial_bias: 7") == StartPlan(
        weights={"TV": 1.0, "radio": 2.0, "newspaper": 3.0}, bias=7.0
    )
    assert start(", initial_bias: 0") == StartPlan(bias=0.0)


def test_they_may_be_set_on_the_command_line() -> None:
    given = start("", "model.initial_weights.TV=0.5", "model.initial_bias=-1")
    assert given == StartPlan(weights={"TV": 0.5}, bias=-1.0)


def test_it_belongs_to_the_study_and_is_left_out_where_there_is_none(make_plan: Callable[..., Plan]) -> None:
    one = make_plan(model={"family": "linear", "initial_bias": 1})
    other = make_plan(model={"family": "linear", "initial_bias": 2})
    assert one.differences(other) == ["start.bias: 1.0 → 2.0"]
    assert "start" not in make_plan().model_dump(mode="json")
    assert Plan.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (
            "family: linear, initial_weights: {TV: 1, rdio: 2}",
            "a.yaml:2:50: model.initial_weights.rdio: no column is called 'rdio'\n"
            "hint: did you mean 'radio'? columns: TV, radio, newspaper",
        ),
        (
            "family: linear, initial_weights: {TV: 1, tv: 2}",
            "a.yaml:2:50: model.initial_weights.tv: 'TV' is named twice\nhint: drop one of the two",
        ),
        (
            "family: linear, initial_weights: [1, 2]",
            "a.yaml:2:42: model.initial_weights: lists 2 weights for 3 columns\n"
            "hint: they are: TV, radio, newspaper; name some of them: {TV: 0}",
        ),
        (
            "family: linear, initial_weights: [1, '2', 3]",
            "a.yaml:2:46: model.initial_weights[1]: '2' is not a number\nhint: drop the quotes",
        ),
        (
            "family: linear, initial_weights: 3",
            "a.yaml:2:42: model.initial_weights: 3 is neither weights by column nor a list of them\n"
            "hint: write {TV: 0.5}, or one for each column: [0.5]",
        ),
        ("family: linear, initial_weights: {}", "a.yaml:2:42: model.initial_weights: holds no weight"),
        (
            "family: mlp, initial_bias: 1",
            "a.yaml:2:22: model.initial_bias: initial_bias is read by linear alone\nhint: write family: linear",
        ),
        (
            "family: linear, normalization: [none, quantile], initial_bias: 1",
            "model.normalization: quantile bends the columns: there, initial_bias has no units of the data",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(model: str, found: str) -> None:
    with pytest.raises(SpecError) as error:
        plan_of(f"dataset: advertising\nmodel: {{{model}}}\n")
    assert found in str(error.value)


def test_several_outputs_and_images_have_no_use_for_it(make_plan: Callable[..., Any]) -> None:
    Path("several.csv").write_text("a,b,c\n" + "1,2,3\n4,5,7\n" * 10)
    model = {"family": "linear", "initial_bias": 1}
    path = str(Path("several.csv").absolute())
    with pytest.raises(SpecError, match="is for one number or two classes, and there are 2 outputs"):
        make_plan(dataset={"name": "csv", "path": path, "target": ["b", "c"]}, model=model)
    with pytest.raises(SpecError, match="is for the columns of a table, and these are images"):
        make_plan(dataset="fashion_mnist", model=model)
