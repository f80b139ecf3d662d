"""Several columns to predict: one class spread over them, labels that hold or do not, or several numbers.

    is_cat,is_dog,is_bird     one-hot: exactly one column of a row is marked, and that is its class
    rain,wind,fog             labels: any number of them hold
    heating,cooling           numbers, each predicted by an output of its own

Where the spec names no task, columns of marks (0 and 1, or false and true) are classes if every row has exactly one;
columns of other numbers are regression. Marks of which a row has none or several may be labels, or mistakes in classes:
that is for the user to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunecli.datasets.base import OptionError
from tunecli.datasets.csv_target import Target, present, read_target
from tunecli.datasets.csv_text import Table
from tunecli.errors import DataError
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MARKS = {"false": 0.0, "true": 1.0}
"""How other programs write 0 and 1."""

_SHOWN = 5
"""So many column names a message lists."""


def read_targets(table: Table, names: Sequence[str], task: Task | None) -> Target:
    """Reads columns whose texts the table has kept.

    Args:
        table: The file.
        names: The columns, at least one, no one twice.
        task: What the spec says is predicted; None to infer it.

    Returns:
        Of one column what `read_target` returns. Of several, classes as codes, in the order of the columns and under
        their names; int64 labels or float64 numbers of shape `(rows, columns)`.

    Raises:
        OptionError: The task is not one of so many columns.
        DataError: Values are missing, all the same, or do not fit the task.
    """
    import numpy as np

    if len(names) == 1:
        if task is Task.MULTILABEL:
            raise OptionError("task", "multilabel needs a column for each label", hint="write target: [rain, wind]")
        return read_target(table, names[0], task)
    if task is Task.BINARY and len(names) != 2:
        what = f"the target has {len(names)} columns, one for each class; a binary task has two classes"
        raise OptionError("task", what, hint="write task: multiclass, or multilabel if several may hold")
    rows = np.stack([_numbers(table, name) for name in names], axis=1)
    strays = np.argwhere((rows != 0) & (rows != 1))
    if task is None:
        task = Task.REGRESSION if len(strays) else _infer(table, names, rows)
    if task is Task.REGRESSION:
        return Target(task, rows, names=tuple(names))
    if len(strays):
        raise _no_mark(table, names, rows, strays[0], task)
    if task is Task.MULTILABEL:
        return Target(task, rows.astype(np.int64), names=tuple(names))
    if (row := _not_one_hot(rows)) is not None:
        what = f"{_marked(names, rows[row])}; one of the target's columns must be, that of the row's class"
        hint = "correct the row, or write task: multilabel if any number of them may hold"
        raise _error(table, what, row=row, hint=hint)
    return Target(task, rows.argmax(axis=1), tuple(names))


def _numbers(table: Table, name: str) -> NDArray[np.float64]:
    """Returns a column's numbers, and marks as 0 and 1; shape `(rows,)`.

    Raises:
        DataError: A value is missing or no number, or all are the same.
    """
    import numpy as np

    texts = present(table, name)
    values = {text: _MARKS.get(text.lower(), table.header.number(text)) for text in set(texts)}
    if None in values.values():
        row = next(row for row, text in enumerate(texts) if values[text] is None)
        what = f"'{texts[row]}' is not a number; of several targets each must be one, '{name}' too"
        hint = "correct the value or delete the row; classes in words are a single target"
        raise _error(table, what, row=row, hint=hint)
    numbers = np.array([values[text] for text in texts], dtype=np.float64)
    if numbers.min() == numbers.max():
        what, hint = f"the target '{name}' is {numbers[0]:g} in every row", "leave it out of dataset.target"
        raise _error(table, what, hint=hint)
    return numbers


def _error(table: Table, what: str, *, row: int | None = None, hint: str) -> DataError:
    return table.header.error(what, line=None if row is None else table.line(row), hint=hint)


def _infer(table: Table, names: Sequence[str], rows: NDArray[np.float64]) -> Task:
    """Returns the task of columns of marks.

    Raises:
        DataError: Not every row has exactly one.
    """
    row = _not_one_hot(rows)
    if row is None:
        return Task.BINARY if len(names) == 2 else Task.MULTICLASS
    what = f"{_marked(names, rows[row])}, so that the targets are not one class for each row"
    hint = "write task: multilabel if any number of them may hold; else correct the row"
    raise _error(table, what, row=row, hint=hint)


def _not_one_hot(rows: NDArray[np.float64]) -> int | None:
    """Returns the first row that has not exactly one mark; None if all have."""
    is_wrong = rows.sum(axis=1) != 1
    return int(is_wrong.argmax()) if is_wrong.any() else None


def _no_mark(
    table: Table, names: Sequence[str], rows: NDArray[np.float64], stray: NDArray[np.int64], task: Task
) -> DataError:
    row, column = stray.tolist()
    of_what = "labels" if task is Task.MULTILABEL else "classes"
    return _error(
        table,
        f"{rows[row, column]:g} is neither 0 nor 1, as '{names[column]}' must be, one of several columns of {of_what}",
        row=row,
        hint="correct the value; to predict numbers write task: regression",
    )


def _marked(names: Sequence[str], marks: NDArray[np.float64]) -> str:
    """Returns which columns of a row hold a 1, if not exactly one does."""
    marked = [name for name, mark in zip(names, marks, strict=True) if mark]
    return f"{_listed(marked)} are 1" if marked else f"none of {_listed(names)} is 1"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
