"""Which features go into which input of a wide_deep model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.plan.test_resolve import plan_of, problems
from tunecli.plan import Plan

ALL = ("TV", "radio", "newspaper")


def inputs(model: str) -> Any:
    return plan_of(f"dataset: advertising\nmodel: {{family: wide_deep{model}}}\n").inputs


def test_all_features_go_both_ways_by_default() -> None:
    assert inputs("") == {"wide": ALL, "deep": ALL}
    assert inputs(", wide: [TV]") == {"wide": ("TV",), "deep": ALL}


def test_names_and_positions_are_alike_and_in_the_order_of_the_data() -> None:
    assert inputs(", wide: [radio, TV], deep: [2, 1]") == {"wide": ("TV", "radio"), "deep": ("radio", "newspaper")}


def test_positions_count_the_features_that_the_spec_has_chosen() -> None:
    text = "dataset: {name: advertising, features: [newspaper, TV]}\nmodel: {family: wide_deep, wide: [0]}\n"
    assert plan_of(text).inputs == {"wide": ("newspaper",), "deep": ("newspaper", "TV")}


def test_a_column_of_texts_is_named_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a; b ;y\n" + "".join(f"{i};{'pq'[i % 2]};{i}\n" for i in range(20)))
    path = (tmp_path / "t.csv").as_posix()
    plan = plan_of(f"dataset: {{name: csv, path: {path}, target: y}}\nmodel: {{family: wide_deep, wide: [B]}}\n")
    from tunecli.preprocessing import routed
    from tunecli.training.data import search_parts

    signature = routed(search_parts(plan.dataset), plan.inputs).signature
    assert {name: len(positions) for name, positions in signature.inputs.items()} == {"wide": 2, "deep": 3}


def test_the_plans_of_other_families_do_not_know_of_it(make_plan: Callable[..., Plan]) -> None:
    assert "inputs" not in make_plan().model_dump(mode="json")
    plan = make_plan(model={"family": "wide_deep", "wide": ["TV"]})
    assert Plan.model_validate(json.loads(plan.model_dump_json())) == plan


def test_other_features_are_another_study(make_plan: Callable[..., Plan]) -> None:
    one, other = (make_plan(model={"family": "wide_deep", "wide": [name]}) for name in ("TV", "radio"))
    assert one.differences(other) == ["inputs.wide: ['TV'] → ['radio']"]


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (
            "family: wide_deep, wide: [TV, rdio]",
            "a.yaml:2:39: model.wide[1]: no column is called 'rdio'\n"
            "hint: did you mean 'radio'? columns: TV, radio, newspaper",
        ),
        (
            "family: wide_deep, deep: [3]",
            "a.yaml:2:35: model.deep[0]: there is no feature at position 3\n"
            "hint: positions go from 0, TV, to 2, newspaper",
        ),
        ("family: wide_deep, deep: [-1]", "a.yaml:2:35: model.deep[0]: there is no feature at position -1"),
        (
            "family: wide_deep, deep: [TV, 0]",
            "a.yaml:2:39: model.deep[1]: 'TV' is named twice\nhint: drop one of the two",
        ),
        (
            "family: wide_deep, wide: []",
            "a.yaml:2:34: model.wide: lists no feature\nhint: list one or more, or drop the key: all features",
        ),
        ("family: wide_deep, wide: TV", "a.yaml:2:34: model.wide: 'TV' is not a list"),
        ("family: wide_deep, wide: [0.5]", "a.yaml:2:35: model.wide[0]: 0.5 is no feature"),
        ("family: wide_deep, wide: [true]", "a.yaml:2:35: model.wide[0]: true is no feature"),
        (
            "family: mlp, wide: [TV]",
            "a.yaml:2:22: model.wide: wide is read by wide_deep alone\nhint: write family: wide_deep, or drop it",
        ),
    ],
)
def test_what_has_no_meaning(model: str, problem: str) -> None:
    (found,) = problems(f"dataset: advertising\nmodel: {{{model}}}\n")
    assert found.startswith(problem)


def test_images_have_one_input() -> None:
    (found,) = problems("dataset: fashion_mnist\nmodel: {family: wide_deep, wide: [0]}\n")
    assert found == (
        "a.yaml:2:17: model.family: wide_deep needs a table, and these data are images\n"
        "hint: choose another family or data set"
    )


def test_scipy_does_not_train_it() -> None:
    (found,) = problems("dataset: advertising\nmodel: wide_deep\ntraining: {engine: scipy}\n")
    assert found.startswith("a.yaml:3:20: training.engine: scipy trains linear and mlp alone, not wide_deep")
