from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.studies import Planted, write_study
from tunecli.plan import Plan
from tunecli.store.run import Run

Cli = Callable[..., tuple[int, str, str]]

FALLING = [3.0, 2.0, 1.5, 1.2, 1.1, 1.0, 0.9, 0.8]
TURNING = [3.0, 2.0, 1.0, 1.4, 1.8, 2.2, 2.6, 3.0]
RISING = [0.1 * epoch for epoch in range(8)]


def errors(validation: list[float], train: list[float]) -> dict[str, list[float]]:
    return {"rmse": train, "val_rmse": validation, "loss": [each**2 for each in train]}


@pytest.fixture
def study(make_plan: Callable[..., Plan], tmp_path: Path) -> Run:
    plan = make_plan(search_space={"learning_rate": {"min": 0.01, "max": 1.0}}, training={"epochs": 8})
    trials = [
        Planted({"learning_rate": 0.1}, 0.8, errors(FALLING, FALLING)),
        Planted({"learning_rate": 0.02}, 1.0, errors(TURNING, FALLING)),
        Planted({"learning_rate": 0.9}, "loss is inf in epoch 2", errors([2.0, math.nan], [2.5, math.inf])),
        Planted({"learning_rate": 0.5}, curves=errors(FALLING[:3], FALLING[:3]), end_epoch=8),
        Planted({"learning_rate": 0.8}, "ValueError: no"),
    ]
    return write_study(tmp_path / "runs", plan, trials)


def test_the_best_trials_are_drawn_and_told_of(study: Run, cli: Cli) -> None:
    code, out, err = cli("curves", "--runs", study.path.parent)
    assert code == 0
    first, second = (line.split() for line in out.splitlines() if "epoch" in line and "best epoch" not in line)
    assert first[:6] == ["0", "0.8000", "8", "0.8000", "0.8000", "1.00"]
    assert " ".join(first[6:]).startswith("still falling at the end")
    assert second[:6] == ["1", "1.0000", "3", "1.5000", "1.0000", "0.67"]
    assert " ".join(second[6:]) == "overfits from epoch 3"
    assert str(study.layout.curves) in err
    with Image.open(study.layout.curves / "curves.png") as picture:
        assert picture.width > picture.height


def test_a_narrow_terminal_has_the_words_below(study: Run, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("curves", "--runs", study.path.parent)[1].splitlines()
    assert "trial 1: overfits from epoch 3" in [line.rstrip() for line in lines]
    assert max(map(len, lines)) <= 80


def test_figures_have_a_row_for_each_epoch_and_metric(study: Run, cli: Cli, tmp_path: Path) -> None:
    assert cli("curves", "study", "--runs", study.path.parent, "--trial", 2, "-o", tmp_path / "out")[0] == 0
    rows = list(csv.DictReader((tmp_path / "out" / "curves.csv").open()))
    assert [row["metric"] for row in rows] == ["rmse", "rmse", "loss", "loss"]
    assert rows[1] == {
        "trial": "2",
        "training": "",
        "epoch": "2",
        "metric": "rmse",
        "train": "inf",
        "validation": "nan",
        "train_x": "1.5",
    }
    assert rows[2]["validation"] == ""
    assert not study.layout.curves.exists()


def test_json_has_the_curves(study: Run, cli_json: Callable[..., Any]) -> None:
    document = cli_json("curves", "--runs", study.path.parent, "--trial", 3, "--trial", 2)
    running, failed = document["trials"]
    assert (running["id"], running["status"], running["best_epoch"]) == (3, "running", 3)
    assert running["trainings"][0]["train_x"] == [0.5, 1.5, 2.5]
    assert failed["trainings"][0]["validation"] == [2.0, None]
    assert failed["shape"]["form"] == "diverges"
    assert Path(document["picture"]).exists()


def test_another_metric_is_drawn_at_the_best_epoch_of_the_objective(study: Run, cli_json: Callable[..., Any]) -> None:
    (trial,) = cli_json("curves", "--runs", study.path.parent, "--metric", "loss", "--top", 1)["trials"]
    assert (trial["metric"], trial["best_epoch"], trial["train_at_best"]) == ("loss", 8, pytest.approx(0.64))
    assert (trial["validation_at_best"], trial["gap_ratio"]) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--metric", "rsme"], 2, "did you mean 'rmse'?"),
        (["--trial", "1", "--top", "2"], 2, "exclude each other"),
        (["--trial", "77"], 2, "has no trial 77"),
        (["--trial", "4"], 1, "tunecli why study 4"),
        (["--top", "0"], 2, "--top"),
    ],
)
def test_mistakes_are_told(study: Run, cli: Cli, arguments: list[str], code: int, message: str) -> None:
    found, _, err = cli("curves", "study", "--runs", study.path.parent, *arguments)
    assert found == code
    assert message in err
    assert not study.layout.curves.exists()


def test_a_study_in_which_nothing_completed_names_what_can_be_drawn(
    make_plan: Callable[..., Plan], tmp_path: Path, cli: Cli
) -> None:
    plan = make_plan(search_space={"learning_rate": {"min": 0.01, "max": 1.0}})
    write_study(tmp_path / "runs", plan, [Planted(curves=errors([2.0], [3.0]))])
    code, _, err = cli("curves", "--runs", tmp_path / "runs")
    assert code == 1
    assert "tunecli curves study --trial 0" in err
    assert cli("curves", "--runs", tmp_path / "runs", "--trial", 0)[0] == 0


def test_what_is_damaged_is_told_and_the_rest_is_drawn(study: Run, cli: Cli) -> None:
    epochs = study.layout.trial(0).epochs
    lines = epochs.read_bytes().split(b"\n")
    epochs.write_bytes(b"\n".join([*lines[:3], b"nonsense", *lines[4:]]))
    study.layout.plan.write_text("{")
    code, out, err = cli("curves", "--runs", study.path.parent, "--trial", 0)
    assert code == 0
    assert "line 4 is not a measurement" in err
    assert "plan.json" in err
    assert "0.8000" in out


def test_a_promoted_trial_is_one_curve_and_stands_for_its_ancestors(
    make_plan: Callable[..., Plan], tmp_path: Path, cli_json: Callable[..., Any]
) -> None:
    plan = make_plan(search_space={"learning_rate": {"min": 0.01, "max": 1.0}})
    trials = [
        Planted({}, 1.5, errors(FALLING[:3], FALLING[:3])),
        Planted({}, 0.8, errors(FALLING[3:], FALLING[3:]), start_epoch=3, parent=0),
    ]
    write_study(tmp_path / "runs", plan, trials)
    (trial,) = cli_json("curves", "--runs", tmp_path / "runs")["trials"]
    assert trial["id"] == 1
    assert trial["trainings"][0]["epochs"] == list(range(1, 9))
    assert trial["promotions"] == [{"epoch": 3, "trial": 1}]


def test_leaderboards_and_show_have_sparklines(study: Run, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out, _ = cli("best", "study", "--runs", study.path.parent)
    assert "█▅▃▂▂▁▁▁" in out
    assert "█▅▁▂▄▅▇█" in cli("show", "study", "--runs", study.path.parent)[1]
    monkeypatch.setenv("COLUMNS", "40")
    assert "█" not in cli("best", "study", "--runs", study.path.parent)[1]


def test_show_marks_the_best_epoch_below_the_objective(study: Run, cli: Cli) -> None:
    lines = cli("show", "study", "1", "--runs", study.path.parent)[1].splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith(" val_rmse"))
    assert lines[at - 1].startswith(" rmse")
    assert lines[at + 1].index("▲") == lines[at].index("█") + 2
    assert "epoch 3" in lines[at + 1]
    assert [line.split()[0] for line in lines[at + 2 : at + 3]] == ["loss"]


def test_json_is_a_plain_document(study: Run, cli: Cli) -> None:
    _, out, _ = cli("curves", "--runs", study.path.parent, "--json")
    assert json.loads(out)["schema_version"] == 1
