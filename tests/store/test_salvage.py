"""What can be read is read, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunecli.errors import StudyError
from tunecli.store.files import write_json
from tunecli.store.run import Run
from tunecli.store.salvage import read_study, read_trial
from tunecli.store.study import OpenStudy
from tunecli.study.events import Answer, Asked, Created, Finished
from tunecli.study.objective import Goal, Objective
from tunecli.study.trial import Measurement, Outcome, Suggestion, TrialStatus

LAYERS = [{"name": "output", "kind": "Dense", "output_shape": [1], "parameters": 4}]


def lines(start: int, end: int) -> bytes:
    """Returns the measurements of the epochs behind `start` up to `end`."""
    epochs = range(start + 1, end + 1)
    return b"".join(Measurement(epoch=each, metrics={}).model_dump_json().encode() + b"\n" for each in epochs)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A study of trial 0, which ended after 4 epochs, of trial 1, which went on from it to 6, and of 2, which runs."""
    run = Run(tmp_path / "study")
    with OpenStudy(run) as study:
        study.record(Created(at=1.0, study="study", objective=Objective(metric="loss", goal=Goal.MINIMIZE)))
        for trial, start, end, parent in ((0, 0, 4, None), (1, 4, 6, 0), (2, 0, 4, None)):
            suggestion = Suggestion(trial, {}, start, end, parent)
            study.record(Asked(at=1.0, slot=0, limit=9, answer=Answer.TRIAL, suggestion=suggestion))
            layout = run.layout.trial(trial)
            write_json(layout.layers, LAYERS)
            layout.epochs.write_bytes(lines(start, end))
            if trial != 2:
                outcome = Outcome(TrialStatus.COMPLETED, 0.5, end, epochs_run=end)
                study.record(Finished(at=1.0, trial=trial, outcome=outcome))
    return run


def test_a_sound_study_has_no_damage(run: Run) -> None:
    snapshot, damage = read_study(run)
    assert damage == ()
    for trial, epochs in ((0, [1, 2, 3, 4]), (1, [1, 2, 3, 4, 5, 6]), (2, [1, 2, 3, 4])):
        found = read_trial(run, snapshot, trial)
        assert [each.epoch for each in found.measurements] == epochs
        assert (found.layers, found.damage) == (LAYERS, ())


@pytest.mark.parametrize(
    ("content", "epochs", "what"),
    [
        (b"", [], "the measurements of epoch 1-4 are missing"),
        (lines(0, 4)[:-1], [1, 2, 3], "the measurements of epoch 4 are missing"),
        (lines(0, 1) + lines(2, 3), [1, 3], "the measurements of epoch 2, 4 are missing"),
        (lines(0, 4) + b"nonsense\n", [1, 2, 3, 4], "line 5 is not a measurement"),
        (
            lines(0, 1) + bytes(9) + b"\n" + lines(2, 4),
            [1, 3, 4],
            "line 2 is not a measurement; the measurements of epoch 2 are missing",
        ),
    ],
)
@pytest.mark.parametrize("trial", [0, 1])
def test_what_can_be_read_of_damaged_measurements_is_read(
    trial: int, content: bytes, epochs: list[int], what: str, run: Run
) -> None:
    path = run.layout.trial(0).epochs
    path.write_bytes(content)
    found = read_trial(run, run.snapshot(), trial)
    assert [each.epoch for each in found.measurements if each.epoch <= 4] == epochs
    assert [(each.where, each.what) for each in found.damage] == [(str(path), f"is damaged: {what}")]
    assert found.layers == LAYERS


def test_a_file_that_has_gone_is_missed(run: Run) -> None:
    run.layout.trial(0).epochs.unlink()
    assert "1-4 are missing" in read_trial(run, run.snapshot(), 0).damage[0].what


@pytest.mark.parametrize("content", [b"", lines(0, 2), lines(0, 2)[:-1]])
def test_a_running_trial_has_what_it_has_so_far(content: bytes, run: Run) -> None:
    run.layout.trial(2).epochs.write_bytes(content)
    assert read_trial(run, run.snapshot(), 2).damage == ()


def test_damaged_layers_hide_no_curve(run: Run) -> None:
    path = run.layout.trial(0).layers
    path.write_bytes(path.read_bytes()[:20])
    found = read_trial(run, run.snapshot(), 0)
    assert found.layers is None
    assert len(found.measurements) == 4
    assert [each.where for each in found.damage] == [str(path)]


def test_a_journal_that_ends_within_a_record_is_said_unless_it_is_being_written(run: Run) -> None:
    journal = run.layout.journal
    with OpenStudy(run):
        journal.write_bytes(journal.read_bytes() + b'{"at"')
        assert read_study(run)[1] == ()
    snapshot, (problem,) = read_study(run)
    assert len(snapshot.trials) == 3
    assert problem.where == str(journal)
    assert "ends within a record" in problem.what


def test_a_journal_that_ends_before_trials_that_have_files_is_said(run: Run) -> None:
    journal = run.layout.journal
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:3]))
    snapshot, (problem,) = read_study(run)
    assert list(snapshot.trials) == [0]
    assert "knows nothing of trial 1-2, whose files are there" in problem.what


def test_an_empty_journal_is_an_error(run: Run) -> None:
    run.layout.journal.write_bytes(b"")
    with pytest.raises(StudyError, match="holds no event any more"):
        read_study(run)
