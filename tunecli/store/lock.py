"""The lock on a study: one process works on it at a time; a dead one holds nothing."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from tunecli.errors import UsageError
from tunecli.store import files


@dataclass(frozen=True)
class Holder:
    """Who works on a study."""

    host: str
    pid: int
    since: float

    def __str__(self) -> str:
        """Returns the holder in words."""
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"process {self.pid} on {self.host}, since {started}"


class StudyLock:
    """An exclusive lock, released by the system when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None

    def acquire(self, *, is_signed: bool = True) -> None:
        """Takes the lock.

        Args:
            is_signed: Note who holds it; without, it needs no room on the disk.

        Raises:
            UsageError: Another process has it.
            StudyError: The disk is full or fails.
        """
        with files.writing(self._path):
            file = files.disk.open(self._path, "ab")
        try:
            self._lock(file)
            with files.writing(self._path):
                files.disk.cut(file, 0)
                if is_signed:
                    files.disk.write(file, _signature())
        except BaseException:
            file.close()
            raise
        self._file = file

    def release(self) -> None:
        """Gives the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _lock(self, file: FileIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"is in use by {holder(self._path) or 'another process'}",
                where=str(self._path.parent),
                hint="wait for it, stop it, or search under another name with --name",
            ) from None


def is_held(path: Path) -> bool:
    """Says whether a living process has the lock, without taking it from anyone for longer than the question."""
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def holder(path: Path) -> Holder | None:
    """Returns who took the lock last, or None if that cannot be read."""
    try:
        return Holder(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _signature() -> bytes:
    return json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}).encode()
