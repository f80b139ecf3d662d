"""Which hyperparameters matter, and what chance gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.studies import Planted, any_plan, typical_trials, write_study
from tunecli.reports.importance import measure_importance
from tunecli.reports.study_data import read_study_data
from tunecli.spec.space import Kind, Parameter
from tunecli.study.objective import Goal

VALUES = {"learning_rate": 0.01, "units": 8, "optimizer": "adam"}


def test_what_decides_comes_first(tmp_path: Path) -> None:
    study = read_study_data(write_study(tmp_path, any_plan(), typical_trials(60)))
    found = measure_importance(study)
    assert next(iter(found.shares)) == "learning_rate"
    assert found.shares["learning_rate"] > 0.8
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert [name for name in found.shares if found.is_beyond_chance(name)] == ["learning_rate"]
    assert (found.trials, found.best, found.budget, found.is_rough) == (54, 13, None, False)
    assert found.order(study.space)[0] == "learning_rate"


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    """Optuna orders names by their hash, which differs from process to process."""
    folder = write_study(tmp_path, any_plan(), typical_trials(30)).path
    script = (
        "import sys, json; from pathlib import Path; from tunecli.store.run import Run;"
        "from tunecli.reports.importance import measure_importance as measure;"
        "from tunecli.reports.study_data import read_study_data;"
        "found = measure(read_study_data(Run(Path(sys.argv[1]))));"
        "print(json.dumps([found.shares, found.chance, 'sklearn' in sys.modules]))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script, str(folder)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        for seed in ("1", "2")
    ]
    assert outputs[0].stdout == outputs[1].stdout
    assert outputs[0].stderr == ""
    *_, has_scikit_learn = json.loads(outputs[0].stdout)
    assert not has_scikit_learn


def test_the_goal_is_heeded(tmp_path: Path) -> None:
    space = (
        Parameter(name="a", kind=Kind.CHOICE, values=(1, 2)),
        Parameter(name="b", kind=Kind.FLOAT, min=0.0, max=1.0),
    )
    # the highest third all have a=2; among the lowest both are as common
    told = [
        Planted({"a": 2 if number >= 40 or number % 2 else 1, "b": (number * 7 % 60) / 60}, number / 100)
        for number in range(60)
    ]
    high = read_study_data(
        write_study(tmp_path, any_plan("high", space=space, metric="val_r2", goal=Goal.MAXIMIZE), told)
    )
    low = read_study_data(write_study(tmp_path, any_plan("low", space=space), told))
    assert measure_importance(high).shares["a"] > measure_importance(low).shares["a"]


@pytest.mark.parametrize(
    ("count", "score", "why_not"),
    [
        (19, None, "it takes 20 trials completed; there are 19"),
        (30, 0.5, "more than half of the trials are as good as the best"),
    ],
)
def test_it_says_why_not(tmp_path: Path, count: int, score: float | None, why_not: str) -> None:
    told = [Planted(VALUES, score or number / 100) for number in range(count)]
    found = measure_importance(read_study_data(write_study(tmp_path, any_plan(), told)))
    assert found.why_not == why_not
    assert found.shares == {}


def test_budgets_are_not_mixed(tmp_path: Path) -> None:
    short = [
        Planted({**VALUES, "learning_rate": 10.0 ** -(1 + number / 10)}, number / 10, end_epoch=2)
        for number in range(25)
    ]
    long = [Planted({**VALUES, "learning_rate": 0.01}, 0.01, end_epoch=9) for _ in range(10)]
    found = measure_importance(read_study_data(write_study(tmp_path, any_plan(tuner="hyperband"), [*short, *long])))
    assert (found.trials, found.budget) == (25, 2)
    found = measure_importance(
        read_study_data(write_study(tmp_path, any_plan("few", tuner="hyperband"), [*short[:12], *long]))
    )
    assert found.why_not == "it takes 20 trials trained to one number of epochs; there are 12"


def test_a_study_that_cannot_be_read_whole_is_measured(tmp_path: Path) -> None:
    run = write_study(tmp_path, any_plan(), typical_trials(30))
    run.layout.trial(3).epochs.write_bytes(b"nonsense\n")
    assert measure_importance(read_study_data(run)).shares
