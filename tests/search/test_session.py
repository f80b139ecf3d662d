"""Sessions of a search: killed at every step, continued, changed and refused.

The training is the stand-in of `standin`; KerasTuner's oracles, the loop, the store and the data are real.
"""

from __future__ import annotations

import os
import signal
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from tests.search.sessions import SPACE, TUNERS, KilledError, kill_after, leaderboard, run_of, search, spec
from tests.search.standin import train
from tunecli.errors import Interrupted, StudyError, UsageError
from tunecli.executors.base import Report
from tunecli.search.session import require_success
from tunecli.store.journal import read_journal
from tunecli.study.events import EndReason, Finished, Started
from tunecli.study.snapshot import Snapshot
from tunecli.training.data import load as load_data


def explode(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    if payload["values"]["learning_rate"] > 0.002:
        raise MemoryError("no room")
    return {"measurements": [], "duration_s": 0.1, "cause": "loss is nan in epoch 1"}


def interrupt(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    raise KeyboardInterrupt


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_search_killed_at_every_event_ends_like_one_that_was_not(
    tuner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_path = spec(tmp_path, tuner)
    whole = search(whole_path)
    assert len(whole.snapshot.completed) == len(whole.snapshot.trials) >= 5
    (tmp_path / "killed").mkdir()
    path = spec(tmp_path / "killed", tuner)
    kills = 0
    for attempt in range(200):
        with monkeypatch.context() as patch:
            kill_after(patch, 2 + attempt % 3)
            try:
                search(path)
                break
            except KilledError:
                kills += 1
    assert kills >= 3
    snapshot = run_of(path).snapshot()
    assert leaderboard(snapshot) == leaderboard(whole.snapshot)
    events = read_journal(run_of(path).layout.journal).events
    finished = [event.trial for event in events if isinstance(event, Finished)]
    assert sorted(finished) == sorted(snapshot.trials), "each trial ends once"
    first_end = {event.trial: index for index, event in enumerate(events) if isinstance(event, Finished)}
    assert all(index < first_end[event.trial] for index, event in enumerate(events) if isinstance(event, Started)), (
        "nothing that finished is run again"
    )


def states_of(path: Path) -> set[int]:
    return {int(state.parent.name) for state in run_of(path).path.glob("trials/*/state.npz")}


@pytest.mark.parametrize("tuner", TUNERS)
def test_the_states_of_the_best_trials_are_kept(tuner: str, tmp_path: Path) -> None:
    path = spec(tmp_path, tuner, limits={"keep": 2})
    session = search(path)
    best = session.snapshot.completed
    assert states_of(path) == {trial.id for trial in best[:2]}
    assert best[2].score != best[1].score


def test_hyperband_keeps_no_state_longer_than_it_is_needed(tmp_path: Path) -> None:
    path = spec(tmp_path, "hyperband", limits={"keep": 0})
    session = search(path)
    assert any(trial.suggestion.parent is not None for trial in session.snapshot.trials.values())
    assert states_of(path) == set()
    assert not (run_of(path).path / "scratch").exists()


def test_a_promoted_trial_is_scored_over_its_whole_lineage(tmp_path: Path) -> None:
    session = search(spec(tmp_path, "hyperband"))
    children = [trial for trial in session.snapshot.completed if trial.suggestion.parent is not None]
    for child in children:
        curve = session.run.measurements(session.snapshot.lineage(child.id))
        assert [each.epoch for each in curve] == list(range(1, child.suggestion.end_epoch + 1))
        assert child.score == min(each.metrics["val_rmse"] for each in curve)
        assert len({each.metrics["loss"] for each in curve}) == 1, "one lineage, one seed"


def test_a_lost_state_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = search(spec(tmp_path, "hyperband"))
    (tmp_path / "lossy").mkdir()
    path = spec(tmp_path / "lossy", "hyperband")
    monkeypatch.setattr("tunecli.search.states.StateKeeper.take", lambda self, trial, training: None)
    lossy = search(path)
    assert leaderboard(lossy.snapshot) == leaderboard(whole.snapshot)


@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_more_trials_continue_the_same_sequence(tuner: str, tmp_path: Path) -> None:
    search(spec(tmp_path, tuner))
    more = {**TUNERS[tuner], "max_trials": 8}
    extended = search(spec(tmp_path, tuner, tuner=more))
    (tmp_path / "at-once").mkdir()
    at_once = search(spec(tmp_path / "at-once", tuner, tuner=more))
    assert leaderboard(extended.snapshot) == leaderboard(at_once.snapshot)
    assert len(extended.snapshot.trials) == 8


def test_more_iterations_of_hyperband_add_brackets(tmp_path: Path) -> None:
    once = search(spec(tmp_path, "hyperband"))
    count = len(once.snapshot.trials)
    twice = search(spec(tmp_path, "hyperband", tuner={**TUNERS["hyperband"], "iterations": 2}))
    assert len(twice.snapshot.trials) == 2 * count


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"seed": 1}, "seed: 0 → 1"),
        ({"objective": "val_mae"}, "objective.metric: val_rmse → val_mae"),
        ({"search_space": {**SPACE, "batch_size": [16, 32]}}, "space.batch_size"),
        ({"training": {"epochs": 4}}, "training.epochs: 3 → 4"),
        ({"tuner": {"name": "random", "max_trials": 4}}, "tuner.max_trials: 5 → 4"),
    ],
)
def test_another_spec_is_refused_with_the_difference(changes: dict[str, Any], difference: str, tmp_path: Path) -> None:
    search(spec(tmp_path))
    before = run_of(tmp_path / "study.yaml").layout.journal.read_bytes()
    with pytest.raises(UsageError) as caught:
        search(spec(tmp_path, **changes))
    assert difference in caught.value.problems[0].what
    assert "--fresh" in caught.value.problems[0].hint
    assert run_of(tmp_path / "study.yaml").layout.journal.read_bytes() == before


def test_other_data_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "data.csv"
    rows = [f"{index},{index % 7},{index * 0.5}" for index in range(40)]
    table.write_text("\n".join(["a,b,target", *rows]) + "\n")
    dataset = {"name": "csv", "path": "data.csv", "target": "target", "task": "regression"}
    search(spec(tmp_path, dataset=dataset))
    table.write_text("\n".join(["a,b,target", *rows[:-1], "1,2,3"]) + "\n")
    load_data.cache_clear()
    with pytest.raises(UsageError, match="other data: numeric, target differ"):
        search(spec(tmp_path, dataset=dataset, tuner={"name": "random", "max_trials": 6}))


def test_limits_may_change(tmp_path: Path) -> None:
    search(spec(tmp_path))
    session = search(spec(tmp_path, limits={"max_time": "1h"}))
    assert len(session.snapshot.trials) == 5


def test_a_torn_journal_is_said_once(tmp_path: Path) -> None:
    path = spec(tmp_path)
    search(path)
    with open(run_of(path).layout.journal, "ab") as file:
        file.write(b'{"at": 1.0')
    said: list[str] = []
    search(path, said=said)
    search(path, said=said)
    assert len(said) == 1
    assert "has been dropped" in said[0]


def test_an_interrupt_leaves_a_study_that_goes_on(tmp_path: Path) -> None:
    path = spec(tmp_path)
    with pytest.raises(Interrupted) as caught:
        search(path, runner=interrupt)
    assert caught.value.exit_code == 130
    assert "continues" in caught.value.problems[0].hint
    assert len(search(path).snapshot.completed) == 5


def test_failed_trials_are_results_and_the_commonest_cause_is_said(tmp_path: Path) -> None:
    session = search(spec(tmp_path), runner=explode)
    assert len(session.snapshot.failed) == 5
    with pytest.raises(StudyError) as caught:
        require_success(session)
    assert "5 of 5 trials failed" in caught.value.problems[0].what
    assert "MemoryError: no room" in caught.value.problems[0].what
    failed = session.snapshot.failed[0]
    assert "MemoryError" in session.run.log(failed.id)


def test_too_many_failures_in_a_row_stop_the_search(tmp_path: Path) -> None:
    session = search(spec(tmp_path, limits={"max_failures": 2}), runner=explode)
    assert len(session.snapshot.failed) == 2
    with pytest.raises(StudyError):
        require_success(session)


def test_a_child_of_failed_trials_fails_at_once(tmp_path: Path) -> None:
    session = search(spec(tmp_path, "hyperband"), runner=explode)
    children = [trial for trial in session.snapshot.trials.values() if trial.suggestion.parent is not None]
    assert all(trial.outcome and trial.outcome.cause.startswith("its parent") for trial in children)


def test_max_time_stops_the_search_and_counts_over_resumes(tmp_path: Path) -> None:
    search(spec(tmp_path, tuner={"name": "random", "max_trials": 3}, limits={"max_time": "1h"}))
    spent = run_of(tmp_path / "study.yaml").snapshot().spent_s
    limits = {"max_time": max(spent / 2, 1e-9)}
    session = search(spec(tmp_path, tuner={"name": "random", "max_trials": 9}, limits=limits))
    assert len(session.snapshot.trials) == 3
    assert session.reason == "max_time"


@pytest.mark.usefixtures("light_slots")
@pytest.mark.parametrize("tuner", TUNERS)
def test_two_workers_try_what_one_tries(tuner: str, tmp_path: Path) -> None:
    """Where the tuner does not learn from what has finished; of the others, that the study ends and is replayed."""
    one = search(spec(tmp_path, tuner))
    (tmp_path / "two").mkdir()
    path = spec(tmp_path / "two", tuner, limits={"workers": 2})
    two = search(path)
    assert len(two.snapshot.completed) == len(two.snapshot.trials)
    if tuner in ("random", "grid"):
        assert leaderboard(two.snapshot) == leaderboard(one.snapshot)
    assert leaderboard(search(path).snapshot) == leaderboard(two.snapshot), "replayed with nothing left to do"


@pytest.mark.usefixtures("light_slots")
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_study_of_two_workers_goes_on_with_any_number(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search(spec(tmp_path))
    (tmp_path / "killed").mkdir()
    path = spec(tmp_path / "killed", limits={"workers": 2})
    with monkeypatch.context() as patch:
        kill_after(patch, 7)  # created, session, two asked and started, one finished
        with pytest.raises(KilledError):
            search(path)
    assert len(run_of(path).snapshot().running) == 1
    for extra in (2, 3):
        with monkeypatch.context() as patch:
            kill_after(patch, 2 + extra)
            with pytest.raises(KilledError):
                search(path)
    spec(tmp_path / "killed", limits={"workers": workers})
    assert leaderboard(search(path).snapshot) == leaderboard(whole.snapshot)


def die_once(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    mark = Path(f"{payload['plan']['dataset']['split_seed']}-{payload['seed']}.mark")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return train(payload, report)


@pytest.mark.usefixtures("light_slots")
def test_a_worker_that_dies_costs_an_attempt(tmp_path: Path) -> None:
    whole = search(spec(tmp_path))
    (tmp_path / "dying").mkdir()
    path = spec(tmp_path / "dying", limits={"workers": 2})
    session = search(path, runner=die_once)
    assert leaderboard(session.snapshot) == leaderboard(whole.snapshot), "the same seeds, so the same scores"
    assert [trial.attempts for trial in session.snapshot.completed] == [2] * 5


@pytest.mark.usefixtures("light_slots")
def test_a_worker_that_keeps_dying_fails_its_trial(tmp_path: Path) -> None:
    path = spec(tmp_path, limits={"workers": 2, "retries": 0}, tuner={"name": "random", "max_trials": 2})
    session = search(path, runner=die_once)
    assert {trial.outcome.cause for trial in session.snapshot.failed if trial.outcome} == {
        "its worker died: killed by SIGKILL"
    }
    assert run_of(path).layout.trial(0).log.read_text() == "its worker died: killed by SIGKILL\n"


def best_so_far(snapshot: Snapshot) -> list[float]:
    scores = [trial.score for _, trial in sorted(snapshot.trials.items()) if trial.score is not None]
    return list(accumulate(scores, min))


def test_a_target_stops_the_search_and_a_better_one_goes_on(tmp_path: Path) -> None:
    best = best_so_far(search(spec(tmp_path)).snapshot)
    (tmp_path / "stopped").mkdir()
    path = spec(tmp_path / "stopped", objective={"metric": "val_rmse", "target": best[1]})
    session = search(path)
    assert session.reason is EndReason.TARGET
    assert len(session.snapshot.completed) == best.index(best[1]) + 1 < 5
    assert len(search(path).snapshot.completed) == len(session.snapshot.completed), "still met"
    spec(tmp_path / "stopped", objective={"metric": "val_rmse", "target": 0.0})
    assert best_so_far(search(path).snapshot) == best


def test_trials_without_a_new_best_stop_the_search(tmp_path: Path) -> None:
    tuner = {"name": "random", "max_trials": 30}
    best = best_so_far(search(spec(tmp_path, tuner=tuner)).snapshot)
    (tmp_path / "stopped").mkdir()
    path = spec(tmp_path / "stopped", tuner=tuner, stop_when={"no_gain": 4})
    session = search(path)
    expected = next(n for n in range(4, 30) if best[n] == best[n - 4]) + 1
    assert (session.reason, len(session.snapshot.completed)) == (EndReason.NO_GAIN, expected)
    assert len(search(path).snapshot.completed) == expected, "counted over resumes"
