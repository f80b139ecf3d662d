"""The folder of the studies, its disk, and the data sets."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tunecli.datasets import DATASETS
from tunecli.store.files import sync_folder
from tunecli.tools.doctor.check import Check, Status, show_size

_LITTLE_DISK_BYTES, _NO_DISK_BYTES = 1_000_000_000, 100_000_000

_ELSEWHERE = "point --runs or TUNECLI_RUNS to a folder on a local disk that you may write"


def check_runs(
    runs: Path, *, lock: Callable[[int, int], object] = fcntl.flock, sync: Callable[[int], object] = os.fsync
) -> Check:
    """Tries what a study's folder must be able to do: a file is written, synced and locked, and removed again.

    Args:
        runs: The folder that holds the studies; if there is none yet, the one it would be made in is tried.
        lock: Locks an open file, as `fcntl.flock`.
        sync: Brings an open file to the disk, as `os.fsync`.
    """
    folder = nearest_folder(runs)
    where = str(runs) if folder == runs.absolute() else f"{runs}, to be made in {folder}"
    fault = _file_fault(folder, lock, sync)
    if fault:
        return Check("runs folder", Status.PROBLEM, f"{where}: {fault}", _ELSEWHERE)
    return Check("runs folder", Status.OK, f"{where}; files are written, synced and locked")


def check_disk(folder: Path, free: int) -> Check:
    """Says whether there is room for studies, in bytes."""
    found = f"{show_size(free)} free at {folder}"
    if free >= _LITTLE_DISK_BYTES:
        return Check("disk", Status.OK, found)
    hint = "make room, or use another disk with --runs; `tunecli search CONFIG --dry-run` says what a search takes"
    return Check("disk", Status.PROBLEM if free < _NO_DISK_BYTES else Status.WARNING, found, hint)


def check_data(environ: Mapping[str, str]) -> Iterator[Check]:
    """Says where each data set is, or that it would be downloaded; hashes are checked when it is read."""
    given = environ.get("TUNECLI_DATA", "")
    if given and not Path(given).expanduser().is_dir():
        yield Check("TUNECLI_DATA", Status.WARNING, f"{given} is no folder", "name the folder of the data, or unset it")
    is_offline = environ.get("TUNECLI_OFFLINE", "0") not in ("", "0")
    for name in DATASETS.names:
        dataset = DATASETS.load(name)
        if dataset.card.is_yours:  # the spec says where it is
            continue
        path = dataset.find()
        if path is not None:
            yield Check(name, Status.OK, str(path))
        elif is_offline:
            hint = f"unset TUNECLI_OFFLINE; `tunecli datasets fetch {name}` says what to put where by hand"
            yield Check(name, Status.WARNING, "not on this machine, and TUNECLI_OFFLINE is set", hint)
        else:
            hint = f"`tunecli datasets fetch {name}` does so ahead of time"
            yield Check(name, Status.OK, "to be downloaded when it is first used", hint)


def nearest_folder(path: Path) -> Path:
    """Returns the path, absolute, or the innermost folder around it that there is."""
    absolute = path.absolute()
    return next(each for each in (absolute, *absolute.parents) if os.path.exists(each))


def _file_fault(folder: Path, lock: Callable[[int, int], object], sync: Callable[[int], object]) -> str:
    """Returns what files in a folder cannot do, or ""."""
    step = "be written"
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"\n")
            file.flush()
            step = "be synced (fsync)"
            sync(file.fileno())
            sync_folder(folder)
            step = "be locked (flock)"
            lock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "" if _is_refused(file.name, lock) else "a lock (flock) keeps nobody out"
    except OSError as error:
        return f"files cannot {step}: {str(error.strerror).lower()}"


def _is_refused(path: str, lock: Callable[[int, int], object]) -> bool:
    """Says whether a second one who wants the lock is refused: some network file systems grant it to all."""
    with open(path) as file:
        try:
            lock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
