from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

from tunecli.reports.data import (
    LOG_TAIL_LINES,
    StudyState,
    best_json,
    compare,
    curves,
    leaderboard,
    study_document,
    study_row,
    study_state,
    trial_document,
)
from tunecli.study.baseline import Baseline
from tunecli.study.events import EndReason
from tunecli.study.objective import Goal
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement

Make = Callable[..., Snapshot]


def test_the_best_trial_leads(make_snapshot: Make) -> None:
    rows = leaderboard(make_snapshot(({"units": 1}, 0.9), ({"units": 2}, 0.5), ({"units": 3}, "oom"), ({}, None)))

    assert [(row.rank, row.id, row.score) for row in rows] == [(1, 1, 0.5), (2, 0, 0.9)]
    assert (rows[0].best_epoch, rows[0].epochs_run, rows[0].duration_s) == (4, 5, 10.0)


def test_top_keeps_the_first(make_snapshot: Make) -> None:
    assert [row.id for row in leaderboard(make_snapshot(({}, 0.9), ({}, 0.5), ({}, 0.7)), 2)] == [1, 2]


def test_the_document_of_best_has_the_keys_that_scripts_rely_on(make_snapshot: Make) -> None:
    assert best_json(make_snapshot(({"units": [3, 2], "lr": 0.01}, 0.5))) == {
        "study": "study",
        "objective": {"metric": "val_rmse", "goal": "minimize"},
        "targets": [],
        "trials": [{"id": 0, "rank": 1, "score": 0.5, "values": {"units": [3, 2], "lr": 0.01}, "best_epoch": 4}],
        "baselines": [],
    }


def test_baselines_are_listed_best_first_and_those_without_a_score_last(make_snapshot: Make) -> None:
    late = Baseline(name="late", train_rows=9, cause="took longer than 10 s")
    worse, better = (Baseline(name=str(score), score=score, train_rows=9) for score in (0.9, 0.7))
    document = best_json(make_snapshot(({}, 0.5)), baselines=[late, worse, better])

    assert [each["name"] for each in document["baselines"]] == ["0.7", "0.9", "late"]
    assert document["baselines"][2] == {
        "name": "late",
        "score": None,
        "metrics": {},
        "duration_s": None,
        "rows": None,
        "train_rows": 9,
        "note": "",
        "cause": "took longer than 10 s",
    }
    assert [each["id"] for each in document["trials"]] == [0]


@pytest.mark.parametrize(
    ("trial", "baseline", "gain", "share"),
    [(0.4, 0.5, 0.1, 0.2), (0.5, 0.4, -0.1, -0.2), (0.5, 0.5, 0.0, 0.0), (0.0, 0.0, 0.0, None)],
)
def test_the_best_trial_is_compared_with_the_best_baseline(
    make_snapshot: Make, trial: float, baseline: float, gain: float, share: float | None
) -> None:
    baselines = [Baseline(name=name, score=baseline + more, train_rows=9) for name, more in (("b", 0.2), ("a", 0.0))]
    found = compare(make_snapshot(({}, trial)), baselines)

    assert found is not None
    assert (found.baseline.name, found.gain, found.share) == ("a", pytest.approx(gain), share and pytest.approx(share))


def test_accuracies_are_compared_by_their_difference(make_snapshot: Make) -> None:
    snapshot = make_snapshot(({}, 0.9), metric="val_accuracy", goal=Goal.MAXIMIZE)
    found = compare(snapshot, [Baseline(name="a", score=0.8, train_rows=9)])

    assert found is not None
    assert (found.gain, found.share) == (pytest.approx(0.1), None)


def test_there_is_nothing_to_compare_without_both(make_snapshot: Make) -> None:
    assert compare(make_snapshot(({}, 0.5)), [Baseline(name="a", train_rows=9, cause="why")]) is None
    assert compare(make_snapshot(({}, "oom")), [Baseline(name="a", score=0.5, train_rows=9)]) is None


@pytest.mark.parametrize(
    ("end", "is_held", "state"),
    [
        (None, True, StudyState.RUNNING),
        (EndReason.EXHAUSTED, True, StudyState.RUNNING),
        (None, False, StudyState.INTERRUPTED),
        (EndReason.INTERRUPTED, False, StudyState.INTERRUPTED),
        (EndReason.EXHAUSTED, False, StudyState.FINISHED),
        (EndReason.MAX_TIME, False, StudyState.STOPPED),
        (EndReason.FAILURES, False, StudyState.STOPPED),
    ],
)
def test_the_state_of_a_study(make_snapshot: Make, end: EndReason | None, is_held: bool, state: StudyState) -> None:
    assert study_state(make_snapshot(end=end), is_held=is_held) is state


def test_a_studys_row_counts_its_trials(make_snapshot: Make) -> None:
    row = study_row(make_snapshot(({}, 0.9), ({}, 0.5), ({}, "oom"), ({}, None)), name="renamed", is_held=False)

    assert (row.name, row.completed, row.failed) == ("renamed", 2, 1)
    assert (row.best_trial, row.best_score, row.metric, row.goal) == (1, 0.5, "val_rmse", "minimize")
    assert row.spent_s == 30.0


def test_the_document_of_a_study_has_all_trials(make_snapshot: Make) -> None:
    snapshot = make_snapshot(({"units": 1}, 0.5), ({"units": 2}, "oom"), ({"units": 3}, None))
    document = study_document(snapshot, study_row(snapshot, name="study", is_held=True), {"family": "mlp"})

    assert [(each["id"], each["status"], each["rank"]) for each in document["trials"]] == [
        (0, "completed", 1),
        (1, "failed", None),
        (2, "running", None),
    ]
    assert document["trials"][1]["cause"] == "oom"
    assert document["plan"] == {"family": "mlp"}
    json.dumps(document, allow_nan=False)


def test_the_document_of_a_trial_can_be_written_whatever_was_measured(make_snapshot: Make) -> None:
    measurements = [Measurement(epoch=1, metrics={"loss": math.nan, "val_rmse": 0.5}, duration_s=0.1)]
    layers = [{"name": "output", "kind": "Dense", "output_shape": [1], "parameters": 4}]
    log = "\n".join(map(str, range(100)))
    document = trial_document(make_snapshot(({}, 0.5)), 0, measurements=measurements, layers=layers, log=log)

    assert document["measurements"] == [{"epoch": 1, "metrics": {"loss": None, "val_rmse": 0.5}, "duration_s": 0.1}]
    assert document["layers"] == layers
    assert document["log_tail"][-1] == "99"
    assert len(document["log_tail"]) == LOG_TAIL_LINES
    json.dumps(document, allow_nan=False)


def test_the_document_of_a_running_trial_has_no_score(make_snapshot: Make) -> None:
    document = trial_document(make_snapshot(({"units": 2}, None)), 0, measurements=[], layers=None, log="")

    assert (document["status"], document["score"], document["layers"]) == ("running", None, None)


def test_each_training_curve_is_followed_by_its_validation_curve() -> None:
    metrics = {"val_rmse": 4.0, "loss": 1.0, "rmse": 3.0, "val_loss": 2.0}
    found = curves([{"metrics": metrics}, {"metrics": {"loss": 0.5}}])

    assert list(found) == ["loss", "val_loss", "rmse", "val_rmse"]
    assert found["loss"] == [1.0, 0.5]
    assert found["rmse"] == [3.0, None]
