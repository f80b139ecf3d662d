"""Slots in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.executors import runners
from tunecli.executors import process_slots
from tunecli.executors.base import Task, TaskLimits
from tunecli.executors.process_slots import ProcessSlots, SlotSettings

RUNNER = f"{runners.__name__}:run"
Messages = list[tuple[int, Any]]


@pytest.fixture
def messages() -> Messages:
    return []


@pytest.fixture
def slots(messages: Messages) -> Iterator[ProcessSlots]:
    executor = ProcessSlots(RUNNER, lambda slot, message: messages.append((slot, message)), (SlotSettings(),) * 2)
    yield executor
    executor.close()


def test_tasks_run_at_the_same_time_in_processes_of_their_own(slots: ProcessSlots, messages: Messages) -> None:
    for slot in range(2):
        slots.submit(slot, Task({"n": slot, "reports": 3}))
    done = []
    while found := slots.wait():
        done += found
    assert sorted(each.result["n"] for each in done if each.result) == [0, 1]
    assert len({each.result["pid"] for each in done if each.result} | {os.getpid()}) == 3
    assert [message["part"] for slot, message in messages if slot == 1] == [0, 1, 2]


def test_a_process_serves_many_tasks(slots: ProcessSlots) -> None:
    pids = set()
    for number in range(20):
        slots.submit(0, Task({"n": number}))
        (done,) = slots.wait()
        assert done.result is not None
        assert done.result["n"] == number
        pids.add(done.result["pid"])
    assert len(pids) == 1


def test_an_exception_is_a_result(slots: ProcessSlots) -> None:
    slots.submit(0, Task({"do": "fail"}))
    (done,) = slots.wait()
    assert (done.result, done.cause, done.is_lost) == (None, "ValueError: no", False)
    assert "second line" in done.details


def test_a_process_that_dies_is_replaced(slots: ProcessSlots, messages: Messages) -> None:
    slots.submit(0, Task({"do": "die"}))
    slots.submit(1, Task({"n": 1}))
    ended = {done.slot: done for done in [*slots.wait(), *slots.wait()]}
    assert (ended[0].is_lost, ended[0].cause) == (True, "its worker died: exit code 3")
    assert ended[1].result is not None, "one that crashes takes no other with it"
    assert [slot for slot, _ in messages] == [0], "what it reported before arrives"
    slots.submit(0, Task({"n": 2}))
    (done,) = slots.wait()
    assert done.result is not None


def test_the_signal_that_killed_is_named(slots: ProcessSlots, tmp_path: Path) -> None:
    slots.submit(0, Task({"do": "die once", "mark": str(tmp_path / "mark")}))
    (done,) = slots.wait()
    assert done.cause == "its worker died: killed by SIGKILL"


def test_one_that_died_idle_is_replaced(slots: ProcessSlots) -> None:
    slots.submit(0, Task({"n": 1}))
    (done,) = slots.wait()
    assert done.result is not None
    process = psutil.Process(done.result["pid"])
    process.kill()
    process.wait(timeout=5)
    slots.submit(0, Task({"n": 2}))
    (again,) = slots.wait()
    assert again.result is not None


@pytest.mark.parametrize(
    ("limits", "task", "cause"),
    [
        (TaskLimits(seconds=0.5), {"do": "sleep", "seconds": 60}, "took longer than 0.5 s"),
        (
            TaskLimits(memory=300 * 2**20),
            {"do": "grow", "bytes": 400 * 2**20, "seconds": 60},
            "took more than 300 MiB of memory",
        ),
    ],
    ids=["time", "memory"],
)
def test_limits_end_a_task_within_two_seconds(limits: TaskLimits, task: dict[str, Any], cause: str) -> None:
    executor = ProcessSlots(RUNNER, lambda slot, message: None, (SlotSettings(),), limits=limits)
    try:
        executor.submit(0, Task({"n": 1}))
        executor.wait()  # the process is up
        executor.submit(0, Task(task))
        began = time.monotonic()
        (done,) = executor.wait()
        assert (done.cause, done.is_lost) == (cause, False)
        assert time.monotonic() - began < 0.5 + 2 + 3, "generous, for a busy machine"
        executor.submit(0, Task({"n": 2}))
        assert executor.wait()[0].result is not None
    finally:
        executor.close()


def test_settings_are_there_before_anything_is_imported(messages: Messages) -> None:
    processor = sorted(os.sched_getaffinity(0))[-1]
    settings = SlotSettings((processor,), {"TUNECLI_TEST": "set"})
    executor = ProcessSlots(RUNNER, lambda slot, message: None, (settings,))
    try:
        executor.submit(0, Task({}))
        (done,) = executor.wait()
    finally:
        executor.close()
    assert done.result is not None
    assert (done.result["processors"], done.result["variable"]) == ([processor], "set")
    assert "TUNECLI_TEST" not in os.environ


def test_stderr_goes_to_the_log(slots: ProcessSlots, tmp_path: Path) -> None:
    slots.submit(0, Task({"do": "complain"}, log=tmp_path / "some" / "log.txt"))
    slots.wait()
    assert (tmp_path / "some" / "log.txt").read_text() == "a warning\nfrom C++\n"


def test_a_warning_is_in_the_log_of_each_task_once(slots: ProcessSlots, tmp_path: Path) -> None:
    for name in ("first", "second"):
        slots.submit(0, Task({"do": "warn"}, log=tmp_path / name))
        slots.wait()
        assert (tmp_path / name).read_text().count("UserWarning: twice at one place") == 1


def pids_of_tasks(executor: ProcessSlots, *, most: int = 100_000) -> Iterator[int]:
    for _ in range(most):
        executor.submit(0, Task({}))
        (done,) = executor.wait()
        assert done.result is not None
        yield done.result["pid"]


@pytest.mark.parametrize("worn", ["WORN_BYTES", "WORN_TASKS"])
def test_a_worn_process_serves_until_the_next_is_ready(worn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_slots, worn, 1)
    executor = ProcessSlots(
        RUNNER, lambda slot, message: None, (SlotSettings(),), warm_up="tests.executors.runners:warm_up"
    )
    try:
        pids = pids_of_tasks(executor)
        first = next(pids)
        served = 1 + sum(1 for _ in takewhile(lambda pid: pid == first, pids))
    finally:
        executor.close()
    assert 1 < served < 100_000, "it goes on while the other one gets ready, and no longer"


def test_a_process_that_holds_too_much_is_replaced_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_slots, "MOST_BYTES", 1)
    executor = ProcessSlots(RUNNER, lambda slot, message: None, (SlotSettings(),))
    try:
        assert len(set(pids_of_tasks(executor, most=2))) == 2
    finally:
        executor.close()


def test_closing_leaves_no_process(messages: Messages) -> None:
    before = set(psutil.Process().children(recursive=True))
    executor = ProcessSlots(RUNNER, lambda slot, message: messages.append((slot, message)), (SlotSettings(),) * 2)
    executor.submit(0, Task({"do": "sleep", "seconds": 60}))
    executor.close()
    left = [
        each
        for each in set(psutil.Process().children(recursive=True)) - before
        if "resource_tracker" not in " ".join(each.cmdline())
    ]
    assert left == []


PARENT = """
import os, sys
from tunecli.executors.base import Task
from tunecli.executors.process_slots import ProcessSlots, SlotSettings

if __name__ == "__main__":
    executor = ProcessSlots("tests.executors.runners:run", lambda slot, message: print(message["pid"], flush=True),
                            (SlotSettings(),) * 2)
    for slot in range(2):
        executor.submit(slot, Task({"do": "sleep", "seconds": 600}))
    executor.wait()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_slots_die_with_their_parent(how: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    top = Path(__file__).parent.parent.parent
    environment = os.environ | {"PYTHONPATH": str(top)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pids = [int(parent.stdout.readline()) for _ in range(2)]
        parent.send_signal(how)
        parent.wait()
        alive = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
        _, left = psutil.wait_procs(alive, timeout=5)
    assert not left
