"""When baselines are fitted, and what is kept of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.search import baseline_runners
from tests.search.sessions import leaderboard, run_of, search, spec
from tunecli.errors import StudyError
from tunecli.store.journal import read_journal


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits nothing, and gives one baseline little time."""
    monkeypatch.setattr("tunecli.search.baselines.RUNNER", f"{baseline_runners.__name__}:fit")
    monkeypatch.setattr("tunecli.search.baselines.WARM_UP", "builtins:dict")
    monkeypatch.setattr("tunecli.search.baselines.LIMIT_S", 0.2)


def test_baselines_are_fitted_once_and_are_no_trials(tmp_path: Path) -> None:
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    path = spec(tmp_path / "with", baselines=True)
    session, plain = search(path), search(spec(tmp_path / "without", baselines=False))
    found = session.run.baselines()

    assert [each.name for each in found] == ["mean", "least squares", "MLP 50-50-50", "HistGradientBoosting"]
    assert all(each.score == each.metrics["val_rmse"] and each.duration_s for each in found)
    assert {(each.rows, each.train_rows, each.cause) for each in found} == {(120, 120, "")}
    assert "scikit-learn" in json.loads(session.run.layout.baselines.read_bytes())["packages"]
    assert leaderboard(session.snapshot) == leaderboard(plain.snapshot)
    events = [[event.event for event in read_journal(run.layout.journal).events] for run in (plain.run, session.run)]
    assert events[0] == events[1]
    assert not plain.run.layout.baselines.exists()
    assert not session.run.layout.scratch.exists()

    written = session.run.layout.baselines.stat()
    search(path)
    assert session.run.layout.baselines.stat().st_mtime_ns == written.st_mtime_ns


@pytest.mark.usefixtures("stand_in")
def test_what_does_not_end_in_time_or_fails_is_kept_with_its_cause(tmp_path: Path) -> None:
    found = search(spec(tmp_path, baselines=True)).run.baselines()

    assert [(each.name, each.score, each.rows, each.cause) for each in found] == [
        ("mean", 2.0, 7, ""),
        ("least squares", None, 7, "ValueError: no solution"),
        ("MLP 50-50-50", None, 7, "took longer than 0.2 s"),
        ("HistGradientBoosting", 1.0, 7, ""),
    ]


@pytest.mark.usefixtures("stand_in")
def test_an_interrupt_skips_them_and_the_same_command_fits_them(tmp_path: Path) -> None:
    said: list[str] = []
    path = spec(tmp_path, baselines=True)

    @contextmanager
    def interrupted(text: str) -> Iterator[None]:
        if text == "fitting a baseline: mean":
            raise KeyboardInterrupt
        yield

    session = search(path, said=said, busy=interrupted)
    assert len(session.snapshot.completed) == 5
    assert said[-1] == "the baselines are left out; the same command fits them"
    assert run_of(path).baselines() == ()
    assert len(search(path).run.baselines()) == 4


@pytest.mark.usefixtures("stand_in")
def test_baselines_may_be_asked_for_later(tmp_path: Path) -> None:
    assert search(spec(tmp_path, baselines=False)).run.baselines() == ()
    assert len(search(spec(tmp_path, baselines=True)).run.baselines()) == 4


@pytest.mark.usefixtures("stand_in")
def test_a_full_disk_costs_the_baselines_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, document: object) -> None:
        raise StudyError("cannot be written: no space left", where=path.name)

    monkeypatch.setattr("tunecli.search.baselines.write_json", full)
    said: list[str] = []
    assert search(spec(tmp_path, baselines=True), said=said).snapshot.best
    assert said[-1] == "no baselines: baselines.json: cannot be written: no space left"
