"""Runs tasks in processes of this machine: one spawned process a slot, kept warm from task to task.

    parent                                       slot
                      ◀── ready ──────────────   warmed up
    submit(0, task)   ── task ───────────────▶   runner(payload, report)
    wait()            ◀── messages, result ───
    stop()            ── stop ───────────────▶   report(…) returns True
                      ◀── end of the pipe, or a process that is no more: another one takes its place

A process has its slot to itself, so that one that crashes, hangs or grows takes nothing else with it. It dies with its
parent, however that dies: a thread of it waits for the parent's end. Where warming up takes seconds, processes can be
forked from one that has done it for all of them (`fork_server`).
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import psutil

from tunecli.errors import in_a_line
from tunecli.executors import fork_server
from tunecli.executors.base import Done, Json, OnMessage, Runner, Task, TaskLimits
from tunecli.executors.fork_server import named
from tunecli.executors.logs import output_to

WORN_BYTES = 1_200_000_000
"""A process that holds more than this after a task is worn: compiled programs are never given back. Another one starts
beside it, and takes its place after the first task that ends when it is ready, so that no one waits for it."""

MOST_BYTES = 1_400_000_000
"""A process that holds more than this is replaced at once, be the next one ready or not."""

WORN_TASKS = 1_000
"""After so many tasks a process is worn too, whatever else may pile up in it."""

_LOOK_SECONDS = 1.0
"""How often time and memory of running tasks are looked at."""


@dataclass(frozen=True)
class SlotSettings:
    """What one slot has to itself.

    Attributes:
        processors: The processors it may use; () for all.
        environment: Variables that are set before the warm-up, such as CUDA_VISIBLE_DEVICES.
    """

    processors: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class ProcessSlots:
    """Slots in processes of their own."""

    def __init__(
        self,
        runner: str,
        on_message: OnMessage,
        settings: tuple[SlotSettings, ...],
        *,
        warm_up: str = "",
        warms_up_once: bool = False,
        limits: TaskLimits | None = None,
    ) -> None:
        """Starts what the slots need, without waiting for it.

        Args:
            runner: What runs a task, as `module:function`.
            on_message: Told what running tasks report.
            settings: One for each slot.
            warm_up: A function without arguments that each process calls once, before its first task.
            warms_up_once: Fork the processes from one that has called it, where that can be done; for a warm-up that
                imports, and starts no thread and no device.
            limits: What one task may use.
        """
        self._on_message = on_message
        self._limits = limits or TaskLimits()
        forks = warms_up_once and fork_server.IS_SUPPORTED
        # forking a process that has TensorFlow's threads, as the parent may have, would hang
        context = fork_server.start(warm_up) if forks else multiprocessing.get_context("spawn")
        self._slots = [_Slot(number, each, runner, warm_up, context) for number, each in enumerate(settings)]
        self._is_stopping = False
        if not forks:  # a server answers once it has warmed up: copies are asked for when there is something to do
            for slot in self._slots:
                slot.start()

    @property
    def slots(self) -> int:
        """How many tasks may run at the same time."""
        return len(self._slots)

    def submit(self, slot: int, task: Task) -> None:
        """Gives an idle slot something to run."""
        self._slots[slot].submit(task)

    def wait(self) -> list[Done]:
        """Waits until a task ends, passing on what the running ones report; returns none if nothing runs."""
        done: list[Done] = []
        while not done and (busy := [slot for slot in self._slots if slot.is_busy]):
            ready = set(wait([handle for slot in busy for handle in slot.handles], timeout=_LOOK_SECONDS))
            for slot in busy:
                if self._is_stopping:
                    slot.stop()
                ended = self._take(slot) if ready & set(slot.handles) else None
                ended = ended or slot.exceeded(self._limits)
                done += [ended] if ended else []
        return done

    def stop(self) -> None:
        """Asks what runs to end soon; `wait` passes it on."""
        self._is_stopping = True

    def close(self) -> None:
        """Ends the processes; what runs is dropped."""
        for slot in self._slots:
            slot.close()

    def _take(self, slot: _Slot) -> Done | None:
        """Passes on what a slot has sent, up to the end of its task or of its process."""
        while (sent := slot.receive()) is not None:
            if "message" in sent:
                self._on_message(slot.number, sent["message"])
            elif "result" in sent or "cause" in sent:
                return slot.finish(sent)
        return None if slot.is_alive else slot.lose()


class _Slot:
    """One slot: the process that serves it now, and the one that may serve it next."""

    def __init__(self, number: int, settings: SlotSettings, runner: str, warm_up: str, context: BaseContext) -> None:
        self.number = number
        self._make: Callable[[], _Worker] = lambda: _Worker(settings, runner, warm_up, context)
        self._now: _Worker | None = None
        self._next: _Worker | None = None
        self._task: Task | None = None
        self._began: float | None = None
        self._is_told_to_stop = False

    def start(self) -> None:
        """Starts its process, which warms up meanwhile."""
        self._now = self._make()

    @property
    def _worker(self) -> _Worker:
        assert self._now is not None, f"slot {self.number} has never had anything to do"
        return self._now

    @property
    def is_busy(self) -> bool:
        return self._task is not None

    @property
    def is_alive(self) -> bool:
        return not wait([self._worker.process.sentinel], timeout=0)

    @property
    def handles(self) -> tuple[Any, ...]:
        """What the system wakes `wait` up for: something was sent, or the process has ended."""
        return self._worker.connection, self._worker.process.sentinel

    def submit(self, task: Task) -> None:
        assert self._task is None, f"slot {self.number} is busy"
        if self._now is None:
            self.start()
        elif not self.is_alive:  # it died idle
            self._replace()
        self._task, self._began, self._is_told_to_stop = task, None, False
        self._worker.tasks += 1
        with contextlib.suppress(OSError):  # it dies at this very moment: `wait` notices
            self._worker.send({"payload": task.payload, "log": str(task.log) if task.log else None})

    def stop(self) -> None:
        if not self._is_told_to_stop:
            self._is_told_to_stop = True
            with contextlib.suppress(OSError):
                self._worker.send({"stop": True})

    def receive(self) -> dict[str, Any] | None:
        """Returns what has been sent, or None if nothing is there (any more)."""
        sent = self._worker.receive()
        if sent is not None and "began" in sent:
            self._began = time.monotonic()
        return sent

    def finish(self, sent: dict[str, Any]) -> Done:
        self._task = None
        memory = self._worker.memory()
        if self._next is None and (memory > WORN_BYTES or self._worker.tasks >= WORN_TASKS):
            self._next = self._make()
        if memory > MOST_BYTES or (self._next is not None and self._next.is_ready()):
            self._replace()
        return Done(self.number, sent.get("result"), sent.get("cause", ""), sent.get("details", ""))

    def lose(self) -> Done:
        """Ends a task whose process has died by itself."""
        self._worker.process.join(_LOOK_SECONDS)  # its end is seen a moment before its exit code
        code = self._worker.process.exitcode
        how = f"killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        return self._end(f"its worker died: {how}", is_lost=True)

    def exceeded(self, limits: TaskLimits) -> Done | None:
        """Ends a task that has used more than it may."""
        if self._began is None or self._task is None:
            return None
        if limits.seconds is not None and time.monotonic() - self._began > limits.seconds:
            return self._end(f"took longer than {limits.seconds:g} s")
        if limits.memory is not None and self._worker.memory() > limits.memory:
            return self._end(f"took more than {limits.memory / 2**20:,.0f} MiB of memory")
        return None

    def close(self) -> None:
        for worker in (self._now, self._next):
            if worker is not None:
                worker.kill()

    def _end(self, cause: str, *, is_lost: bool = False) -> Done:
        self._task = None
        self._replace()
        return Done(self.number, None, cause, is_lost=is_lost)

    def _replace(self) -> None:
        self._worker.kill()
        self._now, self._next = self._next or self._make(), None


class _Worker:
    """A process and the parent's end of the pipe to it."""

    def __init__(self, settings: SlotSettings, runner: str, warm_up: str, context: BaseContext) -> None:
        self.connection, theirs = context.Pipe()
        variables = {**os.environ, **settings.environment}
        self.process = context.Process(  # type: ignore[attr-defined]  # every context has one
            target=_serve,
            args=(theirs, runner, warm_up, variables, settings.processors),
            name="tunecli-slot",
            daemon=True,
        )
        self.process.start()
        theirs.close()
        self.tasks = 0

    def is_ready(self) -> bool:
        """Whether a process that was given nothing yet waits for its first task."""
        return self.connection.poll() or not self.process.is_alive()

    def send(self, message: Json) -> None:
        self.connection.send_bytes(json.dumps(message).encode())

    def receive(self) -> dict[str, Any] | None:
        """Returns what has been sent, or None if nothing is there (any more)."""
        try:
            return json.loads(self.connection.recv_bytes()) if self.connection.poll() else None
        except (EOFError, OSError):
            self.process.join(_LOOK_SECONDS)  # the pipe ends a moment before the process
            return None

    def memory(self) -> int:
        """Returns its resident bytes; 0 for a process that is no more."""
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(
    connection: Connection, runner: str, warm_up: str, variables: Mapping[str, str], processors: tuple[int, ...]
) -> None:
    """Runs tasks until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group, and is the parent's to answer
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.environ.update(variables)
    if processors and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors)

    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        if warm_up:
            named(warm_up)()
        run = named(runner)
        _send(connection, {"ready": True})
        while True:
            task = json.loads(connection.recv_bytes())
            if "payload" in task:  # the other thing that may come is a `stop` for a task that has ended meanwhile
                _send(connection, {"began": True})
                connection.send_bytes(_run(run, task, connection))


def _run(run: Runner, task: Json, connection: Connection) -> bytes:
    """Runs a task; returns what to answer."""
    is_stopping = False

    def report(message: Json) -> bool:
        nonlocal is_stopping
        _send(connection, {"message": message})
        if connection.poll():  # nothing but `stop` comes while a task runs
            connection.recv_bytes()
            is_stopping = True
        return is_stopping

    try:
        with output_to(Path(task["log"]) if task["log"] else None):
            result = run(task["payload"], report)
        return json.dumps({"result": result}).encode()  # what is no JSON is the task's own fault
    except Exception as error:
        cause = in_a_line(error)
        return json.dumps({"cause": cause, "details": traceback.format_exc()}).encode()


def _send(connection: Connection, message: Json) -> None:
    connection.send_bytes(json.dumps(message).encode())


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)
