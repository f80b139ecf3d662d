"""The optimisation history as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.studies import Planted, any_plan, write_study
from tunecli.reports.figures.history import draw, history
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import read_study_data
from tunecli.study.objective import Goal

VALUES = {"learning_rate": 0.01, "units": 8, "optimizer": "adam"}


def test_the_best_so_far_only_gets_better(tmp_path: Path) -> None:
    results: list[float | str | None] = ["loss is nan", 0.5, 0.7, 0.4, "loss is nan", None]
    found = history(
        read_study_data(
            write_study(tmp_path, any_plan("s"), [Planted(VALUES, each) for each in results], end=None)
        ).snapshot
    )
    assert [trial.id for trial in found.ended] == [0, 1, 2, 3, 4]
    assert found.best == (None, 0.5, 0.5, 0.4, 0.4)


def test_higher_may_be_better(tmp_path: Path) -> None:
    trials = [Planted(VALUES, each) for each in (0.5, 0.7, 0.6)]
    study = read_study_data(write_study(tmp_path, any_plan("s", metric="val_accuracy", goal=Goal.MAXIMIZE), trials))
    assert history(study.snapshot).best == (0.5, 0.7, 0.7)


def test_failures_and_scores_far_off_stand_at_the_bad_edge(tmp_path: Path) -> None:
    results = [0.5, 0.51, 0.52, 0.53, 0.54, 1.2, "loss is nan"]
    figure = draw(
        read_study_data(write_study(tmp_path, any_plan("s"), [Planted(VALUES, each) for each in results])), Importance()
    )
    traces = _by_name(figure.plot)
    assert traces["score"]["y"] == [0.5, 0.51, 0.52, 0.53, 0.54]
    assert traces["failed"]["customdata"] == [[6, None]]
    assert traces["failed"]["x"] == [7]
    assert traces["failed"]["y"] == [0.975]
    assert traces["beyond the axis"]["customdata"] == [[5, 1.2]]
    assert figure.text == (
        "7 trials ended, 1 without a score. The best val_rmse is 0.5000, of trial 0, number 1 to end. "
        "1 score worse than 0.5400 is marked at the edge."
    )


def test_budgets_and_spreads_are_told_apart(tmp_path: Path) -> None:
    told = [Planted(VALUES, 0.6, end_epoch=2), Planted(VALUES, 0.5, parent=0, start_epoch=2, end_epoch=5)]
    hyperband = draw(read_study_data(write_study(tmp_path, any_plan("h", tuner="hyperband"), told)), Importance())
    assert set(_by_name(hyperband.plot)) == {"to epoch 2", "to epoch 5", "best so far"}
    folds = draw(read_study_data(write_study(tmp_path, any_plan("f"), [Planted(VALUES, (0.4, 0.6))])), Importance())
    assert _by_name(folds.plot)["score"]["error_y"]["array"] == [pytest.approx(0.14142)]
    assert folds.text.endswith("Bars are the standard deviation of a trial's trainings.")


def _by_name(plot: Any) -> dict[str, Any]:
    return {trace["name"]: trace for trace in plot["data"]}
