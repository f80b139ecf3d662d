"""Several target columns of a table: what they mean, and which rows cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunecli.datasets.base import DatasetOptions, OptionError, RawData
from tunecli.datasets.csv_file import CsvFile
from tunecli.errors import DataError
from tunecli.spec.experiment import Task


def asked(text: str, target: tuple[str, ...], **options: Any) -> DatasetOptions:
    path = Path.cwd() / "a.csv"
    path.write_text(text)
    return DatasetOptions(path=str(path), target=target, **options)


def read(text: str, *target: str, **options: Any) -> RawData:
    wanted = asked(text, target, **options)
    data, described = CsvFile().load(wanted), CsvFile().describe(wanted)
    assert (described.task, described.target, described.targets) == (data.task, data.target_name, data.targets)
    assert (described.classes, described.outputs) == (data.classes, data.outputs)
    return data


def error(text: str, *target: str, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        CsvFile().describe(asked(text, target, **options))
    assert caught.value.exit_code == 3
    return str(caught.value)


ANIMALS = "x,is_cat,is_dog,is_bird\n1,0,1,0\n2,1,0,0\n3,0,0,1\n4,0,1,0\n"
WEATHER = "x,rain,wind\n1,0,1\n2,1,1\n3,0,0\n"
ENERGY = "heating,x,cooling\n15.5,1,21\n16,2,22.5\n17.5,3,20\n"


@pytest.mark.parametrize("task", [None, Task.MULTICLASS])
def test_one_hot_columns_are_classes_under_their_names(task: Task | None) -> None:
    data = read(ANIMALS, "is_cat", "is_dog", "is_bird", task=task)
    assert (data.task, data.classes, data.targets) == (Task.MULTICLASS, ("is_cat", "is_dog", "is_bird"), ())
    assert data.target.tolist() == [1, 0, 2, 1]
    assert data.target.dtype == np.int64
    assert data.outputs == 3
    assert data.columns.numeric_names == ("x",)


def test_classes_come_in_the_order_of_the_spec() -> None:
    data = read(ANIMALS, "Is_Bird", "is_cat", "is_dog")
    assert data.classes == ("is_bird", "is_cat", "is_dog")
    assert data.target.tolist() == [2, 1, 0, 2]


@pytest.mark.parametrize("words", [("False", "True"), ("false", "TRUE"), ("0.0", "1.0"), ("0", "1")])
def test_marks_are_read_as_other_programs_write_them(words: tuple[str, str]) -> None:
    no, yes = words
    data = read(f"x,a,b\n1,{yes},{no}\n2,{no},{yes}\n", "a", "b")
    assert (data.task, data.classes, data.outputs) == (Task.BINARY, ("a", "b"), 1)
    assert data.target.tolist() == [0, 1]
    assert read(f"x,a,b\n1,{yes},{no}\n2,{no},{yes}\n", "a", "b", task=Task.MULTICLASS).outputs == 2


def test_labels_may_hold_in_any_number() -> None:
    data = read(WEATHER, "rain", "wind", task=Task.MULTILABEL)
    assert (data.targets, data.classes, data.outputs) == (("rain", "wind"), (), 2)
    assert data.target.tolist() == [[0, 1], [1, 1], [0, 0]]
    assert data.target.dtype == np.int64
    assert data.target_name == "rain, wind"


@pytest.mark.parametrize("task", [None, Task.REGRESSION])
def test_other_numbers_are_several_targets(task: Task | None) -> None:
    data = read(ENERGY, "cooling", "heating", task=task)
    assert (data.task, data.targets, data.outputs) == (Task.REGRESSION, ("cooling", "heating"), 2)
    assert data.target.tolist() == [[21, 15.5], [22.5, 16], [20, 17.5]]
    assert data.target.dtype == np.float64
    assert data.target_names == ("cooling", "heating")


def test_marks_may_be_numbers_to_predict() -> None:
    assert read(WEATHER, "rain", "wind", task=Task.REGRESSION).target.dtype == np.float64


def test_a_list_of_one_is_that_one() -> None:
    data = read(ENERGY, "heating", task=Task.REGRESSION)
    assert (data.target.shape, data.targets, data.target_names) == ((3,), (), ("heating",))


@pytest.mark.parametrize(
    ("text", "target", "task", "message"),
    [
        (ANIMALS + "5,1,0,1\n", ("is_cat", "is_dog", "is_bird"), None, "a.csv:6: 'is_cat', 'is_bird' are 1, so that"),
        (ANIMALS + "5,0,0,0\n", ("is_cat", "is_dog"), None, "a.csv:4: none of 'is_cat', 'is_dog' is 1, so that"),
        (ANIMALS + "5,1,0,1\n", ("is_cat", "is_dog", "is_bird"), Task.MULTICLASS, "a.csv:6: 'is_cat', 'is_bird' are 1"),
        (WEATHER, ("rain", "wind"), Task.BINARY, "a.csv:3: 'rain', 'wind' are 1; one of the target's columns must be"),
        (WEATHER, ("rain", "wind"), None, "hint: write task: multilabel if any number of them may hold"),
        (WEATHER + "4,2,0\n", ("rain", "wind"), Task.MULTILABEL, "a.csv:5: 2 is neither 0 nor 1, as 'rain' must be"),
        (WEATHER + "4,1,\n", ("rain", "wind"), Task.MULTILABEL, "a.csv:5: the target 'wind' is missing in 1 row"),
        (ENERGY, ("heating", "cooling"), Task.MULTICLASS, "a.csv:2: 15.5 is neither 0 nor 1"),
        (ENERGY + "warm,4,1\n", ("heating", "cooling"), None, "a.csv:5: 'warm' is not a number; of several targets"),
        ("x,a,b\n1,1,0\n2,1,0\n", ("a", "b"), None, "the target 'a' is 1 in every row"),
        ("x,a,b\n\n1,2.5,0\n2,3,7\n", ("a", "b"), Task.MULTILABEL, "a.csv:3: 2.5 is neither"),
    ],
)
def test_what_cannot_be_is_said_with_its_line(
    text: str, target: tuple[str, ...], task: Task | None, message: str
) -> None:
    assert message in error(text, *target, task=task)


@pytest.mark.parametrize(
    ("target", "options", "field", "message"),
    [
        (("rain", "winds"), {}, "target", "no column is called 'winds'"),
        (("rain", "RAIN"), {}, "target", "'rain' is named twice"),
        (("rain", "wind"), {"features": ("x", "wind")}, "features", "'wind' is one of the targets"),
        (("rain", "wind"), {"group": "wind"}, "group", "'wind' is the target"),
        (("rain", "wind", "x"), {"task": Task.REGRESSION}, "features", "beside the target 'rain' and 'wind' and 'x'"),
        (("rain",), {"task": Task.MULTILABEL}, "task", "multilabel needs a column for each label"),
        (("rain", "wind", "x"), {"task": Task.BINARY}, "task", "the target has 3 columns, one for each class"),
    ],
)
def test_an_option_that_does_not_fit_is_named(
    target: tuple[str, ...], options: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        CsvFile().describe(asked(WEATHER.replace("3,0,0", "1,0,0"), target, **options))
    assert caught.value.field == field
