"""Where what a task says to people goes: to its log, task by task.

A log that cannot be written is no reason for a task to fail.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


@contextlib.contextmanager
def stderr_to(path: Path | None) -> Iterator[None]:
    """Sends everything that this process writes to stderr, C++ included, to a file; warnings once for each task."""
    if path is None:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as file:
                os.dup2(file.fileno(), 2)
        with warnings.catch_warnings():  # what was shown once counts as new again
            yield
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def warnings_to(path: Path | None) -> Iterator[None]:
    """Sends warnings to a file and leaves the rest of stderr, which shows the progress of the search."""
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
        yield
