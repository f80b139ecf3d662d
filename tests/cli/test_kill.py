"""A search that is killed with SIGKILL, for real; `tests/benchmarks/kill_and_resume.py` does it at length."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

SPEC = {
    "name": "killed",
    "dataset": "advertising",
    "model": {"family": "mlp", "hidden_layers": 1, "units": 8, "dropout": 0.1},
    "search_space": {"learning_rate": {"min": 0.001, "max": 0.1, "log": True}},
    "tuner": {"name": "hyperband", "max_epochs": 4, "factor": 2},
    "limits": {"threads": 1},
    "baselines": False,
}
GIVE_UP_S = 120


def start(spec: Path, runs: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tunecli", "search", str(spec), "--runs", str(runs), "--quiet", "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> list[dict[str, Any]]:
    out, _ = process.communicate(timeout=GIVE_UP_S)
    assert process.returncode == 0
    trials: list[dict[str, Any]] = json.loads(out)["trials"]
    return trials


def wait_for_finished(journal: Path, count: int) -> None:
    deadline = time.monotonic() + GIVE_UP_S
    while not journal.exists() or journal.read_text().count('"event":"finished"') < count:
        assert time.monotonic() < deadline, "the search does not get on"
        time.sleep(0.02)


def test_a_killed_search_ends_like_one_left_alone(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(yaml.safe_dump(SPEC))
    journal = tmp_path / "killed" / "killed" / "journal.jsonl"
    process = start(spec, tmp_path / "killed")
    wait_for_finished(journal, 5)
    process.kill()
    process.communicate()
    finished = journal.read_text().count('"event":"finished"')
    assert finished < 10, "killed too late to show anything"
    killed = finish(start(spec, tmp_path / "killed"))
    assert killed == finish(start(spec, tmp_path / "whole"))
    events = map(json.loads, journal.read_text().splitlines())
    started = [event["trial"] for event in events if event["event"] == "started"]
    assert len(started) <= len(set(started)) + 1, "at most the trial that was cut off is run again"
