"""Files as people have them, from `init` through `search`, `retrain --full`, `evaluate`, `predict` and `export`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Cli = Callable[..., tuple[int, str, str]]

ROWS = 120
RANDOM = np.random.default_rng(0)


def written(header: list[str], rows: list[list[Any]], *, delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def semicolons() -> bytes:
    """Semicolons, decimal commas, spaces, a plus sign."""
    numbers = RANDOM.random((ROWS, 2))
    rows = [
        [
            f"K{row:03d}",
            f" {a:.3f}".replace(".", ","),
            f"+{b:.3f}".replace(".", ","),
            f"{3 * a - b:.3f}".replace(".", ","),
        ]
        for row, (a, b) in enumerate(numbers)
    ]
    return written(["Kunde", "Fläche", "Höhe", "price"], rows, delimiter=";").encode()


def quotes() -> bytes:
    """A byte-order mark, quotes and line breaks in fields, a column whose name holds both."""
    kinds = ['say "hi"', "two\nlines", "comma, semicolon; tab\t", "=1+1"]
    rows = [[row, kinds[row % 4], f"{RANDOM.random():.3f}", ["no", "yes\nindeed"][row % 4 % 2]] for row in range(ROWS)]
    return b"\xef\xbb\xbf" + written(["id", 'what "it"', "__proto__", "label"], rows).encode()


def wide() -> bytes:
    """500 columns, every tenth value missing in one of several ways."""
    numbers = RANDOM.random((ROWS, 500))
    missing = RANDOM.random((ROWS, 500)) < 0.1
    ways = np.array(["", "NA", "n/a", "NaN", "?"])
    cells = np.where(missing, ways[RANDOM.integers(5, size=(ROWS, 500))], np.char.mod("%.3f", numbers))
    rows = [[f"r{row}", *cells[row], f"{numbers[row, 0]:.3f}"] for row in range(ROWS)]
    return written(["id", *(f"c{index}" for index in range(500)), "target"], rows).encode()


def texts() -> bytes:
    """No number at all, and a date."""
    sizes, towns = ["S", "M", "L"], ["Ulm", "Åre", "</script>"]
    rows = [
        [
            f"p-{row}",
            sizes[row % 3],
            towns[row % 7 % 3],
            f"{1 + row % 28:02d}.0{1 + row % 9}.2024",
            sizes[row % 3].lower(),
        ]
        for row in range(ROWS)
    ]
    return written(["id", "size", "town", "sold", "class"], rows).encode()


FILES = {
    "semicolons": (semicolons, "regression", "Kunde"),
    "quotes": (quotes, "binary", "id"),
    "wide": (wide, "regression", "id"),
    "texts": (texts, "multiclass", "id"),
}
EXPORTS = {
    "semicolons": ("tflite", "h5"),
    "quotes": ("keras", "tflite"),
    "wide": ("saved_model", "tflite"),
    "texts": ("saved_model", "weights"),
}


@pytest.mark.parametrize("name", FILES)
def test_from_a_file_to_predictions(name: str, cli: Cli) -> None:
    make, task, id_column = FILES[name]
    Path("table.csv").write_bytes(make())
    assert cli("init", "table.csv", "-o", "spec.yaml")[0] == 0
    tiny = ["-S", "tuner.max_trials=1", "-S", "training.epochs=1", "-S", "baselines=false"]
    code, _, err = cli("search", "spec.yaml", *tiny, "--quiet")
    assert code == 0, err
    code, out, err = cli("retrain", "--full", "--quiet", "--json")
    assert code == 0, err
    retrained = json.loads(out)
    assert retrained["dataset"]["task"] == task

    code, out, err = cli("predict", "--data", "table.csv", "--id", id_column, "-o", "predicted.csv", "--json")
    assert code == 0, err
    assert json.loads(out)["rows"] == ROWS
    with Path("predicted.csv").open(newline="", encoding="utf-8") as file:
        predicted = list(csv.DictReader(file))
    with Path("table.csv").open(newline="", encoding="utf-8-sig") as file:
        given = list(csv.DictReader(file, delimiter=";" if name == "semicolons" else ","))
    assert [row[id_column] for row in predicted] == [row[id_column] for row in given]
    if task == "regression":
        assert all(np.isfinite(float(row["prediction"])) for row in predicted)
    else:
        target = list(given[0])[-1]
        assert {row["prediction"] for row in predicted} <= {row[target] for row in given}

    code, out, err = cli("evaluate", "--quiet", "--json")
    assert code == 0, err
    ours, theirs = json.loads(out)["targets"][0]["figures"], retrained["scores"]["test"]
    shared = {"rmse", "mae", "r2", "accuracy"} & set(ours)
    assert shared
    for metric in shared:
        assert ours[metric]["value"] == pytest.approx(theirs[metric], rel=1e-4, abs=1e-6), metric

    assert cli("evaluate", "--data", "table.csv", "--quiet")[0] == 0

    for format_ in EXPORTS[name]:
        code, out, err = cli("export", "--format", format_, "-o", format_, "--quiet", "--json")
        assert code == 0, err
        exported = json.loads(out)
        assert exported["check"]["greatest_difference"] <= 1e-4
        assert "of the training and validation part" in exported["check"]["origin"]
