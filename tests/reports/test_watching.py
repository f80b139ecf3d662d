from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tunecli.reports.live import PlainView, QuietView, Standing
from tunecli.reports.watching import Watcher, standing_document
from tunecli.spec.space import Value, Values
from tunecli.store.files import append_line, write_lines
from tunecli.store.run import Run
from tunecli.study.events import (
    Answer,
    Asked,
    Created,
    EndReason,
    Event,
    Finished,
    SessionEnded,
    SessionStarted,
    Started,
    Trained,
    to_line,
)
from tunecli.study.objective import Goal, Objective
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement, Outcome, Suggestion, Trial, TrialStatus


@dataclass
class Plan:
    trial_count: int = 3

    def complete(self, searched: Mapping[str, Value]) -> Values:
        return {**searched, "loss": "mse"}


@dataclass
class Noting(QuietView):
    """Notes what it is shown."""

    seen: list[str] = field(default_factory=list)

    def study_started(self, total_trials: int, snapshot: Snapshot) -> None:
        self.seen.append(f"{len(snapshot.trials)} of {total_trials}")

    def trial_started(self, trial: Trial, values: Mapping[str, Value], training: int | None = None) -> None:
        self.seen.append(f"begins {trial.id}/{training} {dict(values)}")

    def measured(self, trial_id: int, measurement: Measurement, training: int | None = None) -> None:
        self.seen.append(f"epoch {measurement.epoch} of {trial_id}/{training}")

    def trial_finished(self, trial: Trial, snapshot: Snapshot) -> None:
        self.seen.append(f"ended {trial.id}, best {snapshot.best.id if snapshot.best else None}")

    def message(self, text: str) -> None:
        self.seen.append(text)


def begun(at: float = 1.0) -> list[Event]:
    objective = Objective(metric="val_rmse", goal=Goal.MINIMIZE)
    return [Created(at=at, study="study", objective=objective), session()]


def session(at: float = 2.0) -> Event:
    return SessionStarted(at=at, host="here", pid=1, tunecli="0")


def asked(trial: int) -> Event:
    suggestion = Suggestion(trial, {"units": trial}, start_epoch=0, end_epoch=5)
    return Asked(at=3.0, slot=0, limit=9, answer=Answer.TRIAL, suggestion=suggestion)


def ended(trial: int, score: float) -> Event:
    return Finished(at=5.0, trial=trial, outcome=Outcome(TrialStatus.COMPLETED, score, 3, epochs_run=5, duration_s=2.0))


def started(trial: int, training: int | None = None, attempt: int = 1) -> Event:
    return Started(at=4.0, trial=trial, attempt=attempt, training=training)


@pytest.fixture
def run() -> Run:
    return Run(Path("runs/study"))


@pytest.fixture
def write(run: Run) -> Callable[..., None]:
    def append(*events: Event) -> None:
        for event in events:
            append_line(run.layout.journal, to_line(event))

    return append


def measure(run: Run, trial: int, *epochs: int, training: int | None = None) -> None:
    path = run.layout.trial(trial).training(training).epochs
    for epoch in epochs:
        line = Measurement(epoch=epoch, metrics={"val_rmse": 1.0 / epoch}).model_dump_json().encode() + b"\n"
        append_line(path, line)


def test_the_view_sees_what_it_would_see_within_the_search(run: Run, write: Callable[..., None]) -> None:
    view = Noting()
    watcher = Watcher(run, view, Plan)
    steps: list[tuple[Callable[[], None], list[str]]] = [
        (lambda: None, []),
        (lambda: write(*begun()), ["0 of 3"]),
        (lambda: write(asked(0), started(0)), ["begins 0/None {'units': 0, 'loss': 'mse'}"]),
        (lambda: measure(run, 0, 1, 2), ["epoch 1 of 0/None", "epoch 2 of 0/None"]),
        (lambda: measure(run, 0, 3), ["epoch 3 of 0/None"]),
        (lambda: write(ended(0, 0.5)), ["ended 0, best 0"]),
        (lambda: write(SessionEnded(at=9.0, reason=EndReason.EXHAUSTED)), []),
    ]
    for act, expected in steps:
        view.seen.clear()
        act()
        watcher.look()
        assert view.seen == expected


def test_who_joins_sees_a_sum_and_what_runs(run: Run, write: Callable[..., None]) -> None:
    write(*begun(), asked(0), started(0), ended(0, 0.5), asked(1), started(1), asked(2))
    measure(run, 0, 1, 2, 3)
    measure(run, 1, 1)
    view = Noting()
    Watcher(run, view, Plan).look()
    assert view.seen == ["3 of 3", "begins 1/None {'units': 1, 'loss': 'mse'}", "epoch 1 of 1/None"]


def test_folds_that_have_ended_run_no_more(run: Run, write: Callable[..., None]) -> None:
    outcome = Outcome(TrialStatus.COMPLETED, 0.5, 3)
    fold = Trained(at=4.5, trial=0, training=0, outcome=outcome)
    write(*begun(), asked(0), started(0, 0), fold, started(0, 1))
    measure(run, 0, 1, 2, training=0)
    measure(run, 0, 1, training=1)
    view = Noting()
    Watcher(run, view, Plan).look()
    assert view.seen[1:] == ["begins 0/1 {'units': 0, 'loss': 'mse'}", "epoch 1 of 0/1"]


def test_an_attempt_that_is_run_again_is_measured_again(run: Run, write: Callable[..., None]) -> None:
    write(*begun(), asked(0), started(0))
    measure(run, 0, 1, 2)
    view = Noting()
    watcher = Watcher(run, view, Plan)
    watcher.look()
    write_lines(run.layout.trial(0).epochs, [])
    write(started(0, attempt=2))
    view.seen.clear()
    watcher.look()
    measure(run, 0, 1)
    watcher.look()
    assert view.seen == ["begins 0/None {'units': 0, 'loss': 'mse'}", "epoch 1 of 0/None"]


def test_a_session_that_goes_on_reads_the_plan_again(run: Run, write: Callable[..., None]) -> None:
    plan = Plan()
    view = Noting()
    watcher = Watcher(run, view, lambda: plan)
    write(*begun(), asked(0), started(0), SessionEnded(at=5.0, reason=EndReason.INTERRUPTED))
    watcher.look()
    plan.trial_count = 7
    write(session(at=8.0))
    watcher.look()
    assert view.seen == ["1 of 3", "1 of 7"]
    assert watcher.total == 7


def test_a_study_that_is_begun_anew_is_joined_anew(run: Run, write: Callable[..., None]) -> None:
    view = Noting()
    watcher = Watcher(run, view, Plan)
    write(*begun(), asked(0), started(0), ended(0, 0.5))
    watcher.look()
    run.layout.journal.unlink()
    watcher.look()
    assert watcher.snapshot is None
    write(*begun(at=20.0))
    watcher.look()
    assert view.seen == ["1 of 3", "0 of 3"]


def test_a_damaged_measurement_is_said_and_hides_nothing(run: Run, write: Callable[..., None]) -> None:
    write(*begun(), asked(0), started(0))
    append_line(run.layout.trial(0).epochs, b"nonsense\n")
    measure(run, 0, 2)
    view = Noting()
    Watcher(run, view, Plan).look()
    assert "is damaged: not a measurement" in view.seen[2]
    assert view.seen[3:] == ["epoch 2 of 0/None"]


def test_a_journal_cut_at_any_byte_shows_each_trial_once(run: Run, write: Callable[..., None]) -> None:
    write(*begun(), asked(0), started(0), ended(0, 0.5), asked(1), started(1), ended(1, 0.4))
    content = run.layout.journal.read_bytes()
    for cut in range(content.index(b"\n") + 1, len(content) + 1, 5):
        run.layout.journal.write_bytes(content[:cut])
        lines: list[str] = []
        watcher = Watcher(run, PlainView(lines.append), Plan)
        watcher.look()
        run.layout.journal.write_bytes(content)
        watcher.look()
        summed_up = sum(b'"event":"finished"' in line for line in content[:cut].split(b"\n")[:-1])
        shown = [line.split("  ")[0] for line in lines if line.startswith("trial")]
        assert shown == ["trial 0 (1/3)", "trial 1 (2/3)"][summed_up:]


def test_how_it_stands_as_a_document(run: Run, write: Callable[..., None]) -> None:
    write(*begun(), asked(0), started(0), ended(0, 0.5), asked(1), started(1))
    measure(run, 1, 1, 2)
    standing = Standing(lambda: 12.0)
    watcher = Watcher(run, standing, Plan)
    watcher.look()
    assert watcher.snapshot is not None
    found = standing_document(
        watcher.snapshot, watcher.total, name="renamed", state="running", running=standing.running.values(), left_s=1.5
    )
    assert found == {
        "study": "renamed",
        "objective": {"metric": "val_rmse", "goal": "minimize"},
        "state": "running",
        "done": 1,
        "total": 3,
        "completed": 1,
        "failed": 0,
        "best_trial": 0,
        "best_score": 0.5,
        "spent_s": 4.0,
        "left_s": 1.5,
        "running": [
            {
                "id": 1,
                "training": None,
                "epoch": 2,
                "end_epoch": 5,
                "metrics": {"val_rmse": 0.5},
                "values": {"units": 1},
            }
        ],
    }
    assert standing.lines()[0].endswith("10.0 s  about 20.0 s left")
