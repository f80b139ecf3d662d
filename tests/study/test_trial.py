"""Scoring a training from its measurements."""

from __future__ import annotations

import math

import pytest

from tunecli.study.objective import Goal, Objective
from tunecli.study.trial import Measurement, TrialStatus, conclude

RMSE = Objective(metric="val_rmse", goal=Goal.MINIMIZE)
ACCURACY = Objective(metric="val_accuracy", goal=Goal.MAXIMIZE)


def curve(name: str, *values: float) -> list[Measurement]:
    return [Measurement(epoch=index + 1, metrics={name: value, "loss": value}) for index, value in enumerate(values)]


@pytest.mark.parametrize(
    ("objective", "values", "score", "epoch"),
    [
        (RMSE, (3.0, 1.0, 2.0), 1.0, 2),
        (ACCURACY, (0.1, 0.3, 0.2), 0.3, 2),
        (RMSE, (1.0, 1.0), 1.0, 1),
        (RMSE, (math.nan, 2.0, math.inf), 2.0, 2),
        (ACCURACY, (math.inf, 0.5), 0.5, 2),
    ],
)
def test_the_score_is_the_objective_at_the_best_finite_epoch(
    objective: Objective, values: tuple[float, ...], score: float, epoch: int
) -> None:
    outcome = conclude(curve(objective.metric, *values), objective)
    assert (outcome.status, outcome.score, outcome.best_epoch) == (TrialStatus.COMPLETED, score, epoch)
    assert outcome.epochs_run == len(values)
    assert outcome.metrics == {objective.metric: score, "loss": score}


@pytest.mark.parametrize("values", [(), (math.nan,), (math.inf, -math.inf)])
def test_a_training_without_a_finite_score_has_failed(values: tuple[float, ...]) -> None:
    outcome = conclude(curve("val_rmse", *values), RMSE)
    assert outcome.status is TrialStatus.FAILED
    assert outcome.cause == "val_rmse was not finite in any epoch"
