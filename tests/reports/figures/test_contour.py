"""The smoothed score over two hyperparameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.studies import OPTIMIZER, RATE, UNITS, Planted, any_plan, write_study
from tunecli.reports.figures.contour import STEPS, Surface, draw, surface
from tunecli.reports.figures.parameters import parameter_axis
from tunecli.reports.figures.scores import score_axis
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import read_study_data
from tunecli.spec.space import Parameter
from tunecli.study.objective import Goal, Objective

ERROR = Objective(metric="val_rmse", goal=Goal.MINIMIZE)


def _surface(tmp_path: Path, across: Parameter, up: Parameter, told: list[Planted]) -> Surface:
    trials = read_study_data(write_study(tmp_path, any_plan(), told)).snapshot.completed
    axis = score_axis(ERROR, [trial.score for trial in trials if trial.score is not None])
    return surface(parameter_axis(across), parameter_axis(up), axis, trials)


def test_it_is_the_mean_of_what_lies_near(tmp_path: Path) -> None:
    told = [
        Planted({"learning_rate": rate, "units": units, "optimizer": "adam"}, score)
        for rate, units, score in [(1e-4, 8, 1.0), (1e-4, 8, 0.8), (1e-1, 8, 0.5), (1e-1, 64, 1.0)]
    ]
    found = _surface(tmp_path, RATE, UNITS, told)
    assert len(found.goodness) == len(found.goodness[0]) == STEPS
    assert found.across[0] == pytest.approx(1e-4)
    assert found.up[-1] == 64.0
    assert found.goodness[0][0] == pytest.approx(0.2, abs=0.05)  # of 1.0 and 0.8, between 1.0 and 0.5
    assert found.goodness[0][-1] == pytest.approx(1.0, abs=0.1)
    assert found.goodness[-1][0] is None  # no trial is near


def test_choices_are_not_mixed(tmp_path: Path) -> None:
    told = [
        Planted({"learning_rate": 1e-2, "units": 8, "optimizer": optimizer}, score)
        for optimizer, score in [("adam", 0.5), ("adam", 0.5), ("sgd", 0.9)]
    ]
    found = _surface(tmp_path, RATE, OPTIMIZER, told)
    assert found.up == (0.0, 1.0)
    adam, sgd = ([each for each in row if each is not None] for row in found.goodness)
    assert set(adam) == {1.0}
    assert set(sgd) == {0.0}


def test_without_importances_it_is_not_drawn(tmp_path: Path) -> None:
    values = {"learning_rate": 1e-2, "units": 8, "optimizer": "adam"}
    study = read_study_data(write_study(tmp_path, any_plan(), [Planted(values, 0.5), Planted(values, 0.4)]))
    figure = draw(study, Importance(why_not="it takes 20 trials completed; there are 2"))
    assert figure.plot is None
    assert figure.text == "Which two matter most is not known: it takes 20 trials completed; there are 2."
