"""A study is read once, and as far as it can be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.studies import Planted, any_plan, typical_trials, write_study
from tunecli.reports.study_data import read_study_data
from tunecli.store import salvage
from tunecli.store.files import read_lines

VALUES = {"learning_rate": 0.01, "units": 8, "optimizer": "adam"}


def test_a_lineage_is_joined(tmp_path: Path) -> None:
    trials = [Planted(VALUES, 0.6, end_epoch=2), Planted(VALUES, 0.5, parent=0, start_epoch=2, end_epoch=5)]
    study = read_study_data(write_study(tmp_path, any_plan(tuner="hyperband"), trials))
    assert [each.epoch for each in study.curves[0]] == [1, 2]
    assert [each.epoch for each in study.curves[1]] == [1, 2, 3, 4, 5]
    assert study.has_budgets
    assert [trial.id for trial in study.configurations()] == [1]


def test_a_parent_whose_child_failed_stands_for_its_configuration(tmp_path: Path) -> None:
    trials = [Planted(VALUES, 0.6, end_epoch=2), Planted(VALUES, "loss is nan", parent=0, start_epoch=2, end_epoch=5)]
    study = read_study_data(write_study(tmp_path, any_plan(tuner="hyperband"), trials))
    assert [trial.id for trial in study.configurations()] == [0]


def test_each_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lineage = [
        Planted(VALUES, 0.6, parent=None if end == 0 else end - 1, start_epoch=end, end_epoch=end + 1)
        for end in range(8)
    ]
    run = write_study(tmp_path, any_plan(tuner="hyperband"), lineage)
    looks: Counter[Path] = Counter()

    def counted(path: Path) -> list[bytes]:
        looks[path] += 1
        return read_lines(path)

    monkeypatch.setattr(salvage, "read_lines", counted)
    study = read_study_data(run)
    assert len(study.curves[7]) == 8
    assert len(looks) == 8
    assert set(looks.values()) == {1}


def test_several_trainings_are_kept_apart(tmp_path: Path) -> None:
    trials = [Planted(VALUES, (0.4, 0.6)), Planted(VALUES, 0.5)]
    study = read_study_data(write_study(tmp_path, any_plan(metric="fold_rmse", evaluation={"folds": 2}), trials))
    assert study.curves[0] == ()
    assert [len(curve) for curve in study.trainings[0].values()] == [5, 5]
    assert study.trainings[1] == {}
    assert len(study.curves[1]) == 5


def test_damaged_curves_are_told_and_read_as_far_as_they_can_be(tmp_path: Path) -> None:
    run = write_study(tmp_path, any_plan(), typical_trials(3))
    path = run.layout.trial(1).epochs
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"\0\0\0\n", *lines[2:]]))
    run.layout.trial(2).epochs.unlink()
    study = read_study_data(run)
    assert [each.epoch for each in study.curves[1]] == [1, 3, 4, 5]
    assert study.curves[2] == ()
    assert [problem.where for problem in study.damage] == [
        str(run.layout.trial(1).epochs),
        str(run.layout.trial(2).epochs),
    ]
