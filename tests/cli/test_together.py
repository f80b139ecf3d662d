"""What was built apart, put together: folds, own models, embeddings, scaled targets, two outputs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
WriteSpec = Callable[..., Path]

WIDE_DEEP: dict[str, Any] = {
    "model": {
        "family": "wide_deep",
        "wide": ["TV"],
        "aux_weight": 0.1,
        "numeric_embedding": "piecewise_linear",
        "embedding_bins": 4,
        "ensemble_heads": 3,
        "target_scaling": "standard",
        "kernel_initializer": "he_normal",
    },
    "objective": "fold_rmse",
    "evaluation": {"folds": 2},
    "search_space": {"units": [4, 8], "normalization": ["standard", "quantile"], "schedule": ["plateau", "cosine"]},
    "tuner": {"name": "random", "max_trials": 3},
    "training": {"epochs": 8, "early_stopping": {"patience": 3}},
}


@pytest.mark.parametrize("engine", ["graph", "fused", "keras"])
def test_everything_at_once(engine: str, cli: Cli, cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path) -> None:
    training = {**WIDE_DEEP["training"], "engine": engine}
    found = cli_json("search", write_spec(**{**WIDE_DEEP, "training": training}), "--runs", tmp_path / "r")
    assert all(0 < trial["score"] < 20 for trial in found["trials"])
    assert len(found["trials"]) == 3
    code, _, err = cli("retrain", "--full", "--seeds", 2, "--ensemble", "--runs", tmp_path / "r")
    assert code == 0, err
    best = tmp_path / "r" / "linear" / "best"
    scores = json.loads((best / "metrics.json").read_text())["scores"]
    assert scores["test"]["rmse"] > 0
    assert {"main_loss", "aux_loss", "aux_rmse"} <= scores["test"].keys()
    again = f"""
import json, keras, numpy as np
import tunecli.families.registered
model = keras.saving.load_model({str(best / "model.keras")!r})
x = {{name: np.zeros((2, *tensor.shape[1:]), "float32") for name, tensor in model.input.items()}}
print(json.dumps({{name: array.shape for name, array in model.predict(x, verbose=0).items()}}))
"""
    done = subprocess.run([sys.executable, "-c", again], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == {"main": [2, 1], "aux": [2, 1]}


OWN = """
import keras
import keras_tuner
import numpy as np


class Own(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 6)), keras.layers.Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        return model

    def fit(self, hp, model, x, y, validation_data=None, **kwargs):
        # names that mean something else to the rest of a spec
        if hp.Choice("normalization", ["thousandfold", "none"]) == "thousandfold":
            x, validation_data = x * 1000, (validation_data[0] * 1000, validation_data[1])
        return model.fit(x, y, validation_data=validation_data, batch_size=hp.Choice("epochs", [16, 32]), **kwargs)
"""


def test_an_own_model_is_scored_on_folds_as_its_fit_would_have_them(
    cli: Cli, cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    spec = write_spec(
        model={"family": "custom", "path": "own.py"},
        objective="fold_mae",
        evaluation={"folds": 2},
        search_space={"normalization": "thousandfold"},
        tuner={"name": "random", "max_trials": 2},
        training={"epochs": 2},
    )
    trials = cli_json("search", spec, "--runs", tmp_path / "r")["trials"]
    assert len(trials) == 2
    # weights that are learnt on rows a thousand times as large give far other scores on rows that are not
    for trial in trials:
        shown = cli_json("show", "linear", str(trial["id"]), "--runs", tmp_path / "r")["trainings"]
        for each in shown:
            assert each["score"] == pytest.approx(each["metrics"]["val_mae"], rel=0.5)
    assert cli("retrain", "--full", "--runs", tmp_path / "r")[0] == 0
