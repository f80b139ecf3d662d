"""Studies to put beside each other, without a disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tunecli.reports.comparison.study import Ended, Study
from tunecli.reports.data import StudyState
from tunecli.study.objective import Goal, Objective
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Outcome, Suggestion, Trial, TrialStatus, combine

MakeStudy = Callable[..., Study]
Score = float | None | Sequence[float]
"""A trial's score, None for one that failed, or the scores of its folds or seeds."""

DATA = {"target": {"shape": [200], "dtype": "float64", "sha256": "a" * 64}}

PLAN: dict[str, Any] = {
    "name": "study",
    "seed": 0,
    "dataset": {
        "name": "advertising",
        "options": {"path": None, "target": None},
        "validation": 0.2,
        "test": 0.2,
        "split_seed": 0,
        "max_rows": None,
    },
    "task": "regression",
    "family": "mlp",
    "space": {"parameters": [{"name": "units", "kind": "int", "min": 8, "max": 64, "log": True}]},
    "fixed": {"activation": "relu"},
    "tuner": {"name": "random", "max_trials": 20},
    "training": {"epochs": 10, "early_stopping": None},
    "evaluation": None,
    "stop_when": {"target": None, "no_gain": None},
    "limits": {"workers": 1, "threads": None, "keep": 3, "retries": 1},
}


@pytest.fixture
def make_study() -> MakeStudy:
    """Makes a study of trials that took ten seconds each, one after the other."""

    def make(label: str, *scores: Score, metric: str = "val_rmse", goal: Goal = Goal.MINIMIZE, **changes: Any) -> Study:
        plan = {name: changes.pop(name, value) for name, value in PLAN.items()}
        snapshot = Snapshot(label, Objective(metric=metric, goal=goal), end_reason=changes.pop("end", None))
        first_units = changes.pop("first_units", 8 + sum(map(ord, label)))
        snapshot.trials = {
            number: _trial(number, first_units + number, score, metric) for number, score in enumerate(scores)
        }
        snapshot.spent_s = 10.0 * len(scores)
        return Study(
            label=label,
            path=f"runs/{label}",
            snapshot=snapshot,
            state=changes.pop("state", StudyState.FINISHED),
            ended=tuple(Ended(each, 10.0 * (each.id + 1)) for each in snapshot.trials.values()),
            plan=plan,
            data=changes.pop("data", DATA),
            **changes,
        )

    return make


def _trial(number: int, units: int, score: Score, metric: str) -> Trial:
    suggestion = Suggestion(number, {"units": units}, start_epoch=0, end_epoch=10)
    if score is None:
        return Trial(suggestion, 0, "", "", outcome=Outcome(TrialStatus.FAILED, cause="why"))
    if isinstance(score, float):
        return Trial(suggestion, 0, "", "", outcome=_outcome(score, metric))
    trainings = {place: _outcome(each, metric) for place, each in enumerate(score)}
    return Trial(suggestion, 0, "", "", outcome=combine(list(trainings.values())), trainings=trainings)


def _outcome(score: float, metric: str) -> Outcome:
    return Outcome(TrialStatus.COMPLETED, score, 4, {metric: score, "val_mae": score / 2}, epochs_run=5, duration_s=9.0)
