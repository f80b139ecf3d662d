"""Where what a task says to people goes: to its log, task by task.

A log that cannot be written is no reason for a task to fail.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


@contextlib.contextmanager
def output_to(path: Path | None) -> Iterator[None]:
    """Sends everything that this process writes, C++ included, to a file; warnings once for each task.

    What is meant for stdout goes there too: a callback may print, and stdout belongs to the results of the search.
    """
    if path is None:
        yield
        return
    kept = {number: os.dup(number) for number in (1, 2)}
    _flush()
    try:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as file:
                for number in kept:
                    os.dup2(file.fileno(), number)
        with warnings.catch_warnings():  # what was shown once counts as new again
            yield
    finally:
        _flush()
        for number, handle in kept.items():
            os.dup2(handle, number)
            os.close(handle)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()


@contextlib.contextmanager
def prints_to(path: Path | None) -> Iterator[None]:
    """Sends warnings and what is printed to a file; leaves stderr, which shows the progress of the search."""
    if path is None:
        yield
        return

    def show(  # noqa: PLR0917  # the signature is that of `warnings`
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a", encoding="utf-8") as log:
                log.write(warnings.formatwarning(message, category, filename, lineno, line))

    with warnings.catch_warnings():
        warnings.showwarning = show  # undone by catch_warnings
        with contextlib.redirect_stdout(_Log(path)):
            yield


class _Log(io.TextIOBase):
    """A text file that is there once something is written to it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(self._path, "a", encoding="utf-8") as log:
                log.write(text)
        return len(text)
