from pathlib import Path

import numpy as np
import pytest

from tunecli.datasets.base import DatasetOptions, OptionError, RawData
from tunecli.datasets.csv_file import CsvFile
from tunecli.errors import DataError
from tunecli.spec.experiment import Task


def write(text: str | bytes, name: str = "a.csv") -> str:
    path = Path.cwd() / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def read(text: str | bytes, target: str = "y", **options: object) -> RawData:
    asked = DatasetOptions(path=write(text), target=target, **options)
    data = CsvFile().load(asked)
    described = CsvFile().describe(asked)
    assert (described.task, described.target, described.classes) == (data.task, data.target_name, data.classes)
    assert described.rows == len(data.target) == len(data.columns.numeric) == len(data.columns.categorical)
    assert set(described.features) == {*data.columns.numeric_names, *data.columns.categorical_names}
    return data


def error(text: str | bytes, target: str = "y", **options: object) -> str:
    with pytest.raises(DataError) as caught:
        CsvFile().load(DatasetOptions(path=write(text), target=target, **options))
    assert caught.value.exit_code == 3
    return str(caught.value)


PLAIN = "TV,radio,sales\n1.5,2,3.25\n4,5.5,6\n-1,0,1e1\n"
COPIES = {
    "as it is": PLAIN,
    "lower case": PLAIN.lower(),
    "upper case, spaces": " TV , RADIO , SALES \n 1.5, 2, 3.25 \n4 ,5.5,6\n-1,0,10",
    "quoted": '"TV","radio","sales"\n"1.5","2","3.25"\n4,"5.5",6\n-1,0,10\n',
    "quoted behind spaces": '"TV", "radio", "sales"\n"1.5", "2", "3.25"\n4,"5.5",6\n-1,0,10\n',
    "byte-order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "other line ends": PLAIN.replace("\n", "\r\n"),
    "no last line end": PLAIN.rstrip(),
    "row numbers": ",TV,radio,sales\n1,1.5,2,3.25\n2,4,5.5,6\n3,-1,0,10\n",
    "quoted row numbers": '"","TV","radio","sales"\r\n"0",1.5,2,3.25\r\n"1",4,5.5,6\r\n"2",-1,0,10\r\n',
    "pandas' row numbers": "Unnamed: 0,TV,radio,sales\n0,1.5,2,3.25\n1,4,5.5,6\n2,-1,0,10\n",
    "shuffled row names": ",TV,radio,sales\n77,1.5,2,3.25\n3,4,5.5,6\n12,-1,0,10\n",
    "an index": "index,TV,radio,sales\n1,1.5,2,3.25\n2,4,5.5,6\n3,-1,0,10\n",
    "semicolons": PLAIN.replace(",", ";"),
    "semicolons and decimal commas": PLAIN.replace(",", ";").replace(".", ","),
    "tabs": PLAIN.replace(",", "\t"),
    "blank lines": PLAIN.replace("\n", "\n\n") + "\n,,\n  \n",
    "an empty last column": PLAIN.replace("\n", ",\n"),
    "other numbers": "TV,radio,sales\n+1.5,2.,3.25\n4e0,5.50,+6.0\n-1,.0,1E+1\n",
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_copies_of_one_table_read_alike(copy: str | bytes) -> None:
    data = read(copy, target="Sales" if copy is not PLAIN else "sales")
    assert data.task is Task.REGRESSION
    assert data.columns.numeric.tolist() == [[1.5, 2], [4, 5.5], [-1, 0]]
    assert data.columns.numeric.dtype == data.target.dtype == np.float64
    assert data.target.tolist() == [3.25, 6, 10]
    assert [name.lower() for name in data.columns.numeric_names] == ["tv", "radio"]


def test_a_file_name_is_no_pattern() -> None:
    path = write("x,y\n1,2.5\n3,4\n", "a [1]*.csv")
    assert CsvFile().load(DatasetOptions(path=path, target="y")).target.tolist() == [2.5, 4]


def test_an_index_that_does_not_count_rows_is_a_feature() -> None:
    assert read("index,y\n5,1.5\n9,2\n").columns.numeric_names == ("index",)
    assert read("index,x,y\n0,1,1.5\n1,1,2\n", features=("index",)).columns.numeric_names == ("index",)


def test_missing_values_of_all_spellings_are_found() -> None:
    data = read("a,b,y\n1,x,0.5\n,NA,1\nNaN,,2\nnull,?,3\n?,y,4\n" + 'n/a,"",5\n')
    np.testing.assert_array_equal(data.columns.numeric[:, 0], [1, *[np.nan] * 5])
    assert data.columns.categorical[:, 0].tolist() == [0, -1, -1, -1, 1, -1]
    assert data.columns.categories == (("x", "y"),)


def test_a_column_without_any_value_is_numeric() -> None:
    assert np.isnan(read("a,y\n,1.5\n,2\n").columns.numeric).all()


def test_texts_and_booleans_are_categorical() -> None:
    data = read("size,is_new,y\nS,true,1.5\nL,false,2\nS,true,3\n")
    assert data.columns.numeric.shape == (3, 0)
    assert data.columns.categorical_names == ("size", "is_new")
    assert data.columns.categories == (("L", "S"), ("false", "true"))
    assert data.columns.categorical.tolist() == [[1, 1], [0, 0], [1, 1]]
    assert data.columns.categorical.dtype == np.int32


def test_features_keep_the_order_they_were_asked_for() -> None:
    data = read("a,b,c,y\n1,2,3,0.5\n4,5,6,1\n", features=("C", "a"))
    assert data.columns.numeric_names == ("c", "a")
    assert data.columns.numeric.tolist() == [[3, 1], [6, 4]]


def column(*values: object) -> str:
    return "x,y\n" + "".join(f"{index},{value}\n" for index, value in enumerate(values))


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["no", "yes", "no"], Task.BINARY, ("no", "yes")),
        (["True", "False"], Task.BINARY, ("False", "True")),
        (["b", "a", "c"], Task.MULTICLASS, ("a", "b", "c")),
        ([1, 0, 1], Task.BINARY, ("0", "1")),
        ([-1, 1, 1], Task.BINARY, ("-1", "1")),
        (["1.0", "0", "1"], Task.BINARY, ("0", "1")),
        ([1, 0, 2, 3] * 3, Task.MULTICLASS, ("0", "1", "2", "3")),
        ([1, 2, 3, 10] * 20, Task.MULTICLASS, ("1", "2", "3", "10")),
        ([1, 2, 3, 10] * 19, Task.REGRESSION, ()),
        (list(range(21)) * 20, Task.REGRESSION, ()),
        (list(range(12)), Task.REGRESSION, ()),
        ([0.5, 1.5] * 50, Task.REGRESSION, ()),
    ],
)
def test_the_task_follows_from_the_target(values: list[object], task: Task, classes: tuple[str, ...]) -> None:
    data = read(column(*values))
    assert (data.task, data.classes) == (task, classes)
    assert data.target.dtype == (np.int64 if classes else np.float64)


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        ([1, 0, 1], Task.REGRESSION, ()),
        ([1, 0, 1], Task.MULTICLASS, ("0", "1")),
        ([0.5, 2, 0.5, 3], Task.MULTICLASS, ("0.5", "2", "3")),
        ([0.5, 1.5], Task.BINARY, ("0.5", "1.5")),
    ],
)
def test_a_task_that_is_given_wins(values: list[object], task: Task, classes: tuple[str, ...]) -> None:
    data = read(column(*values), task=task)
    assert (data.task, data.classes) == (task, classes)


def test_codes_are_those_of_the_sorted_classes() -> None:
    assert read(column("no", "yes", "no")).target.tolist() == [0, 1, 0]
    assert read(column(10, 9, 9)).target.tolist() == [1, 0, 0]


NUMBERS = [index + 0.5 for index in range(30)]
STRAY = "".join(f"{index}.5,{index}\n" for index in range(30))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "a.csv: is empty"),
        ("\nx,y\n1,2\n", {}, "a.csv: its first line is empty"),
        ("x,y\n", {}, "has no rows"),
        ("x,y\n1,2\n", {}, "has 1 row\n"),
        ("1,2\n3,4\n", {}, "a.csv:1: the first line holds numbers"),
        ("x,x,y\n1,2,3\n4,5,6\n", {}, "a.csv:1: two columns are called 'x'"),
        ("x,,y\n1,2,3\n4,5,6\n", {}, "a.csv:1: column 2 has no name"),
        ("x,y\n1,2\n3,4,5\n", {}, "a.csv:3: has 3 values; the header has 2"),
        ('x,z,y\n"1\n2",3,4\n5\n', {}, "a.csv:4: has 1 values; the header has 3"),
        ('x,y\n1,2\n"3,4\n', {}, "a.csv:"),
        ("x,y\nü,2\nä,3\n".encode("latin-1"), {}, "a.csv: is not UTF-8 text"),
        ("x,y\n1,2\n3,4\n".encode("utf-16"), {}, "a.csv: is not UTF-8 text"),
        (column(*NUMBERS, "abc"), {}, "a.csv:32: 'abc' is not a number"),
        (column(*NUMBERS, "inf"), {}, "a.csv:32: 'inf' is not a number"),
        (column(1, "abc", 3), {"task": Task.REGRESSION}, "a.csv:3: 'abc' is not a number"),
        (column(*(f"name {index}" for index in range(30))), {}, "has 30 different texts in 30 rows"),
        (column(3, 3, "3.0"), {}, "is 3 in every row"),
        (column("a", "a"), {}, "is a in every row"),
        (column(1, "", 3, "NA"), {}, "a.csv:3: the target 'y' is missing in 2 rows, here first"),
        (column("", 1, 2), {}, "a.csv:2: the target 'y' is missing in 1 row,"),
        (column("a", "b", "c"), {"task": Task.BINARY}, "has 3 classes; a binary task has two"),
        (f"x,y\n{STRAY}oops,1\n", {}, "a.csv:32: 'oops' is not a finite number, as the others in 'x' are"),
        (f"x,y\n\n{STRAY}inf,1\n", {}, "a.csv:33: 'inf' is not a finite number"),
        ("x,y\n" + "".join(f"n{i},{i}\n" for i in range(1001)), {}, "'x' has 1001 different texts in 1001 rows"),
    ],
)
def test_an_error_says_where_and_what(text: str | bytes, options: dict[str, object], message: str) -> None:
    assert message in error(text, **options)


def test_a_file_that_is_missing_or_a_folder_is_an_error() -> None:
    for path, message in ((Path.cwd() / "none.csv", "no such file"), (Path.cwd(), "is a directory")):
        with pytest.raises(DataError, match=message):
            CsvFile().describe(DatasetOptions(path=str(path), target="y"))


@pytest.mark.parametrize(
    ("options", "field", "hint"),
    [
        ({"target": "z"}, "target", "columns: tv, Radio, radio, sales"),
        ({"target": "saels"}, "target", "did you mean 'sales'? columns: tv"),
        ({"target": None}, "target", "one of: tv, Radio, radio, sales"),
        ({"path": None}, "path", "dataset.path"),
        ({"target": "RADIO"}, "target", "in the same case"),
        ({"target": "sales", "features": ("tvv",)}, "features", "did you mean 'tv'?"),
        ({"target": "sales", "features": ("tv", "Sales")}, "features", "drop sales"),
        ({"target": "sales", "features": ("tv", "TV")}, "features", "drop one"),
    ],
)
def test_an_option_that_does_not_fit_is_named(options: dict[str, object], field: str, hint: str) -> None:
    path = write("tv,Radio,radio,sales\n1,2,3,4\n5,6,7,8\n")
    with pytest.raises(OptionError) as caught:
        CsvFile().describe(DatasetOptions(**({"path": path} | options)))
    assert caught.value.field == field
    assert hint in caught.value.problems[0].hint


def test_a_target_alone_is_nothing_to_learn_from() -> None:
    with pytest.raises(OptionError, match="no column beside the target"):
        CsvFile().describe(DatasetOptions(path=write("y\n1.5\n2\n"), target="y"))


WEIGHTED = "x,count,y\n1,2,1.5\n2,0,2.5\n3,1e1,3.5\n"


def test_a_column_of_weights_is_read_and_is_no_feature() -> None:
    data = read(WEIGHTED, sample_weight="Count")
    assert data.columns.numeric_names == ("x",)
    assert data.weights is not None
    assert data.weights.tolist() == [2, 0, 10]
    assert "weights" in data.fingerprint()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2,0,2.5", "2,,2.5", "a.csv:3: the weight 'count' is missing"),
        ("2,0,2.5", "2,-1,2.5", "a.csv:3: the weight 'count' is -1; it must not be negative"),
        ("2,0,2.5", "2,two,2.5", "a.csv:3: 'two' is not a number; the weight 'count' must be one"),
        ("1,2,1.5\n2,0,2.5\n3,1e1,3.5", "1,0,1.5\n2,0.0,2.5", "a.csv: the weight 'count' is 0 in every row"),
    ],
)
def test_impossible_weights_are_refused(old: str, new: str, message: str) -> None:
    assert message in error(WEIGHTED.replace(old, new), sample_weight="count")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_weight": "y"}, "'y' is the target"),
        ({"sample_weight": "counts"}, "no column is called 'counts'"),
        ({"sample_weight": "count", "features": ("x", "count")}, "'count' is the weight of a row"),
    ],
)
def test_a_column_cannot_be_weight_and_something_else(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        read(WEIGHTED, **options)
