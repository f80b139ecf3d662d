"""Files that are whole or absent: written beside their target, synced and renamed.

Every change of a study's files is made of the steps of `disk`, and a step that fails ends as one error that names the
file. A test puts a full disk in its place:

    monkeypatch.setattr(files, "disk", FullDisk())
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

from tunecli.errors import StudyError

NO_ROOM_HINT = "make room, then run the same command again; nothing that finished is lost"
DAMAGE_HINT = "restore it from a copy, or search anew with --fresh; the rest of the study can still be read"


class Disk:
    """The steps that changes are made of: the only calls of the store that need room."""

    def make_folder(self, folder: Path) -> None:
        """Makes a folder and those above it, where they are not there yet."""
        folder.mkdir(parents=True, exist_ok=True)

    def open(self, path: Path, mode: str) -> FileIO:
        """Opens a file to write to, unbuffered: closing it has nothing left to do that may fail."""
        return FileIO(path, mode)

    def write(self, file: FileIO, content: bytes) -> None:
        """Writes everything; the system may take less at a time."""
        written = 0
        while written < len(content):
            written += file.write(content[written:])

    def cut(self, file: FileIO, size_bytes: int) -> None:
        """Drops what stands behind the first bytes of a file."""
        file.truncate(size_bytes)

    def sync(self, handle: int) -> None:
        """Makes what was written survive a loss of power."""
        os.fsync(handle)

    def replace(self, source: Path, target: Path) -> None:
        """Renames a file, over an old one if there is one."""
        os.replace(source, target)


disk = Disk()
"""The disk of this process."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Names the file where a step of writing it fails.

    Raises:
        StudyError: The disk is full, read-only or fails.
    """
    try:
        yield
    except OSError as error:
        raise not_written(path, error) from error


def not_written(path: Path, error: OSError) -> StudyError:
    """Returns what to tell a user whose disk takes no more."""
    return StudyError(f"cannot be written: {error.strerror or error}", where=str(path), hint=NO_ROOM_HINT)


HALF_WRITTEN = ".*.tmp"
"""The names that `beside` gives."""


def beside(path: Path) -> Path:
    """Returns where a file is written before it is renamed: to a name of this process's own."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new, never a part; makes its folder.

    Raises:
        StudyError: The disk is full or fails; the old content stands.
    """
    new = beside(path)
    with writing(path):
        _ensure_folder(path.parent)
        try:
            with disk.open(new, "wb") as file:
                disk.write(file, content)
                disk.sync(file.fileno())
            disk.replace(new, path)
        except BaseException:
            with suppress(OSError):  # what went wrong first is what counts
                new.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def write_new(path: Path, content: bytes) -> None:
    """Writes a file that is not there yet, and does not wait for the disk: for what is put in place as a whole later.

    Raises:
        OSError: The disk is full or fails, or the file is there.
    """
    with disk.open(path, "xb") as file:
        disk.write(file, content)


def move_whole(source: Path, target: Path) -> None:
    """Moves a finished file in place; both lie on one file system.

    Raises:
        StudyError: The disk is full or fails; the source is where it was.
    """
    sync_file(source)
    with writing(target):
        _ensure_folder(target.parent)
        disk.replace(source, target)
        sync_folder(target.parent)


def append_line(path: Path, line: bytes) -> None:
    """Adds a line, which brings its newline, to a file that one process writes; makes its folder.

    It is not synced: a loss of power may take it, as `sync_file` would not. Half a line that a kill has left at the
    end goes first, since it would spoil this one too.

    Raises:
        StudyError: The disk is full or fails; the file is as it was.
    """
    with writing(path):
        _ensure_folder(path.parent)
        with disk.open(path, "ab+") as file:
            extend(file, line, end=_end_of_lines(file))


def extend(file: FileIO, content: bytes, *, end: int, sync: bool = False) -> None:
    """Puts content behind byte `end`, or leaves the file ending there: the next line must not stand behind half a one.

    Args:
        file: Open for appending.
        content: What to add.
        end: Where the whole lines end; what stands behind is dropped.
        sync: Make it survive a loss of power.

    Raises:
        OSError: The disk is full or fails.
    """
    if os.fstat(file.fileno()).st_size > end:
        disk.cut(file, end)
    try:
        disk.write(file, content)
        if sync:
            disk.sync(file.fileno())
    except BaseException:  # Ctrl-C between two bytes, too
        with suppress(OSError):  # if this fails as well, the next one tries it first
            disk.cut(file, end)
        raise


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Writes a file of lines whole; each line brings its newline."""
    write_whole(path, b"".join(lines))


def write_json(path: Path, document: Any) -> None:
    """Writes a JSON file whole."""
    write_whole(path, json.dumps(document, indent=2).encode() + b"\n")


def read_json(path: Path, kind: type = dict) -> Any:
    """Reads a JSON file that holds an object, or what else `kind` says.

    Raises:
        StudyError: The file is damaged.
        OSError: It is missing, or cannot be read.
    """
    content = path.read_bytes()
    try:
        document = json.loads(content)
    except ValueError as error:  # UnicodeDecodeError is one
        raise damaged(str(path), f"not JSON ({error})") from error
    if not isinstance(document, kind):
        raise damaged(str(path), f"holds a {type(document).__name__}, not a {kind.__name__}")
    return document


def read_lines(path: Path) -> list[bytes]:
    """Returns the whole lines of a file; a missing one has none, and what is being written does not count yet."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def damaged(where: str, what: str) -> StudyError:
    """Returns what to tell a user whose file is not what was written."""
    return StudyError(f"is damaged: {what}", where=where, hint=DAMAGE_HINT)


def sync_file(path: Path) -> None:
    """Makes a file that was written before survive a loss of power.

    Raises:
        StudyError: The disk is full or fails.
    """
    with writing(path), open(path, "rb") as file:
        disk.sync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a loss of power.

    Raises:
        OSError: The disk fails, or cannot do it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        disk.sync(handle)
    finally:
        os.close(handle)


def _ensure_folder(folder: Path) -> None:
    if not folder.is_dir():
        disk.make_folder(folder)


def _end_of_lines(file: FileIO) -> int:
    """Returns where the last whole line ends."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    if file.read(1) in (b"", b"\n"):
        return size
    file.seek(0)
    return file.readall().rfind(b"\n") + 1
