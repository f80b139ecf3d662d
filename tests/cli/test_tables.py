"""Tables of the user's own through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
WriteSpec = Callable[..., Path]

FRAME = pl.DataFrame(
    {
        "x": [number % 7 / 2 for number in range(60)],
        "size": ["SML"[number % 3] for number in range(60)],
        "y": [number % 7 + number % 3 + 0.5 for number in range(60)],
    }
)


def study(runs: Path) -> dict[str, Any]:
    (plan,) = runs.glob("*/plan.json")
    document: dict[str, Any] = json.loads(plan.read_text())
    return document


@pytest.mark.parametrize("name", ["t.parquet", "t.feather"])
def test_a_typed_file_is_searched_like_a_csv_file(
    name: str, cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path
) -> None:
    write = FRAME.write_parquet if name.endswith(".parquet") else FRAME.write_ipc
    write(tmp_path / name)
    data = {"name": "table", "path": name, "target": "y"}
    found = cli_json("search", write_spec(dataset=data, training={"epochs": 1}), "--runs", tmp_path / "r")
    assert len(found["trials"]) == 2
    assert study(tmp_path / "r")["dataset"]["name"] == "csv"


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.csv.gz"])
def test_a_draft_is_made_for_every_format(name: str, cli: Cli) -> None:
    if name.endswith(".parquet"):
        FRAME.write_parquet(name)
    elif name.endswith(".feather"):
        FRAME.write_ipc(name)
    else:
        FRAME.write_csv(name, compression="gzip")
    assert cli("init", name, "-o", "t.yaml")[0] == 0
    text = Path("t.yaml").read_text()
    assert f"path: {name}" in text
    assert "target: y" in text
    assert cli("validate", "t.yaml")[0] == 0


def test_a_file_that_is_not_what_it_says_is_one_message(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("x,y\n1,2\n3,4\n")
    spec = write_spec(dataset={"name": "csv", "path": "t.parquet", "target": "y"})
    code, _, err = cli("validate", spec)
    assert code == 3
    assert "t.parquet: is not a whole Parquet file" in err
    assert "hint: write it anew" in err
