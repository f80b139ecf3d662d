"""One value for each layer, from the spec to the winner."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Cli = Callable[..., tuple[int, str, str]]
SPACE = {"hidden_layers": {"min": 1, "max": 3}, "units": {"min": 2, "max": 9, "per": "hidden_layers"}}


@pytest.fixture
def spec(write_spec: Callable[..., Path]) -> Callable[..., Path]:
    def write(**changes: Any) -> Path:
        settings = {"name": "layers", "model": "mlp", "search_space": SPACE, "training": {"epochs": 1}}
        return write_spec(**settings | changes)

    return write


def test_a_search_is_shown_resumed_and_retrained(spec: Callable[..., Path], cli: Cli, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for trials in (2, 4):  # the second goes on, by replaying the first
        tuner = {"name": "random", "max_trials": trials}
        code, _, err = cli("search", spec(tuner=tuner), "--runs", runs)
        assert code == 0, err
    trials = json.loads(cli("best", "layers", "--runs", runs, "--json")[1])["trials"]
    assert len(trials) == 4
    for trial in trials:
        shown = json.loads(cli("show", "layers", trial["id"], "--runs", runs, "--json")[1])
        widths = [value for name, value in trial["values"].items() if name.startswith("units_")]
        assert len(widths) == trial["values"]["hidden_layers"]
        assert [layer["output_shape"][0] for layer in shown["layers"]] == [*widths, 1]
    assert cli("show", "layers", "--runs", runs)[0] == 0

    pasted = yaml.safe_load(cli("best", "layers", "--runs", runs, "--yaml")[1])
    widths = [trials[0]["values"][f"units_{number}"] for number in range(1, trials[0]["values"]["hidden_layers"] + 1)]
    assert pasted == {"units": {"layers": widths}}
    assert cli("validate", spec(search_space=pasted))[0] == 0

    assert cli("retrain", "layers", "--full", "--runs", runs)[0] == 0
    document = json.loads((runs / "layers" / "best" / "metrics.json").read_text())
    assert document["values"]["units"] == widths


@pytest.mark.parametrize("tuner", ["grid", {"name": "hyperband", "max_epochs": 3}])
def test_a_dry_run_shows_the_parameter_of_each_layer(tuner: Any, spec: Callable[..., Path], cli: Cli) -> None:
    code, out, err = cli("search", spec(tuner=tuner), "--dry-run", "--json")
    assert code == 0, err
    space = json.loads(out)["space"]
    assert [each["name"] for each in space] == ["hidden_layers", "units_1", "units_2", "units_3"]
    assert space[3]["when"] == ["hidden_layers is 3"]


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        (SPACE | {"hidden_layers": {"min": 0, "max": 2}}, "search_space.units.per: hidden_layers may be 0"),
        ({"units": {"min": 2, "max": 9, "per": "layers"}}, "not of layers\nhint: write per: hidden_layers"),
    ],
)
def test_what_counts_no_layers_is_refused(space: Any, problem: str, spec: Callable[..., Path], cli: Cli) -> None:
    path = spec(search_space=space)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), start=1) if "per:" in text)
    code, _, err = cli("validate", path)
    assert code == 2
    assert problem in err
    assert f":{line}:" in err
