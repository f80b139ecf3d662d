"""The table of predictions, whatever is predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from tunecli.datasets.base import Columns, DatasetOptions
from tunecli.datasets.schema import ColumnKind, ColumnSchema
from tunecli.errors import UsageError
from tunecli.reports.text import printable
from tunecli.spec.experiment import Task
from tunecli.tools.evaluate import evaluate_file, groups_of
from tunecli.tools.predict import Predictions
from tunecli.training.bundle import Bundle
from tunecli.training.manifest import Manifest, Target
from tunecli.training.rows import Block, Rows


@dataclass
class Told:
    """A bundle that predicts what it was told to."""

    manifest: Manifest
    outputs: Any

    def predict(self, columns: Columns) -> Any:
        return np.array(self.outputs, dtype=np.float32)[: len(columns.numeric)]


def told(task: Task, targets: list[Target], outputs: Any) -> Bundle:
    manifest = Manifest(
        tunecli="0",
        study="s",
        trial=0,
        full=True,
        family="mlp",
        task=task,
        targets=tuple(targets),
        dataset="csv",
        options=DatasetOptions(),
        columns=(ColumnSchema(name="a", kind=ColumnKind.NUMERIC, min=0, max=9),),
        models=("model.keras",),
    )
    return cast("Bundle", Told(manifest, outputs))


def rows(count: int, **others: Any) -> Rows:
    empty = np.empty((count, 0), dtype=np.int32)
    columns = Columns(np.zeros((count, 1)), ("a",), empty)
    return Rows("here", iter([Block(columns, {name: pl.Series(each) for name, each in others.items()})]))


def lines(predictions: Predictions, given: Rows) -> list[str]:
    return "".join(predictions.csv(given)).splitlines()


TWO = [Target(name="heat, total"), Target(name="cold")]


def test_several_numbers_have_a_column_each() -> None:
    predictions = Predictions(told(Task.REGRESSION, TWO, [[1.5, -2], [3e20, 0.1]]))
    assert lines(predictions, rows(2)) == ['"prediction_heat, total",prediction_cold', "1.5,-2.0", "3e+20,0.1"]


def test_probabilities_of_two_classes_come_from_one_output() -> None:
    target = Target(name="y", classes=("no", '=yes "sure"'))
    predictions = Predictions(told(Task.BINARY, [target], [[0.25], [0.75]]), proba=True)
    assert lines(predictions, rows(2)) == [
        'prediction,probability_no,"probability_=yes ""sure"""',
        "no,0.75,0.25",
        '"\'=yes ""sure""",0.25,0.75',
    ]
    assert predictions.guarded == 1


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_made_harmless(text: str) -> None:
    predictions = Predictions(told(Task.REGRESSION, [Target(name="y")], [[1]]), id_column="id")
    found = "".join(predictions.csv(rows(1, id=[text])))
    (cell,) = pl.read_csv(found.encode(), infer_schema=False)["id"]
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+1.5e-3", "a=1", "", "'", "1-1", " "])
def test_other_texts_stay_what_they_are(text: str) -> None:
    predictions = Predictions(told(Task.REGRESSION, [Target(name="y")], [[1]]), id_column="id")
    found = pl.read_csv("".join(predictions.csv(rows(1, id=[text]))).encode(), infer_schema=False)
    assert (found["id"].item() or "") == text
    assert predictions.guarded == 0


def test_an_id_that_is_missing_is_empty() -> None:
    predictions = Predictions(told(Task.REGRESSION, [Target(name="y")], [[1], [2]]), id_column="=id")
    assert lines(predictions, rows(2, **{"=id": ["a", None]})) == ["'=id,prediction", "a,1.0", ",2.0"]


def test_numbers_have_no_probabilities() -> None:
    with pytest.raises(UsageError, match="no probabilities"):
        Predictions(told(Task.REGRESSION, TWO, []), proba=True)


def test_several_numbers_are_evaluated_one_by_one() -> None:
    given = rows(3, **{"heat, total": [1, 2, 3], "cold": [0.0, 0, 4], "by": ["x", "y", "x"]})
    found = evaluate_file(told(Task.REGRESSION, TWO, [[1, 0], [2, 1], [4, 4]]), given, by="by")
    (heat, of_heat), (cold, of_cold) = found.whole.targets
    assert (heat, cold) == ("heat, total", "cold")
    assert of_heat.figures["mae"].value == pytest.approx(1 / 3)
    assert of_cold.figures["bias"].value == pytest.approx(1 / 3)
    assert [(name, each.rows) for name, each in found.groups] == [("x", 2), ("y", 1)]
    assert found.document()["by"]["groups"][1]["targets"][1]["figures"]["mae"]["value"] == 1


def test_groups_of_numbers_texts_and_what_is_missing() -> None:
    assert [name for name, _ in groups_of(pl.Series(["b", "a", "b", None]))] == ["b", "(missing)", "a"]
    assert [name for name, _ in groups_of(pl.Series(["10", "9", None, "10"]))] == ["9", "10", "(missing)"]
    found = groups_of(pl.Series([None, *range(100)]))
    assert [len(each) for _, each in found] == [25, 25, 25, 25, 1]
    assert sorted(np.concatenate([each for _, each in found]).tolist()) == list(range(101))


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    assert printable("a\x1b[2Jb\nc") == "a�[2Jb c"
    assert printable("x" * 100) == "x" * 39 + "…"
