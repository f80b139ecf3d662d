"""When an export predicts as its bundle does, and where it is put."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunecli.errors import UsageError
from tunecli.training.exports.check import greatest_difference
from tunecli.training.exports.folder import MANIFEST, check_target, replacing_folder


def difference(exported: list[float], expected: list[float], *, are_probabilities: bool = False) -> float:
    ours, theirs = (np.array(each)[:, np.newaxis] for each in (exported, expected))
    return greatest_difference(ours, theirs, are_probabilities=are_probabilities)


@pytest.mark.parametrize(
    ("exported", "expected", "found"),
    [
        ([1000.1, 2.0], [1000.0, 2.0], 1e-4),  # relative where predictions are large
        ([0.5, 30.0], [0.4, 30.0], 0.1),  # absolute where they are below 1 among larger ones
        ([1.1e-6, 2e-6], [1e-6, 2e-6], 0.05),  # in units of the largest, where all are small
        ([math.nan, 1.0], [math.nan, 1.0], 0.0),
        ([math.inf, 1.0], [math.inf, 1.0], 0.0),
        ([math.nan, 1.0], [1.0, 1.0], math.inf),
        ([1.0, 1.0], [math.nan, 1.0], math.inf),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
    ],
)
def test_a_difference(exported: list[float], expected: list[float], found: float) -> None:
    assert difference(exported, expected) == pytest.approx(found, rel=1e-3)


def test_probabilities_differ_absolutely_however_small_they_are() -> None:
    assert difference([1.1e-6], [1e-6], are_probabilities=True) == pytest.approx(1e-7)


def test_another_shape_is_another_prediction() -> None:
    assert greatest_difference(np.zeros((2, 1)), np.zeros((2, 3)), are_probabilities=False) == math.inf


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "export"
    with replacing_folder(target) as new:
        (new / MANIFEST).write_text("{}")
        assert not target.exists()
    assert [each.name for each in target.iterdir()] == [MANIFEST]
    assert [each.name for each in target.parent.iterdir()] == ["export"]


def test_what_fails_leaves_nothing_behind_and_the_old_folder_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "export"
    target.mkdir()
    (target / MANIFEST).write_text("old")

    def fail() -> None:
        with replacing_folder(target) as new:
            (new / MANIFEST).write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (target / MANIFEST).read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["export"]


def prepare(kind: str, target: Path) -> None:
    if kind == "file":
        target.write_text("mine")
    elif kind != "nothing":
        target.mkdir()
    if kind in ("export", "mine"):
        (target / (MANIFEST if kind == "export" else "thesis.tex")).write_text("{}")


@pytest.mark.parametrize(
    ("kind", "force", "message"),
    [
        ("nothing", False, None),
        ("empty", False, None),
        ("export", False, "is there already"),
        ("export", True, None),
        ("mine", True, "holds no export"),
        ("file", True, "no folder"),
    ],
)
def test_what_is_there_is_not_written_over(kind: str, *, force: bool, message: Any, tmp_path: Path) -> None:
    target = tmp_path / "target"
    prepare(kind, target)
    if message is None:
        check_target(target, force=force)
        return
    with pytest.raises(UsageError, match=message) as caught:
        check_target(target, force=force)
    assert "-o" in caught.value.problems[0].hint
