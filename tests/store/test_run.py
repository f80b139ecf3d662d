"""Run directories: begun, found, listed, held and deleted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tunecli.errors import UsageError
from tunecli.store.run import Run, find_run, list_runs
from tunecli.store.study import OpenStudy
from tunecli.study.events import Answer, Asked, Created, Finished
from tunecli.study.objective import Goal, Objective
from tunecli.study.trial import Measurement, Outcome, Suggestion, TrialStatus

OBJECTIVE = Objective(metric="val_rmse", goal=Goal.MINIMIZE)


def begin(runs: Path, name: str, *, at: float = 1.0) -> Run:
    run = Run(runs / name)
    with OpenStudy(run) as study:
        study.record(Created(at=at, study=name, objective=OBJECTIVE))
    os.utime(run.layout.journal, (at, at))
    return run


def test_the_newest_study_is_the_one_whose_journal_was_written_last(tmp_path: Path) -> None:
    begin(tmp_path, "late", at=20.0)
    begin(tmp_path, "early", at=10.0)
    assert find_run(tmp_path, None).name == "late"
    assert [run.name for run in list_runs(tmp_path)] == ["late", "early"]


def test_a_study_is_found_by_name_or_by_path(tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    assert find_run(tmp_path, "a").path == run.path
    assert find_run(tmp_path / "elsewhere", str(run.path)).path == run.path


def test_an_unknown_study_gets_a_suggestion(tmp_path: Path) -> None:
    begin(tmp_path, "california")
    with pytest.raises(UsageError) as caught:
        find_run(tmp_path, "californa")
    assert caught.value.problems[0].hint == "did you mean 'california'?"


def test_no_study_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no study yet"):
        find_run(tmp_path, None)


def test_a_folder_without_a_begun_journal_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "journal.jsonl").write_bytes(b'{"at": 1.0, "event": "crea')
    assert list_runs(tmp_path) == []


def test_measurements_cover_the_lineage_and_pass_over_a_line_being_written(tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    with OpenStudy(run) as study:
        for trial, parent in ((0, None), (1, 0)):
            suggestion = Suggestion(trial, {}, trial, trial + 1, parent)
            study.record(Asked(at=1.0, slot=0, limit=1, answer=Answer.TRIAL, suggestion=suggestion))
            study.record(Finished(at=1.0, trial=trial, outcome=Outcome(TrialStatus.COMPLETED, 1.0)))
            path = run.layout.trial(trial).epochs
            path.parent.mkdir(parents=True)
            line = Measurement(epoch=trial + 1, metrics={"loss": float("nan")}).model_dump_json()
            path.write_text(line + '\n{"epo')
    assert [each.epoch for each in run.measurements(1)] == [1, 2]


def test_a_second_process_is_told_who_holds_the_study(tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    script = (
        "import sys, time; from pathlib import Path; from tunecli.store.run import Run\n"
        "from tunecli.store.study import OpenStudy\n"
        "with OpenStudy(Run(Path(sys.argv[1]))): print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(run.path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert run.is_held()
        with pytest.raises(UsageError) as caught, OpenStudy(run):
            pass
        assert f"process {process.pid} on " in caught.value.problems[0].what
        with pytest.raises(UsageError, match="is in use"):
            run.delete()
    finally:
        process.kill()
        process.wait()
    assert not run.is_held()
    with OpenStudy(run) as study:
        assert not study.is_new


def test_deleting_leaves_nothing(tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    run.delete()
    assert not run.path.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot be written"), OpenStudy(Run(tmp_path / "a")):
        pass


def test_a_file_where_the_runs_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(UsageError) as caught, OpenStudy(Run(tmp_path / "runs" / "a")):
        pass
    assert caught.value.problems[0].hint == "choose another folder with --runs"


def test_the_snapshot_counts_only_time_in_sessions(tmp_path: Path) -> None:
    from tunecli.study.events import EndReason, SessionEnded, SessionStarted

    run = begin(tmp_path, "a", at=0.0)
    with OpenStudy(run) as study:
        for start in (100.0, 1000.0):
            study.record(SessionStarted(at=start, host="h", pid=1, tunecli="0"))
            study.record(SessionEnded(at=start + 5, reason=EndReason.EXHAUSTED))
    assert run.snapshot().spent_s == 10.0
