"""Event files as TensorBoard's own reader and the HParams tab's own backend find them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.reports.tensorboard_reader import Events, hyperparameters, metrics, read_events
from tests.reports.trial_exports.hostile import FORMULA, SCRIPT, hostile_study
from tests.studies import Planted, any_plan, write_study
from tunecli.reports.study_data import read_study_data
from tunecli.reports.tensorboard.event_folder import epoch_ends
from tunecli.reports.trial_exports.tensorboard_events import TENSORBOARD
from tunecli.store.run import Run
from tunecli.study.objective import Goal
from tunecli.study.trial import Measurement, Outcome, Suggestion, Trial, TrialStatus


def exported(run: Run, folder: Path) -> Events:
    assert TENSORBOARD.write(read_study_data(run), run, folder, by_epoch=False) == []
    return read_events(folder)


def test_the_hparams_tab_has_the_experiment_and_a_session_a_trial(tmp_path: Path) -> None:
    found = exported(hostile_study(tmp_path), tmp_path / "events")
    assert sorted(found.sessions) == [f"trial-{number:03}" for number in range(5)]
    statuses = [found.sessions[f"trial-{number:03}"].sessions[0].status for number in range(5)]
    assert statuses == [1, 1, 2, 1, 0], "success, success, failure, success, not known yet"
    infos = {info.name: info for info in found.experiment.hparam_infos}
    assert set(infos) == {"id", SCRIPT, FORMULA, "nothing", "stepped", "magnitude", "bool"}
    assert [each.string_value for each in infos["id"].domain_discrete.values] == ["=cmd()", "sgd"]
    assert [each.bool_value for each in infos["bool"].domain_discrete.values] == [False, True]
    interval = infos["magnitude"].domain_interval
    assert (interval.min_value, interval.max_value) == (1.0, 64.0)


def test_a_session_has_its_values_and_its_metrics_at_the_best_epoch(tmp_path: Path) -> None:
    found = exported(hostile_study(tmp_path), tmp_path / "events")
    best = found.sessions["trial-001"]
    texts = {"id": "sgd", FORMULA: "[300, 100]", "nothing": "null"}
    assert hyperparameters(best) == {**texts, SCRIPT: 0.25, "stepped": 0.3, "magnitude": 4.0, "bool": True}
    assert SCRIPT not in hyperparameters(found.sessions["trial-000"]), "is not active"
    assert metrics(best) == {"outcome/val_rmse": (0.5, 5), "outcome/rmse": (pytest.approx(0.45), 5)}
    assert [info.display_name for info in found.experiment.metric_infos] == ["val_rmse", "rmse"]
    assert metrics(found.sessions["trial-002"]) == {}
    assert (best.sessions[0].start_time_secs, best.sessions[0].end_time_secs) == (1_700_000_010, 1_700_000_020)


def test_curves_lie_in_one_chart_for_both_parts(tmp_path: Path) -> None:
    found = exported(hostile_study(tmp_path), tmp_path / "events")
    steps, values = zip(*found.scalars["trial-000/validation"]["epoch_rmse"], strict=True)
    assert steps == (1, 2, 3, 4, 5)
    assert values == pytest.approx((1.1, math.nan, 0.9, 0.8, 0.7), nan_ok=True)
    assert found.scalars["trial-000/train"]["epoch_rmse"][4] == (5, pytest.approx(0.63))
    # half a second an epoch, the last of which ended with the trial
    assert found.moments["trial-000/validation"]["epoch_rmse"] == [1_700_000_008 + 0.5 * epoch for epoch in range(5)]


def test_a_promoted_trial_goes_on_where_its_parent_ended(tmp_path: Path) -> None:
    trials = [Planted({}, 0.9, end_epoch=2), Planted({}, 0.8, parent=0, start_epoch=2, end_epoch=4)]
    run = write_study(tmp_path, any_plan(space=(), tuner="hyperband"), trials)
    found = exported(run, tmp_path / "events")
    steps = [[step for step, _ in found.scalars[f"trial-{trial:03}/train"]["epoch_rmse"]] for trial in (0, 1)]
    assert steps == [[1, 2], [3, 4]]


def test_each_fold_has_a_run_and_the_trial_their_mean(tmp_path: Path) -> None:
    told = Planted({}, [0.5, 0.7, 0.6, 0.8], end_epoch=2)
    evaluation = {"folds": 2, "repeats": 2}
    run = write_study(tmp_path, any_plan(space=(), metric="fold_r2", goal=Goal.MAXIMIZE, evaluation=evaluation), [told])
    found = exported(run, tmp_path / "events")
    names = [f"fold-{fold}-repeat-{repeat}" for repeat in (1, 2) for fold in (1, 2)]
    assert {run for run in found.scalars if run.endswith("/train")} == {f"trial-000/{name}/train" for name in names}
    assert metrics(found.sessions["trial-000"])["outcome/fold_r2"] == (pytest.approx(0.65), 2)


def test_a_study_without_trials_is_an_experiment(tmp_path: Path) -> None:
    found = exported(write_study(tmp_path, any_plan(), [], end=None), tmp_path / "events")
    names = {info.name for info in found.experiment.hparam_infos}
    assert names == {"learning_rate", "units", "optimizer", "momentum"}
    assert found.sessions == {}


def measured(*durations: float) -> list[Measurement]:
    return [Measurement(epoch=epoch, metrics={}, duration_s=each) for epoch, each in enumerate(durations, start=1)]


def test_epochs_are_counted_back_from_the_end_and_on_from_the_beginning() -> None:
    running = Trial(Suggestion(0, {}, 0, 9), 0, "graph", "", asked_at=90.0, started_at=100.0)
    ended = Trial(
        running.suggestion, 0, "graph", "", outcome=Outcome(TrialStatus.COMPLETED), started_at=100.0, ended_at=120.0
    )
    assert epoch_ends(running, {None: measured(1.0, 2.0)}) == {None: [101.0, 103.0]}
    assert epoch_ends(ended, {None: measured(1.0, 2.0)}) == {None: [118.0, 120.0]}
    assert epoch_ends(ended, {0: measured(1.0, 2.0), 1: measured(3.0)}) == {0: [101.0, 103.0], 1: [106.0]}
