"""Files are whole or absent, and a disk that takes no more is named."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.disks import FailingDisk
from tunecli.errors import StudyError
from tunecli.store import files
from tunecli.store.environment import record_environment
from tunecli.store.lock import StudyLock

WRITERS: dict[str, Callable[[Path], None]] = {
    "write_whole": lambda path: files.write_whole(path, b"new"),
    "write_json": lambda path: files.write_json(path, {"new": 1}),
    "write_lines": lambda path: files.write_lines(path, [b"new\n"]),
    "append_line": lambda path: files.append_line(path, b"new\n"),
    "sync_file": files.sync_file,
}
WHOLE = ["open", "write", "sync", "replace"]
STEPS = {"append_line": ["open", "write"], "sync_file": ["sync"]}


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    files.write_json(path, {"a": 1})
    files.write_json(path, {"a": 2})
    assert files.read_json(path) == {"a": 2}
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
@pytest.mark.parametrize(("writer", "step"), [(name, step) for name in WRITERS for step in STEPS.get(name, WHOLE)])
def test_a_failure_keeps_the_old_file_and_names_it(
    writer: str, step: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old\n")
    monkeypatch.setattr(files, "disk", FailingDisk(step, code=code))
    with pytest.raises(StudyError) as caught:
        WRITERS[writer](path)
    (problem,) = caught.value.problems
    assert (problem.where, problem.what) == (str(path), f"cannot be written: {os.strerror(code)}")
    assert "make room" in problem.hint
    assert caught.value.exit_code == 1
    assert path.read_bytes() == b"old\n"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("writer", sorted({*WRITERS} - {"sync_file"}))
def test_a_folder_that_cannot_be_made_is_named(writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "disk", FailingDisk("make_folder"))
    with pytest.raises(StudyError, match="No space") as caught:
        WRITERS[writer](tmp_path / "trials" / "a")
    assert caught.value.problems[0].where == str(tmp_path / "trials" / "a")


@pytest.mark.parametrize("step", ["make_folder", "sync", "replace"])
def test_what_cannot_be_moved_stays_where_it_was(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "scratch"
    source.write_bytes(b"x")
    monkeypatch.setattr(files, "disk", FailingDisk(step))
    with pytest.raises(StudyError, match="No space"):
        files.move_whole(source, tmp_path / "trials" / "state")
    assert source.read_bytes() == b"x"


def test_moving_makes_the_target_folder(tmp_path: Path) -> None:
    source = tmp_path / "scratch"
    source.write_bytes(b"x")
    files.move_whole(source, tmp_path / "trials" / "0" / "state")
    assert (tmp_path / "trials" / "0" / "state").read_bytes() == b"x"
    assert not source.exists()


def test_lines_are_appended_to_a_file_that_is_made_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "trials" / "0" / "epochs.jsonl"
    for line in (b"1\n", b"2\n"):
        files.append_line(path, line)
    files.sync_file(path)
    assert files.read_lines(path) == [b"1", b"2"]


@pytest.mark.parametrize("torn", [b"", b"1\n", b"1\n2", b"1\n\x00\x00"])
def test_half_a_line_goes_before_the_next_is_appended(torn: bytes, tmp_path: Path) -> None:
    path = tmp_path / "epochs.jsonl"
    path.write_bytes(torn)
    files.append_line(path, b"3\n")
    assert files.read_lines(path) == [*torn.split(b"\n")[:-1], b"3"]


@pytest.mark.parametrize("step", ["open", "cut", "write"])
def test_a_lock_that_cannot_be_written_is_not_held(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    with monkeypatch.context() as patch:
        patch.setattr(files, "disk", FailingDisk(step))
        with pytest.raises(StudyError, match="No space"):
            StudyLock(path).acquire()
    StudyLock(path).acquire()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is damaged: not JSON"),
        (b'{"a": 1', "is damaged: not JSON"),
        (bytes(40), "is damaged: not JSON"),
        (b"\xff\xfe{}", "is damaged: not JSON"),
        (b"[1]", "is damaged: holds a list, not a dict"),
    ],
)
def test_a_damaged_document_is_named(content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=what) as caught:
        files.read_json(path)
    assert caught.value.problems[0].where == str(path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]"])
def test_a_damaged_list_of_environments_is_not_written_over(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "environment.json"
    path.write_bytes(content)
    with pytest.raises(StudyError, match="is damaged"):
        record_environment(path)
    assert path.read_bytes() == content
