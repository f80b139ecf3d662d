from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.studies import START, Planted, any_plan, study_events
from tunecli.reports.live import PlainView, QuietView, Standing
from tunecli.reports.watching import Watcher, standing_document
from tunecli.spec.space import Value, Values
from tunecli.store.files import append_line, write_lines
from tunecli.store.run import Run
from tunecli.study.events import Event, to_line
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement, Trial


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


def events(*trials: Planted, **options: Any) -> list[Event]:
    """Returns a journal: created, a session, and of each trial asked, started and, with a score, finished."""
    return list(study_events(any_plan(), trials, **options))


ENDS = Planted({"units": 0}, 0.5)
RUNS = Planted({"units": 1})


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
    created, session, asked, started, ended, session_ended = events(ENDS)
    steps: list[tuple[Callable[[], None], list[str]]] = [
        (lambda: None, []),
        (lambda: write(created, session), ["0 of 3"]),
        (lambda: write(asked, started), ["begins 0/None {'units': 0, 'loss': 'mse'}"]),
        (lambda: measure(run, 0, 1, 2), ["epoch 1 of 0/None", "epoch 2 of 0/None"]),
        (lambda: measure(run, 0, 3), ["epoch 3 of 0/None"]),
        (lambda: write(ended), ["ended 0, best 0"]),
        (lambda: write(session_ended), []),
    ]
    for act, expected in steps:
        view.seen.clear()
        act()
        watcher.look()
        assert view.seen == expected


def test_who_joins_sees_a_sum_and_what_runs(run: Run, write: Callable[..., None]) -> None:
    write(*events(ENDS, RUNS, Planted({"units": 2}), end=None)[:-1])
    measure(run, 0, 1, 2, 3)
    measure(run, 1, 1)
    view = Noting()
    Watcher(run, view, Plan).look()
    assert view.seen == ["3 of 3", "begins 1/None {'units': 1, 'loss': 'mse'}", "epoch 1 of 1/None"]


def test_folds_that_have_ended_run_no_more(run: Run, write: Callable[..., None]) -> None:
    write(*events(Planted({"units": 0}, [0.5, 0.4]))[:6])
    measure(run, 0, 1, 2, training=0)
    measure(run, 0, 1, training=1)
    view = Noting()
    Watcher(run, view, Plan).look()
    assert view.seen[1:] == ["begins 0/1 {'units': 0, 'loss': 'mse'}", "epoch 1 of 0/1"]


def test_an_attempt_that_is_run_again_is_measured_again(run: Run, write: Callable[..., None]) -> None:
    once, again = (events(replace(RUNS, attempts=attempts), end=None) for attempts in (1, 2))
    write(*once)
    measure(run, 0, 1, 2)
    view = Noting()
    watcher = Watcher(run, view, Plan)
    watcher.look()
    write_lines(run.layout.trial(0).epochs, [])
    write(*again[len(once) :])
    view.seen.clear()
    watcher.look()
    measure(run, 0, 1)
    watcher.look()
    assert view.seen == ["begins 0/None {'units': 1, 'loss': 'mse'}", "epoch 1 of 0/None"]


def test_a_session_that_goes_on_reads_the_plan_again(run: Run, write: Callable[..., None]) -> None:
    plan = Plan()
    view = Noting()
    watcher = Watcher(run, view, lambda: plan)
    *interrupted, session, _, _ = events(RUNS, replace(RUNS, pause_s=60.0), end=None)
    write(*interrupted)
    watcher.look()
    plan.trial_count = 7
    write(session)
    watcher.look()
    assert view.seen == ["1 of 3", "1 of 7"]
    assert watcher.total == 7


def test_a_study_that_is_begun_anew_is_joined_anew(run: Run, write: Callable[..., None]) -> None:
    view = Noting()
    watcher = Watcher(run, view, Plan)
    write(*events(ENDS, end=None))
    watcher.look()
    run.layout.journal.unlink()
    watcher.look()
    assert watcher.snapshot is None
    write(*events(end=None, at=START + 20.0))
    watcher.look()
    assert view.seen == ["1 of 3", "0 of 3"]


def test_a_damaged_measurement_is_said_and_hides_nothing(run: Run, write: Callable[..., None]) -> None:
    write(*events(RUNS, end=None))
    append_line(run.layout.trial(0).epochs, b"nonsense\n")
    measure(run, 0, 2)
    view = Noting()
    Watcher(run, view, Plan).look()
    assert "is damaged: not a measurement" in view.seen[2]
    assert view.seen[3:] == ["epoch 2 of 0/None"]


def test_a_journal_cut_at_any_byte_shows_each_trial_once(run: Run, write: Callable[..., None]) -> None:
    write(*events(ENDS, Planted({"units": 1}, 0.4), end=None))
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
    write(*events(ENDS, RUNS, end=None))
    measure(run, 1, 1, 2)
    standing = Standing(lambda: START + 10.0)
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
        "spent_s": 10.0,
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
