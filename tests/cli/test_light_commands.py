"""Light commands stay light: they never import TensorFlow, Keras, KerasTuner or scikit-learn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.planted import Planted, plant
from tunecli.plan import Plan

HEAVY = ("tensorflow", "keras", "keras_tuner", "sklearn")

SCRIPT = """
import json, sys
from tunecli.cli.main import run
code = run(json.loads(sys.argv[1]))
loaded = [name for name in json.loads(sys.argv[2]) if name in sys.modules]
print(json.dumps({"code": code, "loaded": loaded}), file=sys.stderr)
"""

COMMANDS = [
    ["--help"],
    ["--version"],
    ["validate", "a.yaml"],
    ["validate", "a.yaml", "--json"],
    ["check", "a.yaml"],
    ["schema"],
    ["eject", "a.yaml", "-o", "-"],
]


def test_an_open_spec_is_refused_by_trace_before_anything_heavy_is_imported() -> None:
    Path("a.yaml").write_text("dataset: advertising\nmodel: mlp\nsearch_space: {units: [8, 16]}\ntuner: grid\n")
    command = [sys.executable, "-c", SCRIPT, json.dumps(["trace", "a.yaml"]), json.dumps(HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stderr.splitlines()[-1]) == {"code": 2, "loaded": []}


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    Path("a.yaml").write_text("dataset: advertising\nmodel: mlp\nsearch_space: {units: [8, 16]}\ntuner: grid\n")
    assert loaded_by(arguments, HEAVY) == []


def loaded_by(arguments: Sequence[str], modules: Sequence[str]) -> list[str]:
    """Runs a command that succeeds in a process of its own, and returns which of the modules it has imported."""
    command = [sys.executable, "-c", SCRIPT, json.dumps(arguments), json.dumps(modules)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stderr.splitlines()[-1])
    assert found["loaded"] == []
    assert found["code"] == 0


@pytest.mark.parametrize("command", [["best"], ["show", "study", "0"], ["curves"], ["why", "study", "0"]], ids=" ".join)
def test_nothing_heavy_is_imported_to_look_at_a_study(command: list[str], make_plan: Callable[..., Plan]) -> None:
    curve = {"rmse": [3.0, 2.0], "val_rmse": [3.0, 2.0]}
    plant(Path("runs"), make_plan(search_space={"l2": [0.0, 0.1]}), Planted({"l2": 0.1}, curve))
    script = [sys.executable, "-c", SCRIPT, json.dumps(command), json.dumps(HEAVY)]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    assert json.loads(done.stderr.splitlines()[-1]) == {"code": 0, "loaded": []}
    assert found["code"] == 0, done.stderr
    loaded: list[str] = found["loaded"]
    return loaded
