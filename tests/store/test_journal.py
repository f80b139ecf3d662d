"""The journal survives being cut at any byte."""

from __future__ import annotations

from io import FileIO
from pathlib import Path

import pytest

from tests.store.disks import FailingDisk
from tunecli.errors import StudyError, UsageError
from tunecli.store import files
from tunecli.store.journal import Journal, read_journal
from tunecli.study.events import Answer, Asked, Created, Event, Finished, SessionStarted, Started, to_line
from tunecli.study.objective import Goal, Objective
from tunecli.study.trial import Outcome, Suggestion, TrialStatus

CREATED = Created(at=1.0, study="s", objective=Objective(metric="val_rmse", goal=Goal.MINIMIZE))


def events() -> list[Event]:
    values = {"a": 1, "b": 1.0, "c": True, "d": "1", "e": [3, 2], "f": None}
    return [
        CREATED,
        SessionStarted(at=2.0, host="h", pid=7, tunecli="0"),
        Asked(at=3.0, slot=0, limit=None, answer=Answer.TRIAL, suggestion=Suggestion(0, values, 0, 3)),
        Started(at=3.5, trial=0, attempt=1),
        Finished(at=4.0, trial=0, outcome=Outcome(TrialStatus.COMPLETED, 0.1, 2, {"val_rmse": 0.1}, 3, 0.5)),
        Asked(at=5.0, slot=0, limit=2, answer=Answer.STOPPED),
    ]


def write(path: Path, found: list[Event]) -> None:
    with Journal(path) as journal:
        for event in found:
            journal.append(event)


def test_what_is_appended_is_read_back_with_its_types(tmp_path: Path) -> None:
    write(tmp_path / "journal.jsonl", events())
    contents = read_journal(tmp_path / "journal.jsonl")
    assert list(contents.events) == events()
    asked = contents.events[2]
    assert isinstance(asked, Asked)
    assert asked.suggestion is not None
    assert [type(value) for value in asked.suggestion.values.values()] == [int, float, bool, str, list, type(None)]
    assert not contents.is_torn


def test_a_journal_cut_at_any_byte_goes_on_from_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole = [to_line(event) for event in events()]
    content = b"".join(whole)
    ends = [sum(map(len, whole[:count])) for count in range(len(whole) + 1)]
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        kept = max(index for index, end in enumerate(ends) if end <= cut)
        with Journal(path) as journal:
            assert journal.events == events()[:kept]
            assert journal.was_torn == (cut not in ends)
            journal.append(events()[-1] if kept else CREATED)
        contents = read_journal(path)
        assert list(contents.events) == [*events()[:kept], events()[-1] if kept else CREATED]
        assert not contents.is_torn


def test_a_torn_line_is_passed_over_by_readers_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(to_line(CREATED) + b'{"at": 2.0, "ev')
    assert read_journal(path).is_torn
    assert path.read_bytes().endswith(b'"ev')


def test_zeros_at_the_end_are_torn_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(to_line(CREATED) + bytes(40) + b"\n")
    with Journal(path) as journal:
        assert journal.was_torn
        assert journal.events == [CREATED]
    assert path.read_bytes() == to_line(CREATED)


def test_a_damaged_line_in_the_middle_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(to_line(CREATED) + b"nonsense\n" + to_line(CREATED))
    with pytest.raises(StudyError) as caught:
        read_journal(path)
    assert caught.value.problems[0].where == f"{path}:2"


@pytest.mark.parametrize(
    ("order", "line", "what"),
    [
        ([1, 2, 3], 1, "does not begin with the creation"),
        ([0, 1, 3, 4], 3, "is about trial 0, which nobody asked for"),
    ],
)
def test_a_journal_that_lost_a_line_is_an_error_that_says_where(
    order: list[int], line: int, what: str, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(to_line(events()[index]) for index in order))
    with pytest.raises(StudyError, match=what) as caught:
        read_journal(path)
    assert caught.value.problems[0].where == f"{path}:{line}"


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(to_line(CREATED.model_copy(update={"version": 99})))
    with pytest.raises(UsageError, match="newer tunecli"):
        read_journal(path)


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, [CREATED])
    monkeypatch.setattr(files, "disk", FailingDisk("write"))
    with Journal(path) as journal, pytest.raises(StudyError, match="No space left") as caught:
        journal.append(events()[1])
    assert caught.value.problems[0].where == str(path)
    assert journal.events == [CREATED]
    assert path.read_bytes() == to_line(CREATED)


def test_half_a_line_that_could_not_be_dropped_goes_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.append(CREATED)
        with monkeypatch.context() as patch:
            patch.setattr(files, "disk", FailingDisk("write", "cut"))
            with pytest.raises(StudyError, match="No space left"):
                journal.append(events()[1])
        assert read_journal(path).is_torn
        journal.append(events()[1])
    assert list(read_journal(path).events) == events()[:2]


def test_an_interrupt_between_two_bytes_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"

    class Interrupting(files.Disk):
        def write(self, file: FileIO, content: bytes) -> None:
            super().write(file, content[:5])
            raise KeyboardInterrupt

    with Journal(path) as journal:
        journal.append(CREATED)
        with monkeypatch.context() as patch:
            patch.setattr(files, "disk", Interrupting())
            with pytest.raises(KeyboardInterrupt):
                journal.append(events()[1])
        assert path.read_bytes() == to_line(CREATED)
        journal.append(events()[1])
    assert list(read_journal(path).events) == events()[:2]
