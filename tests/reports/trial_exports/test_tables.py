from __future__ import annotations

import csv
import datetime
import math
from pathlib import Path

import polars as pl

from tests.reports.trial_exports.hostile import FORMULA, SCRIPT, hostile_study
from tests.studies import Planted, any_plan, write_study
from tunecli.reports.study_data import read_study_data
from tunecli.reports.trial_exports.tables import CSV, PARQUET, epochs_table, trials_table
from tunecli.spec.space import Kind, Parameter
from tunecli.store.run import Run


def test_a_trial_is_a_row(tmp_path: Path) -> None:
    table = trials_table(read_study_data(hostile_study(tmp_path)))
    assert table["id"].to_list() == [0, 1, 2, 3, 4]
    assert table["status"].to_list() == ["completed", "completed", "failed", "completed", "running"]
    assert table["rank"].to_list() == [3, 1, None, 2, None]
    assert table["score"].to_list() == [0.7, 0.5, None, 0.6, None]
    assert table["metrics.val_rmse"].to_list() == table["score"].to_list()
    assert table["best_epoch"].to_list() == [5, 5, None, 5, None]
    assert table["cause"].to_list() == [None, None, "=loss is nan in epoch 2", None, None]
    assert table["slot"].to_list() == [0, 0, 1, 0, 0]


def test_hyperparameters_keep_their_types_and_hide_no_column(tmp_path: Path) -> None:
    table = trials_table(read_study_data(hostile_study(tmp_path)))
    assert table["values.id"].to_list() == ["=cmd()", "sgd", "sgd", "=cmd()", "=cmd()"]
    assert table[f"values.{SCRIPT}"].to_list() == [None, 0.25, 0.5, None, None]
    assert table[f"values.{FORMULA}"].to_list() == ["[300, 100]"] * 5
    assert table["values.nothing"].to_list() == ["null"] * 5
    types = {name: table.schema[f"values.{name}"] for name in ("stepped", "magnitude", "bool")}
    assert types == {"stepped": pl.Float64, "magnitude": pl.Int64, "bool": pl.Boolean}


def test_moments_are_utc(tmp_path: Path) -> None:
    table = trials_table(read_study_data(hostile_study(tmp_path)))
    assert table["ended_at"][0] == datetime.datetime.fromtimestamp(1_700_000_010, datetime.UTC)
    assert table["ended_at"][4] is None
    CSV.write(read_study_data(Run(tmp_path / "study")), Run(tmp_path / "study"), tmp_path / "a.csv", by_epoch=False)
    with (tmp_path / "a.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["ended_at"] == "2023-11-14T22:13:30.000Z"


def test_a_spreadsheet_calculates_nothing(tmp_path: Path) -> None:
    run = hostile_study(tmp_path)
    notes = CSV.write(read_study_data(run), run, tmp_path / "a.csv", by_epoch=False)
    with (tmp_path / "a.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert not [cell for row in [header, *rows] for cell in row if cell.startswith("=")]
    assert notes == ["texts that begin like a formula, and were put behind an apostrophe: 4"]
    assert rows[0][header.index("values.id")] == "'=cmd()"


def test_parquet_is_read_as_it_was_made(tmp_path: Path) -> None:
    run = hostile_study(tmp_path)
    assert PARQUET.write(read_study_data(run), run, tmp_path / "a.parquet", by_epoch=False) == []
    assert pl.read_parquet(tmp_path / "a.parquet").equals(trials_table(read_study_data(run)))


def test_an_epoch_is_a_row_and_what_is_not_finite_stays(tmp_path: Path) -> None:
    table = epochs_table(read_study_data(hostile_study(tmp_path)))
    assert table["id"].to_list() == [*[0] * 5, *[1] * 5, 2, 2, *[3] * 5, 4]
    assert table["epoch"].to_list() == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 1, 2, 3, 4, 5, 1]
    assert math.isnan(table["metrics.val_rmse"][1])
    assert table["metrics.val_rmse"][10] == math.inf
    assert table["training"].to_list() == [None] * 18


def test_a_promoted_trial_repeats_no_epoch_of_its_parents(tmp_path: Path) -> None:
    trials = [Planted({}, 0.9, end_epoch=2), Planted({}, 0.8, parent=0, start_epoch=2, end_epoch=4)]
    table = epochs_table(read_study_data(write_study(tmp_path, any_plan(space=(), tuner="hyperband"), trials)))
    assert list(zip(table["id"], table["epoch"], strict=True)) == [(0, 1), (0, 2), (1, 3), (1, 4)]


def test_folds_are_told_apart(tmp_path: Path) -> None:
    told = Planted({}, [0.5, 0.7], end_epoch=2)
    run = write_study(tmp_path, any_plan(space=(), metric="fold_rmse", evaluation={"folds": 2}), [told])
    epochs, trials = epochs_table(read_study_data(run)), trials_table(read_study_data(run))
    assert list(zip(epochs["training"], epochs["epoch"], strict=True)) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert trials["score"][0] == 0.6
    assert round(trials["score_sd"][0], 4) == 0.1414


def test_a_study_without_trials_is_a_header(tmp_path: Path) -> None:
    run = write_study(tmp_path, any_plan(), [])
    CSV.write(read_study_data(run), run, tmp_path / "a.csv", by_epoch=False)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert len(lines) == 1
    assert "values.learning_rate" in lines[0]
    assert epochs_table(read_study_data(run)).is_empty()


def test_a_whole_number_that_fits_no_column_becomes_text(tmp_path: Path) -> None:
    space = (Parameter(name="a", kind=Kind.INT, min=0, max=2**70),)
    run = write_study(tmp_path, any_plan(space=space), [Planted({"a": 2**70}, 0.5), Planted({"a": 1}, 0.6)])
    assert trials_table(read_study_data(run))["values.a"].to_list() == [str(2**70), "1"]
