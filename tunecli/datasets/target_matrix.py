"""What a matrix of targets means, wherever it comes from: one class a row, labels that hold or do not, or numbers.

    target = read_matrix(rows, ("rain", "wind"), Task.MULTILABEL, error=table.error)

Where no task is named, columns of 0 and 1 are one-hot classes if every row has exactly one 1; columns of other numbers
are regression. Rows with none or several may be labels, or mistakes in classes: that is for the user to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tunecli.datasets.base import OptionError
from tunecli.datasets.csv_target import Target
from tunecli.errors import DataError
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

_SHOWN = 5
"""So many column names a message lists."""


class MakeError(Protocol):
    """Returns an error that points at a row, counted from 0, or at all of them."""

    def __call__(self, what: str, *, row: int | None = None, hint: str = "") -> DataError:
        """Returns it."""
        ...


def read_matrix(rows: Matrix, names: Sequence[str], task: Task | None, *, error: MakeError) -> Target:
    """Reads several columns.

    Args:
        rows: Finite numbers, shape `(rows, columns)`, of at least two columns.
        names: Of the columns.
        task: What the spec says is predicted; None to infer it.
        error: Makes an error of what is wrong with a row.

    Returns:
        Classes as int64 codes `(rows,)`, in the order of the columns and under their names; int64 labels or float64
        numbers `(rows, columns)`.

    Raises:
        OptionError: The task is not one of so many columns.
        DataError: A column is the same in every row, or values do not fit the task.
    """
    import numpy as np

    if task is Task.BINARY and len(names) != 2:
        what = f"the target has {len(names)} columns, one for each class; a binary task has two classes"
        raise OptionError("task", what, hint="write task: multiclass, or multilabel if several may hold")
    for name, column in zip(names, rows.T, strict=True):
        if column.min() == column.max():
            what = f"the target '{name}' is {column[0]:g} in every row"
            raise error(what, hint="leave it out of the targets, or bring other rows")
    strays = np.argwhere((rows != 0) & (rows != 1))
    if task is None:
        task = Task.REGRESSION if len(strays) else _infer(rows, names, error)
    if task is Task.REGRESSION:
        return Target(task, rows, names=tuple(names))
    if len(strays):
        raise _no_mark(rows, names, strays[0], task, error)
    if task is Task.MULTILABEL:
        return Target(task, rows.astype(np.int64), names=tuple(names))
    if (row := _not_one_hot(rows)) is not None:
        what = f"{_marked(names, rows[row])}; one of the target's columns must be, that of the row's class"
        raise error(what, row=row, hint="correct the row, or write task: multilabel if any number of them may hold")
    return Target(task, rows.argmax(axis=1), tuple(names))


def _infer(rows: Matrix, names: Sequence[str], error: MakeError) -> Task:
    """Returns the task of columns of 0 and 1.

    Raises:
        DataError: Not every row has exactly one 1.
    """
    row = _not_one_hot(rows)
    if row is None:
        return Task.BINARY if len(names) == 2 else Task.MULTICLASS
    what = f"{_marked(names, rows[row])}, so that the targets are not one class for each row"
    raise error(what, row=row, hint="write task: multilabel if any number of them may hold; else correct the row")


def _not_one_hot(rows: Matrix) -> int | None:
    """Returns the first row that has not exactly one 1; None if all have."""
    is_wrong = rows.sum(axis=1) != 1
    return int(is_wrong.argmax()) if is_wrong.any() else None


def _no_mark(rows: Matrix, names: Sequence[str], stray: NDArray[np.int64], task: Task, error: MakeError) -> DataError:
    row, column = stray.tolist()
    of_what = "labels" if task is Task.MULTILABEL else "classes"
    what = (
        f"{rows[row, column]:g} is neither 0 nor 1, as '{names[column]}' must be, one of several columns of {of_what}"
    )
    return error(what, row=row, hint="correct the value; to predict numbers write task: regression")


def _marked(names: Sequence[str], marks: Matrix) -> str:
    """Returns which columns of a row hold a 1, if not exactly one does."""
    marked = [name for name, mark in zip(names, marks, strict=True) if mark]
    return f"{_listed(marked)} are 1" if marked else f"none of {_listed(names)} is 1"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
