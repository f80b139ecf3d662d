"""What happens on a Dask worker while it runs a task: functions that it imports by their names.

    run_task        runs it: events on its way, its answer and its files at the end
    read_written    called meanwhile: what it has written so far
    end_soon        called meanwhile: from now on the task's `report` returns True

A task that has ended has left nothing behind but what it has read, which `dask_files` keeps.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tunecli.errors import in_a_line
from tunecli.executors.base import Json, Report
from tunecli.executors.dask_files import Written, kept

_ONE_AT_A_TIME = threading.Lock()
"""Held by the task that runs in this process, should a worker have several threads and several clients."""

_ENDING: set[str] = set()
"""The tasks that are asked to end soon, be they running here or still on their way."""

_WRITTEN: dict[str, Written] = {}
"""By task that runs here, what it may write."""

_WRITTEN_LOCK = threading.Lock()
"""Held while files of a running task are read: its folder must not go meanwhile."""


def run_task(
    runner: str,
    payload: bytes,
    *,
    reads: Mapping[str, list[str]],
    writes: Mapping[str, str],
    topic: str,
    task: str,
    worker: str,
    is_ending: bool,
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
        is_ending: Whether the task is asked to end soon from its start.

    Returns:
        `answer`, the JSON of a result or of a cause and details; `files`, bytes by key, of what was not fetched before;
        `log`, what it said. None if this is another process: the one it was meant for has died, and Dask has
        brought the task to the next.
    """
    from distributed import get_worker

    here = get_worker()
    if here.id != worker:
        return None

    def send(what: str, **event: Any) -> None:
        here.log_event(topic, {"what": what, "key": task, **event})

    try:
        with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(dir=here.local_directory) as folder:
            send("began")
            written = Written(Path(folder), writes)

            def report(message: Json) -> bool:
                # the scheduler keeps events, so that this one only names the files for the parent to fetch
                send("message", message=json.dumps(message), files=written.changed())
                return is_ending or task in _ENDING

            document = json.loads(payload)
            document |= {key: str(kept(here).joinpath(*place)) for key, place in reads.items()}
            document |= {key: str(path) for key, path in written.paths.items()}
            with _readable(task, written), _output_to(Path(folder, "stderr")) as log:
                answer = _call(runner, document, report)
            return {"answer": answer, "files": written.fetch(writes), "log": log.read_bytes()}
    finally:
        _ENDING.discard(task)
        send("ended")


def read_written(task: str, keys: Iterable[str]) -> tuple[bool, dict[str, bytes]]:
    """Returns whether a task runs in this process, and what it has written and was not fetched yet, by key."""
    with _WRITTEN_LOCK:
        written = _WRITTEN.get(task)
        return (False, {}) if written is None else (True, written.fetch(keys))


def end_soon(task: str) -> None:
    """Asks a task to end soon."""
    _ENDING.add(task)


@contextlib.contextmanager
def _readable(task: str, written: Written) -> Iterator[None]:
    """Lets `read_written` find the files of a task; afterwards they are in its result."""
    _WRITTEN[task] = written
    try:
        yield
    finally:
        with _WRITTEN_LOCK:
            del _WRITTEN[task]


def _call(runner: str, payload: Json, report: Report) -> bytes:
    try:
        module, function = runner.split(":")
        result = getattr(import_module(module), function)(payload, report)
        return json.dumps({"result": result}).encode()
    except Exception as error:  # a failed task is a result
        return failure(error)


def failure(error: Exception) -> bytes:
    """Returns the answer of a task that the exception, which is being handled, has ended."""
    return json.dumps({"cause": in_a_line(error), "details": traceback.format_exc()}).encode()


@contextlib.contextmanager
def _output_to(path: Path) -> Iterator[Path]:
    """Sends what Python writes to a file; the descriptors are left to the worker's own log."""
    with (
        open(path, "w", encoding="utf-8", errors="backslashreplace") as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
        warnings.catch_warnings(),  # what was shown once counts as new again
    ):
        yield path
