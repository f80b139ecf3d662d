"""Runs tasks in this very process, one at a time: no start-up cost, and a debugger sees everything."""

from __future__ import annotations

import traceback
from importlib import import_module

from tunecli.executors.base import Done, Json, OnMessage, Runner, Task


class InProcess:
    """One slot, here. A task runs while `wait` is called, and cannot be ended from outside."""

    slots = 1

    def __init__(self, runner: str, on_message: OnMessage) -> None:
        module, function = runner.split(":")
        self._run: Runner = getattr(import_module(module), function)
        self._on_message = on_message
        self._pending: Json | None = None

    def submit(self, slot: int, task: Task) -> None:
        """Keeps the task for `wait`."""
        assert slot == 0, f"there is one slot, not {slot + 1}"
        assert self._pending is None, "slot 0 is busy"
        self._pending = task.payload

    def wait(self) -> list[Done]:
        """Runs what was submitted, and returns when it has ended."""
        if self._pending is None:
            return []
        payload, self._pending = self._pending, None
        try:
            result = self._run(payload, lambda message: self._on_message(0, message))
        except Exception as error:  # a failed task is a result; KeyboardInterrupt goes through
            cause = f"{type(error).__name__}: {error}".splitlines()[0]
            return [Done(0, None, cause, traceback.format_exc())]
        return [Done(0, result)]

    def close(self) -> None:
        """Drops what was submitted and not run."""
        self._pending = None
