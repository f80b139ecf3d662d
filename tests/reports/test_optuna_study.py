"""A study as Optuna's: the same trials, scores and space."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.studies import MOMENTUM, OPTIMIZER, RATE, Planted, any_plan, both_parts, typical_trials, write_study
from tunecli.reports.optuna_study import distributions, optuna_study
from tunecli.reports.study_data import read_study_data
from tunecli.spec.space import Kind, Parameter, SearchSpace
from tunecli.study.objective import Goal

VALUES = {"learning_rate": 0.01, "units": 8, "optimizer": "adam"}


def test_scores_states_and_times_are_the_same(tmp_path: Path) -> None:
    from optuna.trial import TrialState

    failed = Planted(VALUES, "loss is nan", both_parts([9.0] * 5), slot=1)
    trials = [Planted(VALUES, 0.5), failed, Planted(VALUES, 0.3), Planted(VALUES)]
    study = read_study_data(write_study(tmp_path, any_plan(), trials, end=None))
    made = optuna_study(study)
    assert study.snapshot.best is not None
    assert made.best_value == study.snapshot.best.score == 0.3
    assert made.best_trial.user_attrs["trial"] == 2
    states = [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE, TrialState.RUNNING]
    assert [trial.state for trial in made.trials] == states
    assert [trial.number for trial in made.trials] == [0, 1, 2, 3]
    first, second, _, running = made.trials
    assert first.duration is not None
    assert first.duration.total_seconds() == 10.0
    assert first.datetime_start.timestamp() == study.snapshot.trials[0].started_at
    assert first.user_attrs["best_epoch"] == 5
    assert second.user_attrs == {"trial": 1, "slot": 1, "engine": "keras", "epochs_run": 5, "cause": "loss is nan"}
    assert running.value is None
    assert running.datetime_complete is None


def test_intermediate_values_are_those_of_the_objective_over_the_lineage(tmp_path: Path) -> None:
    trials = [
        Planted(VALUES, 0.6, both_parts([0.9, 0.6]), end_epoch=2),
        Planted(VALUES, 0.4, both_parts([0.5, float("nan"), 0.4]), parent=0, start_epoch=2),
    ]
    made = optuna_study(read_study_data(write_study(tmp_path, any_plan(tuner="hyperband"), trials)))
    assert made.trials[1].intermediate_values == {1: 0.9, 2: 0.6, 3: 0.5, 5: 0.4}
    assert made.trials[1].user_attrs["parent"] == 0


def test_repeats_have_the_mean_curve_and_folds_none(tmp_path: Path) -> None:
    told = [Planted(VALUES, (0.4, 0.6))]
    repeats = optuna_study(
        read_study_data(write_study(tmp_path, any_plan("repeats", evaluation={"repeats": 2}), told))
    ).trials[0]
    assert repeats.intermediate_values[5] == pytest.approx(0.5)
    assert repeats.user_attrs["score_sd"] == pytest.approx(0.1414, abs=1e-4)
    folds = write_study(tmp_path, any_plan("folds", metric="fold_rmse", evaluation={"folds": 2}), told)
    assert optuna_study(read_study_data(folds)).trials[0].intermediate_values == {}


def test_the_direction_is_that_of_the_goal(tmp_path: Path) -> None:
    trials = [Planted(VALUES, 0.5), Planted(VALUES, 0.7)]
    run = write_study(tmp_path, any_plan(metric="val_accuracy", goal=Goal.MAXIMIZE), trials)
    assert optuna_study(read_study_data(run)).best_value == 0.7


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (RATE, {"low": 1e-4, "high": 1e-1, "log": True, "step": None}),
        (
            Parameter(name="a", kind=Kind.FLOAT, min=0.0, max=1.0, step=0.3),
            {"low": 0.0, "high": 0.9, "step": 0.3, "log": False},
        ),
        (
            Parameter(name="a", kind=Kind.FLOAT, min=0.0, max=1.0, step=1e-9),
            {"low": 0.0, "high": 1.0, "step": None, "log": False},
        ),
        (Parameter(name="a", kind=Kind.INT, min=8, max=64, step=10), {"low": 8, "high": 58, "step": 10, "log": False}),
        (Parameter(name="a", kind=Kind.INT, min=8, max=64, log=True), {"low": 8, "high": 64, "step": 1, "log": True}),
        (OPTIMIZER, {"choices": ("adam", "sgd")}),
        (MOMENTUM, {"low": 0.0, "high": 0.99, "step": None, "log": False}),
        (
            Parameter(name="a", kind=Kind.CHOICE, values=(None, True, 2, 0.5, "x")),
            {"choices": (None, True, 2, 0.5, "x")},
        ),
        (Parameter(name="a", kind=Kind.CHOICE, values=(1, True)), {"choices": ("1", "true")}),
        (
            Parameter(name="a", kind=Kind.CHOICE, values=([8], [8, 4], None, "[8]")),
            {"choices": ("[8]", "[8, 4]", "null", '"[8]"')},
        ),
    ],
)
def test_distributions_are_as_declared(parameter: Parameter, expected: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = distributions(SearchSpace(parameters=(parameter,))).values()
    assert found._asdict() == expected


def test_choices_that_optuna_cannot_hold_are_spelled(tmp_path: Path) -> None:
    layers = Parameter(name="layers", kind=Kind.CHOICE, values=([8], [8, 4], True, 1))
    told = [Planted({"layers": value}, 0.5) for value in layers.values]
    made = optuna_study(read_study_data(write_study(tmp_path, any_plan(space=(layers,)), told)))
    assert [trial.params["layers"] for trial in made.trials] == ["[8]", "[8, 4]", "true", "1"]


def test_inactive_and_unknown_values_are_no_parameters(tmp_path: Path) -> None:
    values = {**VALUES, "units": 9, "forgotten": [1, 2]}
    made = optuna_study(read_study_data(write_study(tmp_path, any_plan(), [Planted(values, 0.5)])))
    assert made.trials[0].params == {"learning_rate": 0.01, "optimizer": "adam"}
    assert made.trials[0].user_attrs["outside"] == {"units": "9", "forgotten": "[1, 2]"}


def test_names_are_kept_as_they_are(tmp_path: Path) -> None:
    name = "</script><b>%{x}"
    space = (Parameter(name=name, kind=Kind.CHOICE, values=("<i>", "&")),)
    made = optuna_study(
        read_study_data(write_study(tmp_path, any_plan("a <b> & c", space=space), [Planted({name: "<i>"}, 0.5)]))
    )
    assert made.study_name == "a <b> & c"
    assert made.best_params == {name: "<i>"}


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optuna_study(read_study_data(write_study(tmp_path, any_plan(), typical_trials(5))))
    assert capfd.readouterr() == ("", "")
