"""Light commands stay light: they never import TensorFlow, Keras, KerasTuner or scikit-learn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.studies import Planted, both_parts, write_study
from tunecli.plan import Plan
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
]


STUDY_COMMANDS = [
    ["best"],
    ["show", "study", "0"],
    ["curves"],
    ["why", "study", "0"],
    ["compare", "study", "other"],
    ["watch", "--once"],
    ["report"],
    ["report", "--format", "md"],
    *(["export-trials", "--format", name] for name in TRIAL_FORMATS.names),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    Path("a.yaml").write_text("dataset: advertising\nmodel: mlp\nsearch_space: {units: [8, 16]}\ntuner: grid\n")
    assert loaded_by(arguments, HEAVY) == []


@pytest.mark.parametrize("arguments", STUDY_COMMANDS, ids=" ".join)
def test_nothing_heavy_is_imported_to_look_at_a_study(arguments: list[str], make_plan: Callable[..., Plan]) -> None:
    trials = [Planted({"l2": l2}, 2.0, both_parts([3.0, 2.0])) for l2 in (0.0, 0.1)]
    for name in ("other", "study"):
        write_study(Path("runs"), make_plan(name=name, search_space={"l2": [0.0, 0.1]}), trials)
    assert loaded_by(arguments, HEAVY) == []


def test_an_open_spec_is_refused_by_trace_before_anything_heavy_is_imported() -> None:
    Path("a.yaml").write_text("dataset: advertising\nmodel: mlp\nsearch_space: {units: [8, 16]}\ntuner: grid\n")
    assert loaded_by(["trace", "a.yaml"], HEAVY, code=2) == []


def loaded_by(arguments: Sequence[str], modules: Sequence[str], *, code: int = 0) -> list[str]:
    """Runs a command in a process of its own, and returns which of the modules it has imported."""
    command = [sys.executable, "-c", SCRIPT, json.dumps(arguments), json.dumps(modules)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stderr.splitlines()[-1])
    assert found["code"] == code, done.stderr
    loaded: list[str] = found["loaded"]
    return loaded
