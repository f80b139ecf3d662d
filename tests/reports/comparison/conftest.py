"""Studies to put beside each other, without a disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.studies import TRIAL_S, Planted, any_plan, study_events
from tunecli.reports.comparison.study import Ended, Study
from tunecli.reports.data import StudyState
from tunecli.study.events import EndReason
from tunecli.study.objective import Goal
from tunecli.study.snapshot import Snapshot

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

    def make(
        label: str,
        *scores: Score,
        metric: str = "val_rmse",
        goal: Goal = Goal.MINIMIZE,
        end: EndReason | None = None,
        **changes: Any,
    ) -> Study:
        plan = {name: changes.pop(name, value) for name, value in PLAN.items()}
        first_units = changes.pop("first_units", 8 + sum(map(ord, label)))
        searched = any_plan(label, metric=metric, goal=goal)
        trials = [_trial(first_units + number, each, searched.watched.metric) for number, each in enumerate(scores)]
        snapshot = Snapshot.of(study_events(searched, trials, end=end))
        return Study(
            label=label,
            path=f"runs/{label}",
            snapshot=snapshot,
            state=changes.pop("state", StudyState.FINISHED),
            ended=tuple(Ended(each, TRIAL_S * (each.id + 1)) for each in snapshot.trials.values()),
            plan=plan,
            data=changes.pop("data", DATA),
            **changes,
        )

    return make


def _trial(units: int, score: Score, metric: str) -> Planted:
    if isinstance(score, float):
        return Planted({"units": units}, score, {metric: [score], "val_mae": [score / 2]})
    return Planted({"units": units}, "why" if score is None else score)
