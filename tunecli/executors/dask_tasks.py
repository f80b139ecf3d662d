"""One task on its worker, as the parent sees it: sent there, asked after, given up.

    Sender.send ──▶ Sent ── fetch      what it has written on its way
                            ask_to_end
                            result     what it has come to, with the rest of its files
                            give_up    its worker's process with it

Which tasks there are, what becomes of them and when is left to `dask_cluster`.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunecli.errors import ClusterError
from tunecli.executors.base import Json, Task, TaskLimits
from tunecli.executors.dask_connection import DisconnectedError, needs_connection
from tunecli.executors.dask_files import Digests, has_read, keep_read, packed
from tunecli.executors.dask_worker import end_soon, failure, read_written, run_task
from tunecli.executors.dask_workers import Workers
from tunecli.store.files import write_whole

_RESULT_SECONDS = 300.0
"""How long a result may take to arrive once it is there. Its worker may die at that very moment."""


class Sender:
    """Sends tasks to workers, and what they read if it is not there yet."""

    def __init__(self, runner: str, topic: str, client: Any, workers: Workers) -> None:
        """Has sent nothing yet.

        Args:
            runner: What runs a task, as `module:function`.
            topic: Where tasks send their events.
            client: Dask's client.
            workers: Where to send them.
        """
        self._runner = runner
        self._topic = topic
        self._client = client
        self._workers = workers
        self._digests = Digests()

    def send(self, slot: int, task: Task, address: str, *, is_ending: bool) -> Sent:
        """Sends a task to a worker; `is_ending` asks it to end soon from its start.

        Raises:
            DisconnectedError: The connection was lost on the way.
        """
        worker = self._workers.take(address)
        key = f"{self._topic}-{uuid.uuid4().hex}"
        reads = {name: self._offer(path, address) for name, path in _paths(task.payload, task.reads).items()}
        with needs_connection():
            future = self._client.submit(
                run_task,
                self._runner,
                json.dumps(task.payload).encode(),
                reads=reads,
                writes={name: path.name for name, path in _paths(task.payload, task.writes).items()},
                topic=self._topic,
                task=key,
                worker=worker,
                is_ending=is_ending,
                key=key,
                workers=[address],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
        return Sent(key, slot, task, address, future, self._workers, is_asked_to_end=is_ending)

    def _offer(self, path: Path, address: str) -> list[str]:
        """Makes sure that a worker has a file or folder; returns where it has it, below the folder it keeps them in.

        If the worker dies meanwhile, so will the task that is about to be sent there.
        """
        digest = self._digests.of(path)
        if not self._workers.call(address, has_read, digest):
            self._workers.call(address, keep_read, digest, packed(path))
        return [digest, path.name]


@dataclass
class Sent:
    """A task that was sent to a worker.

    Attributes:
        key: Its name on the cluster.
        slot: Where its caller has put it.
        task: What was submitted.
        address: Its worker.
        future: Dask's view of it.
        workers: What knows its worker.
        is_asked_to_end: Whether it knows that it is to end soon.
        began: When it did, in seconds of `time.monotonic`; None while it waits on its worker.
    """

    key: str
    slot: int
    task: Task
    address: str
    future: Any
    workers: Workers
    is_asked_to_end: bool
    began: float | None = None
    _result: Json | None = field(default=None, init=False)

    @property
    def has_ended(self) -> bool:
        """Whether there is a result, or an error of Dask's."""
        return self.future.status in ("finished", "error")

    @property
    def is_lost(self) -> bool:
        """Whether it cannot end any more: its worker is gone, or the scheduler has forgotten it."""
        return not self.has_ended and (self.future.status != "pending" or self.address not in self.workers)

    def exceeded(self, limits: TaskLimits) -> str:
        """Returns which limit it is beyond, or ""."""
        if self.began is None:
            return ""
        if limits.seconds is not None and time.monotonic() - self.began > limits.seconds:
            return f"took longer than {limits.seconds:g} s"
        if limits.memory is not None and self.workers.memory(self.address) > limits.memory:
            return f"took more than {limits.memory / 2**20:,.0f} MiB of memory"
        return ""

    def ask_to_end(self) -> None:
        """Makes its `report` return True from now on.

        Raises:
            DisconnectedError: The connection is lost.
        """
        if not self.is_asked_to_end:
            self.workers.call(self.address, end_soon, self.key)
            self.is_asked_to_end = True  # or its worker has died, and it is lost

    def fetch(self, keys: Iterable[str]) -> bool:
        """Puts what it has written on its way in place.

        Args:
            keys: The files to fetch; one that was replaced meanwhile comes as it is now.

        Returns:
            Whether they are there: they are lost if its worker has died.
        """
        try:
            answer = self.workers.call(self.address, read_written, self.key, keys)
        except DisconnectedError:  # on which Dask gives up all that runs
            return False
        if answer is None:
            return False
        is_running, files = answer
        if not is_running:  # it has ended meanwhile: they come with its result
            return self.result() is not None
        self._put(files)
        return True

    def result(self) -> Json | None:
        """Returns what `run_task` did, once all files are in place; None if that is lost with its worker."""
        from distributed import CancelledError, KilledWorker

        if self._result is not None:
            return self._result
        try:
            result: Json | None = self.future.result(timeout=_RESULT_SECONDS)
        except (CancelledError, KilledWorker, OSError):  # TimeoutError is one
            return None
        except Exception as error:
            if self.future.status != "error":  # the connection was closed meanwhile
                return None
            # Dask itself could not run it
            result = {"answer": failure(error), "files": {}, "log": b""}
        if result is not None:
            self._put(result.pop("files"))
        self._result = result
        return result

    def give_up(self) -> None:
        """Makes sure that it does not run, or run on; its thread can only be ended with its process."""
        with contextlib.suppress(DisconnectedError, ClusterError):  # whoever asks next is told
            with needs_connection():
                self.future.cancel()
            self.workers.replace(self.address)

    def _put(self, files: Mapping[str, bytes]) -> None:
        for key, content in files.items():
            write_whole(Path(self.task.payload[key]), content)


def _paths(payload: Json, keys: Iterable[str]) -> dict[str, Path]:
    """Returns the paths that a payload gives for keys."""
    return {key: Path(payload[key]) for key in keys if payload[key] is not None}
