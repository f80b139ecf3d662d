"""Ctrl-C and SIGTERM: the first ends a search in order, the second ends the process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)

GRACE_S = 10
"""So long may it take to end in order. Trainings save what they have at the end of their epoch; one whose epochs take
longer goes on from where it saved last."""


class Interrupts:
    """Listens while it is entered.

    Args:
        say: Prints a line of progress.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._stop: Callable[[], None] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Begins to listen."""
        self._before = {each: signal.signal(each, self._first) for each in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leaves the signals as they were."""
        for each, handler in self._before.items():
            signal.signal(each, handler)

    @contextmanager
    def handed_to(self, stop: Callable[[], None]) -> Iterator[None]:
        """Lets the first signal call `stop` meanwhile; KeyboardInterrupt is raised only if that takes too long."""
        self._stop = stop
        before = signal.signal(signal.SIGALRM, _raise)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            self._stop = None

    def _first(self, signum: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, _end)
        if self._stop is None:
            self._say("\nstopping; press Ctrl-C again to stop at once")
            raise KeyboardInterrupt
        self._say("\nstopping: what runs is saved at the end of its epoch; press Ctrl-C again to stop at once")
        self._stop()
        signal.setitimer(signal.ITIMER_REAL, GRACE_S)


def _raise(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(signum: int, frame: FrameType | None) -> None:
    os._exit(130)
