import datetime
import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tunecli.datasets.base import DatasetOptions, RawData
from tunecli.datasets.column import ColumnKind
from tunecli.datasets.csv_file import CsvFile
from tunecli.datasets.formats import open_source
from tunecli.datasets.table import read_table
from tunecli.errors import DataError

FRAME = pl.DataFrame(
    {
        "n": [1, 2, None, 4],
        "x": [0.5, None, 1.5, float("nan")],
        "is_new": [True, None, False, True],
        "size": ["L", None, "", "M"],
        "y": [1.5, 2.5, 3.5, 4.5],
    }
)


def load(path: Path, **options: object) -> RawData:
    return CsvFile().load(DatasetOptions(path=str(path.resolve()), target="y", **options))


def written(name: str, frame: pl.DataFrame = FRAME) -> Path:
    path = Path(name)
    if name.endswith((".parquet", ".pq")):
        frame.write_parquet(path)
    elif name.endswith((".feather", ".arrow")):
        frame.write_ipc(path)
    else:
        content = frame.write_csv().encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize(
    "name", ["a.parquet", "a.PQ", "a.feather", "a.arrow", "a.csv.gz", "a.tsv.gz", "a [1]*.parquet"]
)
def test_every_format_gives_the_data_of_csv(name: str) -> None:
    expected = load(written("a.csv"))
    if name == "a.PQ":
        written("b.pq").rename(name)
    else:
        written(name)
    data = load(Path(name))
    assert data.columns.numeric_names == ("n", "x")
    assert data.columns.categories == (("false", "true"), ("L", "M"))
    assert data.fingerprint() == expected.fingerprint()


def test_typed_columns_are_what_their_types_say() -> None:
    day = datetime.date(2024, 2, 29)
    frame = pl.DataFrame(
        {
            "text": ["1", "2", "NA"],
            "kind": pl.Series(["b", "a", "b"], dtype=pl.Categorical),
            "price": pl.Series(["1.5", "2.5", None], dtype=pl.Decimal(10, 2)),
            "day": [day, None, day],
            "moment": [datetime.datetime(2024, 2, 29, 12), None, None],
            "took": [datetime.timedelta(seconds=1), None, None],
            "nothing": [None, None, None],
            "tags": [["a"], None, []],
            "y": [1.5, 2, 3],
        }
    )
    table = read_table(written("t.parquet", frame))
    kinds = {name: about.kind for name, about in table.about.items()}
    assert kinds == {
        "text": ColumnKind.TEXT,
        "kind": ColumnKind.TEXT,
        "price": ColumnKind.NUMBER,
        "day": ColumnKind.DATE,
        "moment": ColumnKind.DATE,
        "took": ColumnKind.NUMBER,
        "nothing": ColumnKind.NUMBER,
        "tags": ColumnKind.OTHER,
        "y": ColumnKind.NUMBER,
    }
    assert (table.about["day"].has_time, table.about["moment"].has_time) == (False, True)
    assert table.about["tags"].missing == 1
    assert table.column("took").values[0] == 1
    data = load(Path("t.parquet"), features=("text",))
    assert data.columns.categories == (("1", "2", "NA"),)  # a text that was typed as one
    with pytest.raises(DataError, match=r"t\.parquet: 'tags' holds values of the type List"):
        load(Path("t.parquet"))


def test_a_row_of_a_typed_file_is_counted_from_one() -> None:
    with pytest.raises(DataError, match=r"t\.parquet: row 2: the target 'y' is missing in 1 row, here first"):
        load(written("t.parquet", pl.DataFrame({"x": [1, 2, 3], "y": [1.5, None, 2.5]})))
    with pytest.raises(DataError, match=r"'x' holds infinite numbers"):
        load(written("t.parquet", pl.DataFrame({"x": [1.0, 2, float("inf")], "y": [1.5, 2, 2.5]})))


PACKED = gzip.compress(b"x,y\n" + b"1.5,2\n" * 5000, mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"x,y\n1,2\n3,4\n", "a.parquet: is not a whole Parquet file"),
        ("a.feather", b"x,y\n1,2\n3,4\n", "a.feather: is not a whole Feather file"),
        ("a.parquet", b"", "a.parquet: is not a whole Parquet file"),
        ("a.csv", b"PAR1....", "a.csv: is a Parquet file, not what its name says"),
        ("a.parquet", b"ARROW1\0\0", "a.parquet: is a Feather file"),
        ("a.csv", PACKED, "a.csv: is packed by gzip"),
        ("a.csv.gz", b"x,y\n1,2\n3,4\n", "a.csv.gz: is not packed by gzip"),
        ("a.csv.gz", PACKED[:-20], "a.csv.gz: is cut off or damaged"),
        ("a.csv.gz", PACKED[:30] + b"\xff" * 20 + PACKED[50:], "a.csv.gz: is cut off or damaged"),
        ("a.csv", b"PK\x03\x04 and so on", "a.csv: is a zip archive"),
        ("a.xlsx", b"PK\x03\x04 and so on", "a.xlsx: is a zip archive, as .xlsx and .npz files are"),
        ("a.csv", b"x,y\n1," + b"z" * 10_000_000 + b"\n3,4\n", "a.csv:2: cannot be read: field larger than"),
        ("a.csv", b"\0" * 9, "a.csv: is not text: its first line holds bytes of 0"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(name: str, content: bytes, message: str) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        load(Path(name))
    assert message in str(caught.value)
    assert caught.value.problems[0].hint


def test_a_line_without_an_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunecli.datasets.csv_text._LONGEST_LINE", 1000)
    Path("a.csv.gz").write_bytes(gzip.compress(b"x,y\n" + b"1" * 5000))
    with pytest.raises(DataError, match="has a line of more than 1,000 characters"):
        load(Path("a.csv.gz"))


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_rows_come_in_blocks_and_in_order(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunecli.datasets.csv_text._BLOCK_CELLS", 20)
    monkeypatch.setattr("tunecli.datasets.formats._BLOCK_ROWS", 10)
    frame = pl.DataFrame({"a": range(25), "y": ["ab"[row % 2] for row in range(25)]})
    blocks = list(open_source(written(name, frame)).frames(["y"]))
    assert [len(block) for block in blocks] == [10, 10, 5]
    assert pl.concat(blocks)["y"].to_list() == frame["y"].to_list()
    assert load(Path(name), features=("a",)).columns.numeric[:, 0].tolist() == list(range(25))


def test_row_numbers_that_pandas_leaves_are_no_features() -> None:
    frame = pl.DataFrame({"x": [1.5, 2, 3], "y": [1.5, 2, 4], "__index_level_0__": [0, 1, 2]})
    assert read_table(written("a.parquet", frame)).features == ("x", "y")


def test_columns_with_names_of_other_uses_are_columns() -> None:
    names = ("__proto__", "</script>", "=1+1", "a*b", "constructor")
    rows = "".join(f"{i % 3},{i % 2},{i % 5},=cmd|' /C calc'!A0,{i}.5,{i}.25\n" for i in range(6))
    Path("a.csv").write_text(",".join((*names, "y")) + "\n" + rows)
    data = load(Path("a.csv"))
    assert data.columns.numeric_names == ("__proto__", "</script>", "=1+1", "constructor")
    assert data.columns.categories == (("=cmd|' /C calc'!A0",),)


def test_a_file_that_changes_is_read_anew() -> None:
    path = Path("a.csv")
    path.write_text("x,y\n1,2.5\n2,3\n")
    assert load(path).target.tolist() == [2.5, 3]
    path.write_text("x,y\n1,2.5\n2,4\n")
    assert load(path).target.tolist() == [2.5, 4]


def test_numbers_are_those_of_python() -> None:
    random = np.random.default_rng(0)
    texts = [repr(float(x)) for x in random.uniform(-1, 1, 500) * 10.0 ** random.integers(-300, 300, 500)]
    texts += ["1e308", "5e-324", "0.1", "-.5", "+7.", "1E+5", "9007199254740993"]
    Path("a.csv").write_text("x,y\n" + "".join(f"{text},{index % 50}\n" for index, text in enumerate(texts)))
    assert load(Path("a.csv"), task="regression").columns.numeric[:, 0].tolist() == [float(text) for text in texts]
    Path("a.csv").write_text("x,y\n1e999,1.5\n2,2\n3,4\n")
    assert load(Path("a.csv")).columns.categories == (("1e999", "2", "3"),), "not finite, so it is no number"
