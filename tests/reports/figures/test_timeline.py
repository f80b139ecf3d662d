"""The timeline as plain values."""

from __future__ import annotations

from pathlib import Path

from tests.studies import Planted, any_plan, write_study
from tunecli.reports.figures.timeline import Gap, draw, timeline
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import read_study_data
from tunecli.study.trial import Trial

VALUES = {"learning_rate": 0.01, "units": 8, "optimizer": "adam"}


def _timeline(trials: list[Trial], now: float) -> tuple[list[tuple[int, float, float]], list[Gap]]:
    bars, gaps = timeline(trials, now)
    return [(bar.trial.id, round(bar.begin_s, 6), round(bar.length_s, 6)) for bar in bars], gaps


def test_time_between_sessions_is_cut_out(tmp_path: Path) -> None:
    told = [
        Planted(VALUES, 0.5),
        Planted(VALUES, 0.4),
        Planted(VALUES, 0.3, pause_s=3600.0),
        Planted(VALUES, "loss is nan"),
    ]
    snapshot = read_study_data(write_study(tmp_path, any_plan("s"), told)).snapshot
    bars, gaps = _timeline(list(snapshot.trials.values()), snapshot.updated_at)
    assert bars == [(0, 0.0, 10.0), (1, 10.0, 10.0), (2, 20.0, 10.0), (3, 30.0, 10.0)]
    assert gaps == [Gap(20.0, 3600.0)]


def test_short_pauses_are_shown_and_running_trials_go_on(tmp_path: Path) -> None:
    told = [Planted(VALUES, 0.5), Planted(VALUES, pause_s=30.0)]
    snapshot = read_study_data(write_study(tmp_path, any_plan("s"), told, end=None)).snapshot
    begun = snapshot.trials[1].started_at
    assert begun is not None
    bars, gaps = _timeline(list(snapshot.trials.values()), begun + 7.0)
    assert bars == [(0, 0.0, 10.0), (1, 40.0, 7.0)]
    assert gaps == []


def test_outcomes_are_told_apart(tmp_path: Path) -> None:
    told = [Planted(VALUES, 0.5), Planted(VALUES, 0.4, slot=1), Planted(VALUES, "loss is <nan>"), Planted(VALUES)]
    figure = draw(read_study_data(write_study(tmp_path, any_plan("s"), told, end=None)), Importance())
    assert figure.plot is not None
    bars = {trace["name"]: trace for trace in figure.plot["data"]}
    assert {name: [mark[0] for mark in trace["customdata"]] for name, trace in bars.items()} == {
        "completed": [0],
        "best": [1],
        "failed": [2],
        "running": [3],
    }
    assert bars["failed"]["customdata"] == [[2, None, "10.0 s", "loss is &lt;nan&gt;"]]
    assert bars["best"]["y"] == [1]
    assert figure.plot["layout"]["yaxis"]["ticktext"] == ["slot 0", "slot 1"]


def test_nothing_has_begun(tmp_path: Path) -> None:
    figure = draw(read_study_data(write_study(tmp_path, any_plan("s"))), Importance())
    assert (figure.text, figure.plot) == ("No trial has begun yet.", None)
