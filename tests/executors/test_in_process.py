"""The in-process executor."""

from __future__ import annotations

import pytest

from tunecli.executors.base import Task
from tunecli.executors.in_process import InProcess


def double(payload, report):
    report({"half": payload["n"]})
    return {"n": 2 * payload["n"]}


def fail(payload, report):
    raise ValueError("no\nsecond line")


def interrupt(payload, report):
    raise KeyboardInterrupt


def test_a_payload_runs_and_reports() -> None:
    messages = []
    executor = InProcess(f"{__name__}:double", lambda slot, message: messages.append((slot, message)))
    executor.submit(0, Task({"n": 21}))
    (done,) = executor.wait()
    assert (done.slot, done.result, messages) == (0, {"n": 42}, [(0, {"half": 21})])
    assert executor.wait() == []


def test_an_exception_is_a_result() -> None:
    executor = InProcess(f"{__name__}:fail", lambda slot, message: None)
    executor.submit(0, Task({}))
    (done,) = executor.wait()
    assert done.result is None
    assert done.cause == "ValueError: no"
    assert "second line" in done.details


def test_an_interrupt_goes_through() -> None:
    executor = InProcess(f"{__name__}:interrupt", lambda slot, message: None)
    executor.submit(0, Task({}))
    with pytest.raises(KeyboardInterrupt):
        executor.wait()
