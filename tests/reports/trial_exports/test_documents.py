from __future__ import annotations

import json
from pathlib import Path

from tests.reports.trial_exports.hostile import SCRIPT, hostile_study
from tests.studies import Planted, any_plan, write_study
from tunecli.reports.study_data import read_study_data
from tunecli.reports.trial_exports.documents import JSON


def test_the_document_holds_what_show_prints_of_every_trial(tmp_path: Path) -> None:
    run = hostile_study(tmp_path)
    JSON.write(read_study_data(run), run, tmp_path / "a.json", by_epoch=False)
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["schema_version"] == 1
    assert (found["study"], found["best_trial"], found["best_score"]) == ("study", 1, 0.5)
    assert [trial["status"] for trial in found["trials"]] == [
        "completed",
        "completed",
        "failed",
        "completed",
        "running",
    ]
    first = found["trials"][0]
    assert [each["metrics"]["val_rmse"] for each in first["measurements"]] == [1.1, None, 0.9, 0.8, 0.7]
    assert found["trials"][1]["values"][SCRIPT] == 0.25
    assert first["values"]["nothing"] is None
    assert found["plan"]["tuner"] == {"name": "random", "max_trials": 20}


def test_trainings_have_their_names(tmp_path: Path) -> None:
    told = Planted({}, [0.5, 0.7], end_epoch=2)
    run = write_study(tmp_path, any_plan(space=(), metric="fold_rmse", evaluation={"folds": 2}), [told])
    JSON.write(read_study_data(run), run, tmp_path / "a.json", by_epoch=False)
    trainings = json.loads((tmp_path / "a.json").read_text())["trials"][0]["trainings"]
    assert [each["name"] for each in trainings] == ["fold 1 of 2", "fold 2 of 2"]
    assert [each["score"] for each in trainings] == [0.5, 0.7]
