"""Runs tasks on a Dask cluster: on many machines, or in the processes of a `LocalCluster`.

    parent                                           worker
    submit(0, task)  ── payload, what it reads ──▶   run_task: runner(payload, report)
    wait()           ◀── events: began, messages ──
                     ◀── what it has written ──────  before the message that follows
    stop()           ── asked to end soon ────────▶  report returns True
                     ◀── result, what it wrote ────

Payloads, messages and results travel as JSON and files as bytes, so that no file system needs to be shared. A worker
runs one task at a time, whatever threads it has, since Keras' state belongs to the process. A task is bound to the one
worker it was sent to: Dask would run the task of a dead worker again on the next one, and that is for the caller to
decide. Starting a cluster is left to Dask's own tools, reaching one to `dask_connection`, which workers there are to
`dask_workers`, one task and its way there and back to `dask_tasks`, and what happens over there to `dask_worker`.
"""

from __future__ import annotations

import contextlib
import json
import queue
import time
import uuid

from tunecli.executors.base import Done, Json, OnMessage, Task, TaskLimits
from tunecli.executors.dask_connection import (
    LOCAL,
    DisconnectedError,
    TlsFiles,
    connected,
    local_cluster,
    needs_connection,
    require_dask,
    scheduler_address,
)
from tunecli.executors.dask_tasks import Sender, Sent
from tunecli.executors.dask_workers import Workers
from tunecli.store.files import write_whole

MOST_SLOTS = 64
"""So many at most, unless a number is asked for."""

_LOOK_SECONDS = 0.5
"""How often workers and limits are looked at."""

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
        self._on_message = on_message
        self._limits = limits or TaskLimits()
        self._topic = f"tunecli-{uuid.uuid4().hex}"
        self._events: queue.SimpleQueue[tuple[str, Json]] = queue.SimpleQueue()
        self._waiting: dict[int, Task] = {}
        self._running: dict[str, Sent] = {}
        self._look_at = 0.0
        self._is_stopping = False
        with contextlib.ExitStack() as opened:
            if self.address == LOCAL:
                self.address = opened.enter_context(local_cluster(slots))
            self._client = opened.enter_context(connected(self.address, tls, timeout_s))
            self._client.subscribe_topic(self._topic, self._take_event)
            self._workers = Workers(self._client, self.address, timeout_s=timeout_s)
            self._workers.wait_for_first()
            self._sender = Sender(runner, self._topic, self._client, self._workers)
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

    def stop(self) -> None:
        """Asks what runs, and what is still to run, to end soon; `wait` tells the workers."""
        self._is_stopping = True  # and nothing else: a signal handler may be here

    def close(self) -> None:
        """Drops what runs, with the processes that run it, and leaves the cluster."""
        for running in self._running.values():
            running.give_up()
        self._running.clear()
        self._waiting.clear()
        self._opened.close()

    def _take_event(self, event: tuple[float, Json]) -> None:
        """Hands an event over from Dask's thread to the one that calls `wait`."""
        _, body = event
        self._events.put((body["key"], body))

    def _take(self, running: Sent, event: Json) -> Done | None:
        """Deals with what happened to a task; returns how it ended, if it did."""
        match event["what"]:
            case "began":
                running.began = time.monotonic()
            case "message":
                if event["files"] and not running.fetch(event["files"]):
                    return self._drop(running, _DIED, is_lost=True)
                self._on_message(running.slot, json.loads(event["message"]))
            case "ended":
                return self._finish(running)
            case "exceeded":
                return self._drop(running, event["cause"])
            case "lost":
                return self._drop(running, _DIED, is_lost=True)
        return None

    def _finish(self, running: Sent) -> Done:
        result = running.result()
        if result is None:
            return self._drop(running, _DIED, is_lost=True)
        del self._running[running.key]
        if running.task.log is not None:
            write_whole(running.task.log, result["log"])
        answer = json.loads(result["answer"])
        return Done(running.slot, answer.get("result"), answer.get("cause", ""), answer.get("details", ""))

    def _drop(self, running: Sent, cause: str, *, is_lost: bool = False) -> Done:
        del self._running[running.key]
        running.give_up()
        return Done(running.slot, None, cause, is_lost=is_lost)

    def _look(self) -> None:
        """Looks after the workers and what runs on them; puts what it finds behind the events that came before."""
        with contextlib.suppress(DisconnectedError):
            self._workers.refresh()
            for running in self._running.values():
                event = self._found(running)
                if event is not None:
                    self._events.put((running.key, event))
                elif self._is_stopping:
                    running.ask_to_end()
            self._assign()
        self._look_at = time.monotonic() + _LOOK_SECONDS

    def _found(self, running: Sent) -> Json | None:
        """Returns what has happened to a task without an event of its own."""
        if running.has_ended:
            return {"what": "ended"}
        if running.is_lost:
            return {"what": "lost"}
        cause = running.exceeded(self._limits)
        return {"what": "exceeded", "cause": cause} if cause else None

    def _assign(self) -> None:
        """Sends the tasks that wait to workers that have nothing to do."""
        if not self._waiting:
            return
        with needs_connection():  # a scheduler that was lost and has come back knows of no one who listens
            self._client.subscribe_topic(self._topic, self._take_event)
        idle = self._workers.idle({running.address for running in self._running.values()})
        for slot, address in zip(sorted(self._waiting), idle, strict=False):
            sent = self._sender.send(slot, self._waiting[slot], address, is_ending=self._is_stopping)
            self._running[sent.key] = sent
            del self._waiting[slot]
