"""The journal: an append-only file of events, one JSON object a line.

    with Journal(path) as journal:      # cuts off a torn last line
        journal.append(event)           # on disk when this returns

A process may be killed, or the power fail, between any two bytes. What is left then is a journal with at most one torn
line at its end: readers pass over it, and the next writer cuts it off before it appends, since anything written behind
it would be lost with it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pydantic import ValidationError

from tunecli.errors import StudyError, UsageError
from tunecli.store import files
from tunecli.study.events import JOURNAL_VERSION, Asked, Created, Event, Finished, Started, from_line, to_line


@dataclass(frozen=True)
class Contents:
    """What a journal holds.

    Attributes:
        events: The whole events, in order.
        size_bytes: Where the last of them ends.
        is_torn: Whether something unreadable stands behind them.
    """

    events: tuple[Event, ...]
    size_bytes: int
    is_torn: bool


def read_journal(path: Path) -> Contents:
    """Reads a journal without changing it; a missing file is an empty one.

    Raises:
        StudyError: A line before the last cannot be read or does not follow: the file was damaged, not torn.
        UsageError: A newer version wrote it.
    """
    content = path.read_bytes() if path.exists() else b""
    reader = EventReader(path)
    events: list[Event] = []
    end = 0
    while (newline := content.find(b"\n", end)) >= 0:
        is_last = content.find(b"\n", newline + 1) < 0
        event = reader.read(content[end:newline], may_be_torn=is_last)
        if event is None:
            break
        events.append(event)
        end = newline + 1
    return Contents(tuple(events), end, is_torn=end < len(content))


class EventReader:
    """Reads the lines of a journal one after the other, and makes sure that each may stand where it does.

    Args:
        path: Named where something is wrong.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0
        self._asked: set[int] = set()

    def read(self, line: bytes, *, may_be_torn: bool) -> Event | None:
        """Reads the next line.

        Args:
            line: Without its newline.
            may_be_torn: It is the last so far: it may be blocks of zeros, after a loss of power.

        Returns:
            The event; None for a torn line, which may be read once more when there is more.

        Raises:
            StudyError: The line cannot be read, or does not follow.
            UsageError: A newer version wrote it.
        """
        where = f"{self._path}:{self._count + 1}"
        try:
            event = from_line(line)
        except ValidationError as error:
            if may_be_torn and self._count:
                return None
            raise damaged_journal(where, "is not an event of this version") from error
        _refuse_newer(event, self._path)
        if fault := _fault(event, is_first=not self._count, asked=self._asked):
            raise damaged_journal(where, fault)
        if isinstance(event, Asked) and event.suggestion is not None:
            self._asked.add(event.suggestion.trial)
        self._count += 1
        return event


def _refuse_newer(event: Event, path: Path) -> None:
    if isinstance(event, Created) and event.version > JOURNAL_VERSION:
        raise UsageError(
            f"was written by a newer tunecli (journal version {event.version}, this one reads {JOURNAL_VERSION})",
            where=str(path),
            hint="update tunecli",
        )


def _fault(event: Event, *, is_first: bool, asked: Container[int]) -> str:
    """Returns why an event cannot stand where it does, or ""."""
    if is_first and not isinstance(event, Created):
        return "does not begin with the creation of a study"
    if isinstance(event, Started | Finished) and event.trial not in asked:
        return f"is about trial {event.trial}, which nobody asked for"
    return ""


def damaged_journal(where: str, what: str) -> StudyError:
    """Returns what to tell a user whose journal is not what was written."""
    hint = "the file was changed or damaged; restore it, or start anew with --fresh"
    return StudyError(what, where=where, hint=hint)


class Journal:
    """A journal that is open for appending; hold the study's lock while it is."""

    def __init__(self, path: Path) -> None:
        contents = read_journal(path)
        self.events: list[Event] = list(contents.events)
        self.was_torn = contents.is_torn
        is_new = not path.exists()
        self._path = path
        self._end = contents.size_bytes
        with files.writing(path):
            self._file = files.disk.open(path, "ab")
            try:
                if self.was_torn:
                    files.disk.cut(self._file, self._end)
                    files.disk.sync(self._file.fileno())
                if is_new:
                    files.sync_folder(path.parent)
            except BaseException:
                self._file.close()
                raise

    def append(self, event: Event) -> None:
        """Adds an event; it is on disk when this returns.

        Raises:
            StudyError: The disk is full or fails; the journal is as it was before.
        """
        line = to_line(event)
        with files.writing(self._path):
            files.extend(self._file, line, end=self._end, sync=True)
        self._end += len(line)
        self.events.append(event)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> Journal:
        """Returns the journal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the file."""
        self.close()
