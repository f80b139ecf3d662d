"""The column to predict: what kind of task it asks for, and its values.

Where the spec names no task it is taken from the values:

* texts are classes: two of them are a binary task, more a multiclass one;
* whole numbers are classes if there are two of them; or at most 20, and either each stands in 20 rows on average, or
  they count from 0 or 1 without a gap, as codes do, and each stands in 3 rows on average;
* all else is regression.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.datasets.column import LEAST_NUMBERS, Column, ColumnKind, as_numbers, has_strays
from tunecli.datasets.csv_rows import first_text
from tunecli.datasets.table import Table
from tunecli.errors import DataError
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CLASSES = LEAST_NUMBERS
"""More whole numbers than these are quantities, not codes."""


@dataclass(frozen=True)
class Target:
    """What is predicted.

    Attributes:
        task: What kind of task it is.
        values: float64 numbers for regression, else int64 class codes; shape `(rows,)`.
        classes: The classes' names in the order of their codes: numbers by size, texts by letters; () for regression.
    """

    task: Task
    values: NDArray[Any]
    classes: tuple[str, ...] = ()


def read_target(table: Table, name: str, task: Task | None) -> Target:
    """Reads the column `name`.

    Args:
        table: The file.
        name: The column.
        task: What the spec says is predicted; None to infer it.

    Raises:
        DataError: Values are missing, all the same, or do not fit the task.
    """
    import numpy as np

    column = present(table, name)
    distinct, codes = np.unique(column.values, return_inverse=True)
    if len(distinct) == 1:
        value = _class_names(column, distinct)[0]
        raise table.error(f"the target '{name}' is {value} in every row", hint="choose another target, or other rows")
    is_numeric = column.kind is ColumnKind.NUMBER
    if task is None:
        task = infer_task(distinct, table.rows) if is_numeric else _infer_from_texts(table, name, column)
    if task is Task.REGRESSION:
        if not is_numeric:
            raise _stray_text(table, name)
        return Target(task, column.values)
    if task is Task.BINARY and len(distinct) != 2:
        what = f"the target '{name}' has {len(distinct)} classes; a binary task has two"
        raise table.error(what, hint="write task: multiclass")
    return Target(task, codes.astype(np.int64), _class_names(column, distinct))


def present(table: Table, name: str) -> Column:
    """Returns the column `name`, dates as texts.

    Raises:
        DataError: Values are missing, infinite, or neither numbers nor texts.
    """
    column = table.column(name)
    if column.kind is ColumnKind.DATE and not column.fault:
        column = table.as_texts(name)
    if column.fault:
        raise table.error(f"the target '{name}' {column.fault}", hint="choose another target")
    if count := int(column.is_missing.sum()):
        rows = "1 row" if count == 1 else f"{count} rows"
        first = int(column.is_missing.argmax())
        raise table.error(f"the target '{name}' is missing in {rows}, here first", row=first, hint="delete them")
    return column


def _class_names(column: Column, distinct: NDArray[Any]) -> tuple[str, ...]:
    if column.texts is not None:
        return tuple(column.texts.to_list())
    return tuple(f"{value:.0f}" if value % 1 == 0 else repr(value) for value in distinct.tolist())


def infer_task(distinct: NDArray[np.float64], rows: int) -> Task:
    """Returns what kind of task a target of these numbers, sorted, asks for in so many rows."""
    if (distinct % 1).any() or len(distinct) > MOST_CLASSES:
        return Task.REGRESSION
    if len(distinct) == 2:
        return Task.BINARY
    is_counted = distinct[0] in (0, 1) and distinct[-1] - distinct[0] == len(distinct) - 1
    return Task.MULTICLASS if rows >= (3 if is_counted else 20) * len(distinct) else Task.REGRESSION


def _infer_from_texts(table: Table, name: str, column: Column) -> Task:
    assert column.texts is not None, "texts have texts"
    if not table.source.is_typed:
        numbers = as_numbers(column.texts, has_decimal_comma=table.source.has_decimal_comma)
        if has_strays(numbers):
            raise _stray_text(table, name)
    count = len(column.texts)
    if count > max(MOST_CLASSES, table.rows // 2):
        raise table.error(
            f"the target '{name}' has {count} different texts in {table.rows} rows",
            hint="choose a target whose values repeat, or write task: multiclass",
        )
    return Task.BINARY if count == 2 else Task.MULTICLASS


def _stray_text(table: Table, name: str) -> DataError:
    row, text = first_text(table, name)
    return table.error(
        f"'{text}' is not a number; the target '{name}' must be one for regression",
        row=row,
        hint="correct the value or delete the row; for classes write task: multiclass",
    )
