"""A run directory: made, found, listed and read. What changes a study goes through `search`, under the lock."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tunecli.errors import StudyError, UsageError
from tunecli.registry import did_you_mean
from tunecli.store.files import DAMAGE_HINT, damaged, read_json, read_lines
from tunecli.store.journal import Contents, damaged_journal, read_journal
from tunecli.store.layout import StudyLayout
from tunecli.store.lock import StudyLock, is_held
from tunecli.study.baseline import Baseline, Baselines
from tunecli.study.check import Checks
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement

LAYER_KEYS = {"name", "kind", "output_shape", "parameters"}
"""What is kept of each layer of a model."""


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
        """Whether a study was begun here: its journal holds at least the first event, or did."""
        return self._has_events() or self.has_lost_journal()

    def has_lost_journal(self) -> bool:
        """Whether the journal is empty though it was not: what is written after its first event is there."""
        layout = self.layout
        return layout.journal.exists() and layout.data.exists() and not self._has_events()

    def snapshot(self) -> Snapshot:
        """Returns what the journal adds up to now.

        Raises:
            StudyError: The journal is damaged.
        """
        return Snapshot.of(self.contents().events)

    def contents(self) -> Contents:
        """Returns what the journal holds now: at least the first event.

        Raises:
            StudyError: The journal is damaged.
        """
        contents = read_journal(self.layout.journal)
        if not contents.events:
            raise damaged_journal(str(self.layout.journal), "holds no event any more")
        return contents

    def trials_with_files(self) -> set[int]:
        """Returns the ids of the trials that have left something on disk."""
        return _numbered(self.layout.trials)

    def trainings_with_files(self, trial: int) -> set[int]:
        """Returns the numbers of a trial's trainings that have left something on disk, where it has several."""
        return _numbered(self.layout.trial(trial).trainings)

    def plan_document(self) -> dict[str, Any]:
        """Returns `plan.json`.

        Raises:
            StudyError: The file is missing or damaged.
        """
        if not self.layout.plan.exists():
            raise StudyError("is missing", where=str(self.layout.plan), hint=DAMAGE_HINT)
        document: dict[str, Any] = read_json(self.layout.plan)
        return document

    def measurements(self, lineage: Iterable[int]) -> list[Measurement]:
        """Returns the measurements of a lineage (`Snapshot.lineage`), those so far if its last trial runs.

        Raises:
            StudyError: A file is damaged.
        """
        return [each for trial in lineage for each in self.own_measurements(trial)]

    def own_measurements(self, trial: int, training: int | None = None) -> list[Measurement]:
        """Returns the measurements of the epochs that the trial itself has trained, or one of its trainings.

        Raises:
            StudyError: The file is damaged.
        """
        path = self.layout.trial(trial).training(training).epochs
        return [read_measurement(line, f"{path}:{number}") for number, line in enumerate(read_lines(path), start=1)]

    def layers(self, trial: int) -> list[dict[str, Any]] | None:
        """Returns the layers of a trial's model, or None if it was never built.

        Raises:
            StudyError: The file is damaged.
        """
        path = self.layout.trial(trial).layers
        if not path.exists():
            return None
        layers: list[dict[str, Any]] = read_json(path, list)
        if not all(isinstance(each, dict) and each.keys() >= LAYER_KEYS for each in layers):
            raise damaged(str(path), "not a list of layers")
        return layers

    def log(self, trial: int, training: int | None = None) -> str:
        """Returns what a trial, or one of its trainings, had to say."""
        path = self.layout.trial(trial).training(training).log
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def test_looks(self) -> list[dict[str, Any]]:
        """Returns when and by whom the test part was evaluated.

        Raises:
            StudyError: The file is damaged.
        """
        path = self.layout.test_looks
        return [_read_look(line, f"{path}:{number}") for number, line in enumerate(read_lines(path), start=1)]

    def baselines(self) -> tuple[Baseline, ...]:
        """Returns the simple models that the trials are compared with; none where they were not fitted (yet).

        Raises:
            StudyError: The file is damaged.
        """
        path = self.layout.baselines
        try:
            return Baselines.model_validate(read_json(path)).baselines if path.exists() else ()
        except (StudyError, ValidationError) as error:
            hint = "delete it: the same tunecli search command fits the baselines again"
            raise StudyError("is damaged: it has no list of baselines", where=str(path), hint=hint) from error

    def checks(self) -> Checks | None:
        """Returns what was found in the data before the search; None where nobody has looked.

        Raises:
            StudyError: The file is damaged.
        """
        path = self.layout.checks
        try:
            return Checks.model_validate(read_json(path)) if path.exists() else None
        except (StudyError, ValidationError) as error:
            hint = "delete it: the same tunecli search command checks the data again"
            raise StudyError("is damaged: it has no list of findings", where=str(path), hint=hint) from error

    def is_held(self) -> bool:
        """Whether a process works on the study."""
        return is_held(self.layout.lock)

    def delete(self) -> None:
        """Removes the study.

        Raises:
            UsageError: A process works on it.
        """
        lock = StudyLock(self.layout.lock)
        lock.acquire(is_signed=False)  # deleting is a way to make room on a full disk
        try:
            # the journal goes first: what is left after a kill is then no study any more
            self.layout.journal.unlink()
            shutil.rmtree(self.path)
        finally:
            lock.release()

    def _has_events(self) -> bool:
        """Whether the journal has a whole line."""
        if not self.layout.journal.exists():
            return False
        with open(self.layout.journal, "rb") as file:
            return file.readline().endswith(b"\n")


def _numbered(folder: Path) -> set[int]:
    return {int(each.name) for each in folder.iterdir() if each.name.isdecimal()} if folder.exists() else set()


def read_measurement(line: bytes, where: str) -> Measurement:
    """Reads a line of `epochs.jsonl`.

    Raises:
        StudyError: It is damaged.
    """
    try:
        return Measurement.model_validate_json(line)
    except ValidationError as error:
        raise damaged(where, "not a measurement") from error


def _read_look(line: bytes, where: str) -> dict[str, Any]:
    try:
        look: dict[str, Any] = dict(json.loads(line))
    except (ValueError, TypeError) as error:
        raise damaged(where, "not a look at the test part") from error
    return look


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
