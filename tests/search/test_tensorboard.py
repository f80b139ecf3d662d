"""`search --tensorboard`: what is written as a search goes is what an export writes afterwards."""

from __future__ import annotations

import errno
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from tests.reports.tensorboard_reader import Events, hyperparameters, metrics, read_events
from tests.search.sessions import KilledError, kill_after, run_of, search, spec
from tests.search.standin import train
from tunecli.executors.base import Report
from tunecli.plan import resolve
from tunecli.reports.live import QuietView, Views
from tunecli.reports.study_data import read_study_data
from tunecli.reports.tensorboard.view import TensorBoardView
from tunecli.reports.trial_exports.tensorboard_events import TENSORBOARD
from tunecli.search.session import Session
from tunecli.spec.load import load
from tunecli.store import files
from tunecli.store.files import Disk

FOLDS: dict[str, Any] = {"evaluation": {"folds": 3}, "tuner": {"name": "random", "max_trials": 3}}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("random", {}),
    "hyperband": ("hyperband", {}),
    "folds": ("random", FOLDS),
    "slots": ("random", {**FOLDS, "limits": {"workers": 2}}),
}


def fails_above(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    if payload["values"]["learning_rate"] > 0.02:
        report({"measurement": {"epoch": 1, "metrics": {"val_rmse": float("nan")}, "duration_s": 0.1}})
        raise MemoryError("no room")
    return train(payload, report)


def loses_reports(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    return train(payload, lambda message: False)


def watched(path: Path, warned: list[str] | None = None, **options: Any) -> Session:
    plan = resolve(load(path))
    warn: Callable[[str], None] = (warned if warned is not None else []).append
    view = TensorBoardView(run_of(path), plan.space, plan.evaluation, [plan.objective.metric], warn=warn)
    return search(path, view=Views(QuietView(), view), **options)


def written(path: Path) -> Events:
    return read_events(run_of(path).layout.tensorboard)


def assert_like_an_export(path: Path, folder: Path) -> None:
    run = run_of(path)
    TENSORBOARD.write(read_study_data(run), run, folder, by_epoch=False)
    found, expected = written(path), read_events(folder)
    assert found.scalars.keys() == expected.scalars.keys()
    for name, tags in found.scalars.items():
        assert repr(tags) == repr(expected.scalars[name]), "as text, in which NaN equals NaN"
    assert found.sessions.keys() == expected.sessions.keys()
    score = f"outcome/{run.snapshot().objective.metric}"
    for name, group in found.sessions.items():
        other = expected.sessions[name]
        assert hyperparameters(group) == hyperparameters(other)
        assert metrics(group)[score] == metrics(other)[score]
        assert group.sessions[0].status == other.sessions[0].status == 1


@pytest.mark.usefixtures("light_slots")
@pytest.mark.parametrize("kind", KINDS)
def test_events_are_those_of_an_export(kind: str, tmp_path: Path) -> None:
    tuner, changes = KINDS[kind]
    path = spec(tmp_path, tuner, **changes)
    session = watched(path)
    assert len(written(path).sessions) == len(session.snapshot.trials)
    assert_like_an_export(path, tmp_path / "events")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "slots"])
def test_a_search_killed_again_and_again_doubles_and_misses_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner, changes = KINDS[kind]
    path = spec(tmp_path, tuner, **changes)
    kills = 0
    for attempt in range(100):
        with monkeypatch.context() as patch:
            kill_after(patch, 3 + attempt % 4)
            try:
                watched(path)
                break
            except KilledError:
                kills += 1
    assert kills >= 3
    assert_like_an_export(path, tmp_path / "events")


def test_what_an_earlier_session_did_without_it_is_there_too(tmp_path: Path) -> None:
    path = spec(tmp_path, tuner={"name": "random", "max_trials": 2})
    search(path)
    watched(spec(tmp_path, tuner={"name": "random", "max_trials": 4}))
    assert len(written(path).sessions) == 4
    assert_like_an_export(path, tmp_path / "events")


def test_a_failure_is_shown_as_one(tmp_path: Path) -> None:
    path = spec(tmp_path)
    snapshot = watched(path, runner=fails_above).snapshot
    failed = {f"trial-{trial.id:03}" for trial in snapshot.failed}
    assert failed
    found = written(path)
    assert {name for name, group in found.sessions.items() if group.sessions[0].status == 2} == failed
    name = min(failed)
    assert [step for step, _ in found.scalars[f"{name}/validation"]["epoch_rmse"]] == [1]


def test_an_epoch_whose_report_was_lost_is_there_in_the_end(tmp_path: Path) -> None:
    path = spec(tmp_path)
    watched(path, runner=loses_reports)
    assert [step for step, _ in written(path).scalars["trial-000/validation"]["epoch_rmse"]] == [1, 2, 3]
    assert_like_an_export(path, tmp_path / "events")


class FullAfter(Disk):
    """A disk that takes so many writes to event files and no more."""

    def __init__(self, count: int) -> None:
        self.left = count

    def write(self, file: FileIO, content: bytes) -> None:
        if "tfevents" in str(file.name):
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device", str(file.name))
        super().write(file, content)


@pytest.mark.parametrize("count", [0, 3, 20])
def test_a_full_disk_ends_the_writing_and_not_the_search(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, warned = spec(tmp_path), []
    with monkeypatch.context() as patch:
        patch.setattr(files, "disk", FullAfter(count))
        session = watched(path, warned)
    assert len(session.snapshot.completed) == 5
    (line,) = warned
    assert "no more events for TensorBoard are written: No space left on device; the search goes on" in line
    watched(path)  # the same command again, with room
    assert_like_an_export(path, tmp_path / "events")
