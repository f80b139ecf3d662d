"""The protocol of an executor: slots that each run one payload at a time.

    def runner(payload, report):         # a plain function, named `module:function`
        report({"epoch": 1, …})          # any number of JSON messages on the way
        return {…}                       # one JSON result

    executor.submit(slot, payload)
    for done in executor.wait(): …       # messages went to `on_message` in the meantime

Payloads, messages and results are JSON. An exception that leaves the runner is a `Done` with its text: a failed payload
never stops an executor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Json = dict[str, Any]

Runner = Callable[[Json, Callable[[Json], None]], Json]
"""What a slot runs: payload and `report` in, result out."""

OnMessage = Callable[[int, Mapping[str, Any]], None]
"""Called in the parent with the slot and the message, while `wait` runs."""


@dataclass(frozen=True)
class Done:
    """A payload has ended.

    Attributes:
        slot: Where.
        result: What the runner returned, or None if it raised.
        cause: The exception in a line, or "".
        details: Its traceback, or "".
    """

    slot: int
    result: Json | None
    cause: str = ""
    details: str = ""


class Executor(Protocol):
    """Runs payloads in slots."""

    @property
    def slots(self) -> int:
        """How many payloads may run at the same time; slots are numbered from 0."""
        ...

    def submit(self, slot: int, payload: Json) -> None:
        """Gives an idle slot something to run."""
        ...

    def wait(self) -> list[Done]:
        """Waits until something ends; returns at least one `Done` if anything runs, else none."""
        ...

    def close(self) -> None:
        """Ends the slots; what runs is dropped."""
        ...
