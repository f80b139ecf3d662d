"""Studies to look at, without a disk."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from tests.studies import Planted, any_plan, study_events
from tunecli.spec.space import Values
from tunecli.study.events import EndReason
from tunecli.study.objective import Goal
from tunecli.study.snapshot import Snapshot

End = tuple[Values, float | str | None]
"""A trial's values, and its score, its cause of failure, or None while it runs."""


@pytest.fixture
def make_snapshot() -> Callable[..., Snapshot]:
    """Makes a study of trials that took ten seconds and were best at epoch 4 of 5, or failed in epoch 2."""

    def make(
        *trials: End, metric: str = "val_rmse", goal: Goal = Goal.MINIMIZE, end: EndReason | None = None
    ) -> Snapshot:
        plan = any_plan(metric=metric, goal=goal, epochs=30)
        planted = [_trial(values, result, plan.watched.metric) for values, result in trials]
        return Snapshot.of(study_events(plan, planted, end=end, at=100.0))

    return make


def _trial(values: Values, result: float | str | None, metric: str) -> Planted:
    if result is None:
        return Planted(values)
    if isinstance(result, str):
        return Planted(values, result, {metric: [math.nan] * 2}, end_epoch=30, duration_s=1.5)
    return Planted(values, result, {metric: [*[math.nan] * 3, result, math.nan]}, end_epoch=30)
