"""What a plan may be told to do better."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunecli.plan import Plan, advice

OPEN = {"l2": {"min": 0, "max": 1}}


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ({}, "nothing is searched: every value is fixed, so this is one training"),
        (
            {"search_space": OPEN, "tuner": {"name": "bayesian", "max_trials": 3}},
            "all 3 trials are random: the model begins after 3 (num_initial_points)",
        ),
        (
            {"search_space": {"l2": [0, 1]}, "tuner": {"name": "random", "max_trials": 5}},
            "the space has only 2 configurations: tuner: grid tries each of them once",
        ),
        (
            {"search_space": OPEN, "tuner": {"name": "grid", "max_trials": 5}},
            "only the first 5 of 10 grid points are tried: the first parameters hardly vary",
        ),
        (
            {
                "search_space": {"huber_delta": [1, 2], "plateau_patience": {"min": 1, "max": 1000}},
                "model": {"family": "linear", "loss": "huber", "schedule": "plateau"},
                "tuner": "grid",
            },
            "the grid has 2000 points: a step makes ranges coarser, and tuner: random needs fewer trials",
        ),
        (
            {"search_space": OPEN, "training": {"epochs": 5, "early_stopping": {"patience": 5}}},
            "early stopping never acts: its patience (5) is not below the epochs (5)",
        ),
        (
            {"search_space": OPEN, "objective": "rmse"},
            "rmse is measured on the rows that are trained on: val_rmse shows what a model has learnt",
        ),
        (
            {"search_space": {"l2": {"min": 0, "max": 1, "step": 0.3}}, "tuner": "grid"},
            "l2 ends at 0.9: its max (1.0) is no step from min",
        ),
        (
            {
                "search_space": {"batch_size": [16, 32]},
                "model": {"family": "linear", "learning_rate": 0.01},
                "tuner": "grid",
            },
            "batch_size is searched at one learning rate (0.01), but larger batches want a larger rate: search the "
            "rate, too; write learning_rate: {min: 1e-3, max: 0.1, log: true}",
        ),
        (
            {"search_space": {"learning_rate": {"min": 0.0001, "max": 0.1}}},
            "learning_rate spans 0.0001 to 0.1: log: true would search small values as well",
        ),
    ],
)
def test_says(spec: dict[str, Any], line: str, make_plan: Callable[..., Plan]) -> None:
    assert advice(make_plan(**spec)) == [line]


@pytest.mark.parametrize(
    "spec",
    [
        {"search_space": OPEN},
        {"search_space": OPEN, "tuner": "bayesian"},
        {"search_space": OPEN, "tuner": "hyperband"},
        {"search_space": {"l2": [0, 1]}, "tuner": "grid"},
        {"search_space": {"l2": {"min": 0, "max": 1, "step": 0.1}}, "tuner": {"name": "random", "max_trials": 5}},
        {"search_space": {"learning_rate": {"min": 0.0001, "max": 0.1, "log": True}}},
    ],
)
def test_has_nothing_to_say(spec: dict[str, Any], make_plan: Callable[..., Plan]) -> None:
    assert advice(make_plan(**spec)) == []


TWO = {"name": "csv", "path": "a.csv", "target": ["y", "z"]}


def test_says_which_of_several_targets_decide(make_plan: Callable[..., Plan], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y,z\n1,2.5,300\n2,3.5,400\n")
    line = "val_rmse is over all targets, and those of large numbers decide it: in val_r2 all count alike"
    assert advice(make_plan(dataset=TWO, search_space=OPEN)) == [line]
    assert advice(make_plan(dataset=TWO, search_space=OPEN, objective="val_r2")) == []
