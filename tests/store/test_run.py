"""Run directories: begun, found, listed, held and deleted."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.disks import FailingDisk
from tunecli.errors import StudyError, UsageError
from tunecli.store import files
from tunecli.store.files import append_line, beside, write_json, write_whole
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
    assert [each.epoch for each in run.measurements(run.snapshot().lineage(1))] == [1, 2]


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    with OpenStudy(run) as study:
        suggestion = Suggestion(3, {}, 0, 1)
        study.record(Asked(at=1.0, slot=0, limit=1, answer=Answer.TRIAL, suggestion=suggestion))
    trial = run.layout.trial(3)
    half_written = [beside(path) for path in (run.layout.plan, trial.layers, trial.training(1).epochs)]
    kept = [run.layout.environment, trial.training(1).state, trial.log]
    for path in (*half_written, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{")
    with OpenStudy(run):
        pass
    assert not any(path.exists() for path in half_written)
    assert all(path.exists() for path in kept)


@pytest.mark.parametrize("line", [b"nonsense\n", b"{}\n", bytes(9) + b"\n"])
def test_a_line_that_is_no_measurement_is_named(line: bytes, tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    path = run.layout.trial(0).epochs
    path.parent.mkdir(parents=True)
    path.write_bytes(Measurement(epoch=1, metrics={}).model_dump_json().encode() + b"\n" + line)
    with pytest.raises(StudyError, match="not a measurement") as caught:
        run.measurements([0])
    assert caught.value.problems[0].where == f"{path}:2"


@pytest.mark.parametrize("line", [b"nonsense\n", b"1\n"])
def test_looks_at_the_test_part_are_counted_and_damage_among_them_is_named(line: bytes, tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    assert run.test_looks() == []
    append_line(run.layout.test_looks, b'{"trial": 1}\n')
    run.layout.test_looks.write_bytes(run.layout.test_looks.read_bytes() + b'{"tri')
    assert run.test_looks() == [{"trial": 1}]
    append_line(run.layout.test_looks, line)
    with pytest.raises(StudyError, match="not a look at the test part") as caught:
        run.test_looks()
    assert caught.value.problems[0].where == f"{run.layout.test_looks}:2"


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"[1]", b'[{"name": "output"}]'])
def test_damaged_layers_are_named(content: bytes, tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    assert run.layers(0) is None
    write_whole(run.layout.trial(0).layers, content)
    with pytest.raises(StudyError, match="is damaged") as caught:
        run.layers(0)
    assert caught.value.problems[0].where == str(run.layout.trial(0).layers)


def test_a_missing_plan_is_named(tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    with pytest.raises(StudyError, match="is missing") as caught:
        run.plan_document()
    assert caught.value.problems[0].where == str(run.layout.plan)


def test_a_log_that_is_no_text_is_shown(tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    write_whole(run.layout.trial(0).log, b"half a \xe2\x80")
    assert run.log(0) == "half a \ufffd"


@pytest.mark.parametrize("left", [0, 9])
def test_a_study_whose_journal_was_emptied_is_named_and_not_begun_again(left: int, tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    write_json(run.layout.data, {})
    content = run.layout.journal.read_bytes()[:left]
    run.layout.journal.write_bytes(content)
    assert find_run(tmp_path, "a").has_lost_journal()
    for _ in range(2):
        with pytest.raises(StudyError, match="holds no event any more") as caught, OpenStudy(run):
            pass
        assert caught.value.problems[0].where == str(run.layout.journal)
    assert run.layout.journal.read_bytes() == content
    run.delete()
    assert not run.path.exists()


def test_what_a_deletion_that_was_cut_off_has_left_is_no_study(tmp_path: Path) -> None:
    run = begin(tmp_path, "a")
    write_json(run.layout.data, {"of": "the old study"})
    run.layout.journal.unlink()
    assert not run.exists()
    with OpenStudy(run) as study:
        assert study.is_new
        assert not study.layout.data.exists(), "the new study may be of other data"


@pytest.mark.parametrize("step", ["make_folder", "open"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_is_no_reason_to_choose_another_folder(
    code: int, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "disk", FailingDisk(step, code=code))
    with pytest.raises(StudyError, match="cannot be written") as caught, OpenStudy(Run(tmp_path / "a")):
        pass
    assert "make room" in caught.value.problems[0].hint


def test_a_read_only_disk_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "disk", FailingDisk("make_folder", code=errno.EROFS))
    with pytest.raises(UsageError, match="Read-only file system") as caught, OpenStudy(Run(tmp_path / "a")):
        pass
    assert "--runs" in caught.value.problems[0].hint


def test_a_study_can_be_deleted_from_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin(tmp_path, "a")
    monkeypatch.setattr(files, "disk", FailingDisk("make_folder", "write"))
    run.delete()
    assert not run.path.exists()


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
