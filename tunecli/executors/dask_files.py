"""How files travel between the parent and a worker, which need not share a file system.

    parent                                           worker
    Digests.of, packed  ── what a task reads ────▶   keep_read: kept by its content, for later tasks too
                        ◀── what it has written ──   Written: what is new, and what the parent has got already

What a task reads is kept under the name of its content, so that it is sent once and lies where it lay before. Who asks
whom, and when, is left to `dask_tasks` and `dask_worker`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_KEPT_READS = 16
"""How many files and folders a worker keeps for the tasks to come; the longest unused go first."""

_Version = tuple[int, int, int]
"""Tells a file from what is renamed to its name later: inode, time and size."""


class Digests:
    """Names files and folders by their content; one that has not changed since is not read again."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[list[tuple[str, int, int]], str]] = {}

    def of(self, path: Path) -> str:
        """Returns the name of a file or folder."""
        stamp = [(name, file.stat().st_size, file.stat().st_mtime_ns) for name, file in _files(path)]
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            known = self._known[path] = (stamp, _digest(path))
        return known[1]


def packed(path: Path) -> bytes:
    """Returns a file or folder, by its name and all in it, as `keep_read` takes it."""
    archived = io.BytesIO()
    with zipfile.ZipFile(archived, "w", strict_timestamps=False) as archive:
        if path.is_dir():
            archive.mkdir(path.name)  # an empty one arrives too
        for name, file in _files(path):
            archive.write(file, name)
    return archived.getvalue()


def _files(path: Path) -> list[tuple[str, Path]]:
    """Returns a file, or all files of a folder, with their names below the folder it lies in."""
    found = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return [(file.relative_to(path.parent).as_posix(), file) for file in found]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for name, file in _files(path):
        content = file.read_bytes()
        digest.update(f"{len(name)} {name} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()


def has_read(digest: str, dask_worker: Any) -> bool:
    """Returns whether a worker keeps the file or folder with this content, and keeps it longer."""
    place = kept(dask_worker) / digest
    if place.exists():
        os.utime(place)
    return place.exists()


def keep_read(digest: str, archived: bytes, dask_worker: Any) -> None:
    """Keeps a file or folder for tasks to come, in place of the longest unused."""
    folder = kept(dask_worker)
    folder.mkdir(exist_ok=True)
    unpacked = Path(tempfile.mkdtemp(dir=dask_worker.local_directory))
    with zipfile.ZipFile(io.BytesIO(archived)) as archive:
        archive.extractall(unpacked)
    os.replace(unpacked, folder / digest)
    for place in sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime_ns)[:-_KEPT_READS]:
        shutil.rmtree(place, ignore_errors=True)


def kept(worker: Any) -> Path:
    """Returns the folder in which a worker keeps what tasks read."""
    return Path(worker.local_directory) / "tunecli-reads"


class Written:
    """On a worker, the files that one task may write."""

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        """Makes room for them.

        Args:
            folder: Where to.
            names: Their names, by key of the payload.
        """
        self.paths = {key: folder / f"write-{key}" / name for key, name in names.items()}
        for path in self.paths.values():
            path.parent.mkdir()
        self._seen: dict[str, _Version] = {}
        self._fetched: dict[str, _Version] = {}

    def changed(self) -> list[str]:
        """Returns the keys of the files that were written since this was last asked."""
        before, self._seen = self._seen, {}
        for key, path in self.paths.items():
            with contextlib.suppress(FileNotFoundError):
                self._seen[key] = _version(path.stat())
        return [key for key, version in self._seen.items() if before.get(key) != version]

    def fetch(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Returns the files that are there, by key, without those that have been fetched and are the same still."""
        found = {}
        for key in keys:
            with contextlib.suppress(FileNotFoundError), open(self.paths[key], "rb") as file:
                version = _version(os.fstat(file.fileno()))
                if self._fetched.get(key) != version:
                    found[key] = file.read()
                    self._fetched[key] = version
        return found


def _version(found: os.stat_result) -> _Version:
    return found.st_ino, found.st_mtime_ns, found.st_size
