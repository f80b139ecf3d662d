from __future__ import annotations

from pathlib import Path

import pytest

from tunecli.errors import StudyError
from tunecli.store.following import JournalFollower, Tail
from tunecli.study.events import Answer, Asked, Created, Event, Finished, SessionStarted, Started, to_line
from tunecli.study.objective import Goal, Objective
from tunecli.study.trial import Outcome, Suggestion, TrialStatus


def created(study: str = "study", at: float = 1.0) -> Created:
    return Created(at=at, study=study, objective=Objective(metric="val_rmse", goal=Goal.MINIMIZE))


EVENTS: list[Event] = [
    created(),
    SessionStarted(at=2.0, host="here", pid=1, tunecli="0"),
    Asked(at=3.0, slot=0, limit=2, answer=Answer.TRIAL, suggestion=Suggestion(0, {"units": 8}, 0, 5)),
    Started(at=4.0, trial=0, attempt=1),
    Finished(at=5.0, trial=0, outcome=Outcome(TrialStatus.COMPLETED, 0.5, 3)),
]
CONTENT = b"".join(map(to_line, EVENTS))


def test_a_journal_that_is_cut_at_any_byte_is_followed_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for cut in range(len(CONTENT) + 1):
        path.write_bytes(CONTENT[:cut])
        follower = JournalFollower(path)
        first = follower.read().events
        assert len(first) == CONTENT[:cut].count(b"\n")
        path.write_bytes(CONTENT)
        new = follower.read()
        assert [*first, *new.events] == EVENTS
        assert not new.is_anew


def test_a_journal_that_grows_byte_by_byte_gives_each_event_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    follower = JournalFollower(path)
    found: list[Event] = []
    for byte in CONTENT:
        with path.open("ab") as file:
            file.write(bytes([byte]))
        found += follower.read().events
    assert found == EVENTS
    assert follower.read().events == ()


def test_only_what_is_new_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"first\n" + b"x" * 100_000 + b"\nlast\n")
    tail = Tail(path)
    tail.read()
    with path.open("ab") as file:
        file.write(b"new\n")
    read: list[int] = []
    opened = open

    def counting(*arguments: object) -> object:
        file = opened(*arguments)  # type: ignore[call-overload]
        inner = file.read

        class Counted:
            def __enter__(self) -> Counted:
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def seek(self, position: int) -> None:
                file.seek(position)

            def read(self, size: int = -1) -> bytes:
                content: bytes = inner(size)
                read.append(len(content))
                return content

        return Counted()

    monkeypatch.setattr("builtins.open", counting)
    assert tail.read().lines == (b"new",)
    assert sum(read) == len(b"first\n") + len(b"last\n") + len(b"new\n")


def test_a_torn_end_that_is_cut_off_and_written_over_is_no_other_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = CONTENT.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[4][:20])
    follower = JournalFollower(path)
    follower.read()
    path.write_bytes(CONTENT)
    new = follower.read()
    assert [each.event for each in new.events] == ["started", "finished"]
    assert not new.is_anew


def test_blocks_of_zeros_are_read_once_they_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = CONTENT.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + b"\0" * 50 + b"\n")
    follower = JournalFollower(path)
    assert len(follower.read().events) == 3
    path.write_bytes(CONTENT)
    new = follower.read()
    assert new.is_anew
    assert list(new.events) == EVENTS


def test_a_journal_begun_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(CONTENT)
    follower = JournalFollower(path)
    follower.read()
    other = created(at=9.0), *EVENTS[1:]
    path.write_bytes(b"".join(map(to_line, other)) + b"\n" * 0)
    new = follower.read()
    assert new.is_anew
    assert new.events == other


def test_a_journal_that_is_deleted_and_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(CONTENT)
    follower = JournalFollower(path)
    follower.read()
    path.unlink()
    gone = follower.read()
    assert (gone.events, gone.is_anew) == ((), True)
    assert not follower.read().is_anew
    path.write_bytes(to_line(created("other")))
    assert [each.event for each in follower.read().events] == ["created"]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(CONTENT)
    follower = JournalFollower(path)
    follower.read()
    with path.open("ab") as file:
        file.write(b"nonsense\n" + to_line(EVENTS[1]))
    with pytest.raises(StudyError) as caught:
        follower.read()
    assert caught.value.problems[0].where == f"{path}:6"
