"""`tunecli evaluate`: every fitting figure, with intervals, and looks at the test part counted."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tunecli.cli.main import run as run_cli
from tunecli.plan import Plan
from tunecli.store.run import Run
from tunecli.training.bundle import Bundle
from tunecli.training.data import load

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]


@pytest.fixture(scope="module")
def numbers(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shared study's folder, retrained on its training rows alone; copy it before changing it."""
    runs = shutil.copytree(trained, tmp_path_factory.mktemp("numbers") / "runs")
    assert run_cli(["retrain", "--runs", str(runs), "--quiet"]) == 0
    return Path(runs)


@pytest.fixture
def runs(numbers: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(numbers, tmp_path / "runs"))


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a retrained study of three classes, whose rows belong to households."""
    folder = tmp_path_factory.mktemp("classes")
    random = np.random.default_rng(0)
    lines = []
    for household in range(60):
        place = random.random()
        kind = ["low", "middle", "</script>"][min(2, int(place * 3))]
        lines += [f"{place + random.normal() * 0.02:.3f},{'ab'[i % 2]},{household},{kind}" for i in range(4)]
    (folder / "t.csv").write_text("__proto__,side,household,y\n" + "\n".join(lines) + "\n")
    dataset = {"name": "csv", "path": "t.csv", "target": "y", "group": "household", "features": ["__proto__", "side"]}
    spec = {
        "dataset": dataset,
        "model": {"family": "mlp", "units": 8},
        "search_space": {"learning_rate": [0.05]},
        "tuner": "grid",
        "training": {"epochs": 20},
        "baselines": False,
    }
    (folder / "classes.yaml").write_text(yaml.safe_dump(spec))
    arguments = ["--runs", str(folder / "runs"), "--quiet"]
    assert run_cli(["search", str(folder / "classes.yaml"), *arguments]) == 0
    assert run_cli(["retrain", *arguments]) == 0
    return folder / "runs"


def test_the_test_part_is_looked_at_and_the_look_is_counted(cli_json: CliJson, runs: Path) -> None:
    metrics = json.loads((runs / "linear" / "best" / "metrics.json").read_text())
    document = cli_json("evaluate", "--runs", runs, "--quiet")
    assert (document["schema_version"], document["part"], document["rows"]) == (1, "test", 40)
    figures = document["targets"][0]["figures"]
    assert set(figures) == {"rmse", "mae", "r2", "median_absolute_error", "bias"}
    for name in ("rmse", "mae", "r2"):
        assert figures[name]["value"] == pytest.approx(metrics["scores"]["test"][name], rel=1e-5)
        assert figures[name]["low"] < figures[name]["value"] < figures[name]["high"]
    assert document["test_looks"] == 2
    last = json.loads((runs / "linear" / "test_looks.jsonl").read_text().splitlines()[-1])
    assert (last["by"], last["trial"], last["full"]) == ("evaluate", metrics["trial"], False)
    assert cli_json("evaluate", "--runs", runs, "--quiet")["targets"] == document["targets"], "the bootstrap is seeded"


def test_the_validation_part_may_be_looked_at_freely(cli: Cli, cli_json: CliJson, runs: Path) -> None:
    document = cli_json("evaluate", "--part", "validation", "--runs", runs, "--quiet")
    metrics = json.loads((runs / "linear" / "best" / "metrics.json").read_text())
    found = document["targets"][0]["figures"]["rmse"]["value"]
    assert found == pytest.approx(metrics["scores"]["validation"]["rmse"], rel=1e-5)
    assert document["test_looks"] is None
    assert len((runs / "linear" / "test_looks.jsonl").read_text().splitlines()) == 1
    assert cli("retrain", "--full", "--runs", runs, "--quiet")[0] == 0
    code, _, err = cli("evaluate", "--part", "validation", "--runs", runs)
    assert code == 0
    assert "was trained on the validation rows, too" in err


def test_a_file_with_the_rows_of_the_test_part_gives_its_figures(cli_json: CliJson, runs: Path) -> None:
    data, parts = load(Plan.of(Run(runs / "linear")).dataset)
    rows = [(*data.columns.numeric[row], data.target[row]) for row in parts.test]
    lines = [",".join(map(repr, map(float, row))) for row in rows]
    Path("rows.csv").write_text("TV,radio,newspaper,SALES\n" + "\n".join(lines) + "\n")
    whole = cli_json("evaluate", "--part", "test", "--runs", runs, "--quiet")
    document = cli_json("evaluate", "--data", "rows.csv", "--runs", runs, "--quiet")
    assert (document["data"], document["part"], document["test_looks"]) == ("rows.csv", None, None)
    for name, figure in document["targets"][0]["figures"].items():
        assert figure == pytest.approx(whole["targets"][0]["figures"][name], rel=1e-5)


def test_classes_have_every_figure(cli_json: CliJson, classes: Path) -> None:
    document = cli_json("evaluate", "--by", "side", "--runs", classes, "--quiet")
    (target,) = document["targets"]
    assert target["name"] == "y"
    assert list(target["figures"]) == [
        "accuracy",
        "balanced_accuracy",
        "log_loss",
        "roc_auc",
        "f1_macro",
        "f1_weighted",
    ]
    assert target["figures"]["accuracy"]["value"] > 0.5
    assert [each["name"] for each in target["classes"]] == ["</script>", "low", "middle"]
    confusion = np.array(target["confusion"])
    assert confusion.sum() == document["rows"]
    assert confusion.trace() / confusion.sum() == pytest.approx(target["figures"]["accuracy"]["value"])
    assert [each["support"] for each in target["classes"]] == confusion.sum(axis=1).tolist()
    groups = document["by"]["groups"]
    assert sorted(each["name"] for each in groups) == ["a", "b"]
    assert sum(each["rows"] for each in groups) == document["rows"]
    mean = sum(each["rows"] * each["targets"][0]["figures"]["accuracy"]["value"] for each in groups) / document["rows"]
    assert mean == pytest.approx(target["figures"]["accuracy"]["value"])


def test_rows_of_a_household_are_drawn_together(cli_json: CliJson, classes: Path) -> None:
    """Figures of grouped rows are less sure: the same rows without their groups have narrower intervals."""
    plan = Plan.of(Run(classes / "classes"))
    lines = Path(str(plan.dataset.options.path)).read_text().splitlines()
    Path("grouped.csv").write_text("\n".join(lines) + "\n")
    Path("alone.csv").write_text("\n".join([lines[0].replace("household", "other"), *lines[1:]]) + "\n")
    widths = []
    for name in ("grouped.csv", "alone.csv"):
        figure = cli_json("evaluate", "--data", name, "--runs", classes, "--quiet")["targets"][0]["figures"]["log_loss"]
        widths.append(figure["high"] - figure["low"])
    assert widths[0] > 1.2 * widths[1]


def test_numbers_are_grouped_by_their_quarters(cli_json: CliJson, classes: Path) -> None:
    plan = Plan.of(Run(classes / "classes"))
    path = Path(str(plan.dataset.options.path))
    document = cli_json("evaluate", "--data", path, "--by", "__proto__", "--runs", classes, "--quiet")
    groups = document["by"]["groups"]
    assert len(groups) == 4
    assert sum(each["rows"] for each in groups) == 240
    assert max(each["rows"] for each in groups) - min(each["rows"] for each in groups) < 10
    document = cli_json("evaluate", "--data", path, "--by", "household", "--runs", classes, "--quiet")
    assert len(document["by"]["groups"]) == 4, "sixty households are too many to show one by one"


@pytest.mark.parametrize("fixture", ["numbers", "classes"])
def test_eighty_columns_are_enough(
    fixture: str, cli: Cli, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    folder = request.getfixturevalue(fixture)
    by = "TV" if fixture == "numbers" else "side"
    code, out, _ = cli("evaluate", "--part", "validation", "--by", by, "--runs", folder)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    first = "rmse" if fixture == "numbers" else "accuracy"
    assert re.search(rf"{first} +[\d.]+ +[\d.]+ … [\d.]+", out)
    assert ("residuals" in out) == (fixture == "numbers")
    assert ("confusion" in out) == (fixture == "classes")
    assert f"by {by}" in out


FAULTS = [
    ("TV,radio,newspaper\n1,2,3\n", 2, "no column is called 'sales'"),
    ("TV,radio,newspaper,sales\n1,2,3,\n", 3, "rows.csv:2: the target 'sales' is missing in 1 row"),
    ("TV,radio,newspaper,sales\n1,2,3,4\n1,2,3,much\n", 3, "rows.csv:3: 'much' is not a number"),
    ("TV,radio,newspaper,sales\n", 3, "has no rows"),
]


@pytest.mark.parametrize(("text", "code", "message"), FAULTS)
def test_rows_that_cannot_be_scored(text: str, code: int, message: str, cli: Cli, numbers: Path) -> None:
    Path("rows.csv").write_text(text)
    found, out, err = cli("evaluate", "--data", "rows.csv", "--runs", numbers)
    assert (found, out) == (code, "")
    assert message in err
    assert "hint: " in err


def test_a_class_that_the_model_does_not_know(cli: Cli, classes: Path) -> None:
    Path("rows.csv").write_text("__proto__,side,y\n0.5,a,low\n0.5,a,high\n")
    code, _, err = cli("evaluate", "--data", "rows.csv", "--runs", classes)
    assert code == 3
    assert "rows.csv:3: 'high' is none of the classes of 'y'" in err


def test_nothing_is_counted_for_a_look_that_was_not_taken(cli: Cli, runs: Path) -> None:
    code, _, err = cli("evaluate", "--by", "nothing", "--runs", runs)
    assert code == 2
    assert "has no feature 'nothing'" in err
    (runs / "linear" / "best" / "model.keras").write_bytes(b"")
    assert cli("evaluate", "--runs", runs)[0] == 3
    assert len((runs / "linear" / "test_looks.jsonl").read_text().splitlines()) == 1


def test_data_that_have_changed_since_are_refused(cli: Cli, runs: Path) -> None:
    path = runs / "linear" / "data.json"
    document = json.loads(path.read_text())
    document["target"]["sha256"] = "0" * 64
    path.write_text(json.dumps(document))
    code, _, err = cli("evaluate", "--runs", runs)
    assert code == 3
    assert "the data have changed since the search (target)" in err


def test_a_folder_needs_a_file(cli: Cli, numbers: Path) -> None:
    shutil.copytree(numbers / "linear" / "best", "model")
    code, _, err = cli("evaluate", "model")
    assert code == 2
    assert "a folder brings no data" in err
    Path("rows.csv").write_text("TV,radio,newspaper,sales\n1,2,3,4\n100,2,3,10\n")
    assert cli("evaluate", "model", "--data", "rows.csv")[0] == 0
    assert Bundle.open(Path("model")).manifest.study == "linear"
