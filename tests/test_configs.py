"""Every example runs, cut down to two trials of one epoch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunecli.cli.main import run

ROOT = Path(__file__).parent.parent
OWN = [
    "advertising",
    "least_squares",
    "csv_example",
    "smoke/random_linear",
    "smoke/hyperband_mlp",
    "smoke/bayesian_mlp",
]
OWN += ["smoke/grid_linear", "infrared", "smoke/scipy"]
OWN += ["custom_build_model", "custom_hypermodel", "smoke/custom"]
REAL = ["california", "california_random", "fashion_mnist", "fashion_mnist_cnn", "smoke/random_cnn"]


def smoke(name: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ROOT / "configs" / f"{name}.yaml"
    assert run(["search", str(config), "--smoke", "--runs", str(runs), "--quiet", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["trials"]) == 2


@pytest.mark.parametrize("name", OWN)
def test_an_example_on_shipped_data_runs(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    smoke(name, tmp_path, capsys)


@pytest.mark.parametrize("name", REAL)
def test_an_example_on_real_data_runs(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], real_data: Path
) -> None:
    smoke(name, tmp_path, capsys)


def test_every_example_is_run() -> None:
    found = {
        path.relative_to(ROOT / "configs").with_suffix("").as_posix() for path in (ROOT / "configs").rglob("*.yaml")
    }
    assert found == {*OWN, *REAL}
