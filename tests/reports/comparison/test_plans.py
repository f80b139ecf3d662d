from __future__ import annotations

from typing import Any

import pytest

from tests.reports.comparison.conftest import PLAN, MakeStudy
from tunecli.reports.comparison.plans import differences, notes, obstacles
from tunecli.reports.comparison.study import Study
from tunecli.reports.data import StudyState
from tunecli.study.objective import Goal, Objective

RMSE = Objective(metric="val_rmse", goal=Goal.MINIMIZE)


def changed(block: str, **changes: Any) -> dict[str, Any]:
    return {block: {**PLAN[block], **changes}}


def two(make_study: MakeStudy, **changes: Any) -> list[Study]:
    return [make_study("a", 0.5), make_study("b", 0.6, **changes)]


def rows(studies: list[Study]) -> dict[str, tuple[str, ...]]:
    return {each.name: each.values for each in differences(studies)}


def test_equal_plans_do_not_differ(make_study: MakeStudy) -> None:
    assert differences(two(make_study)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"seed": 1}, {"seed": ("0", "1")}),
        ({"family": "linear"}, {"model.family": ("mlp", "linear")}),
        ({"fixed": {"activation": "tanh"}}, {"search_space.activation": ("relu (fixed)", "tanh (fixed)")}),
        ({"fixed": {}}, {"search_space.activation": ("relu (fixed)", "–")}),
        (
            {"space": {"parameters": [{"name": "units", "kind": "choice", "values": [8, 16]}]}},
            {"search_space.units": ("8 … 64 (log)", "8, 16")},
        ),
        (
            {"tuner": {"name": "bayesian", "max_trials": 20, "beta": 2.6}},
            {"tuner.name": ("random", "bayesian"), "tuner.beta": ("–", "2.6")},
        ),
        (
            changed("training", early_stopping={"patience": 5, "monitor": "val_rmse"}),
            {"training.early_stopping.patience": ("–", "5"), "training.early_stopping.monitor": ("–", "val_rmse")},
        ),
        (changed("dataset", options={"path": "a.csv"}), {"dataset.path": ("–", "a.csv")}),
        (changed("limits", workers="auto"), {"limits.workers": ("1", "auto")}),
        (
            {"environment": {"packages": {"keras": "3.15.1"}, "host": "there"}},
            {"version of keras": ("–", "3.15.1"), "host": ("–", "there")},
        ),
        ({"callbacks": [{"file": "x.py"}]}, {}),
    ],
)
def test_what_differs_is_told_line_by_line(
    changes: dict[str, Any], expected: dict[str, Any], make_study: MakeStudy
) -> None:
    changes.pop("callbacks", None)
    assert rows(two(make_study, **changes)) == expected


@pytest.mark.parametrize("changes", [changed("limits", keep=9, retries=2), {"name": "other"}])
def test_what_cannot_change_a_score_is_left_out(changes: dict[str, Any], make_study: MakeStudy) -> None:
    assert differences(two(make_study, **changes)) == []


def test_lines_stand_in_the_order_of_a_spec(make_study: MakeStudy) -> None:
    found = two(make_study, seed=3, family="linear", tuner={"name": "grid"}, **changed("dataset", name="csv"))
    assert list(rows(found)) == ["dataset.name", "model.family", "tuner.name", "tuner.max_trials", "seed"]


def test_studies_alike_have_no_obstacles(make_study: MakeStudy) -> None:
    assert obstacles(two(make_study), RMSE) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"data": {"target": {"shape": [150], "sha256": "b" * 64}}},
            "other data: advertising: target 200, aaaaaaaa (a), advertising: target 150, bbbbbbbb (b)",
        ),
        ({"data": None}, "the data of b are not known: there is no data.json that can be read"),
        (changed("dataset", split_seed=1), "another split: dataset.split_seed is 0 (a), 1 (b)"),
        (changed("dataset", validation=0.3), "another split: dataset.validation is 0.2 (a), 0.3 (b)"),
        (changed("dataset", max_rows=100), "another split: dataset.max_rows is null (a), 100 (b)"),
    ],
)
def test_other_rows_are_an_obstacle(changes: dict[str, Any], expected: str, make_study: MakeStudy) -> None:
    assert obstacles(two(make_study, **changes), RMSE) == [expected]


def test_other_objectives_are_an_obstacle(make_study: MakeStudy) -> None:
    assert obstacles(two(make_study, metric="val_mse"), None) == [
        "other objectives: minimize val_rmse (a), minimize val_mse (b); --metric compares by one that all have: val_mae"
    ]


def test_other_folds_are_an_obstacle_to_scores_on_folds_alone(make_study: MakeStudy) -> None:
    evaluated = {"folds": 3, "repeats": 1, "scheme": None}
    studies = two(make_study, evaluation={**evaluated, "folds": 5})
    studies[0] = make_study("a", 0.5, evaluation=evaluated)
    on_folds = Objective(metric="fold_rmse", goal=Goal.MINIMIZE)
    assert obstacles(studies, on_folds) == ["other folds: evaluation.folds is 3 (a), 5 (b)"]
    assert obstacles(studies, RMSE) == []
    assert notes(studies, RMSE) == ["models were trained on other numbers of rows: evaluation.folds is 3 (a), 5 (b)"]


def test_losses_of_other_kinds_are_an_obstacle(make_study: MakeStudy) -> None:
    studies = two(make_study, fixed={"activation": "relu", "l2": 0.1})
    assert obstacles(studies, Objective(metric="val_loss", goal=Goal.MINIMIZE)) == [
        "losses on other scales: l2 differs; compare by a metric with --metric"
    ]
    assert obstacles(studies, RMSE) == []


def test_what_to_keep_in_mind(make_study: MakeStudy) -> None:
    running = two(make_study, state=StudyState.RUNNING)
    assert notes(running, RMSE) == ["b still runs: these are its figures so far"]
    mae = Objective(metric="mae", goal=Goal.MINIMIZE)
    foreign, trained_on = notes(two(make_study), mae)
    assert foreign.startswith("a and b searched for another objective: each trial counts at the epoch")
    assert trained_on == "mae is measured on rows that models were trained on: it says nothing of other rows"
