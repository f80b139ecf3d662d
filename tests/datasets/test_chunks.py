from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tunecli.datasets.base import Columns, DatasetOptions
from tunecli.datasets.chunks import read_blocks
from tunecli.datasets.csv_file import CsvFile
from tunecli.datasets.formats import Source, open_source
from tunecli.errors import DataError
from tunecli.preprocessing.preprocessor import Preprocessor

HEADER = "Sold;size;price;y\n"
ROWS = "".join(f"2024-0{1 + i % 9}-1{i % 10} 0{i % 9}:30;{'SML'[i % 3]};{i},5;{i},25\n" for i in range(40))


def chunks_of(source: Source, **columns: Any) -> list[Columns]:
    return [chunk for chunk, _ in read_blocks(source, **columns)]


@pytest.fixture(params=["csv", "parquet"])
def path(request: pytest.FixtureRequest) -> Path:
    Path("a.csv").write_text(HEADER + ROWS)
    if request.param == "csv":
        return Path("a.csv").resolve()
    frame = pl.read_csv("a.csv", separator=";", decimal_comma=True, try_parse_dates=False)
    frame = frame.with_columns(pl.col("Sold").str.to_datetime("%Y-%m-%d %H:%M"))
    frame.write_parquet("a.parquet")
    return Path("a.parquet").resolve()


def test_blocks_are_what_was_trained_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunecli.datasets.csv_text._BLOCK_CELLS", 28)
    monkeypatch.setattr("tunecli.datasets.formats._BLOCK_ROWS", 7)
    data = CsvFile().load(DatasetOptions(path=str(path), target="y")).columns
    fitted = Preprocessor.fit(data, np.arange(20))
    expected = fitted.transform(data, np.arange(40))
    chunks = chunks_of(open_source(path), numeric=data.numeric_names, categorical=data.categorical_names)
    assert [len(chunk.numeric) for chunk in chunks] == [7, 7, 7, 7, 7, 5]
    found = [fitted.transform(chunk, np.arange(len(chunk.numeric))) for chunk in chunks]
    np.testing.assert_array_equal(np.concatenate(found), expected)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("price", "prize", "a.csv:1: has no column 'price', which the model reads\nhint: rename 'prize' to 'price'"),
        ("Sold;size", "x;z", "has no column 'Sold', 'size', which"),
        (";3,5;", ";three;", "a.csv:5: 'three' is not a number, as 'price' was in training"),
        ("2024-04-13 03:30", "soon", "a.csv:5: 'soon' is not a date, as 'Sold' was in training"),
    ],
)
def test_what_does_not_fit_is_named(old: str, new: str, message: str) -> None:
    Path("a.csv").write_text(HEADER + ROWS)
    data = CsvFile().load(DatasetOptions(path=str(Path("a.csv").resolve()), target="y")).columns
    Path("a.csv").write_text((HEADER + ROWS).replace(old, new))
    with pytest.raises(DataError) as caught:
        chunks_of(open_source(Path("a.csv")), numeric=data.numeric_names, categorical=data.categorical_names)
    assert message in str(caught.value)


def test_dates_are_read_in_the_order_of_training() -> None:
    Path("a.csv").write_text("sold,y\n" + "".join(f"{day}/02/2024,{day}.5\n" for day in range(1, 29)))
    columns = CsvFile().load(DatasetOptions(path=str(Path("a.csv").resolve()), target="y")).columns
    Path("b.csv").write_text("sold\n3/4/2024\n4/5/2024\n")
    names = columns.numeric_names
    (chunk,) = chunks_of(open_source(Path("b.csv")), numeric=names, categorical=(), day_first=columns.day_first)
    assert chunk.numeric[:, names.index("sold.month")].tolist() == [4, 5]
    Path("b.csv").write_text("sold\n3/4/2024\n4/15/2024\n")
    with pytest.raises(
        DataError, match=r"b\.csv:3: '4/15/2024' is not a date that is written day first, as 'sold' was"
    ):
        chunks_of(open_source(Path("b.csv")), numeric=names, categorical=(), day_first=columns.day_first)


def test_missing_values_are_missing_and_case_does_not_matter() -> None:
    Path("a.csv").write_text("PRICE;Size;other\n;NA;x\n;;y\n")
    (chunk,) = chunks_of(open_source(Path("a.csv")), numeric=("price",), categorical=("size",))
    assert np.isnan(chunk.numeric).all()
    assert chunk.categorical.tolist() == [[-1], [-1]]
