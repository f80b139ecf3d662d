"""Whatever was trained, its bundle predicts what was tested: `evaluate` reads it again and comes to the same scores."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

Cli = Callable[..., tuple[int, str, str]]

SUBCLASSED = """
    import keras

    class Net(keras.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.hidden = keras.layers.Dense(units, activation="relu")
            self.out = keras.layers.Dense(1)

        def call(self, x):
            return self.out(self.hidden(x))

    def build_model(hp):
        model = Net(hp.Int("units", 4, 4))
        model.compile("adam", loss="mse", metrics=[keras.metrics.RootMeanSquaredError(name="rmse")])
        return model
"""

LOGITS = """
    import keras

    def build_model(hp):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 3, 3))])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss=loss, metrics=["accuracy"])
        return model
"""

FITTING = """
    import keras, keras_tuner

    class Mine(keras_tuner.HyperModel):
        def build(self, hp):
            model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 1, 1))])
            model.compile("sgd", "mse", metrics=["mae"])
            return model

        def fit(self, hp, model, x, y, validation_data, **kwargs):
            validation = (validation_data[0] * 2, validation_data[1])
            return model.fit(x * 2, y, validation_data=validation, **kwargs)
"""

MODELS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "wide and deep, two outputs": ({"family": "wide_deep", "wide": ["TV"], "aux_weight": 0.3, "units": 4}, ["--full"]),
    "embeddings and members": (
        {
            "family": "mlp",
            "numeric_embedding": "piecewise_linear",
            "embedding_bins": 4,
            "ensemble_heads": 2,
            "units": 4,
        },
        [],
    ),
    "scaled targets": (
        {"family": "mlp", "units": 4, "target_scaling": "minmax", "normalization": "quantile"},
        ["--continue", "--epochs", "1"],
    ),
    "weights of a subclass": ({"family": "custom", "path": "own.py"}, ["--full"]),
}


def search(cli: Cli, model: dict[str, Any], dataset: Any = "advertising", **changes: Any) -> None:
    spec = {
        "name": "own",
        "dataset": dataset,
        "model": model,
        "search_space": {} if model["family"] == "custom" else {"batch_size": [32]},
        "objective": "val_loss",
        "tuner": {"name": "random", "max_trials": 1},
        "training": {"epochs": 3},
        "baselines": False,
        **changes,
    }
    Path("own.yaml").write_text(yaml.safe_dump(spec))
    code, _, err = cli("search", "own.yaml", "--quiet")
    assert code == 0, err


@pytest.mark.parametrize("name", MODELS)
def test_a_bundle_is_what_was_tested(name: str, cli: Cli) -> None:
    model, options = MODELS[name]
    Path("own.py").write_text(textwrap.dedent(SUBCLASSED))
    changes = {"objective": "val_rmse"} if "target_scaling" in model else {}
    search(cli, model, **changes)
    code, out, err = cli("retrain", *options, "--json", "--quiet")
    assert code == 0, err
    code, evaluated, err = cli("evaluate", "--json", "--quiet")
    assert code == 0, err
    found = json.loads(evaluated)["targets"][0]["figures"]["rmse"]["value"]
    assert found == pytest.approx(json.loads(out)["scores"]["test"]["rmse"], rel=1e-5)


def test_an_ensemble_is_predicted_by_its_mean(cli: Cli) -> None:
    search(cli, {"family": "mlp", "units": 4})
    document = json.loads(cli("retrain", "--seeds", 2, "--ensemble", "--json", "--quiet")[1])
    figures = json.loads(cli("evaluate", "--json", "--quiet")[1])["targets"][0]["figures"]
    assert figures["rmse"]["value"] == pytest.approx(document["ensemble"]["scores"]["test"]["rmse"], rel=1e-5)
    assert figures["rmse"]["value"] != pytest.approx(document["scores"]["test"]["rmse"], rel=1e-5)


def classes() -> dict[str, str]:
    random = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{c:.3f},{'xyz'[int(a * 3)]}" for a, b, c in random.random((90, 3))]
    Path("t.csv").write_text("a,b,c,y\n" + "\n".join(rows) + "\n")
    return {"name": "csv", "path": "t.csv", "target": "y"}


def test_logits_of_a_users_own_become_probabilities(cli: Cli) -> None:
    Path("own.py").write_text(textwrap.dedent(LOGITS))
    search(cli, {"family": "custom", "path": "own.py"}, classes())
    document = json.loads(cli("retrain", "--json", "--quiet")[1])
    figures = json.loads(cli("evaluate", "--json", "--quiet")[1])["targets"][0]["figures"]
    assert figures["log_loss"]["value"] == pytest.approx(document["scores"]["test"]["loss"], rel=1e-4)
    assert figures["accuracy"]["value"] == pytest.approx(document["scores"]["test"]["accuracy"])


def test_inputs_that_only_a_users_fit_makes_are_refused_rather_than_guessed(cli: Cli) -> None:
    Path("own.py").write_text(textwrap.dedent(FITTING))
    search(cli, {"family": "custom", "path": "own.py"})
    assert cli("retrain", "--full", "--quiet")[0] == 0
    for command in ("evaluate", "predict"):
        code, out, err = cli(command, *([] if command == "evaluate" else ["--part", "test"]))
        assert (code, out) == (2, "")
        assert "changes its inputs" in err
    assert len(Path("runs/own/test_looks.jsonl").read_text().splitlines()) == 1
