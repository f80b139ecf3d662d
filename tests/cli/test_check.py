"""`tunecli check`, and the checks that a search begins with."""

from __future__ import annotations

import csv
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
WriteSpec = Callable[..., Path]
Column = list[Any]

ROWS = 400


def columns(**more: Column) -> dict[str, Column]:
    """Two features, others, and a target that is their noisy sum."""
    draw = random.Random(1)
    a, b = ([round(draw.gauss(0, 1), 4) for _ in range(ROWS)] for _ in range(2))
    y = [round(x + z + draw.gauss(0, 1), 4) for x, z in zip(a, b, strict=True)]
    return {"a": a, "b": b, "y": y, **more}


@pytest.fixture
def write_table(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file and a spec for it; returns the spec."""

    def write(table: dict[str, Column], **dataset: Any) -> Path:
        with open(tmp_path / "table.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(table)
            writer.writerows(zip(*table.values(), strict=True))
        spec = {
            "dataset": {"name": "csv", "path": "table.csv", "target": "y", **dataset},
            "model": "linear",
            "search_space": {"learning_rate": [0.01, 0.1]},
            "tuner": {"name": "grid"},
            "training": {"epochs": 1, "batch_size": "full", "engine": "keras"},
            "baselines": False,
        }
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(spec, sort_keys=False))
        return path

    return write


def test_a_table_that_is_fine_passes(cli: Cli, write_table: WriteSpec) -> None:
    spec = write_table(columns())
    code, out, err = cli("check", spec, "--strict")
    assert (code, err) == (0, "")
    assert out == f"{spec}: nothing found in csv (rows: train 240, validation 80, test 80)\n"


def planted() -> dict[str, tuple[dict[str, Column], dict[str, Any]]]:
    """By the check that must find it, a table and the rest of `dataset:`."""
    plain = columns()
    sign = ["up" if value > 0 else "down" for value in plain["y"]]
    rare = ["rare" if row == 0 else each for row, each in enumerate(sign)]
    return {
        "duplicate_rows": ({name: column[:200] * 2 for name, column in plain.items()}, {}),
        "contradictory_rows": ({**plain, "a": plain["a"][:200] * 2, "b": plain["b"][:200] * 2}, {}),
        "target_leak": (columns(leak=[1000 - 2 * value for value in plain["y"]]), {}),
        "identifier": (columns(number=random.Random(2).sample(range(5000, 5000 + ROWS), ROWS)), {}),
        "constant": (columns(same=["x"] * ROWS), {}),
        "missing_classes": ({**plain, "y": rare}, {}),
        "few_target_values": ({**plain, "y": [row % 4 for row in range(ROWS)]}, {"task": "regression"}),
        "drift": (columns(shop=[f"s{row // 4}" for row in range(ROWS)]), {"group": "g"}),
    }


@pytest.mark.parametrize("kind", planted())
def test_each_check_finds_what_was_planted(kind: str, cli_json: CliJson, write_table: WriteSpec) -> None:
    table, dataset = planted()[kind]
    if kind == "drift":  # one group makes the test part, with texts of its own
        table["g"] = ["late" if row >= 300 else f"g{row}" for row in range(ROWS)]
        table["shop"] = [f"{'t' if row >= 300 else 's'}{row % 7}" for row in range(ROWS)]
        dataset = {**dataset, "split_seed": _seed_that_tests_last_group(write_table(table, **dataset))}
    document = cli_json("check", write_table(table, **dataset))
    assert kind in [each["kind"] for each in document["findings"]]


def _seed_that_tests_last_group(spec: Path) -> int:
    from tunecli.plan import resolve
    from tunecli.spec.load import load
    from tunecli.training.data import load as load_data

    for seed in range(50):
        data, parts = load_data(resolve(load(spec, [f"dataset.split_seed={seed}"])).dataset)
        assert data.groups is not None
        if data.groups[-1] in data.groups[parts.test]:
            return seed
    raise AssertionError("no seed puts the last group into the test part")


def test_a_finding_says_which_line_to_change(cli: Cli, write_table: WriteSpec) -> None:
    plain = columns()
    spec = write_table({**plain, "leak": plain["y"]})
    code, out, err = cli("check", spec)
    assert (code, err) == (0, "")
    assert "'leak' equals the target" in out
    assert "hint: write exclude: [leak] below dataset:" in out
    assert cli("check", spec, "-S", "dataset.features=[a, b]", "--strict")[0] == 0


def test_strict_makes_warnings_errors_at_their_place(cli: Cli, write_table: WriteSpec) -> None:
    spec = write_table(columns(same=[1] * ROWS, n=list(range(ROWS))), features=["a", "b", "same", "n"])
    code, _, err = cli("check", spec, "--strict")
    assert code == 1
    line = next(number for number, text in enumerate(spec.read_text().splitlines(), 1) if "features" in text)
    assert f"{spec}:{line}:3: dataset.features: 'n' numbers or names the rows" in err
    assert f"{spec}:{line}:3: dataset.features: 'same' never changes in 240 training rows" in err
    assert err.count("hint: write exclude: [n, same] below dataset:") == 2


def test_what_is_accepted_is_no_error(cli: Cli, write_table: WriteSpec) -> None:
    spec = write_table(columns(same=[1] * ROWS))
    assert cli("check", spec, "--strict", "--accept", "constant")[0] == 0
    code, _, err = cli("check", spec, "--strict", "--accept", "constnat")
    assert code == 2
    assert "unknown check 'constnat'" in err
    assert "did you mean 'constant'?" in err
    assert cli("check", spec, "--accept", "constant")[0] == 2


def test_notes_are_never_errors(cli: Cli, write_table: WriteSpec) -> None:
    table, _ = planted()["contradictory_rows"]
    code, out, _ = cli("check", write_table(table), "--strict", "--accept", "duplicate_rows")
    assert code == 0
    assert "note " in out


def test_a_search_warns_keeps_and_shows_what_it_found(
    cli: Cli, cli_json: CliJson, write_table: WriteSpec, tmp_path: Path
) -> None:
    plain = columns()
    spec = write_table({**plain, "leak": plain["y"]})
    code, _, err = cli("search", spec, "--runs", tmp_path / "r")
    assert code == 0
    first, second, *_ = err.splitlines()
    assert first == "warning: 'leak' equals the target"
    assert second == "hint: write exclude: [leak] below dataset:"
    kept = json.loads((tmp_path / "r" / "study" / "checks.json").read_text())
    assert kept["rows"] == {"train": 240, "validation": 80, "test": 80}
    assert [each["columns"] for each in kept["findings"]] == [["leak"]]
    assert "'leak' equals the target" in cli("show", "study", "--runs", tmp_path / "r")[1]
    assert cli_json("show", "study", "--runs", tmp_path / "r")["findings"] == kept["findings"]
    # what is kept is read when the search goes on, and strict then refuses it all the same
    code, _, err = cli("search", spec, "--runs", tmp_path / "r", "--strict")
    assert code == 1
    assert "dataset.features: 'leak' equals the target" in err


def test_a_strict_search_ends_before_anything_is_begun(cli: Cli, write_table: WriteSpec, tmp_path: Path) -> None:
    plain = columns()
    spec = write_table({**plain, "leak": plain["y"]})
    code, out, err = cli("search", spec, "--runs", tmp_path / "r", "--strict")
    assert (code, out) == (1, "")
    assert "'leak' equals the target" in err
    assert list((tmp_path / "r").iterdir()) == []


def test_a_smoke_run_checks_nothing(cli: Cli, write_table: WriteSpec, tmp_path: Path) -> None:
    spec = write_table(columns(same=[1] * ROWS))
    code, _, err = cli("search", spec, "--runs", tmp_path / "r", "--smoke")
    assert code == 0
    assert "warning" not in err
    assert not (tmp_path / "r" / "study-smoke" / "checks.json").exists()
    assert cli("search", spec, "--smoke", "--strict")[0] == 2


def test_damaged_findings_hide_no_study(cli: Cli, write_spec: WriteSpec, trained: Path, tmp_path: Path) -> None:
    runs = Path(shutil.copytree(trained, tmp_path / "runs"))
    path = runs / "linear" / "checks.json"
    assert json.loads(path.read_text())["findings"] == []
    path.write_text("{")
    code, out, err = cli("show", "linear", "--runs", runs)
    assert code == 0
    assert "checks.json: is damaged" in err
    assert "search space" in out
    assert cli("search", write_spec(), "--runs", runs)[0] == 0
    assert json.loads(path.read_text())["findings"] == []


@pytest.mark.parametrize("name", ["</script>", "__proto__", "::error::x", "##[error]x", "\x1b[31mred"])
def test_hostile_names_are_text(
    name: str, cli: Cli, cli_json: CliJson, write_table: WriteSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = write_table(columns(**{name: [1] * ROWS}))
    assert cli_json("check", spec)["findings"][0]["columns"] == [name]
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    code, out, err = cli("check", spec, "--strict")
    assert code == 1
    assert "\x1b[31m" not in out + err
    commands = [line for line in (out + err).splitlines() if line.lstrip().startswith("::")]
    assert len(commands) == 1
    assert commands[0].startswith("::error file=")
    assert all(line in commands for line in (out + err).splitlines() if "##[" in line)
