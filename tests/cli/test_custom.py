"""Models and callbacks of one's own, from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.training.own_code import DENSE, FITTING
from tunecli.cli.main import run
from tunecli.plan import Plan
from tunecli.store.run import Run
from tunecli.training.own_models import read_kept

PRINTING = """
import keras

class PrintLosses(keras.callbacks.Callback):
    def __init__(self, word="loss"):
        super().__init__()
        self.word = word
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_epoch_end(self, epoch, logs=None):
        print(f"epoch {epoch}: {self.word} {logs['loss']:.3f} {logs['val_loss']:.3f} after {self.batches} batches")
"""


def write(folder: Path, code: str = DENSE, **changes: Any) -> str:
    (folder / "mine.py").write_text(textwrap.dedent(code))
    (folder / "told.py").write_text(PRINTING)
    document = {
        "name": "own",
        "dataset": "advertising",
        "model": {"family": "custom", "path": "mine.py"},
        "tuner": {"name": "random", "max_trials": 2},
        "training": {"epochs": 2},
        "limits": {"workers": 1},
        "baselines": False,
        **changes,
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return str(folder / "spec.yaml")


def test_a_file_and_six_lines_are_a_search_and_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    callbacks = [{"path": "told.py", "class": "PrintLosses", "args": {"word": "losses"}}]
    spec = write(tmp_path, FITTING, training={"epochs": 2, "callbacks": callbacks})
    runs = ["--runs", str(tmp_path / "runs")]
    assert run(["search", spec, *runs, "--quiet", "--json"]) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    assert set(trials[0]["values"]) == {"units", "scale", "batch_size"}
    study = Run(tmp_path / "runs" / "own")
    assert "epoch 1: losses" in study.log(0)
    batches = -(-120 // trials[0]["values"]["batch_size"])
    assert f"after {2 * batches} batches" in study.log(trials[0]["id"])
    assert Plan.of(study).custom is not None

    assert run(["retrain", *runs, "--full", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    model = read_kept(study.layout.best.model, code=study.layout.best.code)
    from tunecli.training.data import final_parts

    x, y = final_parts(Plan.of(study), full=True).parts[2]
    scale = trials[0]["values"]["scale"]
    found = model.evaluate(x * scale, y, verbose=0, return_dict=True)
    assert found["mae"] == pytest.approx(scores["test"]["mae"], rel=1e-5), "the test rows went through fit"

    (tmp_path / "mine.py").write_text(textwrap.dedent(FITTING).replace("sgd", "adam"))
    assert run(["search", spec, *runs, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "was begun with another spec: custom.source.sha256" in said
    assert "--fresh" in said


def test_what_is_wrong_in_the_code_is_said_before_any_trial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write(tmp_path, "def build_model(hp):\n    return layers[0]\n")
    assert run(["search", spec, "--runs", str(tmp_path / "runs"), "--quiet"]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path / 'mine.py'}:2: build_model raises: NameError: name 'layers' is not defined" in said
    assert not (tmp_path / "runs" / "own").exists()


def test_a_range_outside_the_declared_one_is_said_at_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write(tmp_path, search_space={"units": {"min": 4, "max": 80}})
    assert run(["search", spec, "--runs", str(tmp_path / "runs"), "--dry-run"]) == 2
    assert "search_space.units.max: 80 is above 8" in capsys.readouterr().err


def test_validate_checks_the_form_and_that_the_file_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write(tmp_path, "not Python at all")
    assert run(["validate", spec]) == 0
    assert "found when a search starts" in capsys.readouterr().out
    (tmp_path / "mine.py").unlink()
    assert run(["validate", spec]) == 2
    assert "mine.py does not exist" in capsys.readouterr().err


def test_a_custom_model_is_not_ejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eject", write(tmp_path), "-o", "-"]) == 2
    assert "has its script already" in capsys.readouterr().err
    linear = {"model": "linear", "training": {"callbacks": [{"path": "told.py", "class": "PrintLosses"}]}}
    assert run(["eject", write(tmp_path, **linear), "-o", "-"]) == 2
    assert "a script has no callbacks of yours" in capsys.readouterr().err


GIVE_UP_S = 240


@pytest.mark.parametrize("name", ["custom_build_model", "custom_hypermodel"])
def test_an_example_is_killed_on_two_slots_and_goes_on(name: str, tmp_path: Path, configs: Path) -> None:
    changes = ["limits.workers=2", "baselines=false", "training.epochs=3", "tuner={name: random, max_trials: 4}"]

    def start(runs: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tunecli", "search", str(configs / f"{name}.yaml"), "--json", "--quiet"]
        sets = [word for each in changes for word in ("--set", each)]
        return subprocess.Popen([*command, *sets, "--runs", str(tmp_path / runs)], stdout=subprocess.PIPE)

    def finish(process: subprocess.Popen[bytes]) -> Any:
        out, _ = process.communicate(timeout=GIVE_UP_S)
        assert process.returncode == 0
        return [(each["id"], each["score"], each["values"]) for each in json.loads(out)["trials"]]

    process = start("killed")
    journal = tmp_path / "killed" / name / "journal.jsonl"
    deadline = time.monotonic() + GIVE_UP_S
    while not journal.exists() or journal.read_text().count('"event":"finished"') < 2:
        assert time.monotonic() < deadline, "the search does not get on"
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert finish(start("killed")) == finish(start("whole"))
