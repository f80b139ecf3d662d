"""A study that this process works on: locked, its journal open, its snapshot up to date.

Everything that changes a study goes through it:
    with OpenStudy(Run(path)) as study:
        study.record(SessionStarted(…))      # on disk, then in study.snapshot
"""

from __future__ import annotations

import errno
from contextlib import suppress
from types import TracebackType

from tunecli.errors import UsageError
from tunecli.store import files
from tunecli.store.files import HALF_WRITTEN
from tunecli.store.journal import Journal
from tunecli.store.lock import StudyLock
from tunecli.store.run import Run
from tunecli.study.events import Created, Event
from tunecli.study.snapshot import Snapshot

_DISK_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What another folder on the same disk would not help against."""


class OpenStudy:
    """Holds a study's lock from `__enter__` to `__exit__`."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.layout = run.layout
        self._lock = StudyLock(run.layout.lock)

    def __enter__(self) -> OpenStudy:
        """Takes the lock and reads the journal.

        Raises:
            UsageError: Another process has the study, or its folder cannot be written.
            StudyError: The journal is damaged, or the disk is full or fails.
        """
        make_folder(self.run)
        self._lock.acquire()
        try:
            self._clear_leftovers()
            self.journal = Journal(self.layout.journal)
        except BaseException:
            self._lock.release()
            raise
        self.was_torn = self.journal.was_torn
        self.is_new = not self.journal.events
        if not self.is_new:
            self.snapshot = Snapshot.of(self.journal.events)
            self._remove_half_written()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Gives the lock back; a study that was never begun leaves no folder behind."""
        self.journal.close()
        if not self.journal.events:
            with suppress(OSError):  # holds something of the user's, or the disk fails
                for path in (self.layout.journal, self.layout.lock):
                    path.unlink(missing_ok=True)
                self.run.path.rmdir()
        self._lock.release()

    def _clear_leftovers(self) -> None:
        """Makes sure that a folder without events is that of a new study.

        Raises:
            StudyError: It is that of an old one, whose journal was damaged.
        """
        if not self.layout.journal.exists():  # a deletion that was cut off
            self.layout.data.unlink(missing_ok=True)
        elif self.run.has_lost_journal():
            self.run.contents()

    def _remove_half_written(self) -> None:
        """Removes what a killed process was writing beside its target: of the study, and of trials under way."""
        found = list(self.layout.folder.glob(HALF_WRITTEN))
        for trial in self.snapshot.running:
            found += self.layout.trial(trial.id).folder.rglob(HALF_WRITTEN)
        for path in found:
            path.unlink(missing_ok=True)

    def record(self, event: Event) -> None:
        """Writes an event to the journal, then takes it into the snapshot."""
        self.journal.append(event)
        if isinstance(event, Created):
            self.snapshot = Snapshot.of([event])
        else:
            self.snapshot.apply(event)


def make_folder(run: Run) -> None:
    """Makes a study's folder.

    Raises:
        UsageError: The place cannot be written.
        StudyError: It could be, but the disk is full or fails.
    """
    try:
        files.disk.make_folder(run.path)
        files.disk.open(run.layout.lock, "ab").close()
    except OSError as error:
        if error.errno in _DISK_FAILURES:
            raise files.not_written(run.path, error) from error
        raise UsageError(
            f"cannot be written: {error.strerror}", where=str(run.path), hint="choose another folder with --runs"
        ) from None
