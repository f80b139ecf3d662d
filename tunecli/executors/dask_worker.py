"""What a Dask worker does: functions that it imports by their names, and what they leave on its disk.

What tasks read is kept under the name of its content, so that it is sent once and lies where it lay before.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import shutil
import tempfile
import threading
import traceback
import zipfile
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tunecli.executors.base import Json

SAME_PACKAGES = ("tunecli", "tensorflow", "keras", "numpy")
"""What must have one version everywhere, or scores could not be compared."""

_KEPT_READS = 16
"""How many files and folders a worker keeps for the tasks to come; the longest unused go first."""

_ONE_AT_A_TIME = threading.Lock()
"""Held by the task that runs in this process, should a worker have several threads and several clients."""


def run_task(
    runner: str,
    payload: bytes,
    *,
    reads: Mapping[str, list[str]],
    writes: Mapping[str, str],
    topic: str,
    task: str,
    worker: str,
) -> Json | None:
    """Runs one task in a worker.

    Args:
        runner: The `module:function` to call.
        payload: Its payload as JSON.
        reads: By key of the payload, where a file or folder lies below those that the worker keeps.
        writes: By key of the payload, the name of a file it may write.
        topic: Where to send events.
        task: Which task they are about.
        worker: The process that this is meant for.

    Returns:
        `answer`, the JSON of a result or of a cause and details; `files`, bytes by key; `log`, what went to stderr.
        None if this is another process: the one it was meant for has died, and Dask has brought the task to the next.
    """
    from distributed import get_worker

    here = get_worker()
    if here.id != worker:
        return None

    def send(what: str, **event: str) -> None:
        here.log_event(topic, {"what": what, "key": task, **event})

    try:
        with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(dir=here.local_directory) as folder:
            send("began")
            document = json.loads(payload)
            document |= {key: str(_kept(here).joinpath(*place)) for key, place in reads.items()}
            written = {key: Path(folder, f"write-{key}", name) for key, name in writes.items()}
            for path in written.values():
                path.parent.mkdir()
            document |= {key: str(path) for key, path in written.items()}
            with _stderr_to(Path(folder, "stderr")) as log:
                answer = _call(runner, document, lambda message: send("message", message=json.dumps(message)))
            files = {key: path.read_bytes() for key, path in written.items() if path.exists()}
            return {"answer": answer, "files": files, "log": log.read_bytes()}
    finally:
        send("ended")


def describe(dask_worker: Any) -> Json:
    """Returns which process this is, and its versions."""
    return {"id": dask_worker.id, "versions": _versions()}


def has_read(digest: str, dask_worker: Any) -> bool:
    """Returns whether a worker keeps the file or folder with this content, and keeps it longer."""
    place = _kept(dask_worker) / digest
    if place.exists():
        os.utime(place)
    return place.exists()


def keep_read(digest: str, packed: bytes, dask_worker: Any) -> None:
    """Keeps a file or folder for tasks to come, in place of the longest unused."""
    kept = _kept(dask_worker)
    kept.mkdir(exist_ok=True)
    unpacked = Path(tempfile.mkdtemp(dir=dask_worker.local_directory))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(unpacked)
    os.replace(unpacked, kept / digest)
    for place in sorted(kept.iterdir(), key=lambda each: each.stat().st_mtime_ns)[:-_KEPT_READS]:
        shutil.rmtree(place, ignore_errors=True)


def _kept(worker: Any) -> Path:
    return Path(worker.local_directory) / "tunecli-reads"


def _call(runner: str, payload: Json, report: Callable[[Json], None]) -> bytes:
    try:
        module, function = runner.split(":")
        result = getattr(import_module(module), function)(payload, report)
        return json.dumps({"result": result}).encode()
    except Exception as error:  # a failed task is a result
        return json.dumps({"cause": in_a_line(error), "details": traceback.format_exc()}).encode()


@contextlib.contextmanager
def _stderr_to(path: Path) -> Iterator[Path]:
    """Sends what Python writes to stderr to a file; the descriptor is left to the worker's own log."""
    with open(path, "w", encoding="utf-8", errors="backslashreplace") as file, contextlib.redirect_stderr(file):
        yield path


def in_a_line(error: Exception) -> str:
    """Returns an exception as a cause."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _versions() -> dict[str, str]:
    found = {"Python": python_version()}
    for package in SAME_PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def python_version() -> str:
    """Returns the part of the version that matters, such as 3.11."""
    return ".".join(platform.python_version_tuple()[:2])


def difference(answer: Json | Exception) -> str:
    """Returns how a worker differs from here, from its description or what came instead; "" if it does not."""
    if isinstance(answer, Exception):  # it could not import this module
        return f"tunecli {version('tunecli')} is not installed ({in_a_line(answer)})"
    theirs = answer["versions"]
    return ", ".join(
        f"{name} {theirs.get(name, 'is missing')} (here {ours})"
        for name, ours in _versions().items()
        if theirs.get(name) != ours
    )
