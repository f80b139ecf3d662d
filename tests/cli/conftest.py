"""One trained study that the tests of the command line share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunecli.cli.main import run

LINEAR = {
    "name": "linear",
    "dataset": "advertising",
    "model": {"family": "linear", "optimizer": "sgd"},
    "objective": "val_rmse",
    "search_space": {"learning_rate": {"min": 0.02, "max": 0.1, "log": True}},
    "tuner": {"name": "random", "max_trials": 2},
    "training": {"epochs": 25, "batch_size": 32},
    "baselines": False,
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with one study, `linear`; read it, or copy it first."""
    folder = tmp_path_factory.mktemp("trained")
    path = folder / "linear.yaml"
    path.write_text(yaml.safe_dump(LINEAR, sort_keys=False))
    assert run(["search", str(path), "--runs", str(folder / "runs"), "--quiet"]) == 0
    return folder / "runs"


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[..., Path]:
    """Writes the shared study's spec, changed."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "linear.yaml"
        path.write_text(yaml.safe_dump({**LINEAR, **changes}, sort_keys=False))
        return path

    return write


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command here and returns its exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(each) for each in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def cli_json(cli: Callable[..., tuple[int, str, str]]) -> Callable[..., Any]:
    """Runs a command that succeeds, and returns the JSON document it prints."""

    def call(*arguments: object) -> Any:
        code, out, err = cli(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return call
