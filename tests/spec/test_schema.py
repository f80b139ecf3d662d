"""The JSON schema says what the loader says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tunecli.errors import SpecError
from tunecli.registry import Registry
from tunecli.spec.load import load
from tunecli.spec.schema import json_schema
from tunecli.spec.yaml12 import compose, plain

DATASETS: Registry[Any] = Registry("dataset", {"advertising": "", "california_housing": "", "csv": ""}, {"cal": "csv"})
FAMILIES: Registry[Any] = Registry("family", {"mlp": "", "wide_deep": ""})
METRICS = ("val_rmse", "val_accuracy", "loss")

SCHEMA = json_schema(datasets=DATASETS, families=FAMILIES, metrics=METRICS)
HEAD = "dataset: csv\nmodel: mlp\n"


def is_accepted_by_schema(text: str) -> bool:
    root, flaws = compose(text, source="a.yaml")
    assert root is not None
    assert not flaws
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(plain(root))


def is_accepted_by_loader(text: str) -> bool:
    path = Path("a.yaml")
    path.write_text(text)
    try:
        load(path)
    except SpecError:
        return False
    return True


GOOD = [
    "dataset: california-housing\nmodel: MLP\n",
    "dataset: {name: Cal, path: a.csv, target: y, task: binary, features: [a], test: null}\nmodel: WideDeep\n",
    "dataset: {name: csv, validation: 0, split_seed: 3, max_rows: 10}\nmodel: {family: mlp, units: 64, x: [1, 2]}\n",
    f"{HEAD}name: a.b-c_1\nseed: 0\n",
    f"{HEAD}objective: loss\n",
    f"{HEAD}objective: null\n",
    f"{HEAD}objective: {{metric: val_rmse, goal: minimise}}\n",
    f"{HEAD}objective: {{metric: val_rmse, direction: max}}\n",
    *[
        f"{HEAD}tuner: {name}\n"
        for name in ("random", "RandomSearch", "HYPERBAND", "bayesian-optimization", "Grid_search")
    ],
    f"{HEAD}tuner: {{name: Hyperband, max_epochs: 9, factor: 2, iterations: 3}}\n",
    f"{HEAD}tuner: {{name: BayesianOptimization, alpha: 1e-3, beta: 1, num_initial_points: null}}\n",
    f"{HEAD}tuner: {{name: grid, max_trials: null}}\n",
    f"{HEAD}training: {{epochs: 3, batch_size: full, shuffle: false, early_stopping: {{}}}}\n",
    f"{HEAD}training: {{batch_size: 8, early_stopping: null}}\n",
    *[f"{HEAD}limits: {{max_time: {each}}}\n" for each in ("90s", "10m", "1h30m", "1.5h", "45", "0.5", "null")],
    *[
        f"{HEAD}search_space: {{p: 1, x: {each}}}\n"
        for each in (
            "relu",
            "null",
            "[a, 1, 1.5, true, null]",
            "[true, 1]",
            "[[300, 100], [50]]",
            "{type: bool}",
            "{type: float, min: 0, max: 1}",
            "{min: 1e-4, max: 1e-2, log: true, default: 1e-3}",
            "{low: 1, upper: 9, step: 2, type: int}",
            "{min_value: 1, max_value: 9, sampling: log}",
            "{distribution: log_uniform_values, min: 1, max: 9}",
            "{distribution: categorical, values: [a, b]}",
            "{choices: [a, b], when: {p: 1}}",
            "{values: [a], when: {p: [1, 2]}}",
            "{value: 3}",
            "{value: null}",
            "{layers: [64, 64]}",
            "{layers: [[64, 64], [32]]}",
            "{min: 1, max: 3, values: null}",
        )
    ],
]

BAD = [
    "dataset: csv\n",
    "model: mlp\n",
    "dataset: {validation: 0.2}\nmodel: mlp\n",
    "dataset: {name: csv, validation: 1}\nmodel: mlp\n",
    "dataset: {name: csv, task: regresion}\nmodel: mlp\n",
    "dataset: {name: csv, features: []}\nmodel: mlp\n",
    "dataset: {name: csv, validaton: 0.1}\nmodel: mlp\n",
    "dataset: [csv]\nmodel: mlp\n",
    "dataset: csv\nmodel: {units: 3}\n",
    f"{HEAD}sead: 1\n",
    f"{HEAD}seed: -1\n",
    f"{HEAD}seed: '1'\n",
    f"{HEAD}seed: 1.5\n",
    f"{HEAD}name: a b\n",
    f"{HEAD}name: ../up\n",
    f"{HEAD}objective: {{metric: loss, goal: down}}\n",
    f"{HEAD}objective: {{metric: loss, goal: min, direction: min}}\n",
    f"{HEAD}objective: {{goal: min}}\n",
    f"{HEAD}tuner: tpe\n",
    f"{HEAD}tuner: {{max_trials: 3}}\n",
    f"{HEAD}tuner: {{name: random, max_trails: 3}}\n",
    f"{HEAD}tuner: {{name: random, max_trials: 0}}\n",
    f"{HEAD}tuner: {{name: hyperband, max_trials: 3}}\n",
    f"{HEAD}tuner: {{name: hyperband, factor: 1}}\n",
    f"{HEAD}training:\n",
    f"{HEAD}training: {{epoch: 3}}\n",
    f"{HEAD}training: {{epochs: 0}}\n",
    f"{HEAD}training: {{shuffle: yes}}\n",
    f"{HEAD}training: {{batch_size: all}}\n",
    f"{HEAD}training: {{batch_size: 0}}\n",
    f"{HEAD}training: {{early_stopping: {{patiense: 3}}}}\n",
    f"{HEAD}training: {{early_stopping: {{patience: -1}}}}\n",
    *[f"{HEAD}limits: {{max_time: {each}}}\n" for each in ("soon", "''", "-1", "0", "10 m")],
    f"{HEAD}limits: {{worker: 1}}\n",
    f"{HEAD}search_space: []\n",
    *[
        f"{HEAD}search_space: {{p: 1, x: {each}}}\n"
        for each in (
            "[]",
            "[a, a]",
            "[1, 1.0]",
            "[{a: 1}]",
            "[[a]]",
            "{}",
            "{min: 1}",
            "{mim: 1, max: 3}",
            "{min: a, max: 3}",
            "{min: 1, max: 3, step: 0}",
            "{min: 1, low: 1, max: 3}",
            "{min: 1, max: 3, values: [1]}",
            "{value: 1, values: [1]}",
            "{values: []}",
            "{values: a}",
            "{layers: 3}",
            "{layers: [a]}",
            "{layers: [[3], [3]]}",
            "{type: floot, min: 1, max: 3}",
            "{type: int, min: 0.5, max: 3}",
            "{min: 0, max: 1, log: true}",
            "{low: 0, high: 1, sampling: log}",
            "{min: 1, max: 3, log: yes}",
            "{min: 1, max: 3, sampling: reverse_log}",
            "{min: -9, max: -2, distribution: log_uniform}",
            "{values: [a], when: {p: []}}",
            "{values: [a], when: p}",
            "{value: {a: 1}}",
        )
    ],
]


@pytest.mark.parametrize("text", GOOD)
def test_schema_and_loader_accept(text: str) -> None:
    assert is_accepted_by_loader(text)
    assert is_accepted_by_schema(text)


@pytest.mark.parametrize("text", BAD)
def test_schema_and_loader_refuse(text: str) -> None:
    assert not is_accepted_by_loader(text)
    assert not is_accepted_by_schema(text)


@pytest.mark.parametrize("text", ["dataset: csw\nmodel: mlp\n", "dataset: csv\nmodel: {family: mpl}\n"])
def test_the_schema_knows_the_names(text: str) -> None:
    assert not is_accepted_by_schema(text)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_field_has_a_title_and_a_description() -> None:
    for block, definition in {"spec": SCHEMA, **SCHEMA["$defs"]}.items():
        bodies = [definition, *definition.get("anyOf", [])]
        for name, field in {key: value for body in bodies for key, value in body.get("properties", {}).items()}.items():
            assert field.get("title"), f"{block}.{name}"
            assert field.get("description"), f"{block}.{name}"
