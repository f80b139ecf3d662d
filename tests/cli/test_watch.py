from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import LINEAR
from tests.studies import Planted, write_study
from tunecli.plan import Plan
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy
from tunecli.study.events import EndReason, Finished, SessionEnded, SessionStarted
from tunecli.study.trial import Outcome, TrialStatus

Cli = Callable[..., tuple[int, str, str]]
MakeRun = Callable[..., Run]
GIVE_UP_S = 120


@pytest.fixture
def make_run(make_plan: Callable[..., Plan]) -> MakeRun:
    """Makes a study in `runs`, begun a minute ago: a trial that ended, given a score or a cause, and one that runs."""

    def make(result: float | str | None = 0.5, *, end: EndReason | None = None, name: str = "study") -> Run:
        search = {"search_space": {"units": [4, 8, 16]}, "tuner": "grid", "training": {"epochs": 30}}
        plan = make_plan(name=name, model="mlp", **search)
        trials = [Planted({"units": 4}, result), Planted({"units": 4}, slot=1)]
        return write_study(Path("runs"), plan, trials, end=end, at=time.time() - 60)

    return make


def test_a_search_is_watched_to_its_end(tmp_path: Path) -> None:
    spec = tmp_path / "linear.yaml"
    spec.write_text(yaml.safe_dump({**LINEAR, "tuner": {"name": "random", "max_trials": 4}}))
    runs = tmp_path / "runs"
    tunecli = [sys.executable, "-m", "tunecli"]
    search = subprocess.Popen([*tunecli, "search", str(spec), "--runs", str(runs), "--quiet"], stdout=subprocess.PIPE)
    deadline = time.monotonic() + GIVE_UP_S
    while not Run(runs / "linear").exists():  # it begins a study once it has read the data, before TensorFlow starts
        assert time.monotonic() < deadline, "the search does not begin"
        assert search.poll() is None
        time.sleep(0.02)
    watched = subprocess.run(
        [*tunecli, "watch", "--runs", str(runs), "--interval", "0.1", "linear"],
        capture_output=True,
        text=True,
        timeout=GIVE_UP_S,
        check=False,
    )
    assert search.wait(GIVE_UP_S) == 0
    assert watched.returncode == 0, watched.stderr
    ended = [line for line in watched.stderr.splitlines() if line.startswith("trial ")]
    assert [line.split("  ")[0] for line in ended] == [f"trial {each} ({each + 1}/4)" for each in range(4)]
    assert watched.stderr.splitlines()[-1] == "next: tunecli retrain --full linear"
    assert search.stdout is not None
    assert watched.stdout == search.stdout.read().decode(), "the leaderboard that the search ends with"


def test_a_study_that_has_ended_is_shown_at_once(make_run: MakeRun, cli: Cli) -> None:
    make_run(end=EndReason.EXHAUSTED)
    code, out, err = cli("watch")
    assert code == 0
    assert "0.5000" in out
    assert err.splitlines()[0] == "study: 1 of 3 trials done, best val_rmse 0.5000 (trial 0)"


def test_a_search_that_was_killed(make_run: MakeRun, cli: Cli) -> None:
    with OpenStudy(make_run()):
        pass  # leaves in the lock who had the study
    code, out, err = cli("watch", "study")
    assert code == 130
    assert "0.5000" in out
    assert f"nobody searches here now: interrupted after 1 trial; the last was process {os.getpid()} on " in err
    assert err.endswith("hint: the same tunecli search command goes on from there\n")


def test_a_search_that_has_failed(make_run: MakeRun, cli: Cli) -> None:
    make_run("out of memory", end=EndReason.FAILURES)
    code, out, err = cli("watch", "study")
    assert (code, out) == (1, "")
    assert "the search has failed: 1 of 1 trials\nhint: see why: tunecli why study" in err


def test_it_waits_while_somebody_works_on_the_study(make_run: MakeRun, cli: Cli) -> None:
    found = make_run(end=EndReason.EXHAUSTED)
    is_open, may_go_on = threading.Event(), threading.Event()

    def go_on() -> None:
        with OpenStudy(found) as study:
            is_open.set()
            may_go_on.wait(GIVE_UP_S)
            study.record(SessionStarted(at=time.time(), host="here", pid=2, tunecli="0"))
            outcome = Outcome(TrialStatus.COMPLETED, 0.4, 4, epochs_run=5, duration_s=10.0)
            study.record(Finished(at=time.time(), trial=1, outcome=outcome))
            study.record(SessionEnded(at=time.time(), reason=EndReason.EXHAUSTED))

    search = threading.Thread(target=go_on)
    search.start()
    assert is_open.wait(GIVE_UP_S)
    threading.Timer(0.5, may_go_on.set).start()
    code, _, err = cli("watch", "--interval", "0.1")
    search.join()
    assert code == 0
    lines = err.splitlines()
    assert lines[1] == "the search has ended; a process is still at work on the study"
    assert "trial 1 (2/3)  val_rmse 0.4000 (the best so far)" in err


def test_ctrl_c_ends_the_watching_alone(make_run: MakeRun, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with OpenStudy(make_run()):
        monkeypatch.setattr("tunecli.cli.watch.time.sleep", interrupt)
        code, out, err = cli("watch")
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "watched no longer; look again: tunecli watch study"


def test_a_study_that_is_deleted_meanwhile(make_run: MakeRun, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    found = make_run()
    with OpenStudy(found) as study:

        def remove(_: float) -> None:
            study.layout.journal.unlink(missing_ok=True)
            study.layout.lock.unlink(missing_ok=True)

        monkeypatch.setattr("tunecli.cli.watch.time.sleep", remove)
        code, _, err = cli("watch")
    assert code == 1
    assert "runs/study: was deleted meanwhile\nhint: see what there is: tunecli list" in err


def test_once_shows_what_runs_and_the_leaderboard_so_far(make_run: MakeRun, cli: Cli) -> None:
    with OpenStudy(make_run()):
        code, out, err = cli("watch", "--once")
    assert (code, err) == (0, "")
    first, second, *_ = out.splitlines()
    assert first.startswith("study (running)  1 of 3 trials done  best val_rmse 0.5000 (trial 0)  1 min 0")
    assert second == "trial 1  epoch 0/30  units=4"
    assert "rank" in out


def test_once_of_a_search_that_was_killed_shows_nothing_that_runs(make_run: MakeRun, cli: Cli) -> None:
    make_run()
    code, out, err = cli("watch", "--once")
    assert code == 0
    assert out.splitlines()[0] == "study (interrupted)  1 of 3 trials done"
    assert "epoch 0/30" not in out
    assert err == "hint: the same tunecli search command goes on from there\n"


def test_once_as_json(make_run: MakeRun, cli_json: Callable[..., Any]) -> None:
    with OpenStudy(make_run()):
        found = cli_json("watch", "--once")
    assert (found["state"], found["done"], found["total"]) == ("running", 1, 3)
    assert [each["id"] for each in found["running"]] == [1]
    assert 100 < found["left_s"] < 140
    make_run(end=EndReason.EXHAUSTED, name="other")
    found = cli_json("watch", "other")
    assert (found["state"], found["left_s"], found["running"]) == ("finished", None, [])


def test_nothing_is_written(make_run: MakeRun, cli: Cli) -> None:
    found = make_run(end=EndReason.EXHAUSTED)
    before = {path: path.stat().st_mtime_ns for path in found.path.rglob("*")}
    assert cli("watch")[0] == 0
    assert {path: path.stat().st_mtime_ns for path in found.path.rglob("*")} == before


def test_without_a_study_it_says_how_to_start(cli: Cli) -> None:
    code, _, err = cli("watch")
    assert code == 2
    assert "holds no study yet\nhint: start one" in err


def test_nothing_heavy_is_imported(make_run: MakeRun) -> None:
    make_run(end=EndReason.EXHAUSTED)
    heavy = ["tensorflow", "keras", "keras_tuner", "sklearn", "scipy", "numpy"]
    script = (
        "import json, sys; from tunecli.cli.main import run\n"
        "assert run(['watch']) == 0\n"
        f"print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
