"""Runs tasks on a Dask cluster: on many machines, or in the processes of a `LocalCluster`.

    parent                                           worker
    submit(0, task)  ── payload, what it reads ──▶   run_task: runner(payload, report)
    wait()           ◀── events: began, messages ──
                     ◀── result, what it wrote ────

Payloads, messages and results travel as JSON and files as bytes, so that no file system needs to be shared. A worker
runs one task at a time, whatever threads it has, since Keras' state belongs to the process. A task is bound to the one
worker it was sent to: Dask would run the task of a dead worker again on the next one, and that is for the caller to
decide. Starting a cluster is left to Dask's own tools, reaching one to `dask_connection`, and what happens on a worker
to `dask_worker`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import queue
import time
import traceback
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tunecli.errors import ClusterError, UsageError
from tunecli.executors.base import Done, Json, OnMessage, Task, TaskLimits
from tunecli.executors.dask_connection import (
    LOCAL,
    TlsFiles,
    connected,
    local_cluster,
    require_dask,
    scheduler_address,
    unreachable,
)
from tunecli.executors.dask_worker import (
    SAME_PACKAGES,
    describe,
    difference,
    has_read,
    in_a_line,
    keep_read,
    python_version,
    run_task,
)
from tunecli.store.files import write_whole

MOST_SLOTS = 64
"""So many at most, unless a number is asked for."""

TASKS_PER_PROCESS = 40
"""A worker is replaced after so many tasks: compiled programs, up to 18 MB each, are never given back."""

_LOOK_SECONDS = 0.5
"""How often workers and limits are looked at."""

_WORKERLESS_SECONDS = 300.0
"""How long tasks wait for a worker while there is none at all."""

_FETCH_SECONDS = 300.0
"""How long a result may take to arrive once it is there. Its worker may die at that very moment."""

_DIED = "its worker died"


class DaskCluster:
    """Slots on the workers of a Dask cluster."""

    def __init__(
        self,
        runner: str,
        on_message: OnMessage,
        where: str,
        *,
        slots: int | None = None,
        limits: TaskLimits | None = None,
        tls: TlsFiles | None = None,
        insecure: bool = False,
        timeout_s: float = 15.0,
    ) -> None:
        """Connects, and makes sure that all workers have the versions that are installed here.

        Args:
            runner: What runs a task, as `module:function`; the workers import it.
            on_message: Told what running tasks report.
            where: A scheduler's address, the path of a scheduler file, or `local`.
            slots: Tasks at a time, which may be more than there are workers yet; default: one for each worker.
            limits: What one task may use.
            tls: Needed for a `tls://` address.
            insecure: Accept an unprotected address on another machine.
            timeout_s: How long to wait for the scheduler and for its first worker.

        Raises:
            UsageError: Dask is not installed, the address is not one or not protected, or the workers' versions differ.
            ClusterError: The scheduler cannot be reached, or has no workers.
        """
        require_dask()
        self.address = where if where == LOCAL else scheduler_address(where, tls, insecure=insecure)
        self._runner = runner
        self._on_message = on_message
        self._limits = limits or TaskLimits()
        self._timeout_s = timeout_s
        self._topic = f"tunecli-{uuid.uuid4().hex}"
        self._events: queue.SimpleQueue[tuple[str, Json]] = queue.SimpleQueue()
        self._digests = _Digests()
        self._workers: dict[str, _Worker] = {}
        self._refused: dict[str, str] = {}
        self._waiting: dict[int, Task] = {}
        self._running: dict[str, _Running] = {}
        self._look_at = 0.0
        self._workerless_since: float | None = None
        with contextlib.ExitStack() as opened:
            if self.address == LOCAL:
                self.address = opened.enter_context(local_cluster(slots))
            self._client = opened.enter_context(connected(self.address, tls, timeout_s))
            self._client.subscribe_topic(self._topic, self._take_event)
            self._wait_for_workers()
            self._opened = opened.pop_all()
        self.slots = slots or min(len(self._workers), MOST_SLOTS)

    def submit(self, slot: int, task: Task) -> None:
        """Gives an idle slot something to run, as soon as a worker is free.

        Raises:
            ClusterError: The scheduler is lost for good, or all workers are.
        """
        assert 0 <= slot < self.slots, f"there are {self.slots} slots, not {slot + 1}"
        assert slot not in self._waiting, f"slot {slot} is busy"
        assert all(slot != each.slot for each in self._running.values()), f"slot {slot} is busy"
        self._waiting[slot] = task
        self._look()

    def wait(self) -> list[Done]:
        """Waits until a task ends, passing on what the running ones report; returns none if nothing runs.

        Raises:
            ClusterError: The scheduler is lost for good, or all workers are.
        """
        while self._running or self._waiting:
            if time.monotonic() >= self._look_at:
                self._look()
            try:
                key, event = self._events.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            running = self._running.get(key)  # none for a task that was given up
            done = self._take(running, event) if running is not None else None
            if done is not None:
                return [done]
        return []

    def close(self) -> None:
        """Drops what runs, with the processes that run it, and leaves the cluster."""
        for running in self._running.values():
            self._give_up(running)
        self._running.clear()
        self._waiting.clear()
        self._opened.close()

    def _take_event(self, event: tuple[float, Json]) -> None:
        """Hands an event over from Dask's thread to the one that calls `wait`."""
        _, body = event
        self._events.put((body["key"], body))

    def _take(self, running: _Running, event: Json) -> Done | None:
        """Deals with what happened to a task; returns how it ended, if it did."""
        match event["what"]:
            case "began":
                running.began = time.monotonic()
            case "message":
                self._on_message(running.slot, json.loads(event["message"]))
            case "ended":
                return self._finish(running)
            case "exceeded":
                return self._drop(running, event["cause"])
            case "lost":
                return self._drop(running, _DIED, is_lost=True)
        return None

    def _finish(self, running: _Running) -> Done:
        """Fetches the result of a task that has ended, and writes what it has written where it belongs."""
        from distributed import CancelledError, KilledWorker

        try:
            ended = running.future.result(timeout=_FETCH_SECONDS)
        except (CancelledError, KilledWorker, OSError):  # TimeoutError is one
            return self._drop(running, _DIED, is_lost=True)
        except Exception as error:  # Dask itself could not run it
            del self._running[running.key]
            return Done(running.slot, None, in_a_line(error), traceback.format_exc())
        if ended is None:
            return self._drop(running, _DIED, is_lost=True)
        del self._running[running.key]
        for name, content in ended["files"].items():
            write_whole(Path(running.task.payload[name]), content)
        if running.task.log is not None:
            write_whole(running.task.log, ended["log"])
        answer = json.loads(ended["answer"])
        return Done(running.slot, answer.get("result"), answer.get("cause", ""), answer.get("details", ""))

    def _drop(self, running: _Running, cause: str, *, is_lost: bool = False) -> Done:
        del self._running[running.key]
        self._give_up(running)
        return Done(running.slot, None, cause, is_lost=is_lost)

    def _give_up(self, running: _Running) -> None:
        """Makes sure that a task does not run, or run on; its thread can only be ended with its process."""
        with contextlib.suppress(_DisconnectedError, ClusterError):  # the next look says so
            with _connection():
                running.future.cancel()
            if running.address in self._workers:
                self._replace(running.address)

    def _replace(self, address: str) -> None:
        """Ends a worker's process; its nanny, or whatever else looks after it, starts another.

        `Client.restart_workers` would do the same in five seconds, waiting for what hangs and for the new process.
        """
        del self._workers[address]
        if address not in self._present():
            return
        with _connection():
            self._client.run(os._exit, 1, workers=[address], on_error="ignore")
        deadline = time.monotonic() + _LOOK_SECONDS
        while address in self._present() and time.monotonic() < deadline:
            time.sleep(0.01)  # were it taken for a new worker, Dask would try to connect to it for half a minute

    def _look(self) -> None:
        """Looks after the workers and what runs on them; puts what it finds behind the events that came before."""
        with contextlib.suppress(_DisconnectedError):
            present = self._refresh()
            for running in self._running.values():
                event = self._found(running, present)
                if event is not None:
                    self._events.put((running.key, event))
            self._assign()
        self._look_at = time.monotonic() + _LOOK_SECONDS

    def _found(self, running: _Running, present: Mapping[str, Any]) -> Json | None:
        """Returns what has happened to a task without an event of its own."""
        limits = self._limits
        if running.future.status in ("finished", "error"):
            return {"what": "ended"}
        if running.future.status != "pending" or running.address not in self._workers:
            return {"what": "lost"}
        if running.began is None:
            return None
        if limits.seconds is not None and time.monotonic() - running.began > limits.seconds:
            return {"what": "exceeded", "cause": f"took longer than {limits.seconds:g} s"}
        if limits.memory is not None and present[running.address]["metrics"].get("memory", 0) > limits.memory:
            return {"what": "exceeded", "cause": f"took more than {limits.memory / 2**20:,.0f} MiB of memory"}
        return None

    def _refresh(self) -> Mapping[str, Any]:
        """Learns which workers there are; returns what the scheduler knows of each, by address."""
        present = self._present()
        for address in self._workers.keys() - present.keys():
            del self._workers[address]
        self._admit(present.keys() - self._workers.keys() - self._refused.keys())
        if self._workers:
            self._workerless_since = None
        elif self._workerless_since is None:
            self._workerless_since = time.monotonic()
        elif time.monotonic() - self._workerless_since > _WORKERLESS_SECONDS:
            raise self._without_workers("all workers have left the cluster")
        return present

    def _present(self) -> Mapping[str, Any]:
        """Asks the scheduler for its workers; Dask's client meanwhile connects again if it has to."""
        deadline = time.monotonic() + self._timeout_s
        while self._client.status != "closed" and time.monotonic() < deadline:
            with contextlib.suppress(OSError):  # `scheduler_info` would hide it, and return what was true before
                found = self._client.sync(self._client.scheduler.identity, n_workers=-1)
                workers: Mapping[str, Any] = found["workers"]
                return workers
            time.sleep(0.1)
        raise unreachable("the connection to the scheduler is lost", self.address)

    def _admit(self, addresses: Iterable[str]) -> None:
        """Accepts the workers that have our versions."""
        asked = sorted(addresses)
        if not asked:
            return
        with _connection():
            answers = self._client.run(describe, workers=asked, on_error="return")
        for address, answer in answers.items():
            if isinstance(answer, OSError):  # it has died meanwhile
                continue
            found = difference(answer)
            if found:
                self._refused[address] = found
            else:
                self._workers[address] = _Worker(answer["id"])

    def _wait_for_workers(self) -> None:
        deadline = time.monotonic() + self._timeout_s
        while True:
            with contextlib.suppress(_DisconnectedError):
                self._refresh()
            if self._workers and not self._refused:
                return
            if self._refused:
                listed = "; ".join(f"{address}: {how}" for address, how in sorted(self._refused.items()))
                packages = " ".join(f"{name}=={version(name)}" for name in SAME_PACKAGES)
                raise UsageError(
                    f"workers are not like this machine: {listed}",
                    where=self.address,
                    hint=f"on the workers, with Python {python_version()}: pip install {packages} distributed",
                )
            if time.monotonic() > deadline:
                raise self._without_workers(f"no worker has joined within {self._timeout_s:g} s")
            time.sleep(0.1)

    def _without_workers(self, what: str) -> ClusterError:
        refused = "".join(f"; refused {address}: {how}" for address, how in self._refused.items())
        return ClusterError(f"{what}{refused}", where=self.address, hint=f"start some: dask worker {self.address}")

    def _assign(self) -> None:
        """Sends the tasks that wait to workers that have nothing to do, be it for us or for others."""
        if not self._waiting:
            return
        busy = {running.address for running in self._running.values()}
        free = [address for address in self._workers if address not in busy]
        with _connection():
            queued = self._client.processing(free) if free else {}
        for address in free:
            if not self._waiting:
                return
            if queued.get(address):
                continue
            if self._workers[address].tasks >= TASKS_PER_PROCESS:
                self._replace(address)
                continue
            slot = min(self._waiting)
            self._start(slot, self._waiting[slot], address)
            del self._waiting[slot]

    def _start(self, slot: int, task: Task, address: str) -> None:
        worker = self._workers[address]
        worker.tasks += 1
        key = f"{self._topic}-{uuid.uuid4().hex}"
        reads = {name: self._send(Path(task.payload[name]), address) for name in _given(task.payload, task.reads)}
        with _connection():
            # a scheduler that was lost and has come back knows of no one who listens
            self._client.subscribe_topic(self._topic, self._take_event)
            future = self._client.submit(
                run_task,
                self._runner,
                json.dumps(task.payload).encode(),
                reads=reads,
                writes={name: Path(task.payload[name]).name for name in _given(task.payload, task.writes)},
                topic=self._topic,
                task=key,
                worker=worker.id,
                key=key,
                workers=[address],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
        self._running[key] = _Running(key, slot, task, address, future)

    def _send(self, path: Path, address: str) -> list[str]:
        """Makes sure that a worker has a file or folder; returns where it has it, below the folder it keeps them in.

        If the worker dies meanwhile, so will the task that is about to be sent there.
        """
        digest = self._digests.of(path)
        with _connection():
            has = self._client.run(has_read, digest, workers=[address], on_error="ignore")
        if not has.get(address):
            packed = _packed(path)
            with _connection():
                self._client.run(keep_read, digest, packed, workers=[address], on_error="ignore")
        return [digest, path.name]


class _DisconnectedError(Exception):
    """Dask's client has no connection; it tries to get one again for as long as `_present` waits."""


@contextlib.contextmanager
def _connection() -> Iterator[None]:
    from distributed.client import ClosedClientError

    try:
        yield
    except (OSError, ClosedClientError) as error:
        raise _DisconnectedError from error


@dataclass
class _Worker:
    """A worker's process: the name that tells it from an earlier one at its address, and how much it has done."""

    id: str
    tasks: int = 0


@dataclass
class _Running:
    key: str
    slot: int
    task: Task
    address: str
    future: Any
    began: float | None = None


class _Digests:
    """Names files and folders by their content; one that has not changed since is not read again."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[list[tuple[str, int, int]], str]] = {}

    def of(self, path: Path) -> str:
        stamp = [(name, file.stat().st_size, file.stat().st_mtime_ns) for name, file in _files(path)]
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            known = self._known[path] = (stamp, _digest(path))
        return known[1]


def _given(payload: Json, keys: Iterable[str]) -> list[str]:
    return [key for key in keys if payload[key] is not None]


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


def _packed(path: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", strict_timestamps=False) as archive:
        if path.is_dir():
            archive.mkdir(path.name)  # an empty one arrives too
        for name, file in _files(path):
            archive.write(file, name)
    return packed.getvalue()
