"""A study whose journal is cut at any byte, whose disk is full at any write, whose files are damaged.

The training is a stand-in; the oracles, the loop, the store and the command line are real.
"""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.search import standin
from tests.search.sessions import leaderboard, spec
from tests.store.disks import CountingDisk, FullDisk
from tunecli.cli.main import run as run_command
from tunecli.errors import StudyError
from tunecli.executors.base import Report
from tunecli.plan import Plan, resolve
from tunecli.reports.live import QuietView
from tunecli.search.session import Session, run_session
from tunecli.spec.load import SpecFile, load
from tunecli.store import files
from tunecli.store.journal import Journal, read_journal
from tunecli.store.run import Run
from tunecli.study.events import EndReason, SessionEnded

SEARCHES: dict[str, dict[str, Any]] = {
    "random": {"tuner": {"name": "random", "max_trials": 3}},
    "hyperband": {"tuner": {"name": "hyperband", "max_epochs": 2, "factor": 2}},
    "folds": {"tuner": {"name": "random", "max_trials": 2}, "evaluation": {"folds": 2}},
}
FOR_GOOD = 10**9
NEXT = SessionEnded(at=1e12, reason=EndReason.EXHAUSTED)


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> CountingDisk:
    """A disk that is quick to write to; states are saved after every epoch, and nobody asks git for its state."""
    disk = CountingDisk()
    monkeypatch.setattr(files, "disk", disk)
    monkeypatch.setattr("tunecli.search.loop.SAVE_EVERY_S", 0.0)
    monkeypatch.setattr("tunecli.store.environment.environment", lambda: {"at": 1.0, "host": "here"})
    return disk


@dataclass(frozen=True)
class Search:
    """A search that can be run in any folder."""

    file: SpecFile
    plan: Plan

    def __call__(self, runs: Path) -> Session:
        runner = f"{__name__}:train"
        return run_session(self.file, self.plan, runs, QuietView(), say=lambda text: None, runner=runner)


@pytest.fixture(params=SEARCHES)
def search(request: pytest.FixtureRequest, tmp_path: Path) -> Search:
    return make_search(tmp_path, request.param)


def make_search(folder: Path, kind: str) -> Search:
    file = load(spec(folder, training={"epochs": 2}, **SEARCHES[kind]))
    return Search(file, resolve(file))


def train(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Stands in for `run_trial`; says something, and tells of layers."""
    warnings.warn("a word of warning", stacklevel=1)
    layers = [{"name": "output", "kind": "Dense", "output_shape": [1], "parameters": 4}]
    return {**standin.train(payload, report), "layers": layers}


def record_ends(journal: bytes) -> list[int]:
    return [0, *(index + 1 for index, byte in enumerate(journal) if byte == ord("\n"))]


def test_a_journal_cut_at_every_byte_loses_the_cut_record_and_takes_the_next(tmp_path: Path) -> None:
    journal = make_search(tmp_path, "random")(tmp_path).run.layout.journal
    content, events = journal.read_bytes(), read_journal(journal).events
    ends = record_ends(content)
    for cut in range(len(content) + 1):
        journal.write_bytes(content[:cut])
        kept = max(index for index, end in enumerate(ends) if end <= cut)
        following = NEXT if kept else events[0]
        with Journal(journal) as opened:
            assert opened.events == list(events[:kept])
            assert opened.was_torn == (cut not in ends)
            opened.append(following)
        contents = read_journal(journal)
        assert (contents.events, contents.is_torn) == ((*events[:kept], following), False)


def test_a_study_cut_around_every_record_ends_like_one_that_was_not(search: Search, tmp_path: Path) -> None:
    whole = search(tmp_path / "whole")
    content = whole.run.layout.journal.read_bytes()
    ends = record_ends(content)
    for cut in sorted({end + beside for end in ends for beside in (-1, 0, 1)} & {*range(len(content) + 1)}):
        cut_run = Run(tmp_path / str(cut) / whole.run.name)
        shutil.copytree(whole.run.path, cut_run.path)
        cut_run.layout.journal.write_bytes(content[:cut])
        if cut < ends[1]:
            remove_what_follows_creation(cut_run)
        assert leaderboard(search(cut_run.path.parent).snapshot) == leaderboard(whole.snapshot), cut


def remove_what_follows_creation(run: Run) -> None:
    """Leaves what a process can have written that was killed before its first record was on disk."""
    for path in (run.layout.data, run.layout.environment):
        path.unlink()
    shutil.rmtree(run.layout.trial(0).folder.parent)


@pytest.mark.parametrize(
    ("tuner", "fails"),
    [
        pytest.param("random", FOR_GOOD, id="random"),
        pytest.param("hyperband", FOR_GOOD, id="hyperband"),
        pytest.param("random", 1, id="once"),
    ],
)
def test_a_study_whose_disk_is_full_at_any_write_ends_like_one_with_room(
    tuner: str, fails: int, tmp_path: Path, disk: CountingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = make_search(tmp_path, tuner)
    whole = search(tmp_path / "whole")
    for room in range(disk.steps):
        runs = tmp_path / str(room)
        with monkeypatch.context() as patch:
            patch.setattr(files, "disk", FullDisk(room, fails=fails))
            with pytest.raises(StudyError, match="cannot be written: No space left on device") as caught:
                search(runs)
        assert str(runs) in caught.value.problems[0].where
        assert caught.value.exit_code == 1
        assert leaderboard(search(runs).snapshot) == leaderboard(whole.snapshot), room


@dataclass(frozen=True)
class Printed:
    """What a command came to."""

    code: int
    out: str
    err: str

    def is_honest(self, sound: Printed, damaged: Path) -> bool:
        """Says whether this shows what the sound study shows, or else names the damaged file."""
        is_named = any(line.startswith((f"{damaged}: ", f"{damaged}:1: ")) for line in self.err.splitlines())
        return (self.code == 0 and (self.out == sound.out or is_named)) or (self.code == 1 and is_named)


def test_a_truncated_file_of_a_finished_study_is_named_where_it_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_search(tmp_path, "hyperband")(tmp_path).run
    trials = run.snapshot().trials.values()
    parent, child = next((each.suggestion.parent, each.id) for each in trials if each.suggestion.parent is not None)
    commands = [["best"], ["best", "--json"], ["list"], ["show"], ["show", "--json"]]
    commands += [["show", run.name, str(trial), *form] for trial in (parent, child) for form in ([], ["--json"])]
    log = run.layout.trial(child).log
    assert run.layout.trial(child).layers.exists()
    assert log.exists()

    def call(command: list[str]) -> Printed:
        capsys.readouterr()
        code = run_command([*command, "--runs", str(tmp_path)])
        return Printed(code, *capsys.readouterr())

    sound = [call(command) for command in commands]
    assert {each.code for each in sound} == {0}
    paths = [each for folder in (run.path, log.parent, run.layout.trial(parent).folder) for each in folder.iterdir()]
    for path in [each for each in paths if each.is_file() and each.name != log.name]:  # a log is any text
        content = path.read_bytes()
        for size in {0, len(content) // 2, len(content) - 1}:
            path.write_bytes(content[:size])
            for command, before in zip(commands, sound, strict=True):
                after = call(command)
                assert after.is_honest(before, path), (path.name, size, command, after)
        path.write_bytes(content)
