"""Processes killed with SIGKILL while a study of two workers runs, and trials that misbehave in every way.

The training is the stand-in of `standin`; `tests/benchmarks/chaos.py` does the same at length with real ones.
"""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.processes import slots_below
from tests.search.sessions import TUNERS, leaderboard, run_of, search, spec
from tests.search.standin import train, train_slowly
from tunecli.executors.base import Report
from tunecli.store.journal import read_journal
from tunecli.study.events import Asked, Finished, Started

WITH_TWO = {"limits": {"workers": 2}}
KILLED_AFTER = (4, 7, 6)
"""By session, the events after which its process is killed: while the first trials run, after an end, after a start."""

DRIVER = """
import os, signal, sys
from pathlib import Path

import psutil

from tests.search.sessions import search
from tunecli.search import slots
from tunecli.store.journal import Journal

append, left = Journal.append, int(sys.argv[2])

def append_and_die(journal, event):
    global left
    append(journal, event)
    left -= 1
    if left == 0:
        print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    slots.WARM_UP = ""
    Journal.append = append_and_die
    search(Path(sys.argv[1]))
"""


def killed_after(path: Path, events: int) -> list[int]:
    """Continues a study until its process has written so many events; returns the processes that it leaves behind."""
    command = [sys.executable, "-c", DRIVER, str(path), str(events)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == -9, done.stderr
    children = [int(pid) for pid in done.stdout.split()]
    _, left = psutil.wait_procs([psutil.Process(pid) for pid in children if psutil.pid_exists(pid)], timeout=5)
    return [process.pid for process in left]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By tuner, the spec of a study whose process was killed at each of `KILLED_AFTER`."""

    def kill(tuner: str) -> Path:
        path = spec(tmp_path_factory.mktemp(tuner), tuner, **WITH_TWO)
        left = [pid for events in KILLED_AFTER for pid in killed_after(path, events)]
        assert not left, "no process outlives its parent"
        return path

    with ThreadPoolExecutor(2) as pool:  # a session takes some seconds to start
        return dict(zip(TUNERS, pool.map(kill, TUNERS), strict=True))


@pytest.mark.usefixtures("light_slots")
@pytest.mark.parametrize("tuner", TUNERS)
def test_a_study_whose_process_was_killed_loses_nothing(tuner: str, killed: dict[str, Path], tmp_path: Path) -> None:
    path = killed[tuner]
    before = run_of(path).snapshot()
    snapshot = search(path).snapshot
    assert 0 < before.ended_count < len(snapshot.trials), "killed too early or too late to show anything"
    assert len(snapshot.completed) == len(snapshot.trials)
    if tuner in ("random", "grid"):
        assert leaderboard(snapshot) == leaderboard(search(spec(tmp_path, tuner, **WITH_TWO)).snapshot)
    events = read_journal(run_of(path).layout.journal).events
    asked = [event.suggestion.trial for event in events if isinstance(event, Asked) and event.suggestion]
    assert asked == list(range(len(asked))), "ids are unique"
    ends = Counter(event.trial for event in events if isinstance(event, Finished))
    assert ends == Counter(asked), "each trial ends once"
    ended: set[int] = set()
    for event in events:
        if isinstance(event, Finished):
            ended.add(event.trial)
        assert not (isinstance(event, Started) and event.trial in ended), "nothing that ended is run again"


@pytest.mark.usefixtures("light_slots")
def test_workers_that_are_killed_at_random_cost_attempts_and_nothing_else(tmp_path: Path) -> None:
    tuner = {"name": "random", "max_trials": 40}
    whole = search(spec(tmp_path, tuner=tuner))
    (tmp_path / "killed").mkdir()
    path = spec(tmp_path / "killed", tuner=tuner, limits={"workers": 2, "retries": 100})
    rng, over, kills = random.Random(0), threading.Event(), 0

    def kill_slots() -> None:
        nonlocal kills
        while not over.wait(rng.uniform(0.3, 1.2)):
            slots = slots_below(psutil.Process())
            if slots and run_of(path).exists() and run_of(path).snapshot().running:
                rng.choice(slots).kill()
                kills += 1

    killer = threading.Thread(target=kill_slots)
    killer.start()
    try:
        session = search(path, runner=train_slowly)
    finally:
        over.set()
        killer.join()
    assert kills >= 4
    assert len(session.snapshot.completed) == 40
    assert leaderboard(session.snapshot) == leaderboard(whole.snapshot)
    assert sum(trial.attempts - 1 for trial in session.snapshot.completed) <= kills, "the others' trials are untouched"


def misbehave(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Does what a trial should not, each in its own way."""

    def failing(message: dict[str, Any]) -> bool:
        if message["measurement"]["epoch"] == 3:
            raise RuntimeError("at epoch 3")
        return report(message)

    def not_a_number(message: dict[str, Any]) -> bool:
        message["measurement"]["metrics"]["val_rmse"] = math.nan
        return report(message)

    match Path(payload["state_out"]).name:
        case "state-0.npz":
            held = []
            while True:
                held.append(b"x" * 50_000_000)
        case "state-1.npz":
            time.sleep(3600)
        case "state-2.npz":
            os._exit(3)
        case "state-3.npz":
            return train(payload, failing)
        case "state-4.npz":
            return train(payload, not_a_number)
    return train_slowly(payload, report)


@pytest.mark.usefixtures("light_slots")
def test_trials_that_misbehave_end_with_their_causes(tmp_path: Path) -> None:
    limits = {"workers": 2, "trial_time": "3s", "trial_memory": "600MiB", "retries": 0}
    session = search(spec(tmp_path, tuner={"name": "random", "max_trials": 8}, limits=limits), runner=misbehave)
    assert {trial.id: trial.outcome.cause for trial in session.snapshot.failed if trial.outcome} == {
        0: "took more than 600 MiB of memory",
        1: "took longer than 3 s",
        2: "its worker died: exit code 3",
        3: "RuntimeError: at epoch 3",
        4: "val_rmse was not finite in any epoch",
    }
    assert {trial.id for trial in session.snapshot.completed} == {5, 6, 7}
    assert [each.epoch for each in session.run.own_measurements(3)] == [1, 2], "what it had reported is kept"
    assert "Traceback" in session.run.log(3)
