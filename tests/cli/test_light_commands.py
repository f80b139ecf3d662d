"""Light commands stay light: they never import TensorFlow, Keras, KerasTuner or scikit-learn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    Path("a.yaml").write_text("dataset: advertising\nmodel: mlp\nsearch_space: {units: [8, 16]}\ntuner: grid\n")
    assert loaded_by(arguments, HEAVY) == []


def loaded_by(arguments: Sequence[str], modules: Sequence[str]) -> list[str]:
    """Runs a command that succeeds in a process of its own, and returns which of the modules it has imported."""
    command = [sys.executable, "-c", SCRIPT, json.dumps(arguments), json.dumps(modules)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stderr.splitlines()[-1])
    assert found["code"] == 0, done.stderr
    loaded: list[str] = found["loaded"]
    return loaded
