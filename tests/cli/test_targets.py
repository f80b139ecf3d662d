"""One-hot classes, several targets and labels: from a spec to a retrained winner, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tunecli.datasets

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
WriteSpec = Callable[..., Path]

ADVERTISING = Path(tunecli.datasets.__file__).parent / "data" / "advertising.csv"
MLP = {"family": "mlp", "hidden_layers": 1, "units": 4, "activation": "tanh"}
SEVERAL = ["sales", "newspaper"]
LABELS = ["much_sold", "much_radio", "much_paper"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Advertising, and beside its numbers a class in words and one-hot, and labels."""
    with ADVERTISING.open(newline="") as lines:
        rows = [
            {name.lower(): float(row[name]) for name in ("TV", "radio", "newspaper", "sales")}
            for row in csv.DictReader(lines)
        ]
    for row in rows:
        kind = "high" if row["sales"] > 17 else "low" if row["sales"] < 11 else "middle"
        row |= {"kind": kind, **{f"is_{each}": int(kind == each) for each in ("high", "low", "middle")}}
        row |= {
            name: int(row[of] > most)
            for name, of, most in zip(LABELS, ("sales", "radio", "newspaper"), (14, 25, 30), strict=True)
        }
    path = tmp_path / "table.csv"
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def data(table: Path, target: Any, **options: Any) -> dict[str, Any]:
    return {"name": "csv", "path": str(table), "target": target, "features": ["TV", "radio"], **options}


def require_same_score(document: dict[str, Any], trials: list[dict[str, Any]], metric: str) -> None:
    assert document["scores"]["validation"][metric] == pytest.approx(trials[0]["score"], rel=1e-5)


def test_one_hot_columns_train_as_the_classes_that_they_stand_for(
    cli: Cli, cli_json: CliJson, write_spec: WriteSpec, table: Path
) -> None:
    space = {"learning_rate": [0.01, 0.1], "class_weight": ["none", "balanced"]}
    common: dict[str, Any] = {"model": MLP, "objective": None, "search_space": space, "tuner": "grid"}
    common |= {"training": {"epochs": 3}}
    one_hot = write_spec(dataset=data(table, ["is_high", "is_low", "is_middle"]), **common)
    assert cli("validate", one_hot)[0] == 0
    assert cli_json("search", one_hot, "--dry-run", "--runs", table.parent / "r")["task"] == "multiclass"
    trials = cli_json("search", one_hot, "--runs", table.parent / "r")["trials"]
    in_words = write_spec(name="words", dataset=data(table, "kind"), **common)
    expected = cli_json("search", in_words, "--runs", table.parent / "r")["trials"]
    assert [(each["id"], each["score"]) for each in trials] == [(each["id"], each["score"]) for each in expected]
    document = cli_json("retrain", "linear", "--full", "--runs", table.parent / "r")
    assert document["dataset"]["task"] == "multiclass"
    assert document["target_scores"] == {}
    assert "is_high, is_low, is_middle" in cli("show", "linear", "--runs", table.parent / "r")[1]
    assert "predicted: is_high, is_low, is_middle" in cli("best", "linear", "--runs", table.parent / "r")[2]


ENGINES = ["keras", "graph", "fused", "scipy"]
SCALED = {"target_scaling": ["none", "minmax"]}


@pytest.mark.parametrize("engine", ENGINES)
def test_several_targets_are_searched_and_retrained(
    cli: Cli, cli_json: CliJson, write_spec: WriteSpec, table: Path, engine: str
) -> None:
    import keras

    training = {"engine": engine, **({"max_iterations": 15} if engine == "scipy" else {"epochs": 3})}
    spec = write_spec(dataset=data(table, SEVERAL), model=MLP, search_space=SCALED, tuner="grid", training=training)
    assert cli("validate", spec)[0] == 0
    assert cli_json("search", spec, "--dry-run", "--runs", table.parent / "r")["targets"] == SEVERAL
    trials = cli_json("search", spec, "--runs", table.parent / "r")["trials"]
    assert len(trials) == 2
    document = cli_json("retrain", "--runs", table.parent / "r")
    require_same_score(document, trials, "rmse")
    for part, scores in document["scores"].items():
        each = document["target_scores"][part]
        assert list(each) == SEVERAL
        assert scores["mse"] == pytest.approx(np.mean([one["mse"] for one in each.values()]), rel=1e-4)
        assert scores["rmse"] == pytest.approx(scores["mse"] ** 0.5, rel=1e-4)
        assert scores["mae"] == pytest.approx(np.mean([one["mae"] for one in each.values()]), rel=1e-4)
        assert scores["r2"] == pytest.approx(np.mean([one["r2"] for one in each.values()]), rel=1e-4, abs=1e-5)
    model = keras.models.load_model(table.parent / "r" / "linear" / "best" / "model.keras")
    assert model.predict(np.zeros((1, 2)), verbose=0).shape == (1, 2)


def test_people_see_which_targets_there_are(cli: Cli, cli_json: CliJson, write_spec: WriteSpec, table: Path) -> None:
    spec = write_spec(dataset=data(table, SEVERAL), model={"family": "linear"}, baselines=True)
    runs = table.parent / "r"
    assert "targets    sales, newspaper" in cli("search", spec, "--dry-run", "--runs", runs)[1]
    document = cli_json("search", spec, "--runs", runs)
    assert [each["cause"] for each in document["baselines"]] == [""] * 4
    assert "sales, newspaper" in cli("show", "--runs", runs)[1]
    assert "predicted: sales, newspaper" in cli("best", "--runs", runs)[2]
    assert cli_json("best", "--runs", runs)["targets"] == SEVERAL
    code, out, err = cli("retrain", "--full", "--seeds", "2", "--ensemble", "--runs", runs)
    assert code == 0, err
    assert "newspaper" in out
    best = runs / "linear" / "best"
    metrics = json.loads((best / "metrics.json").read_text())
    assert metrics["dataset"]["targets"] == SEVERAL
    of_test = metrics["ensemble"]["target_scores"]["test"]
    assert metrics["ensemble"]["scores"]["test"]["mse"] == pytest.approx(
        (of_test["sales"]["mse"] + of_test["newspaper"]["mse"]) / 2, rel=1e-4
    )
    card = (best / "card.md").read_text()
    assert "Predicts sales, newspaper (regression, in the units of the data)" in " ".join(card.split())
    assert "### Each target by itself" in card
    of_card = json.loads((best / "card.json").read_text())["target_scores"]["test"]
    assert of_card["sales"]["rmse"]["value"] == pytest.approx(of_test["sales"]["rmse"], rel=1e-4)
    assert of_card["sales"]["rmse"]["low"] < of_card["sales"]["rmse"]["value"] < of_card["sales"]["rmse"]["high"]


FAMILIES = {
    "wide and deep": {"family": "wide_deep", "hidden_layers": 1, "units": 4, "aux_weight": 0.3},
    "members and waves": {**MLP, "ensemble_heads": 3, "numeric_embedding": "periodic"},
    "members and bins": {**MLP, "ensemble_heads": 2, "numeric_embedding": "piecewise_linear"},
    "linear": {"family": "linear", "loss": "huber"},
}


@pytest.mark.parametrize("model", FAMILIES.values(), ids=FAMILIES)
def test_every_family_predicts_several_targets(
    cli_json: CliJson, write_spec: WriteSpec, table: Path, model: dict[str, Any]
) -> None:
    spec = write_spec(
        dataset=data(table, SEVERAL),
        model=model,
        search_space={"target_scaling": ["none", "standard"]},
        tuner="grid",
        training={"epochs": 2},
    )
    trials = cli_json("search", spec, "--runs", table.parent / "r")["trials"]
    document = cli_json("retrain", "--runs", table.parent / "r")
    require_same_score(document, trials, "rmse")
    mean = np.mean([each["mae"] for each in document["target_scores"]["test"].values()])
    assert document["scores"]["test"]["mae"] == pytest.approx(mean, rel=1e-4)


def test_hyperband_goes_on_from_states_with_several_targets(
    cli_json: CliJson, write_spec: WriteSpec, table: Path
) -> None:
    tuner = {"name": "hyperband", "max_epochs": 4, "factor": 2}
    space = {"learning_rate": {"min": 0.01, "max": 0.5, "log": True}}
    spec = write_spec(
        dataset=data(table, SEVERAL),
        model=MLP | {"target_scaling": "standard"},
        search_space=space,
        tuner=tuner,
        training={},
    )
    trials = cli_json("search", spec, "--runs", table.parent / "r")["trials"]
    assert any(trial["best_epoch"] > 2 for trial in trials)
    require_same_score(cli_json("retrain", "--runs", table.parent / "r"), trials, "rmse")
    assert cli_json("retrain", "--continue", "--runs", table.parent / "r")["continued"]["epochs"] >= 1


def test_workers_and_folds_see_the_same_labels(cli_json: CliJson, write_spec: WriteSpec, table: Path) -> None:
    spec = write_spec(
        dataset=data(table, LABELS, task="multilabel"),
        model={"family": "linear"},
        objective=None,
        evaluation={"folds": 2},
        training={"epochs": 1},
    )
    here = cli_json("search", spec, "--runs", table.parent / "here")["trials"]
    there = cli_json("search", spec, "--runs", table.parent / "there", "--workers", "2")["trials"]
    assert [(each["id"], each["score"]) for each in here] == [(each["id"], each["score"]) for each in there]


@pytest.mark.parametrize("engine", ENGINES)
def test_labels_are_searched_and_retrained(
    cli: Cli, cli_json: CliJson, write_spec: WriteSpec, table: Path, engine: str
) -> None:
    import keras

    training = {"engine": engine, **({"max_iterations": 15} if engine == "scipy" else {"epochs": 3})}
    spec = write_spec(
        dataset=data(table, LABELS, task="multilabel"),
        model=MLP,
        objective=None,
        search_space={},
        training=training,
        baselines=engine == "graph",
    )
    document = cli_json("search", spec, "--runs", table.parent / "r")
    trials = document["trials"]
    assert document["objective"] == {"metric": "val_auc", "goal": "maximize"}
    shown = cli_json("show", "linear", "0", "--runs", table.parent / "r")
    names = {"loss", "accuracy", "auc", "f1"}
    assert names | {f"val_{name}" for name in names} <= set(shown["measurements"][0]["metrics"])
    retrained = cli_json("retrain", "--runs", table.parent / "r")
    require_same_score(retrained, trials, "auc")
    for metric in ("accuracy", "auc", "f1"):
        mean = np.mean([each[metric] for each in retrained["target_scores"]["test"].values()])
        # a probability at one of the thresholds of an area may fall to either side of it
        assert retrained["scores"]["test"][metric] == pytest.approx(mean, abs=5e-3 if metric == "auc" else 1e-4)
    model = keras.models.load_model(table.parent / "r" / "linear" / "best" / "model.keras")
    predicted = model.predict(np.zeros((4, 2)), verbose=0)
    assert predicted.shape == (4, 3)
    assert ((predicted > 0) & (predicted < 1)).all()
    if engine == "graph":
        scores = {each["name"]: each["score"] for each in document["baselines"]}
        assert scores["label frequencies"] == pytest.approx(0.5)
        assert scores["logistic regression"] > 0.7


REFUSED = [
    ({"dataset": {"target": ["sales", "sale"]}}, "dataset.target: no column is called 'sale'"),
    ({"dataset": {"target": ["sales", 3]}}, "dataset.target[1]: 3 is no column"),
    ({"dataset": {"target": []}}, "dataset.target: lists no column"),
    ({"dataset": {"target": {"a": 1}}}, "is no column"),
    ({"dataset": {"target": "sales", "task": "multilabel"}}, "dataset.task: multilabel needs a column for each label"),
    ({"search_space": {"class_weight": ["none", "balanced"]}}, "drop it: it is for binary and multiclass tasks alone"),
    ({"search_space": {"target_scaling": "standard"}}, "drop it: it is for regression tasks alone"),
    ({"objective": "val_rmse"}, "a multilabel task does not produce val_rmse"),
    ({"objective": "fold_auc", "evaluation": {"folds": 2, "scheme": "stratified"}}, "a multilabel task has none"),
]


@pytest.mark.parametrize(("changes", "expected"), REFUSED)
def test_what_cannot_be_meant(
    changes: dict[str, Any], expected: str, cli: Cli, write_spec: WriteSpec, table: Path
) -> None:
    dataset = data(table, LABELS, task="multilabel") | changes.get("dataset", {})
    code, _, err = cli("validate", write_spec(**{"objective": None, "search_space": {}, **changes, "dataset": dataset}))
    assert code == 2, err
    assert expected in err
    assert "linear.yaml:" in err


def test_a_row_that_is_not_one_class_is_named(cli: Cli, write_spec: WriteSpec, table: Path) -> None:
    lines = table.read_text().splitlines()
    cells = lines[9].split(",")
    columns = lines[0].split(",")
    for name in ("is_high", "is_low"):
        cells[columns.index(name)] = "1"
    table.write_text("\n".join([*lines[:9], ",".join(cells), *lines[10:]]))
    spec = write_spec(dataset=data(table, ["is_high", "is_low", "is_middle"]), objective=None)
    code, _, err = cli("validate", spec)
    assert code == 3
    assert "table.csv:10: 'is_high', 'is_low' are 1" in err or "table.csv:10: 'is_high', 'is_low', 'is_middle'" in err
    assert "hint: write task: multilabel" in err


def test_a_script_of_several_targets_is_refused(cli: Cli, write_spec: WriteSpec, table: Path) -> None:
    code, _, err = cli("eject", write_spec(dataset=data(table, SEVERAL)))
    assert code == 2
    assert "dataset.target: an ejected script predicts one column" in err


def test_targets_that_an_activation_cannot_reach_are_named(cli: Cli, write_spec: WriteSpec, table: Path) -> None:
    model = {"family": "linear", "output_activation": "tanh"}
    code, _, err = cli("search", write_spec(dataset=data(table, SEVERAL), model=model), "--runs", table.parent / "r")
    assert code == 2
    assert "'sales' is 1.6 … " in err
