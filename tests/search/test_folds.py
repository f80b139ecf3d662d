"""Trials of several trainings: what they score, how they are spread over slots, and what a kill costs."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.search import standin
from tests.search.sessions import KilledError, kill_after, leaderboard, run_of, search, spec
from tunecli.executors.base import Report
from tunecli.search.agenda import Agenda, Training
from tunecli.store.run import Run
from tunecli.study.events import Started, Trained
from tunecli.study.trial import TrialStatus

FOLDS: dict[str, Any] = {"evaluation": {"folds": 3}, "tuner": {"name": "random", "max_trials": 3}}


def trained(run: Run) -> Counter[tuple[int, int]]:
    return Counter((each.trial, each.training) for each in run.contents().events if isinstance(each, Trained))


def test_a_score_is_the_mean_over_the_folds(tmp_path: Path) -> None:
    session = search(spec(tmp_path, **FOLDS))
    for trial in session.snapshot.completed:
        scores = [trial.trainings[number].score or 0.0 for number in range(3)]
        assert trial.outcome is not None
        assert trial.score == pytest.approx(statistics.fmean(scores))
        assert trial.outcome.score_sd == pytest.approx(statistics.stdev(scores))
        assert trial.outcome.metrics["fold_rmse"] == trial.score
    assert trained(session.run) == {(trial, number): 1 for trial in range(3) for number in range(3)}
    assert [each.epoch for each in session.run.own_measurements(1, 2)] == [1, 2, 3]


def test_repeats_without_folds_score_by_the_validation_part(tmp_path: Path) -> None:
    session = search(spec(tmp_path, evaluation={"repeats": 2}, tuner=FOLDS["tuner"]))
    seeds = {trial.trainings[number].metrics["loss"] for trial in session.snapshot.completed for number in range(2)}
    assert len(seeds) == 6, "every training has a seed of its own"
    assert session.snapshot.objective.metric == "val_rmse"


def test_a_kill_at_any_record_repeats_no_training_and_changes_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search(spec(tmp_path, **FOLDS))
    events = len(whole.run.contents().events)
    for count in range(2, events - 1):
        folder = tmp_path / str(count)
        folder.mkdir()
        path = spec(folder, **FOLDS)
        with monkeypatch.context() as patch:
            kill_after(patch, count)
            with pytest.raises(KilledError):
                search(path)
        ended_before = trained(run_of(path))
        resumed = search(path)
        assert leaderboard(resumed.snapshot) == leaderboard(whole.snapshot), count
        assert set(trained(resumed.run).values()) == {1}, count
        starts = Counter(
            (each.trial, each.training) for each in resumed.run.contents().events if isinstance(each, Started)
        )
        assert all(starts[training] == 1 for training in ended_before), count


@pytest.mark.usefixtures("light_slots")
def test_two_workers_give_the_same_scores_as_one(tmp_path: Path) -> None:
    boards = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        boards.append(leaderboard(search(spec(folder, limits={"workers": workers}, **FOLDS)).snapshot))
    assert sorted(boards[0]) == sorted(boards[1])


def fail_in_fold_2(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    result = standin.train(payload, report)
    is_second_trial = json.dumps(payload["values"]) == fail_in_fold_2.__dict__.get("victim")
    return {**result, "cause": "broke"} if payload["training"] == 1 and is_second_trial else result


def test_a_failed_fold_fails_its_trial_by_name_and_no_other(tmp_path: Path) -> None:
    whole = search(spec(tmp_path, **FOLDS))
    plan_values = whole.snapshot.trials[1].suggestion.values
    second = tmp_path / "second"
    second.mkdir()
    path = spec(second, **FOLDS)
    fail_in_fold_2.__dict__["victim"] = json.dumps(_completed(path, plan_values))
    snapshot = search(path, runner=fail_in_fold_2).snapshot
    failed = snapshot.trials[1].outcome
    assert failed is not None
    assert (failed.status, failed.cause) == (TrialStatus.FAILED, "fold 2 of 3: broke")
    assert [trial.id for trial in snapshot.trials.values() if trial.status is TrialStatus.COMPLETED] == [0, 2]
    assert sorted(trained(run_of(path))) == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1), (2, 2)]


def _completed(path: Path, values: dict[str, Any]) -> dict[str, Any]:
    from tunecli.plan import resolve
    from tunecli.spec.load import load

    return resolve(load(path)).complete(values)


def test_a_slot_goes_on_with_its_own_trial_and_helps_out_at_the_end() -> None:
    agenda = Agenda()
    agenda.add(0, (0, 1), slot=0)
    agenda.add(1, (0, 1), slot=1)
    assert [agenda.take(0), agenda.take(1), agenda.take(0)] == [Training(0, 0), Training(1, 0), Training(0, 1)]
    assert agenda.take(0) is None
    assert agenda.take_any(0) == Training(1, 1)
    assert agenda.take_any(1) is None


def test_what_was_lost_comes_first_and_goes_to_whoever_asks() -> None:
    agenda = Agenda()
    agenda.add(0, (0, 1), slot=0)
    lost = agenda.take(0)
    assert lost is not None
    agenda.put_back(lost)
    assert agenda.take(1) == lost


def test_what_is_left_of_a_failed_trial_is_dropped() -> None:
    agenda = Agenda()
    agenda.add(0, (0, 1, 2), slot=0)
    agenda.take(0)
    agenda.drop(0)
    assert agenda.take_any(0) is None
