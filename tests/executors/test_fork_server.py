"""Processes that are forked from one that has warmed up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tunecli.executors.fork_server import IS_SUPPORTED, ONE_THREAD

pytestmark = pytest.mark.skipif(not IS_SUPPORTED, reason="forks on Linux alone")

TOP = Path(__file__).parent.parent.parent

PARENT = """
import os, sys
from tunecli.executors.base import Task
from tunecli.executors.process_slots import ProcessSlots, SlotSettings

if __name__ == "__main__":
    os.environ["TUNECLI_TEST"] = "set after the server was started"
    slots = ProcessSlots("tests.executors.runners:run", print, (SlotSettings(),) * 2, warm_up=sys.argv[1],
                         warms_up_once=True)
    for slot in range(2):
        slots.submit(slot, Task({"do": "die"} if slot else {}))
    print(sum(len(slots.wait()) for _ in range(2)))
    slots.submit(1, Task({}))  # in a process that takes the place of the one that died
    print(slots.wait()[0].result["variable"])
    slots.close()
"""


def pids_that_warmed_up(warm_up: str, tmp_path: Path) -> list[str]:
    script, marks = tmp_path / "parent.py", tmp_path / "marks"
    script.write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": str(TOP), "TUNECLI_MARKS": str(marks)}
    command = [sys.executable, script, f"tests.executors.runners:{warm_up}"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert done.stdout.splitlines()[-2:] == ["2", "set after the server was started"]
    assert done.stderr == ""
    pids = marks.read_text().split()
    _, left = psutil.wait_procs([psutil.Process(int(pid)) for pid in set(pids) if psutil.pid_exists(int(pid))], 5)
    assert not left, "the server ends with its parent"
    return pids


def test_processes_share_what_was_imported_once(tmp_path: Path) -> None:
    assert len(pids_that_warmed_up("mark_once", tmp_path)) == 1


def test_a_process_with_threads_is_not_forked(tmp_path: Path) -> None:
    server, *copies = pids_that_warmed_up("mark_and_start_a_thread", tmp_path)
    assert len({server, *copies}) == 4, "each of the three processes has warmed up by itself"


def test_a_warm_up_that_fails_is_told_by_the_slots(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        pids_that_warmed_up("fail_to_warm_up", tmp_path)
    assert "ImportError: no such library" in failed.value.stderr


def test_importing_what_trials_need_starts_no_thread() -> None:
    code = "import os; from tunecli.training.run_trial import warm_up; warm_up(); print(os.listdir('/proc/self/task'))"
    environment = os.environ | ONE_THREAD
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert len(eval(done.stdout)) == 1
