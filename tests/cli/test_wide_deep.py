"""A model of two inputs, from the spec to the model that is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunecli.plan import Plan
from tunecli.preprocessing import Preprocessor
from tunecli.preprocessing.inputs import route, routed_signature
from tunecli.training.data import load

Cli = Callable[..., tuple[int, str, str]]
SPEC: dict[str, Any] = {
    "name": "wide",
    "dataset": {"name": "csv", "path": "deliveries.csv", "target": "minutes"},
    "model": {"family": "wide_deep", "wide": ["vehicle", "distance_km"], "deep": ["distance_km", "parcels"]},
    "search_space": {"units": [3, 4], "learning_rate": {"min": 0.01, "max": 0.1}},
    "training": {"epochs": 2},
    "baselines": True,
}


@pytest.fixture
def spec(write_spec: Callable[..., Path], configs: Path) -> Callable[..., Path]:
    """Writes a spec beside the data."""

    def write(**changes: Any) -> Path:
        path = write_spec(**SPEC | changes)
        (path.parent / "deliveries.csv").write_bytes((configs / "data" / "deliveries.csv").read_bytes())
        return path

    return write


@pytest.mark.parametrize(("workers", "aux_weight"), [(1, 0.0), (2, 0.1)])
def test_it_is_searched_and_retrained_in_every_way(
    workers: int, aux_weight: float, spec: Callable[..., Path], cli: Cli, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    config = spec(model=SPEC["model"] | {"aux_weight": aux_weight})
    code, _, err = cli("search", config, "--runs", runs, "--workers", workers)
    assert code == 0, err
    assert "least squares" in err or "least squares" in cli("best", "wide", "--runs", runs)[1]
    for options in (["--full", "--continue"], ["--seeds", 2, "--ensemble"], ["--full"]):
        code, _, err = cli("retrain", "wide", "--runs", runs, *options)
        assert code == 0, err
    check_the_kept_model(runs / "wide" / "best")
    assert ("val_aux_rmse" in cli("show", "wide", 0, "--runs", runs, "--json")[1]) is (aux_weight > 0)


def check_the_kept_model(best: Path) -> None:
    """Predicts as someone would who has no more than the folder and new rows."""
    import keras

    document = json.loads((best / "metrics.json").read_text())
    preprocessor = Preprocessor.from_json(json.loads((best / "preprocessing.json").read_text()))
    plan = Plan.model_validate(json.loads((best.parent / "plan.json").read_text()))
    data, split = load(plan.dataset)
    signature = routed_signature(preprocessor.signature(data.task, 1), document["inputs"])
    x = route(preprocessor.transform(data.columns, split.test), signature)
    predicted = keras.models.load_model(best / "model.keras").predict(x, verbose=0)
    if document["values"]["aux_weight"]:
        predicted = predicted["main"]
    rmse = float(np.sqrt(np.mean((predicted[:, 0] - data.target[split.test]) ** 2)))
    assert rmse == pytest.approx(document["scores"]["test"]["rmse"], rel=1e-5)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ({"wide": ["vehicel"]}, "model.wide[0]: no column is called 'vehicel'\nhint: did you mean 'vehicle'?"),
        ({"deep": []}, "model.deep: lists no feature\nhint: list one or more"),
        ({"deep": [17]}, "model.deep[0]: there is no feature at position 17"),
    ],
)
@pytest.mark.parametrize("command", ["validate", "search"])
def test_what_names_no_feature_is_said_at_its_line(
    command: str, model: dict[str, Any], problem: str, spec: Callable[..., Path], cli: Cli
) -> None:
    path = spec(model={"family": "wide_deep", **model})
    lines = path.read_text().splitlines()
    key = next(iter(model))
    line = next(number for number, text in enumerate(lines, start=1) if text.strip().startswith(f"{key}:"))
    if model[key]:
        line += 1
    code, _, err = cli(command, path)
    assert code == 2
    assert problem in err
    assert f":{line}:" in err


def test_images_are_refused(spec: Callable[..., Path], cli: Cli) -> None:
    code, _, err = cli("validate", spec(dataset="fashion_mnist", model="wide_deep", objective="val_accuracy"))
    assert code == 2
    assert "model.family: wide_deep needs a table, and these data are images" in err or "model: wide_deep needs" in err


def test_eject_refuses_it(spec: Callable[..., Path], cli: Cli) -> None:
    code, _, err = cli("eject", spec())
    assert code == 2
    assert "has no family wide_deep" in err
