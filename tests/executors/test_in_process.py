"""The in-process executor."""

from __future__ import annotations

import warnings
from pathlib import Path

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


def warn(payload, report):
    for _ in range(2):
        warnings.warn("twice at one place", UserWarning, stacklevel=1)
    return {}


def test_a_warning_is_in_the_log_of_each_task_once(tmp_path: Path) -> None:
    executor = InProcess(f"{__name__}:warn", lambda slot, message: None)
    for name in ("first", "second"):
        executor.submit(0, Task({}, log=tmp_path / "logs" / name))
        executor.wait()
        assert (tmp_path / "logs" / name).read_text().count("UserWarning: twice at one place") == 1


def test_an_interrupt_goes_through() -> None:
    executor = InProcess(f"{__name__}:interrupt", lambda slot, message: None)
    executor.submit(0, Task({}))
    with pytest.raises(KeyboardInterrupt):
        executor.wait()
