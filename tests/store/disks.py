"""Disks that count the steps of writing, or fail at some."""

from __future__ import annotations

import errno
import os
from io import FileIO
from pathlib import Path

from tunecli.store import files


class SteppedDisk(files.Disk):
    """Says which step comes next, before it is taken."""

    def step(self, name: str) -> None:
        raise NotImplementedError

    def make_folder(self, folder: Path) -> None:
        self.step("make_folder")
        super().make_folder(folder)

    def open(self, path: Path, mode: str) -> FileIO:
        self.step("open")
        return super().open(path, mode)

    def write(self, file: FileIO, content: bytes) -> None:
        try:
            self.step("write")
        except OSError:
            super().write(file, content[: len(content) // 2])
            raise
        super().write(file, content)

    def cut(self, file: FileIO, size_bytes: int) -> None:
        self.step("cut")
        super().cut(file, size_bytes)

    def sync(self, handle: int) -> None:
        self.step("sync")
        super().sync(handle)

    def replace(self, source: Path, target: Path) -> None:
        self.step("replace")
        super().replace(source, target)


class FailingDisk(SteppedDisk):
    """Fails at some kinds of steps; of a write that fails, half is written."""

    def __init__(self, *steps: str, code: int = errno.ENOSPC) -> None:
        self.steps = steps
        self.code = code

    def step(self, name: str) -> None:
        if name in self.steps:
            raise OSError(self.code, os.strerror(self.code))


class CountingDisk(SteppedDisk):
    """Counts the steps. Nothing is synced: it takes long, and no test can take the power away."""

    steps = 0

    def step(self, name: str) -> None:
        self.steps += 1

    def sync(self, handle: int) -> None:
        self.step("sync")


class FullDisk(CountingDisk):
    """Takes `room` steps, then fails at so many; of a write that fails, half is written."""

    def __init__(self, room: int, *, fails: int) -> None:
        self.room = room
        self.fails = fails

    def step(self, name: str) -> None:
        super().step(name)
        if self.room < self.steps <= self.room + self.fails:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
