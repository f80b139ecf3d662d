"""`--set a.b.c=value`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunecli.errors import SpecError
from tunecli.spec.experiment import ExperimentSpec
from tunecli.spec.load import load

TEXT = """\
dataset: advertising
model: mlp
objective: val_rmse
search_space:
  units: [16, 32]
  rate: {low: 0.1, high: 0.2}
  dropout: 0.1
tuner: random
"""


def read(*overrides: str) -> ExperimentSpec:
    path = Path("a.yaml")
    path.write_text(TEXT)
    return load(path, overrides).spec


def problems(*overrides: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(*overrides)
    return [str(problem) for problem in caught.value.problems]


def test_values_are_yaml() -> None:
    spec = read("seed=5", "search_space.rate.low=1e-3", "search_space.act=[relu, 'no']", "tuner.max_trials=3")
    assert spec.seed == 5
    assert spec.search_space["rate"].min == 1e-3
    assert spec.search_space["act"].values == ["relu", "no"]


@pytest.mark.parametrize(
    ("override", "block", "found"),
    [
        ("tuner.max_trials=3", "tuner", {"name": "random", "max_trials": 3}),
        ("tuner=grid", "tuner", {"name": "grid", "max_trials": None}),
        ("objective.goal=minimize", "objective", {"metric": "val_rmse", "goal": "minimize", "target": None}),
    ],
)
def test_a_shorthand_becomes_a_block(override: str, block: str, found: dict[str, object]) -> None:
    assert getattr(read(override), block).model_dump() == found


def test_shorthands_of_dataset_and_model_become_blocks() -> None:
    spec = read("dataset.test=0.1", "model.activation=relu")
    assert (spec.dataset.name, spec.dataset.test) == ("advertising", 0.1)
    assert (spec.model.family, spec.model.parameters["activation"].value) == ("mlp", "relu")


def test_blocks_that_are_missing_are_made() -> None:
    stopping = read("training.early_stopping.patience=2").training.early_stopping
    assert stopping is not None
    assert stopping.patience == 2


def test_a_synonym_is_replaced() -> None:
    assert read("search_space.rate.min=0.15").search_space["rate"].min == 0.15


def test_a_list_keeps_its_values_beside_a_default() -> None:
    units = read("search_space.units.default=32").search_space["units"]
    assert (units.values, units.default) == ([16, 32], 32)


def test_a_range_replaces_a_fixed_value() -> None:
    dropout = read("search_space.dropout.min=0", "search_space.dropout.max=0.5").search_space["dropout"]
    assert (dropout.min, dropout.max, dropout.is_fixed_value) == (0, 0.5, False)


def test_an_empty_value_is_null() -> None:
    assert read("objective=").objective is None


def test_later_overrides_win() -> None:
    assert read("seed=1", "seed=2").seed == 2


def test_an_override_may_hold_equals_signs() -> None:
    assert read("dataset.path=a=b.csv").dataset.path == "a=b.csv"


def test_an_override_of_an_alias_leaves_the_other_alone() -> None:
    path = Path("b.yaml")
    path.write_text("dataset: csv\nmodel: mlp\nsearch_space:\n  a: &x {min: 1, max: 2}\n  b: *x\n")
    spec = load(path, ["search_space.b.max=9"]).spec
    assert (spec.search_space["a"].max, spec.search_space["b"].max) == (2, 9)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("seed", "--set seed: is not of the form a.b.c=value\nhint: write --set training.epochs=5"),
        ("a..b=1", "--set a..b=1: is not of the form a.b.c=value\nhint: write --set training.epochs=5"),
        ("seed=[1", "--set seed=[1: the [ … ] begun in line 1, column 1 is not closed, or lacks a comma"),
        (
            "model.family.x=1",
            "--set model.family.x=1: model.family is no block: nothing can stand below it\n"
            "hint: set model.family itself: --set model.family=…",
        ),
        ("seed=abc", "--set seed=abc: 'abc' is not a whole number"),
        ("sead=1", "--set sead=1: unknown key 'sead'\nhint: did you mean 'seed'?"),
        (
            "training={epoch: 3}",
            "--set training={epoch: 3}: training.epoch: unknown key 'epoch'\nhint: did you mean 'epochs'?",
        ),
        (
            "search_space.rate.max=0.01",
            "a.yaml:6:15: search_space.rate.low: 0.1 is not below max (0.01)\n"
            "hint: swap the two, or write a single value to fix it; see `tunecli schema`",
        ),
    ],
)
def test_what_is_wrong_with_an_override(override: str, problem: str) -> None:
    assert problems(override)[0].startswith(problem)


def test_all_overrides_are_checked_at_once() -> None:
    assert len(problems("seed", "training.epochs=0", "limits.workers=x")) == 3
