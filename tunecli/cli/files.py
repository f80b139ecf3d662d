"""Writing the files that a command makes for its user."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import FileIO
from pathlib import Path

from tunecli.errors import UsageError
from tunecli.store.files import beside, disk, writing


def write_text(path: Path, text: str, *, force: bool) -> None:
    """Writes a file; one that is there already only with `force`.

    Raises:
        UsageError: There is one already, or it cannot be written.
    """
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            "is there already", where=str(path), hint="write to another file with -o, or overwrite it with --force"
        ) from None
    except OSError as error:
        raise UsageError(f"cannot be written: {str(error.strerror).lower()}", where=str(path)) from error


@contextmanager
def writing_text(path: Path, *, force: bool) -> Iterator[Callable[[str], object]]:
    """Gives what writes to a file, piece by piece; the file is there when all is written, and not before.

    A device or a pipe is written to as it is.

    Raises:
        UsageError: There is one already and no `force`, or its folder is missing or cannot be written.
        StudyError: The disk is full or fails.
    """
    if path.is_dir():
        raise UsageError("is a folder", where=str(path), hint="write to a file in it with -o")
    if not path.parent.is_dir():
        raise UsageError("its folder does not exist", where=str(path), hint=f"make it: mkdir -p {path.parent}")
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file.write
        return
    if path.exists() and not force:
        hint = "write to another file with -o, or overwrite it with --force"
        raise UsageError("is there already", where=str(path), hint=hint)
    if not os.access(path.parent, os.W_OK):
        raise UsageError("its folder cannot be written", where=str(path), hint="write to another one with -o")
    new = beside(path)
    try:
        with writing(path):
            raw = disk.open(new, "wb")
        with raw:
            yield partial(_write, path, raw)
            with writing(path):
                disk.sync(raw.fileno())
        with writing(path):
            disk.replace(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def _write(path: Path, raw: FileIO, text: str) -> None:
    with writing(path):
        disk.write(raw, text.encode())
