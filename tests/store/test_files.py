"""Files are whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunecli.store import files


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    files.write_json(path, {"a": 1})
    files.write_json(path, {"a": 2})
    assert files.read_json(path) == {"a": 2}
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]


def test_a_failure_while_writing_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, {"a": 1})

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        files.write_json(path, {"a": 2})
    assert files.read_json(path) == {"a": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_moving_makes_the_target_folder(tmp_path: Path) -> None:
    source = tmp_path / "scratch"
    source.write_bytes(b"x")
    files.move_whole(source, tmp_path / "trials" / "0" / "state")
    assert (tmp_path / "trials" / "0" / "state").read_bytes() == b"x"
    assert not source.exists()
