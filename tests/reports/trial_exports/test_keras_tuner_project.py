"""Directories that the real KerasTuner reloads, whichever tuner made the study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tests.reports.trial_exports.hostile import FORMULA, SCRIPT, hostile_study
from tests.search.sessions import KilledError, kill_after, run_of, search, spec
from tests.studies import Planted, any_plan, both_parts, write_study
from tunecli.oracles import make_oracle
from tunecli.plan import Plan
from tunecli.reports.study_data import StudyData, read_study_data
from tunecli.reports.trial_exports.keras_tuner_project import DIRECTIONS, KERAS_TUNER, TUNERS
from tunecli.search.resume import replay
from tunecli.spec.space import Kind, Parameter
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy
from tunecli.study.objective import Goal


def never(hp: Any) -> Any:
    raise AssertionError("a tuner that reloads builds no model")


def reload(study: StudyData, run: Run, folder: Path, **options: Any) -> Any:
    """Exports a study, and opens it as the command says."""
    notes = KERAS_TUNER.write(study, run, folder / "project", by_epoch=False)
    assert notes == []
    objective = keras_tuner.Objective(study.objective.metric, DIRECTIONS[study.objective.goal])
    kind = getattr(keras_tuner, TUNERS[study.plan["tuner"]["name"]])
    tuner = kind(never, objective, directory=str(folder), project_name="project", **options)
    tuner.reload()
    tuner.oracle.verbose = 0
    return tuner


def assert_agree(tuner: Any, study: StudyData) -> None:
    """Compares every trial, and the best first of all."""
    best, ours = tuner.oracle.get_best_trials(1)[0], study.snapshot.best
    assert ours is not None
    assert (int(best.trial_id), best.score) == (ours.id, ours.score)
    assert len(tuner.oracle.trials) == len(study.snapshot.trials)
    for theirs in tuner.oracle.trials.values():
        trial = study.snapshot.trials[int(theirs.trial_id)]
        values = {name: each for name, each in theirs.hyperparameters.values.items() if not name.startswith("tuner/")}
        assert values.keys() == trial.suggestion.values.keys()
        assert theirs.status == trial.status.name
        theirs.hyperparameters.ensure_active_values()
        assert theirs.hyperparameters.values.keys() >= values.keys(), "all are active there, too"
        assert tuner.oracle._compute_values_hash(theirs.hyperparameters.values) in tuner.oracle._tried_so_far
        if trial.outcome is not None and trial.score is not None:
            assert theirs.score == trial.score
            assert theirs.best_step == (trial.outcome.best_epoch or 0) - 1
            assert theirs.metrics.get_best_value(study.objective.metric) == pytest.approx(trial.score, rel=1e-12)
            assert theirs.metrics.get_best_step(study.objective.metric) == theirs.best_step


@pytest.mark.parametrize("tuner", TUNERS)
def test_keras_tuner_agrees_with_a_search_of_each_tuner(tuner: str, tmp_path: Path) -> None:
    session = search(spec(tmp_path, tuner))
    study = read_study_data(session.run)
    found = reload(study, session.run, tmp_path)
    assert_agree(found, study)
    best = found.get_best_hyperparameters()[0]
    assert {name: best.get(name) for name in session.snapshot.best.suggestion.values} == (  # type: ignore[union-attr]
        session.snapshot.best.suggestion.values  # type: ignore[union-attr]
    )


@pytest.mark.parametrize("kills_after", [9, 17, 26, 33])
def test_keras_tuner_goes_on_in_hyperbands_brackets(
    kills_after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = spec(tmp_path, "hyperband")
    with monkeypatch.context() as patch:
        kill_after(patch, kills_after)
        with pytest.raises(KilledError):
            search(path)
    run = run_of(path)
    with OpenStudy(run) as opened:
        ours = make_oracle(Plan.of(run))
        replay(opened, ours, warn=pytest.fail)
    study = read_study_data(run)
    theirs = reload(study, run, tmp_path).oracle
    real = ours._oracle  # type: ignore[attr-defined]
    theirs._remove_completed_brackets()
    real._remove_completed_brackets()
    padded = [
        {**bracket, "rounds": [[_numbered(entry) for entry in entries] for entries in bracket["rounds"]]}
        for bracket in theirs._brackets
    ]
    assert padded == [
        {**bracket, "rounds": [[_numbered(entry) for entry in entries] for entries in bracket["rounds"]]}
        for bracket in real._brackets
    ]
    state = ("_current_bracket", "_current_iteration", "max_epochs", "factor")
    assert [getattr(theirs, name) for name in state] == [getattr(real, name) for name in state]
    running = [trial.id for trial in study.snapshot.running]
    assert [int(each) for each in theirs._retry_queue[: len(running)]] == running, "what ran is run again"


def test_a_promotion_stays_in_its_bracket_when_another_has_begun(tmp_path: Path) -> None:
    tuner = {"name": "hyperband", "max_epochs": 4, "factor": 2, "iterations": 1}
    roots = [Planted({}, 0.9 - 0.1 * number, end_epoch=1) for number in range(4)]
    later = [
        Planted({}, 0.8, end_epoch=2),
        Planted({}, 0.5, parent=3, start_epoch=1, end_epoch=2),
        Planted({}, 0.7, end_epoch=2),
    ]
    run = write_study(tmp_path, any_plan(space=(), tuner=tuner), [*roots, *later])
    found = reload(read_study_data(run), run, tmp_path)
    assert [
        (each["bracket_num"], [[_numbered(entry)["id"] for entry in part] for part in each["rounds"]])
        for each in found.oracle._brackets
    ] == [(2, [[0, 1, 2, 3], [5], []]), (1, [[4, 6], []])]
    child = found.oracle.trials["0005"].hyperparameters.values
    assert (child["tuner/bracket"], child["tuner/round"], child["tuner/trial_id"]) == (2, 1, "0003")
    assert (child["tuner/initial_epoch"], child["tuner/epochs"]) == (1, 2)


def _numbered(entry: dict[str, str | None]) -> dict[str, int | None]:
    """Returns an entry of a round; ids are padded to a width that is KerasTuner's affair."""
    return {name: None if value is None else int(value) for name, value in entry.items()}


def test_nothing_that_users_call_their_parameters_does_harm(tmp_path: Path) -> None:
    run = hostile_study(tmp_path)
    study = read_study_data(run)
    found = reload(study, run, tmp_path)
    assert_agree(found, study)
    assert found.get_best_hyperparameters()[0].values == {
        "id": "sgd",
        SCRIPT: 0.25,
        FORMULA: "[300, 100]",
        "nothing": "null",
        "stepped": 0.3,
        "magnitude": 4,
        "bool": True,
    }
    kinds = {each.name: type(each).__name__ for each in found.oracle.hyperparameters.space}
    assert kinds["bool"] == "Boolean"
    assert kinds[SCRIPT] == "Float"
    assert found.oracle.hyperparameters.space[4].values == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert found.oracle.trials["02"].message == "=loss is nan in epoch 2"
    json.loads((tmp_path / "project" / "trial_02" / "trial.json").read_text(), parse_constant=pytest.fail)


def test_what_is_better_when_higher_is_maximised(tmp_path: Path) -> None:
    trials = [
        Planted({}, 0.5, both_parts([0.1, 0.2, 0.3, 0.4, 0.5], "val_r2")),
        Planted({}, 0.9, both_parts([0.5, 0.6, 0.7, 0.8, 0.9], "val_r2")),
    ]
    run = write_study(tmp_path, any_plan(space=(), metric="val_r2", goal=Goal.MAXIMIZE), trials)
    assert_agree(reload(read_study_data(run), run, tmp_path), read_study_data(run))


def test_the_trainings_of_a_trial_are_executions(tmp_path: Path) -> None:
    trials = [Planted({}, [0.5, 0.7], end_epoch=2), Planted({}, [0.4, 0.6], end_epoch=2)]
    run = write_study(tmp_path, any_plan(space=(), metric="fold_rmse", evaluation={"folds": 2}), trials)
    found = reload(read_study_data(run), run, tmp_path)
    assert_agree(found, read_study_data(run))
    (observation,) = found.oracle.trials["01"].metrics.get_history("fold_rmse")
    assert observation.value == [0.4, 0.6]


def test_a_range_of_many_steps_is_written_without_them(tmp_path: Path) -> None:
    fine = Parameter(name="fine", kind=Kind.FLOAT, min=0.0, max=1.0, step=1e-6)
    even = Parameter(name="even", kind=Kind.INT, min=0, max=10_000, step=2)
    run = write_study(tmp_path, any_plan(space=(fine, even)), [Planted({"fine": 0.123456, "even": 4}, 0.5)])
    found = reload(read_study_data(run), run, tmp_path)
    assert_agree(found, read_study_data(run))
    assert [each.step for each in found.oracle.hyperparameters.space] == [None, 2]


def test_a_path_that_keras_tuner_reads_as_a_pattern_is_said(tmp_path: Path) -> None:
    run = hostile_study(tmp_path)
    notes = KERAS_TUNER.write(read_study_data(run), run, tmp_path / "a[1]", by_epoch=False)
    assert notes == ["a path with [ ] * or ? in it is one that KerasTuner cannot read"]
