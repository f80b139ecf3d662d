"""Several columns of a table to predict: one class spread over them, labels that hold or do not, or several numbers.

    is_cat,is_dog,is_bird     one-hot: exactly one column of a row is marked, and that is its class
    rain,wind,fog             labels: any number of them hold
    heating,cooling           numbers, each predicted by an output of its own

Marks are 0 and 1, or false and true. What columns mean is decided in `target_matrix`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunecli.datasets.base import OptionError
from tunecli.datasets.column import Column, ColumnKind, as_numbers
from tunecli.datasets.csv_target import Target, present, read_target
from tunecli.datasets.table import Table
from tunecli.datasets.target_matrix import read_matrix
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_MARKS = {"false": 0.0, "true": 1.0}
"""How other programs write 0 and 1."""


def read_targets(table: Table, names: Sequence[str], task: Task | None) -> Target:
    """Reads columns.

    Args:
        table: The file.
        names: The columns, at least one, no one twice.
        task: What the spec says is predicted; None to infer it.

    Returns:
        Of one column what `read_target` returns, of several what `read_matrix` does.

    Raises:
        OptionError: The task is not one of so many columns.
        DataError: Values are missing, all the same, or do not fit the task.
    """
    import numpy as np

    if len(names) == 1:
        if task is Task.MULTILABEL:
            raise OptionError("task", "multilabel needs a column for each label", hint="write target: [rain, wind]")
        return read_target(table, names[0], task)
    return read_matrix(np.stack([_numbers(table, name) for name in names], axis=1), names, task, error=table.error)


def _numbers(table: Table, name: str) -> NDArray[np.float64]:
    """Returns a column's numbers, and marks as 0 and 1; shape `(rows,)`.

    Raises:
        DataError: A value is missing or no number.
    """
    column = present(table, name)
    if column.kind is ColumnKind.NUMBER:
        return column.values
    numbers = marks_and_numbers(column, has_decimal_comma=table.source.has_decimal_comma)
    if (strays := numbers.is_null()).any():
        row = int(strays.arg_max() or 0)
        assert column.texts is not None, "texts have texts"
        what = f"'{column.texts[int(column.values[row])]}' is not a number; of several targets each must be one"
        hint = "correct the value or delete the row; classes in words are a single target"
        raise table.error(f"{what}, '{name}' too", row=row, hint=hint)
    return numbers.to_numpy()


def marks_and_numbers(column: Column, *, has_decimal_comma: bool) -> pl.Series:
    """Returns the number that each text of a column is, marks as 0 and 1; null where it is none."""
    import polars as pl

    assert column.texts is not None, "texts have texts"
    lower = column.texts.str.to_lowercase()
    marks: Any = lower.replace_strict(_MARKS, default=None, return_dtype=pl.Float64)
    distinct = pl.select(pl.coalesce(marks, as_numbers(column.texts, has_decimal_comma=has_decimal_comma))).to_series()
    return distinct.gather(column.values)
