from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tunecli.datasets.base import DatasetOptions, RawData
from tunecli.datasets.csv_file import CsvFile
from tunecli.errors import DataError
from tunecli.preprocessing import prepare
from tunecli.training.data import split

TRAIN = "x,size,code,sold,y\n" + "".join(
    f"{i},{'SL'[i % 2]},A{i % 2},2024-01-1{i % 9},{'ny'[i % 2]}\n" for i in range(10)
)
TEST = "sold,y,code,size,x\n2024-02-01,n,1,M,99\n2025-02-01,y,2,S,\n"
"""Other order of columns, a text that training does not have, and codes that are all numbers."""


def load(train: str = TRAIN, **files: str) -> RawData:
    Path("train.csv").write_text(train)
    paths = {}
    for name, text in files.items():
        Path(f"{name}.csv").write_text(text)
        paths[f"{name}_path"] = str(Path(f"{name}.csv").resolve())
    return CsvFile().load(DatasetOptions(path=str(Path("train.csv").resolve()), target="y", **paths))


def test_rows_of_a_test_file_are_the_last() -> None:
    data = load(test=TEST)
    assert (data.own_validation_rows, data.own_test_rows) == (0, 2)
    assert data.columns.numeric_names[0] == "x"
    assert data.columns.numeric[9:11, 0].tolist() == [9, 99]
    assert data.columns.categorical_names == ("size", "code")
    assert data.columns.categories == (("L", "M", "S"), ("1", "2", "A0", "A1"))
    assert data.target[-2:].tolist() == [0, 1]
    assert data.columns.numeric[-1, data.columns.numeric_names.index("sold.year")] == 2025


def test_rows_of_a_validation_file_stand_before_those_of_a_test_file() -> None:
    data = load(validation=TRAIN.replace("0,S", "50,S"), test=TEST)
    parts = split(data, 0.5, 0, 0)
    assert [len(each) for each in (parts.train, parts.validation, parts.test)] == [10, 10, 2]
    assert data.columns.numeric[parts.validation[0], 0] == 50


def test_texts_that_training_does_not_have_are_unseen() -> None:
    data = load(test=TEST)
    prepared = prepare(data, np.arange(10), np.array([10]))
    names = prepared.preprocessor.feature_names
    row = prepared.parts[1][0][0]
    assert "size=M" not in names
    assert [row[names.index(name)] for name in ("size=L", "size=S", "code=A0", "code=A1")] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (TEST.replace("size", "siz"), "train.csv: 'size' is not in test.csv, which has 'siz' instead"),
        (TEST.replace("size", "colour"), "'size' is not in test.csv\nhint: leave it out: exclude: [size]"),
        (TEST.replace("99", "many"), "'x' is a text in test.csv and a number in train.csv"),
        (TEST.replace("2024-02-01", "soon"), "'sold' is a text in test.csv and a date in train.csv"),
        (TEST.replace(",y,code", ",z,code"), "train.csv: the target 'y' is not in test.csv"),
        (TEST.replace(",n,1", ",perhaps,1"), "test.csv:2: the target 'y' is perhaps, as in no row of train.csv"),
        (TEST.replace(",n,1", ",,1"), "test.csv:2: the target 'y' is missing in 1 row"),
        (TEST.replace(",99", ",99,5"), "test.csv:2: has 6 values; the header has 5"),
    ],
)
def test_what_differs_is_named(test: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load(test=test)
    assert message in str(caught.value)


def test_a_column_without_values_agrees_with_any() -> None:
    data = load(test=TEST.replace(",99", ",").replace("2024-02-01", "").replace("2025-02-01", "").replace("M", ""))
    assert np.isnan(data.columns.numeric[-2:]).all()
    assert data.columns.categorical[-2, 0] == -1
    data = load(train=TRAIN.replace("A0", "").replace("A1", ""), test=TEST)
    assert "code" in data.columns.numeric_names, "nothing is known of it but what the test file shows"


def test_formats_may_differ() -> None:
    Path("train.csv").write_text(TRAIN)
    frame = pl.DataFrame({"x": [1.5], "size": ["S"], "code": ["A1"], "sold": [None], "y": ["y"]})
    pl.concat([frame, frame]).write_parquet("test.parquet")
    paths = {"path": str(Path("train.csv").resolve()), "test_path": str(Path("test.parquet").resolve())}
    data = CsvFile().load(DatasetOptions(target="y", **paths))
    assert data.columns.numeric[-1, 0] == 1.5
    assert data.columns.categories == (("L", "S"), ("A0", "A1"))


def test_groups_are_those_of_all_files() -> None:
    Path("a.csv").write_text("x,house,y\n1,b,1.5\n2,a,2\n3,b,4\n")
    Path("b.csv").write_text("x,house,y\n1,a,1.5\n2,c,2\n")
    data = CsvFile().load(DatasetOptions(path="a.csv", test_path="b.csv", target="y", group="house"))
    assert data.groups is not None
    assert data.groups.tolist() == [0, 1, 0, 1, 2]
