"""Studies to look at, made of events."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tunecli.spec.space import Values
from tunecli.study.events import Answer, Asked, Created, EndReason, Finished, SessionEnded, SessionStarted, Started
from tunecli.study.objective import Goal, Objective
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Outcome, Suggestion, TrialStatus

End = tuple[Values, float | str | None]
"""A trial's values, and its score, its cause of failure, or None while it runs."""


@pytest.fixture
def make_snapshot() -> Callable[..., Snapshot]:
    """Makes a study of trials that took ten seconds and were best at epoch 4 of 5."""

    def make(
        *trials: End, metric: str = "val_rmse", goal: Goal = Goal.MINIMIZE, end: EndReason | None = None
    ) -> Snapshot:
        snapshot = Snapshot.of(
            [
                Created(at=100.0, study="study", objective=Objective(metric=metric, goal=goal)),
                SessionStarted(at=100.0, host="here", pid=1, tunecli="0"),
            ]
        )
        for trial, (values, result) in enumerate(trials):
            _add(snapshot, trial, values, result)
        if end is not None:
            snapshot.apply(SessionEnded(at=snapshot.updated_at, reason=end))
        return snapshot

    return make


def _add(snapshot: Snapshot, trial: int, values: Values, result: float | str | None) -> None:
    at = snapshot.updated_at
    suggestion = Suggestion(trial, values, start_epoch=0, end_epoch=30)
    asked = Asked(
        at=at, slot=0, limit=9, answer=Answer.TRIAL, suggestion=suggestion, engine="keras", engine_reason="why"
    )
    snapshot.apply(asked)
    snapshot.apply(Started(at=at, trial=trial, attempt=1))
    if isinstance(result, str):
        outcome = Outcome(TrialStatus.FAILED, epochs_run=2, duration_s=1.5, cause=result)
    elif result is not None:
        metrics = {snapshot.objective.metric: result}
        outcome = Outcome(TrialStatus.COMPLETED, result, 4, metrics, epochs_run=5, duration_s=10.0)
    else:
        return
    snapshot.apply(Finished(at=at + 10.0, trial=trial, outcome=outcome))
