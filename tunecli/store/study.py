"""A study that this process works on: locked, its journal open, its snapshot up to date.

Everything that changes a study goes through it:
    with OpenStudy(Run(path)) as study:
        study.record(SessionStarted(…))      # on disk, then in study.snapshot
"""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType

from tunecli.errors import UsageError
from tunecli.store.journal import Journal
from tunecli.store.lock import StudyLock
from tunecli.store.run import Run
from tunecli.study.events import Created, Event
from tunecli.study.snapshot import Snapshot


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
        """
        make_folder(self.run)
        self._lock.acquire()
        try:
            self.journal = Journal(self.layout.journal)
        except BaseException:
            self._lock.release()
            raise
        self.was_torn = self.journal.was_torn
        self.is_new = not self.journal.events
        if not self.is_new:
            self.snapshot = Snapshot.of(self.journal.events)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Gives the lock back; a study that was never begun leaves no folder behind."""
        self.journal.close()
        if not self.journal.events:
            for path in (self.layout.journal, self.layout.lock):
                path.unlink(missing_ok=True)
            with suppress(OSError):  # holds something of the user's
                self.run.path.rmdir()
        self._lock.release()

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
    """
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        run.layout.lock.touch()
    except OSError as error:
        raise UsageError(
            f"cannot be written: {error.strerror}", where=str(run.path), hint="choose another folder with --runs"
        ) from None
