"""What surrounds a model, from a spec to a retrained winner; and what is refused, with its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
WriteSpec = Callable[..., Path]

MLP = {"family": "mlp", "hidden_layers": 1, "units": 4}
EVERYTHING = {
    "normalization": ["none", "standard", "minmax", "robust", "quantile"],
    "target_scaling": ["standard", "minmax"],
    "kernel_initializer": ["auto", "he_normal", "orthogonal"],
    "activation": ["relu", "tanh"],
    "optimizer": ["adam", "sgd"],
    "schedule": ["cosine", "exponential", "plateau"],
    "learning_rate": {"min": 1e-3, "max": 1e-1, "log": True},
    "loss": ["mse", "huber"],
    "huber_delta": {"min": 0.5, "max": 2.0},
    "batch_size": [16, 64],
    "epochs": {"min": 2, "max": 5},
}
ENGINES = ["keras", "graph"]


@pytest.mark.parametrize("engine", ENGINES)
def test_everything_is_searched_together_and_the_winner_retrains_to_its_score(
    cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path, engine: str
) -> None:
    import keras

    spec = write_spec(
        model=MLP, search_space=EVERYTHING, tuner={"name": "random", "max_trials": 6}, training={"engine": engine}
    )
    trials = cli_json("search", spec, "--runs", tmp_path / "r")["trials"]
    assert len(trials) == 6
    assert all(set(EVERYTHING) - {"huber_delta"} <= set(trial["values"]) for trial in trials)
    lengths = []
    for trial in trials:
        shown = cli_json("show", "linear", trial["id"], "--runs", tmp_path / "r")
        lengths.append((len(shown["measurements"]), trial["values"]["epochs"]))
        rates = [each["metrics"]["learning_rate"] for each in shown["measurements"]]
        assert rates[0] == pytest.approx(trial["values"]["learning_rate"])
        assert rates[-1] <= rates[0]
    assert all(run == asked for run, asked in lengths)
    assert len(set(lengths)) > 1
    document = cli_json("retrain", "--runs", tmp_path / "r")
    assert document["scores"]["validation"]["rmse"] == pytest.approx(trials[0]["score"], rel=1e-5)
    model = keras.models.load_model(tmp_path / "r" / "linear" / "best" / "model.keras")
    assert model.layers[-1].name == "original_units"
    assert np.isfinite(model.predict(np.zeros((1, 3)), verbose=0)).all()


def test_a_plateau_is_retrained_at_the_rates_that_it_had(
    cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path
) -> None:
    space = {"schedule": "plateau", "plateau_patience": 1, "plateau_factor": 0.3, "learning_rate": [0.5, 0.3]}
    model = MLP | {"activation": "tanh", "target_scaling": "standard"}
    spec = write_spec(model=model, search_space=space, tuner="grid", training={"epochs": 25})
    best = cli_json("search", spec, "--runs", tmp_path / "r")["trials"][0]
    shown = cli_json("show", "linear", best["id"], "--runs", tmp_path / "r")
    rates = [each["metrics"]["learning_rate"] for each in shown["measurements"]][: best["best_epoch"]]
    assert len(set(rates)) > 1, "the case is meant to lower its rate before its best epoch"
    document = cli_json("retrain", "--runs", tmp_path / "r")
    assert document["scores"]["validation"]["rmse"] == pytest.approx(best["score"], rel=1e-5)


def test_a_hyperband_search_with_a_schedule_resumes_and_retrains(
    cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path
) -> None:
    space = {"schedule": ["plateau", "cosine"], "learning_rate": {"min": 0.01, "max": 0.5, "log": True}}
    tuner = {"name": "hyperband", "max_epochs": 4, "factor": 2}
    spec = write_spec(model=MLP | {"target_scaling": "standard"}, search_space=space, tuner=tuner, training={})
    trials = cli_json("search", spec, "--runs", tmp_path / "r")["trials"]
    assert any(trial["best_epoch"] > 2 for trial in trials)
    document = cli_json("retrain", "--runs", tmp_path / "r")
    assert document["scores"]["validation"]["rmse"] == pytest.approx(trials[0]["score"], rel=1e-5)
    assert cli_json("retrain", "--continue", "--runs", tmp_path / "r")["continued"]["epochs"] >= 1


CLASSES = "size,count,kind\n" + "".join(f"{row % 13},{row % 4},{'ab'[row % 5 == 0]}\n" for row in range(80))


@pytest.mark.parametrize("column", [{}, {"sample_weight": "count"}], ids=["alike", "weighted"])
def test_weights_of_rows_and_classes_are_searched_and_retrained(
    cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path, column: dict[str, str]
) -> None:
    table = tmp_path / "table.csv"
    table.write_text(CLASSES)
    spec = write_spec(
        dataset={"name": "csv", "path": str(table), "target": "kind", "features": ["size"], **column},
        model=MLP,
        objective="val_accuracy",
        search_space={"class_weight": ["none", "balanced"]},
        tuner="grid",
        training={"epochs": 3},
        baselines=True,
    )
    document = cli_json("search", spec, "--runs", tmp_path / "r")
    assert {trial["values"]["class_weight"] for trial in document["trials"]} == {"none", "balanced"}
    assert all("val_loss" not in each.get("metrics", {}) for each in document["baselines"])
    losses = [cli_json("show", "linear", each, "--runs", tmp_path / "r")["measurements"][-1] for each in (0, 1)]
    assert losses[0]["metrics"]["val_loss"] != losses[1]["metrics"]["val_loss"]
    retrained = cli_json("retrain", "--full", "--seeds", 2, "--ensemble", "--runs", tmp_path / "r")
    assert retrained["ensemble"]["members"] == 2
    data = json.loads((tmp_path / "r" / "linear" / "data.json").read_text())
    assert ("weights" in json.dumps(data)) is bool(column)


def test_metrics_count_every_row_alike_whatever_it_weighs(
    cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("x,w,y\n" + "".join(f"{row / 50},{row % 3 * 10},{row * row / 99}\n" for row in range(50)))
    dataset = {"name": "csv", "path": str(table), "target": "y", "features": ["x"], "sample_weight": "w"}
    spec = write_spec(dataset=dataset, model=MLP, search_space={"loss": ["mse"]}, tuner="grid", training={"epochs": 2})
    cli_json("search", spec, "--runs", tmp_path / "r")
    last = cli_json("show", "linear", 0, "--runs", tmp_path / "r")["measurements"][-1]["metrics"]
    assert last["val_rmse"] == pytest.approx(last["val_mse"] ** 0.5, rel=1e-5)
    assert abs(last["val_loss"] - last["val_mse"]) > 1e-3 * last["val_mse"]
    part = cli_json("retrain", "--runs", tmp_path / "r")["scores"]["validation"]
    assert part["mse"] == pytest.approx(last["val_mse"], rel=1e-4)


IMAGES = {"dataset": {"name": "fashion_mnist"}, "objective": "val_accuracy"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"search_space": {"normalization": "z-score"}}, "search_space.normalization: 'z-score' is not one of none, stan"),
    ({"search_space": {"class_weight": "balanced"}}, "'class_weight' is read by nothing in linear"),
    (
        {"model": {"family": "linear", "output_activation": "sigmoid", "target_scaling": "standard"}},
        "model.target_scaling: target_scaling: standard gives targets below 0 and above 1",
    ),
    (
        {"objective": "val_loss", "search_space": {"target_scaling": ["none", "standard"]}},
        "val_loss cannot decide while target_scaling is searched",
    ),
    ({"search_space": {"decay_rate": 0.9}}, "search_space.decay_rate: decay_rate is not read when schedule is constan"),
    ({"search_space": {"decay_rate": 1.5, "schedule": "exponential"}}, "search_space.decay_rate: 1.5 is above 1"),
    ({"search_space": {"warmup_epochs": -1}}, "search_space.warmup_epochs: -1 is below 0"),
    ({"search_space": {"plateau_patience": 0, "schedule": "plateau"}}, "plateau_patience: 0 is below 1"),
    ({"search_space": {"kernel_initializer": "he_normal"}}, "'kernel_initializer' is read by nothing in linear"),
    ({"search_space": {"epochs": [1, 2]}, "training": {"epochs": 3}}, "training.epochs: stands in search_space: too"),
    ({"search_space": {"epochs": 4}, "training": {}}, "search_space.epochs: one value is not searched"),
    ({"search_space": {"epochs": [0, 2]}, "training": {}}, "search_space.epochs[0]: 0 is below 1"),
    (
        {"search_space": {"epochs": [1, 2]}, "training": {}, "tuner": "hyperband"},
        "search_space.epochs: hyperband decides for how many epochs a trial is trained",
    ),
    (
        {"search_space": {"epochs": [1, 2]}, "training": {"engine": "scipy"}, "model": "linear"},
        "'epochs' is not read by engine: scipy",
    ),
    (
        {"search_space": {"schedule": ["cosine", "constant"]}, "training": {"engine": "scipy"}, "model": "linear"},
        "'schedule' is not read by engine: scipy",
    ),
    ({"dataset": {"name": "advertising", "sample_weight": "TV"}}, "advertising takes no sample_weight"),
    (
        {**IMAGES, "model": "mlp", "search_space": {"normalization": ["none", "minmax"]}},
        "search_space.normalization: normalization is read for tables alone; images become 0 … 1",
    ),
    (
        {**IMAGES, "model": "cnn", "search_space": {"augment_shift": 0.5}},
        "augment_shift: 0.5 is not below",
    ),
    (
        {**IMAGES, "model": "cnn", "search_space": {"augment_shift": 0.1}, "training": {"engine": "fused"}},
        "search_space.augment_shift: XLA moves no images on a processor",
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED, ids=[message[:50] for _, message in REFUSED])
def test_what_has_no_meaning_is_refused_at_its_line(
    cli: Cli, write_spec: WriteSpec, changes: dict[str, Any], message: str
) -> None:
    code, _, err = cli("validate", write_spec(**changes))
    assert code == 2
    assert message in err
    assert "linear.yaml:" in err
    assert "\nhint: " in err


def test_an_output_that_cannot_reach_the_targets_is_refused_before_the_search(
    cli: Cli, write_spec: WriteSpec, tmp_path: Path
) -> None:
    spec = write_spec(model={"family": "linear", "output_activation": "sigmoid"})
    code, _, err = cli("search", spec, "--runs", tmp_path / "r")
    assert code == 2
    assert "'sales' is 1.6 … 27, which output_activation: sigmoid (0 … 1) cannot reach\n" in err
    assert "hint: write target_scaling: minmax" in err
    again = cli("search", spec, "--runs", tmp_path / "r", "-S", "model.target_scaling=minmax")
    assert again[0] == 0, again[2]


def test_where_it_is_searched_the_trials_that_cannot_fail_and_say_why(
    cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path
) -> None:
    space = {"output_activation": ["auto", "tanh"]}
    spec = write_spec(search_space=space, tuner="grid", training={"epochs": 1})
    document = cli_json("search", spec, "--runs", tmp_path / "r")
    assert len(document["trials"]) == 1
    shown = cli_json("show", "linear", 1, "--runs", tmp_path / "r")
    assert "write target_scaling: minmax" in shown["cause"]


def test_a_weight_below_0_is_named_with_its_line(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("x,w,y\n1,1,1.5\n2,-1,2.5\n3,1,3.5\n")
    dataset = {"name": "csv", "path": str(table), "target": "y", "sample_weight": "w"}
    code, _, err = cli("validate", write_spec(dataset=dataset))
    assert code == 3
    assert f"{table}:3: the weight 'w' is -1; it must not be negative" in err
