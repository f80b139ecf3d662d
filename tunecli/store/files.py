"""Files that are whole or absent: written beside their target, synced and renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees the old content or the new, never a part; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def move_whole(source: Path, target: Path) -> None:
    """Moves a finished file in place; both lie on one file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(source, "rb") as file:
        os.fsync(file.fileno())
    os.replace(source, target)
    sync_folder(target.parent)


def write_json(path: Path, document: Any) -> None:
    """Writes a JSON file whole."""
    write_whole(path, json.dumps(document, indent=2).encode() + b"\n")


def read_json(path: Path) -> Any:
    """Reads a JSON file."""
    return json.loads(path.read_bytes())


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Writes a file of lines whole; each line brings its newline."""
    write_whole(path, b"".join(lines))


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
