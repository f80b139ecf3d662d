"""A run directory: made, found, listed and read. What changes a study goes through `search`, under the lock."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunecli.errors import UsageError
from tunecli.registry import did_you_mean
from tunecli.store.files import read_json
from tunecli.store.journal import read_journal
from tunecli.store.layout import StudyLayout
from tunecli.store.lock import StudyLock, is_held
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement


@dataclass(frozen=True)
class Run:
    """One study's directory, for reading; takes no lock."""

    path: Path

    @property
    def name(self) -> str:
        """The study's name."""
        return self.path.name

    @property
    def layout(self) -> StudyLayout:
        """The names of its files."""
        return StudyLayout(self.path)

    def exists(self) -> bool:
        """Whether a study was begun here: its journal holds at least the first event."""
        return bool(self.layout.journal.exists() and b"\n" in self.layout.journal.read_bytes())

    def snapshot(self) -> Snapshot:
        """Returns what the journal adds up to now.

        Raises:
            StudyError: The journal is damaged.
        """
        return Snapshot.of(read_journal(self.layout.journal).events)

    def plan_document(self) -> dict[str, Any]:
        """Returns `plan.json`."""
        document: dict[str, Any] = read_json(self.layout.plan)
        return document

    def measurements(self, trial: int) -> list[Measurement]:
        """Returns the measurements of a trial's whole lineage, those so far if it runs."""
        found = []
        for ancestor in self.snapshot().lineage(trial):
            found += self.own_measurements(ancestor)
        return found

    def own_measurements(self, trial: int) -> list[Measurement]:
        """Returns the measurements of the epochs that the trial itself has trained."""
        path = self.layout.trial(trial).epochs
        if not path.exists():
            return []
        lines = path.read_bytes().split(b"\n")[:-1]  # behind the last newline stands what is being written
        return [Measurement.model_validate_json(line) for line in lines]

    def layers(self, trial: int) -> list[dict[str, Any]] | None:
        """Returns the layers of a trial's model, or None if it was never built."""
        path = self.layout.trial(trial).layers
        return read_json(path) if path.exists() else None

    def log(self, trial: int) -> str:
        """Returns what a trial had to say."""
        path = self.layout.trial(trial).log
        return path.read_text() if path.exists() else ""

    def test_looks(self) -> list[dict[str, Any]]:
        """Returns when and by whom the test part was evaluated."""
        path = self.layout.test_looks
        return [json.loads(line) for line in path.read_text().splitlines() if line] if path.exists() else []

    def is_held(self) -> bool:
        """Whether a process works on the study."""
        return is_held(self.layout.lock)

    def delete(self) -> None:
        """Removes the study.

        Raises:
            UsageError: A process works on it.
        """
        lock = StudyLock(self.layout.lock)
        lock.acquire()
        try:
            # the journal goes first: what is left after a kill is then no study any more
            self.layout.journal.unlink()
            shutil.rmtree(self.path)
        finally:
            lock.release()


def list_runs(runs: Path) -> list[Run]:
    """Returns the studies of a folder, the one whose journal was written last first."""
    if not runs.is_dir():
        return []
    found = [run for folder in runs.iterdir() if (run := Run(folder)).exists()]
    return sorted(found, key=lambda run: (-run.layout.journal.stat().st_mtime_ns, run.name))


def find_run(runs: Path, name: str | None) -> Run:
    """Returns a study by name or path; without a name, the one whose journal was written last.

    Raises:
        UsageError: There is no such study.
    """
    known = list_runs(runs)
    if name is None:
        if not known:
            raise UsageError("holds no study yet", where=str(runs), hint="start one: tunecli search CONFIG")
        return known[0]
    for run in (Run(runs / name), Run(Path(name))):
        if run.exists():
            return run
    names = [run.name for run in known]
    hint = did_you_mean(name, names) if names else "start one: tunecli search CONFIG"
    raise UsageError(f"no study is called '{name}'", where=str(runs), hint=hint)
