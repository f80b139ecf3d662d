from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from tests.reports.trial_exports.hostile import hostile_study
from tests.studies import Planted, any_plan, write_study
from tunecli.reports.study_data import StudyData, read_study_data
from tunecli.reports.trial_exports.optuna_storage import OPTUNA
from tunecli.store.run import Run
from tunecli.study.objective import Goal


def reloaded(run: Run, path: Path) -> tuple[optuna.Study, StudyData]:
    study = read_study_data(run)
    OPTUNA.write(study, run, path, by_epoch=False)
    return optuna.load_study(study_name=study.name, storage=f"sqlite:///{path}"), study


def test_optuna_loads_the_study_and_agrees_on_the_best(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found, ours = reloaded(hostile_study(tmp_path), tmp_path / "a.db")
    assert found.best_value == ours.snapshot.best.score == 0.5  # type: ignore[union-attr]
    assert found.best_trial.user_attrs["trial"] == 1
    assert found.metric_names == ["val_rmse"]
    states = [trial.state.name for trial in found.trials]
    assert states == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE", "RUNNING"]
    assert found.best_params["</script><b>"] == 0.25
    assert found.trials[0].intermediate_values == {1: 1.1, 3: 0.9, 4: 0.8, 5: 0.7}
    assert capfd.readouterr() == ("", ""), "nothing is said on the way"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.db"]


def test_what_is_better_when_higher_is_maximised(tmp_path: Path) -> None:
    trials = [Planted({}, 0.5), Planted({}, 0.9), Planted({}, 0.7)]
    run = write_study(tmp_path, any_plan(space=(), metric="val_r2", goal=Goal.MAXIMIZE), trials)
    found, ours = reloaded(run, tmp_path / "a.db")
    assert found.direction is optuna.study.StudyDirection.MAXIMIZE
    assert found.best_value == ours.snapshot.best.score == 0.9  # type: ignore[union-attr]


def test_a_score_of_folds_is_their_mean_to_the_last_bit(tmp_path: Path) -> None:
    told = Planted({}, [0.1, 0.2, 0.6], end_epoch=2)
    run = write_study(tmp_path, any_plan(space=(), metric="fold_rmse", evaluation={"folds": 3}), [told])
    found, ours = reloaded(run, tmp_path / "a.db")
    assert found.best_value == ours.snapshot.best.score  # type: ignore[union-attr]
