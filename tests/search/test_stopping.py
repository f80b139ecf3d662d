"""Sessions that are stopped or killed within trials, and go on from the states that these have saved."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.search.sessions import TUNERS, KilledError, leaderboard, run_of, search, spec
from tests.search.standin import train, train_slowly
from tunecli.errors import Interrupted
from tunecli.executors.base import Report
from tunecli.reports.live import QuietView
from tunecli.study.trial import Measurement
from tunecli.training.state import epoch_of


class StoppedAt(QuietView):
    """Stops the search at its n-th measurement, as a user's first Ctrl-C does."""

    def __init__(self, count: int) -> None:
        self._left = count

    @contextmanager
    def handed_to(self, stop: Callable[[], None]) -> Iterator[None]:
        self._stop = stop
        yield

    def measured(self, trial_id: int, measurement: Measurement, training: int | None = None) -> None:
        self._left -= 1
        if self._left == 0:
            self._stop()


def stopped(path: Path, count: int) -> Interrupted:
    view = StoppedAt(count)
    with pytest.raises(Interrupted) as caught:
        search(path, view=view, stopped_by=view.handed_to)
    return caught.value


def epochs_trained(path: Path) -> dict[int, list[int]]:
    run = run_of(path)
    return {trial: [each.epoch for each in run.own_measurements(trial)] for trial in run.snapshot().trials}


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_search_stopped_at_every_epoch_ends_like_one_that_was_not(tuner: str, tmp_path: Path) -> None:
    whole = search(spec(tmp_path, tuner))
    (tmp_path / "stopped").mkdir()
    path = spec(tmp_path / "stopped", tuner)
    stops = 0
    while True:
        view = StoppedAt(1)
        try:
            search(path, view=view, stopped_by=view.handed_to)
            break
        except Interrupted:
            stops += 1
            assert stops < 200, "it does not get on"
            running = run_of(path).snapshot().running
            assert all(run_of(path).layout.trial(trial.id).state.exists() for trial in running)
    assert stops >= 10
    assert leaderboard(run_of(path).snapshot()) == leaderboard(whole.snapshot)
    assert epochs_trained(path) == epochs_trained(tmp_path / "study.yaml")


def test_a_stopped_search_says_how_much_it_has(tmp_path: Path) -> None:
    error = stopped(spec(tmp_path), 5)
    assert error.exit_code == 130
    assert error.problems[0].what == "stopped with 1 trials finished, 1 saved on the way"
    assert "continues" in error.problems[0].hint


@pytest.mark.usefixtures("light_slots")
def test_the_running_trials_of_two_workers_are_saved(tmp_path: Path) -> None:
    whole = search(spec(tmp_path, training={"epochs": 40}))
    (tmp_path / "stopped").mkdir()
    path = spec(tmp_path / "stopped", training={"epochs": 40}, limits={"workers": 2})
    view = StoppedAt(30)
    with pytest.raises(Interrupted):
        search(path, runner=train_slowly, view=view, stopped_by=view.handed_to)
    running = run_of(path).snapshot().running
    assert len(running) == 2
    saved = {trial.id: epoch_of(run_of(path).layout.trial(trial.id).state) for trial in running}
    assert all(saved.values())
    assert {trial: len(epochs) for trial, epochs in epochs_trained(path).items() if trial in saved} == saved
    assert leaderboard(search(path).snapshot) == leaderboard(whole.snapshot)


def die_at_epoch_3(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    def dying(message: dict[str, Any]) -> bool:
        answer = report(message)
        if message.get("saved") == 3:
            raise KilledError
        return answer

    return train(payload, dying)


def test_a_trial_whose_process_was_killed_goes_on_from_its_last_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search(spec(tmp_path, training={"epochs": 5}))
    (tmp_path / "killed").mkdir()
    path = spec(tmp_path / "killed", training={"epochs": 5})
    monkeypatch.setattr("tunecli.search.loop.SAVE_EVERY_S", 0.0)
    for trial in range(5):
        with pytest.raises(KilledError):
            search(path, runner=die_at_epoch_3)
        assert epochs_trained(path)[trial] == [1, 2, 3]
    assert leaderboard(search(path).snapshot) == leaderboard(whole.snapshot)
    assert epochs_trained(path) == epochs_trained(tmp_path / "study.yaml")


@pytest.mark.parametrize("damage", ["state", "epochs"])
def test_a_trial_whose_files_are_damaged_begins_anew(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search(spec(tmp_path, training={"epochs": 5}))
    (tmp_path / "killed").mkdir()
    path = spec(tmp_path / "killed", training={"epochs": 5})
    with monkeypatch.context() as patch:
        patch.setattr("tunecli.search.loop.SAVE_EVERY_S", 0.0)
        with pytest.raises(KilledError):
            search(path, runner=die_at_epoch_3)
    files = run_of(path).layout.trial(0)
    damaged = files.state if damage == "state" else files.epochs
    damaged.write_bytes(damaged.read_bytes()[:-40])
    view = Said()
    assert leaderboard(search(path, view=view).snapshot) == leaderboard(whole.snapshot)
    assert [str(files.state) in line for line in view.lines] == [True] * (damage == "state")


class Said(QuietView):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def die_in_trial_1(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    if Path(payload["state_out"]).name == "state-1.npz":
        if multiprocessing.parent_process() is None:
            raise KilledError
        os.kill(os.getpid(), signal.SIGKILL)
    return train(payload, report)


@pytest.mark.usefixtures("light_slots")
def test_a_trial_that_ends_the_search_three_times_runs_in_a_slot(tmp_path: Path) -> None:
    path = spec(tmp_path, tuner={"name": "random", "max_trials": 3}, limits={"retries": 0})
    for _ in range(3):
        with pytest.raises(KilledError):
            search(path, runner=die_in_trial_1)
    said: list[str] = []
    snapshot = search(path, runner=die_in_trial_1, said=said).snapshot
    assert "workers: 1 (a trial has ended the search 3 times)" in said
    assert [trial.outcome.cause for trial in snapshot.failed if trial.outcome] == ["its worker died: killed by SIGKILL"]
    assert [trial.id for trial in snapshot.completed] != []
    assert len(snapshot.trials) == 3
