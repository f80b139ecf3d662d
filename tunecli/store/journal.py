"""The journal: an append-only file of events, one JSON object a line.

    with Journal(path) as journal:      # cuts off a torn last line
        journal.append(event)           # on disk when this returns

A process may be killed, or the power fail, between any two bytes. What is left then is a journal with at most one torn
line at its end: readers pass over it, and the next writer cuts it off before it appends, since anything written behind
it would be lost with it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pydantic import ValidationError

from tunecli.errors import StudyError, UsageError
from tunecli.store.files import sync_folder
from tunecli.study.events import JOURNAL_VERSION, Created, Event, from_line, to_line


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
        StudyError: A line before the last cannot be read: the file was damaged, not torn.
        UsageError: A newer version wrote it.
    """
    content = path.read_bytes() if path.exists() else b""
    events: list[Event] = []
    end = 0
    while (newline := content.find(b"\n", end)) >= 0:
        try:
            event = from_line(content[end:newline])
        except ValidationError as error:
            if content.find(b"\n", newline + 1) < 0 and events:
                break  # the last line: blocks of zeros after a loss of power
            raise StudyError(
                "is not an event of this version",
                where=f"{path}:{len(events) + 1}",
                hint="the file was changed or damaged; restore it, or start anew with --fresh",
            ) from error
        if isinstance(event, Created) and event.version > JOURNAL_VERSION:
            raise UsageError(
                f"was written by a newer tunecli (journal version {event.version}, this one reads {JOURNAL_VERSION})",
                where=str(path),
                hint="update tunecli",
            )
        events.append(event)
        end = newline + 1
    return Contents(tuple(events), end, is_torn=end < len(content))


class Journal:
    """A journal that is open for appending; hold the study's lock while it is."""

    def __init__(self, path: Path) -> None:
        contents = read_journal(path)
        self.events: list[Event] = list(contents.events)
        self.was_torn = contents.is_torn
        is_new = not path.exists()
        self._path = path
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115  # closed by close()
        self._end = contents.size_bytes
        if self.was_torn:
            self._file.truncate(self._end)
            os.fsync(self._file.fileno())
        if is_new:
            sync_folder(path.parent)

    def append(self, event: Event) -> None:
        """Adds an event; it is on disk when this returns.

        Raises:
            StudyError: The disk is full or fails; the journal is as it was before.
        """
        line = to_line(event)
        try:
            written = 0
            while written < len(line):
                written += self._file.write(line[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(self._end)
            raise StudyError(
                f"cannot be written: {error.strerror}",
                where=str(self._path),
                hint="make room, then run the same command again; nothing that finished is lost",
            ) from error
        except BaseException:  # Ctrl-C between two bytes: what is appended next must not stand behind half a line
            self._file.truncate(self._end)
            raise
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
