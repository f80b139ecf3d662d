"""How XLA compiles the programs of a study."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunecli.plan import Plan
from tunecli.training.engines.compiler import QUICKLY, compiler_flags, set_compiler

TOP = Path(__file__).parent.parent.parent


def arrays(rows: int, features: int) -> Any:
    return np.broadcast_to(np.float32(0), (rows, features)), np.broadcast_to(np.float32(0), (rows, 1))


LONG = {"epochs": 100, "batch_size": 32}


@pytest.mark.parametrize(
    ("rows", "features", "spec", "is_quick"),
    [
        (13_000, 8, {"training": {"epochs": 30, "batch_size": 32}}, True),
        (13_000, 8, {"training": LONG}, True),
        (13_000, 8, {"training": LONG, "search_space": {"units": {"min": 64, "max": 512, "log": True}}}, False),
        (13_000, 8, {"training": LONG, "search_space": {"units": {"layers": [[300, 100], [200, 200, 200]]}}}, False),
        (13_000, 8, {"training": {"epochs": 100, "batch_size": "full"}, "search_space": {"units": 300}}, True),
        (13_000, 8, {"training": {"epochs": 100}, "search_space": {"units": 300, "batch_size": [4096, 8192]}}, True),
        (54_000, 784, {"training": {"epochs": 10, "batch_size": 32}, "search_space": {"units": 300}}, False),
        (54_000, 784, {"training": LONG, "search_space": {"units": 300, "dropout": {"min": 0, "max": 0.5}}}, True),
        (13_000, 8, {"training": LONG, "search_space": {"units": 300, "dropout": 0.0}}, False),
        (13_000, 8, {"search_space": {"numeric_embedding": ["none", "periodic"]}}, False),
        (13_000, 8, {"search_space": {"numeric_embedding": "none", "ensemble_heads": 1}}, True),
    ],
)
def test_code_is_made_quickly_where_faster_code_would_not_pay(
    rows: int, features: int, spec: dict[str, Any], is_quick: bool, make_plan: Callable[..., Plan]
) -> None:
    plan = make_plan(model="mlp", **spec)
    assert compiler_flags(plan, arrays(rows, features)) == (QUICKLY if is_quick else "")


def test_the_longest_training_of_hyperband_counts(make_plan: Callable[..., Plan]) -> None:
    space = {"units": {"min": 64, "max": 512, "log": True}}
    for epochs, flags in ((2, QUICKLY), (200, "")):
        tuner = {"name": "hyperband", "max_epochs": epochs}
        plan = make_plan(model="mlp", tuner=tuner, training={"epochs": 1}, search_space=space)
        assert compiler_flags(plan, arrays(13_000, 8)) == flags


def test_flags_are_given_to_tested_versions_alone(
    make_plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunecli.training.engines.compiler.TESTED", "1.15.")
    assert compiler_flags(make_plan(model="mlp"), arrays(100, 3)) == ""


def test_the_users_own_flags_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=true")
    for _ in range(2):
        set_compiler(QUICKLY)
        assert os.environ["XLA_FLAGS"] == f"{QUICKLY} --xla_cpu_use_fusion_emitters=true"


PROGRAM = """
import numpy as np, keras
from tunecli.training.engines import ENGINES, Job
from tunecli.training.engines.compiler import QUICKLY, set_compiler
from tunecli.training.runtime import seed_everything

def model():
    seed_everything(1)
    layers = [keras.Input((3,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)]
    built = keras.Sequential(layers)
    built.compile("adam", "mse", metrics=["mae"])
    return built

set_compiler(QUICKLY)
x = np.random.default_rng(0).normal(size=(90, 3)).astype("float32")
found = []
for engine in ("keras", "fused"):
    trained = ENGINES.load(engine).fit(Job(model(), (x, x[:, :1]), None, 32, 0, 3, seed=1)).model
    found.append(np.concatenate([each.ravel() for each in trained.get_weights()]))
np.testing.assert_allclose(*found, rtol=0, atol=1e-6)
"""


def test_the_installed_tensorflow_takes_the_flags_and_computes_the_same() -> None:
    environment = os.environ | {"PYTHONPATH": str(TOP), "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, env=environment, timeout=120)
