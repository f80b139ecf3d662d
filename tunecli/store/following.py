"""Follows files that another process appends to, by the bytes that are new; a look at a long journal costs no more.

    tail = Tail(path)
    tail.read().lines           # those that are there
    tail.read().lines           # those that have come since

    follower = JournalFollower(path)
    follower.read().events      # the same, of a journal

A line that is being written is read when it is whole. A file that was cut or replaced meanwhile is noticed, since its
first line and the last one that was read no longer stand where they stood, and is read from its beginning. No file is
kept open: on a network file system an open file stands in the way of whoever deletes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from tunecli.store.journal import EventReader
from tunecli.study.events import Event


@dataclass(frozen=True)
class Growth:
    """What has come since the last look.

    Attributes:
        lines: The whole lines, without their newlines.
        is_anew: Whether these are the first lines of another file than before, or of none.
    """

    lines: tuple[bytes, ...]
    is_anew: bool


class Tail:
    """Follows a file of lines.

    Args:
        path: It need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first = b""
        self._last = b""
        self._end = 0

    def read(self) -> Growth:
        """Returns what is new.

        Raises:
            OSError: The file is there, but cannot be read.
        """
        try:
            with open(self._path, "rb") as file:
                is_anew = self._end > 0 and not self._is_the_same(file)
                if is_anew:
                    self._end = 0
                file.seek(self._end)
                content = file.read()
        except FileNotFoundError:
            is_anew, self._end, content = self._end > 0, 0, b""
        lines = content.split(b"\n")[:-1]
        if lines:
            self._first = self._first if self._end else lines[0] + b"\n"
            self._last = lines[-1] + b"\n"
            self._end += sum(map(len, lines)) + len(lines)
        return Growth(tuple(lines), is_anew)

    def _is_the_same(self, file: BufferedReader) -> bool:
        if file.read(len(self._first)) != self._first:
            return False
        file.seek(self._end - len(self._last))
        return file.read(len(self._last)) == self._last


@dataclass(frozen=True)
class NewEvents:
    """What has come to a journal since the last look.

    Attributes:
        events: In order.
        is_anew: Whether these are the first events of another journal than before, or of none.
    """

    events: tuple[Event, ...]
    is_anew: bool


class JournalFollower:
    """Follows a journal.

    Args:
        path: It need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tail = Tail(path)
        self._reader = EventReader(path)
        self._unread: list[bytes] = []

    def read(self) -> NewEvents:
        """Returns what is new.

        Raises:
            StudyError: A line before the last cannot be read or does not follow: the journal is damaged.
            UsageError: A newer version writes it.
        """
        growth = self._tail.read()
        if growth.is_anew:
            self._reader, self._unread = EventReader(self._path), []
        lines = [*self._unread, *growth.lines]
        events: list[Event] = []
        self._unread = []
        for number, line in enumerate(lines, start=1):
            event = self._reader.read(line, may_be_torn=number == len(lines))
            if event is None:
                self._unread = [line]
            else:
                events.append(event)
        return NewEvents(tuple(events), growth.is_anew)
