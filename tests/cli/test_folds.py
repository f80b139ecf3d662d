"""Cross-validation through the command line, with real training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
WriteSpec = Callable[..., Path]

FOLDS: dict[str, Any] = {
    "model": "mlp",
    "objective": "fold_rmse",
    "evaluation": {"folds": 3},
    "search_space": {"units": [4, 8], "learning_rate": 0.05},
    "tuner": {"name": "random", "max_trials": 2},
    "training": {"epochs": 6, "early_stopping": {"patience": 1}},
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a study of two trials of three folds."""
    import yaml

    from tests.cli.conftest import LINEAR
    from tunecli.cli.main import run

    folder = tmp_path_factory.mktemp("folds")
    path = folder / "linear.yaml"
    path.write_text(yaml.safe_dump({**LINEAR, **FOLDS}, sort_keys=False))
    assert run(["search", str(path), "--runs", str(folder / "runs"), "--quiet"]) == 0
    return folder / "runs"


def test_a_trial_shows_each_of_its_folds(searched: Path, cli: Cli, cli_json: CliJson) -> None:
    (best, _) = cli_json("best", "--runs", searched)["trials"]
    trial = cli_json("show", "linear", str(best["id"]), "--runs", searched)
    scores = [each["score"] for each in trial["trainings"]]
    assert best["score"] == pytest.approx(np.mean(scores))
    assert best["score_sd"] == pytest.approx(np.std(scores, ddof=1))
    for each in trial["trainings"]:
        watched = [one["metrics"]["val_rmse"] for one in each["measurements"]]
        assert each["best_epoch"] == 1 + int(np.argmin(watched)), "the watched part decides when it stops, not the fold"
        assert each["metrics"]["val_rmse"] == min(watched)
        assert each["metrics"]["fold_rmse"] == each["score"]
    _, text, _ = cli("show", "linear", str(best["id"]), "--runs", searched)
    assert [line.split("  ")[0].strip() for line in text.splitlines() if "of 3  " in line] == [
        "fold 1 of 3",
        "fold 2 of 3",
        "fold 3 of 3",
    ]
    assert " ± " in cli("best", "--runs", searched)[1]


def test_a_search_killed_between_folds_repeats_none_and_scores_the_same(
    searched: Path, cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path
) -> None:
    whole = cli_json("best", "--runs", searched)
    runs = Path(shutil.copytree(searched, tmp_path / "runs"))
    journal = runs / "linear" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    ends = [number for number, line in enumerate(lines, 1) if json.loads(line)["event"] == "trained"]
    journal.write_bytes(b"".join(lines[: ends[1]]))
    (runs / "linear" / "baselines.json").unlink(missing_ok=True)
    resumed = cli_json("search", write_spec(**FOLDS), "--runs", runs)
    for ours, theirs in zip(resumed["trials"], whole["trials"], strict=True):
        assert ours == theirs | {name: pytest.approx(theirs[name], rel=1e-5) for name in ("score", "score_sd")}
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    starts = [(each["trial"], each["training"]) for each in events if each["event"] == "started"]
    assert len(starts) == len(set(starts)) == 6


def test_retraining_says_where_its_epochs_come_from(
    searched: Path, cli: Cli, cli_json: CliJson, tmp_path: Path
) -> None:
    runs = Path(shutil.copytree(searched, tmp_path / "runs"))
    best = cli_json("best", "--runs", runs)["trials"][0]
    folds = cli_json("show", "linear", str(best["id"]), "--runs", runs)["trainings"]
    code, _, err = cli("retrain", "--full", "--runs", runs)
    assert code == 0
    epochs = [each["best_epoch"] for each in folds]
    rule = f"the rounded mean of the best epochs in 3 trainings: {', '.join(map(str, epochs))}"
    assert f"is trained for {round(np.mean(epochs))} epochs: {rule}" in err
    document = json.loads((runs / "linear" / "best" / "metrics.json").read_text())
    assert (document["epochs"], document["epochs_rule"]) == (round(np.mean(epochs)), rule)
    assert document["dataset"]["rows"] == {"train": 120, "validation": 40, "test": 40}


def test_repeats_in_the_order_of_time(cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path) -> None:
    spec = write_spec(
        **{**FOLDS, "evaluation": {"folds": 2, "repeats": 2, "scheme": "time"}, "training": {"epochs": 1}}
    )
    cli_json("search", spec, "--runs", tmp_path / "r")
    trial = cli_json("show", "linear", "0", "--runs", tmp_path / "r")
    assert [each["name"] for each in trial["trainings"]] == [
        f"fold {fold} of 2, repeat {repeat} of 2" for repeat in (1, 2) for fold in (1, 2)
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"evaluation": {"folds": 1}}, (2, "evaluation.folds")),
        ({"evaluation": {}}, (2, "evaluation: asks for one training")),
        ({"evaluation": {"repeats": 2, "scheme": "time"}}, (2, "evaluation.scheme: deals rows out into folds")),
        ({"evaluation": {"folds": 3, "scheme": "bootstrap"}}, (2, "evaluation.scheme")),
        ({"objective": "val_rmse"}, (2, "val_rmse is not measured on the folds")),
        ({"objective": "fold_rmse", "evaluation": {"repeats": 2}}, (2, "fold_rmse needs folds")),
        ({"tuner": "hyperband"}, (2, "evaluation: hyperband goes on from where one training has ended")),
        ({"dataset": {"name": "advertising", "validation": 0}}, (2, "training.early_stopping: has nothing to watch")),
        ({"evaluation": {"folds": 121}}, (3, "120 rows to train on are too few for 121 folds")),
    ],
)
def test_what_cannot_be_meant(
    changes: dict[str, Any], expected: tuple[int, str], cli: Cli, write_spec: WriteSpec, tmp_path: Path
) -> None:
    code, _, err = cli("search", write_spec(**{**FOLDS, **changes}), "--runs", tmp_path / "r")
    assert code == expected[0], err
    assert expected[1] in err
    assert not list((tmp_path / "r").glob("*/journal.jsonl"))


def test_a_class_with_fewer_rows_than_folds_is_named(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    rows = [f"{number},{'rare' if number % 20 == 0 else 'common'}" for number in range(40)]
    (tmp_path / "rows.csv").write_text("\n".join(["x,kind", *rows]))
    data = {"name": "csv", "path": "rows.csv", "target": "kind"}
    changes = {**FOLDS, "dataset": data, "objective": "fold_accuracy"}
    code, _, err = cli("search", write_spec(**changes), "--runs", tmp_path / "r")
    assert code == 3
    assert "class 'rare' has" in err
    assert "too few for 3 folds" in err


def test_rows_of_a_group_stay_together(cli: Cli, cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path) -> None:
    rows = [f"{number % 7},{number % 7 * 2 + number % 3},house {number // 4}" for number in range(80)]
    (tmp_path / "rows.csv").write_text("\n".join(["x,y,house", *rows]))
    data = {"name": "csv", "path": "rows.csv", "target": "y", "task": "regression", "group": "house"}
    cli_json("search", write_spec(**{**FOLDS, "dataset": data}), "--runs", tmp_path / "r")
    plan = json.loads((tmp_path / "r" / "linear" / "plan.json").read_text())
    assert plan["dataset"]["options"]["group"] == "house"
    layers = cli_json("show", "linear", "0", "--runs", tmp_path / "r")["layers"]
    assert layers[0]["parameters"] == layers[0]["output_shape"][0] * 2, "one feature: the group is none"
    changes = {**FOLDS, "evaluation": {"folds": 3, "scheme": "group"}}
    code, _, err = cli("search", write_spec(**changes), "--runs", tmp_path / "r2")
    assert code == 2
    assert "evaluation.scheme: group needs a column of groups" in err
    (tmp_path / "rows.csv").write_text("\n".join(["x,y,house", *rows, "1,2,"]))
    code, _, err = cli("search", write_spec(**{**FOLDS, "dataset": data}), "--runs", tmp_path / "r3")
    assert code == 3
    assert "rows.csv:82: the group 'house' is missing" in err
