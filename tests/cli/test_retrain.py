"""`tunecli retrain`: the winner, trained again and tested."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunecli.plan import Plan
from tunecli.training.data import final_parts, load

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained study's folder, free to change."""
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def plan_of(runs: Path, name: str = "linear") -> Plan:
    return Plan.model_validate(json.loads((runs / name / "plan.json").read_text()))


def test_a_full_retraining_comes_to_least_squares(cli: Cli, cli_json: CliJson, configs: Path, tmp_path: Path) -> None:
    runs = tmp_path / "r"
    assert cli("search", configs / "least_squares.yaml", "--runs", runs, "--quiet")[0] == 0
    ours = cli_json("retrain", "--full", "--runs", runs, "--quiet")["scores"]["test"]["rmse"]
    data, parts = load(plan_of(runs, "least_squares").dataset)
    inputs = np.column_stack([np.ones(len(data.target)), data.columns.numeric])
    rows = np.concatenate([parts.train, parts.validation])
    weights, *_ = np.linalg.lstsq(inputs[rows], data.target[rows], rcond=None)
    least = np.sqrt(np.mean((inputs[parts.test] @ weights - data.target[parts.test]) ** 2))
    assert ours == pytest.approx(least, rel=0.001)


def test_without_full_the_score_of_the_search_comes_out_again(cli_json: CliJson, runs: Path) -> None:
    best = cli_json("best", "--runs", runs)["trials"][0]
    document = cli_json("retrain", "--runs", runs, "--quiet")
    assert document["trial"] == best["id"]
    assert document["epochs"] == best["best_epoch"]
    assert document["scores"]["validation"]["rmse"] == pytest.approx(best["score"], rel=1e-5)
    assert set(document["scores"]) == {"train", "validation", "test"}


def test_every_look_at_the_test_part_is_counted(cli: Cli, cli_json: CliJson, runs: Path) -> None:
    assert cli_json("retrain", "--full", "--runs", runs, "--quiet")["test_looks"] == 1
    assert cli_json("retrain", "--full", "--trial", 1, "--runs", runs, "--quiet")["test_looks"] == 2
    card = (runs / "linear" / "best" / "card.md").read_text()
    assert "The test part has been looked at 2 times" in card


def test_the_saved_model_and_preprocessing_give_the_reported_score(cli_json: CliJson, runs: Path) -> None:
    import keras

    from tunecli.preprocessing import Preprocessor

    document = cli_json("retrain", "--full", "--runs", runs, "--quiet")
    best = runs / "linear" / "best"
    data, parts = load(plan_of(runs).dataset)
    preprocessor = Preprocessor.from_json(json.loads((best / "preprocessing.json").read_text()))
    predicted = keras.models.load_model(best / "model.keras").predict(
        preprocessor.transform(data.columns, parts.test), verbose=0
    )
    rmse = np.sqrt(np.mean((predicted[:, 0] - data.target[parts.test]) ** 2))
    assert document["scores"]["test"]["rmse"] == pytest.approx(rmse, rel=1e-5)
    assert json.loads((best / "metrics.json").read_text()) == {
        key: value for key, value in document.items() if key != "schema_version"
    }


def test_a_full_retraining_fits_the_preprocessing_on_all_it_trains_on(runs: Path) -> None:
    plan = plan_of(runs)
    data, parts = load(plan.dataset)
    full, alone = final_parts(plan, full=True), final_parts(plan, full=False)
    assert len(full.parts[0][0]) == len(parts.train) + len(parts.validation)
    assert len(alone.parts[0][0]) == len(parts.train)
    assert np.abs(full.parts[0][0].mean(axis=0)).max() < 1e-6
    assert np.abs(alone.parts[2][0] - full.parts[2][0]).max() > 0
    assert len(data.target) == sum(map(len, (parts.train, parts.validation, parts.test)))


def test_retraining_again_replaces_the_old_model(cli: Cli, runs: Path) -> None:
    for _ in range(2):
        assert cli("retrain", "--runs", runs)[0] == 0
    names = sorted(each.name for each in (runs / "linear").iterdir() if each.name.startswith("best"))
    assert names == ["best"]
    assert sorted(each.name for each in (runs / "linear" / "best").iterdir()) == [
        "card.md",
        "metrics.json",
        "model.keras",
        "preprocessing.json",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--trial", "7"], "there is no trial 7"), (["nothing"], "no study is called 'nothing'")],
)
def test_what_does_not_exist(arguments: list[str], message: str, cli: Cli, runs: Path) -> None:
    code, _, err = cli("retrain", *arguments, "--runs", runs)
    assert code == 2
    assert message in err
    assert "hint: " in err


def test_a_trial_without_a_score_cannot_be_retrained(cli: Cli, runs: Path) -> None:
    journal = runs / "linear" / "journal.jsonl"
    lines = [line for line in journal.read_text().splitlines() if '"finished"' not in line]
    journal.write_text("\n".join(lines) + "\n")
    code, _, err = cli("retrain", "--trial", "0", "--runs", runs)
    assert code == 1
    assert "trial 0 is running" in err
    assert cli("retrain", "--runs", runs)[0] == 1
