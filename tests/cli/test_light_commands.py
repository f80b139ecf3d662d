"""Light commands stay light: they never import TensorFlow, Keras, KerasTuner or scikit-learn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reports.studies import random_study
from tunecli.reports.trial_exports import TRIAL_FORMATS

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
    *(["export-trials", "--format", name] for name in TRIAL_FORMATS.names),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    random_study(Path("runs") / "study", 2, epochs=2)
    Path("a.yaml").write_text("dataset: advertising\nmodel: mlp\nsearch_space: {units: [8, 16]}\ntuner: grid\n")
    command = [sys.executable, "-c", SCRIPT, json.dumps(arguments), json.dumps(HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stderr.splitlines()[-1])
    assert found["loaded"] == []
    assert found["code"] == 0
