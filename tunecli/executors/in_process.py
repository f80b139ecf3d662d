"""Runs tasks in this very process, one at a time: no start-up cost, and a debugger sees everything."""

from __future__ import annotations

import traceback
from importlib import import_module

from tunecli.errors import in_a_line
from tunecli.executors.base import Done, Json, OnMessage, Runner, Task
from tunecli.executors.logs import prints_to


class InProcess:
    """One slot, here. A task runs while `wait` is called, and cannot be ended from outside."""

    slots = 1

    def __init__(self, runner: str, on_message: OnMessage) -> None:
        module, function = runner.split(":")
        self._run: Runner = getattr(import_module(module), function)
        self._on_message = on_message
        self._pending: Task | None = None
        self._is_stopping = False
        self._fault: Exception | None = None

    def submit(self, slot: int, task: Task) -> None:
        """Keeps the task for `wait`."""
        assert slot == 0, f"there is one slot, not {slot + 1}"
        assert self._pending is None, "slot 0 is busy"
        self._pending = task

    def wait(self) -> list[Done]:
        """Runs what was submitted, and returns when it has ended."""
        if self._pending is None:
            return []
        task, self._pending = self._pending, None
        try:
            with prints_to(task.log):
                done = Done(0, self._run(task.payload, self._report))
        except Exception as error:  # a failed task is a result; KeyboardInterrupt goes through
            cause = in_a_line(error)
            done = Done(0, None, cause, traceback.format_exc())
        if self._fault is not None:
            raise self._fault
        return [done]

    def stop(self) -> None:
        """Asks what runs to end soon."""
        self._is_stopping = True

    def close(self) -> None:
        """Drops what was submitted and not run."""
        self._pending = None

    def _report(self, message: Json) -> bool:
        try:
            self._on_message(0, message)
        except Exception as error:  # goes to the caller of `wait`, whatever the task makes of it
            self._fault = error
            raise
        return self._is_stopping
