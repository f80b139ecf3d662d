from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.studies import Planted, typical_trials, write_study
from tunecli.plan import Plan
from tunecli.reports.page.data import page_data
from tunecli.reports.report import group_failures, read_report


def test_curves_fit_the_room(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(tuner="random", search_space={"batch_size": [8, 16]}, training={"epochs": 400})
    report = read_report(write_study(Path("runs"), plan, typical_trials(60)))
    whole = page_data(report, room_bytes=10_000_000)
    small = page_data(report, room_bytes=100_000)
    first, thinned = whole["trials"][0]["curves"][0], small["trials"][0]["curves"][0]
    assert len(first["y"]) == 400
    assert "x" not in first
    assert thinned["x"][-1] == 400  # the last epoch is kept
    assert thinned["y"][-1] == first["y"][-1]
    assert len(json.dumps([each["curves"] for each in small["trials"]])) < 200_000


def test_a_trial_is_told_as_the_panel_shows_it(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(tuner="random", search_space={"batch_size": [8, 16]}, training={"epochs": 5})
    trials = [
        Planted({"batch_size": 8}, 0.5),
        Planted({"batch_size": 16, "units": 4}, "no luck"),
        Planted({"batch_size": 8}),
    ]
    data = page_data(read_report(write_study(Path("runs"), plan, trials, end=None)), room_bytes=100_000)
    assert data["parameters"] == ["batch_size", "units"]
    assert [each["rank"] for each in data["trials"]] == [1, None, None]
    assert [each["values"] for each in data["trials"]] == [["8", None], ["16", "4"], ["8", None]]
    assert data["trials"][0]["shown"] == {"score": "0.5000", "epochs": "5, best 5", "time": "10.0 s"}
    assert data["trials"][1]["shown"]["cause"] == "no luck"
    assert data["trials"][2]["shown"] == {"state": "running"}
    assert [each["name"] for each in data["trials"][0]["curves"]] == ["val_rmse", "rmse"]


def test_causes_that_differ_in_numbers_are_one(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(tuner="random", search_space={"batch_size": [8, 16]})
    causes = ["MemoryError", "loss is nan in epoch 3", "loss is nan in epoch 12", "loss is inf in epoch 1"]
    run = write_study(Path("runs"), plan, [Planted({"batch_size": 8}, cause) for cause in causes])
    assert [(each.cause, each.trials) for each in group_failures(run.snapshot())] == [
        ("loss is nan in epoch 3", (1, 2)),
        ("MemoryError", (0,)),
        ("loss is inf in epoch 1", (3,)),
    ]
