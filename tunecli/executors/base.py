"""The protocol of an executor: slots that each run one task at a time.

    def runner(payload, report):         # a plain function, named `module:function`
        if report({"epoch": 1, …}):      # any number of JSON messages on the way
            …                            # it was asked to end soon
        return {…}                       # one JSON result

    executor.submit(slot, Task(payload))
    for done in executor.wait(): …       # messages went to `on_message` in the meantime

Payloads, messages and results are JSON. An exception that leaves the runner is a `Done` with its text, and so is a
worker that dies: a failed task never stops an executor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Json = dict[str, Any]

Report = Callable[[Json], bool]
"""Passes a message on; returns whether the task is asked to end soon."""

Runner = Callable[[Json, Report], Json]
"""What a slot runs: payload and `report` in, result out."""

OnMessage = Callable[[int, Mapping[str, Any]], None]
"""Called in the parent with the slot and the message, while `wait` runs."""


@dataclass(frozen=True)
class Task:
    """What a slot is given to run.

    Attributes:
        payload: What the runner gets.
        reads: Keys of the payload that hold the path of a file or folder the runner reads; None is none.
        writes: Keys of the payload that hold the path of a file the runner may write; None is none. It may do so more
            than once, each time whole (written beside, then renamed): when it reports, what it has written until then
            is in place before `on_message` is called.
        log: Where what the runner prints and writes to stderr goes, if the executor can tell it from the parent's own.
    """

    payload: Json
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    log: Path | None = None


@dataclass(frozen=True)
class Done:
    """A task has ended.

    Attributes:
        slot: Where.
        result: What the runner returned, or None if it raised or its worker died.
        cause: The exception in a line, or how the worker died, or "".
        details: A traceback, or "".
        is_lost: The worker died by itself: the task may be worth another attempt.
    """

    slot: int
    result: Json | None
    cause: str = ""
    details: str = ""
    is_lost: bool = False


@dataclass(frozen=True)
class TaskLimits:
    """What one task may use before it is ended.

    Attributes:
        seconds: Wall-clock time from the moment it runs; None for no limit.
        memory: Resident bytes of its worker; None for no limit.
    """

    seconds: float | None = None
    memory: int | None = None


class Executor(Protocol):
    """Runs tasks in slots."""

    @property
    def slots(self) -> int:
        """How many tasks may run at the same time; slots are numbered from 0."""
        ...

    def submit(self, slot: int, task: Task) -> None:
        """Gives an idle slot something to run."""
        ...

    def wait(self) -> list[Done]:
        """Waits until something ends; returns at least one `Done` if anything runs, else none."""
        ...

    def stop(self) -> None:
        """Asks what runs to end soon: from now on `report` returns True. A signal handler may call it."""
        ...

    def close(self) -> None:
        """Ends the slots; what runs is dropped."""
        ...
