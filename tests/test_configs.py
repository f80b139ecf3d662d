"""Every example runs, cut down to two trials of one epoch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tunecli.cli.main import run

CONFIGS = Path(__file__).parent.parent / "configs"
PUBLISHED = {"california_housing", "fashion_mnist"}
"""Data sets that are not inside the package."""

TRACED = {"line": 12, "advertising_tv": 120}
"""The examples that search nothing, and how many updates they are."""


def examples(*, published: bool) -> list[str]:
    """Returns the examples that need published data, or those that do not."""
    found = []
    for path in sorted(CONFIGS.rglob("*.yaml")):
        dataset = yaml.safe_load(path.read_text())["dataset"]
        name = dataset["name"] if isinstance(dataset, dict) else dataset
        if (name in PUBLISHED) is published:
            found.append(path.relative_to(CONFIGS).with_suffix("").as_posix())
    return found


def smoke(name: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = CONFIGS / f"{name}.yaml"
    assert run(["search", str(config), "--smoke", "--runs", str(runs), "--quiet", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["trials"]) == (2 if name not in TRACED else 1)


@pytest.mark.parametrize(("name", "updates"), TRACED.items())
def test_an_example_of_one_configuration_is_traced(
    name: str, updates: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["trace", str(CONFIGS / f"{name}.yaml"), "-o", str(tmp_path), "--quiet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["updates"] == updates


@pytest.mark.parametrize("name", examples(published=False))
def test_an_example_on_shipped_data_runs(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    smoke(name, tmp_path, capsys)


@pytest.mark.parametrize("name", examples(published=True))
def test_an_example_on_real_data_runs(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], real_data: Path
) -> None:
    smoke(name, tmp_path, capsys)
