"""What a journal adds up to."""

from __future__ import annotations

from tunecli.study.events import Answer, Asked, Created, Event, Finished, Started
from tunecli.study.objective import Goal, Objective
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Outcome, Suggestion, TrialStatus


def asked(trial: int, parent: int | None = None) -> Event:
    return Asked(at=1.0, slot=0, limit=9, answer=Answer.TRIAL, suggestion=Suggestion(trial, {}, 0, 1, parent))


def completed(trial: int, score: float) -> Event:
    return Finished(at=1.0, trial=trial, outcome=Outcome(TrialStatus.COMPLETED, score, 1))


def failed(trial: int, cause: str) -> Event:
    return Finished(at=1.0, trial=trial, outcome=Outcome(TrialStatus.FAILED, cause=cause))


def snapshot(*events: Event, goal: Goal = Goal.MINIMIZE) -> Snapshot:
    return Snapshot.of([Created(at=0.0, study="s", objective=Objective(metric="m", goal=goal)), *events])


def test_the_best_comes_first_and_equals_by_number() -> None:
    events = [asked(each) for each in range(4)]
    events += [completed(3, 1.0), completed(0, 2.0), completed(1, 1.0), failed(2, "x")]
    assert [trial.id for trial in snapshot(*events).completed] == [1, 3, 0]
    assert [trial.id for trial in snapshot(*events, goal=Goal.MAXIMIZE).completed] == [0, 1, 3]


def test_a_trial_that_was_asked_for_is_running_until_it_ends() -> None:
    found = snapshot(asked(0), Started(at=1.0, trial=0, attempt=1), asked(1), completed(1, 1.0))
    assert [trial.id for trial in found.running] == [0]
    assert found.trials[0].attempts == 1
    assert found.best is not None
    assert found.best.id == 1


def test_answers_without_a_trial_change_nothing() -> None:
    assert snapshot(Asked(at=1.0, slot=0, limit=1, answer=Answer.STOPPED)).trials == {}


def test_the_lineage_begins_with_the_eldest() -> None:
    assert snapshot(asked(0), asked(1), asked(2, parent=0), asked(3, parent=2)).lineage(3) == (0, 2, 3)


def test_the_commonest_cause() -> None:
    found = snapshot(*map(asked, range(3)), failed(0, "a"), failed(1, "b"), failed(2, "b"))
    assert found.commonest_cause() == ("b", 2)
    assert snapshot().commonest_cause() is None


def test_when_a_trial_began_and_ended() -> None:
    found = snapshot(
        asked(0),
        Started(at=2.0, trial=0, attempt=1),
        Started(at=5.0, trial=0, attempt=2),
        asked(1),
        Started(at=6.0, trial=1, attempt=1, training=0),
        Started(at=8.0, trial=1, attempt=1, training=1),
        Finished(at=9.0, trial=0, outcome=Outcome(TrialStatus.COMPLETED, 1.0, 1)),
    )
    assert [(each.asked_at, each.started_at, each.ended_at) for each in found.trials.values()] == [
        (1.0, 5.0, 9.0),  # of one training, the last attempt
        (1.0, 6.0, None),  # of several, the first
    ]
