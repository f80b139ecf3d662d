"""An array to predict: what kind of task it asks for, its values, and the names of its classes.

The task is taken from the values by the rules for the column of a table (`csv_target`), where the spec names none. A
matrix with a column for each class, of 0 and a single 1 in every row, is read as the classes that it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.datasets.csv_target import MOST_CLASSES, infer_task
from tunecli.errors import DataError
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ArrayTarget:
    """What is predicted.

    Attributes:
        task: What kind of task it is.
        values: float64 for regression, else int64 class codes; `(rows,)`.
        classes: The classes' names in the order of their codes; () for regression.
        distinct: The values in the array that the classes stand for, in the same order; empty for regression.
    """

    task: Task
    values: NDArray[np.float64] | NDArray[np.int64]
    classes: tuple[str, ...]
    distinct: NDArray[Any]


def read_array_target(
    y: NDArray[Any], task: Task | None, class_names: Sequence[str] | None, name: str, where: str
) -> ArrayTarget:
    """Reads an array to predict.

    Args:
        y: The array, `(rows,)`, `(rows, 1)` or one column for each class.
        task: What the spec says is predicted; None to infer it.
        class_names: By code, where the array holds codes that count from 0; or None.
        name: What the array is called, for messages.
        where: The file, for messages.

    Raises:
        DataError: Values are missing, all the same, or do not fit the task.
    """
    import numpy as np

    flat = _flat(y, name, where)
    distinct = np.unique(flat)
    if len(distinct) == 1:
        hint = "bring rows of every class, or another target"
        raise DataError(f"{name} is {distinct[0]} in every row", where=where, hint=hint)
    task = task or _infer(distinct, len(flat), class_names, name, where)
    if task is Task.REGRESSION:
        if flat.dtype.kind not in "biuf":
            hint = "for classes write task: multiclass"
            raise DataError(f"{name} holds texts; regression needs numbers", where=where, hint=hint)
        return ArrayTarget(task, flat.astype(np.float64), (), distinct[:0])
    if class_names is not None:
        classes, distinct = tuple(class_names), _named(distinct, class_names, name, where)
    else:
        classes = tuple(map(_class_name, distinct.tolist()))
    if task is Task.BINARY and len(classes) != 2:
        what = f"{name} has {len(classes)} classes; a binary task has two"
        raise DataError(what, where=where, hint="write task: multiclass")
    return ArrayTarget(task, np.searchsorted(distinct, flat).astype(np.int64), classes, distinct)


def held_out_values(
    target: ArrayTarget, y: NDArray[Any], name: str, where: str
) -> NDArray[np.float64] | NDArray[np.int64]:
    """Returns the values of a part of the data's own, coded as those of the training rows are.

    Raises:
        DataError: Values are missing, or a class is none of those.
    """
    import numpy as np

    flat = _flat(y, name, where)
    if (flat.dtype.kind in "US") != (target.distinct.dtype.kind in "US"):
        hint = "give both targets one type"
        raise DataError(f"{name} is of type {flat.dtype}, unlike the training rows' target", where=where, hint=hint)
    if target.task is Task.REGRESSION:
        return flat.astype(np.float64)
    strangers = np.setdiff1d(flat, target.distinct)
    if len(strangers):
        what = f"{name} has the class {strangers[0]}, which no training row has"
        raise DataError(what, where=where, hint="bring rows of it to train on, or leave it out")
    return np.searchsorted(target.distinct, flat).astype(np.int64)


def _flat(y: NDArray[Any], name: str, where: str) -> NDArray[Any]:
    """Returns one value for each row.

    Raises:
        DataError: There is another number of them, or one is missing.
    """
    import numpy as np

    if y.dtype.kind not in "biufUS":
        what = f"{name} holds Python objects" if y.dtype.kind == "O" else f"{name} is of type {y.dtype}"
        raise DataError(what, where=where, hint="make it an array of numbers or texts")
    if y.ndim == 2 and y.shape[1] > 1:
        return _of_one_hot(y, name, where)
    if y.ndim not in (1, 2) or y.size != len(y):
        raise DataError(f"{name} is of shape {y.shape}", where=where, hint="give one value a row")
    flat = y.reshape(-1)
    if flat.dtype.kind == "S":
        return flat.astype("U")
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        rows = np.flatnonzero(~np.isfinite(flat))
        count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
        what = f"{name} is missing or infinite in {count}, in row {rows[0]} (from 0) first"
        raise DataError(what, where=where, hint="leave these rows out")
    return flat


def _of_one_hot(y: NDArray[Any], name: str, where: str) -> NDArray[Any]:
    import numpy as np

    if y.dtype.kind in "biuf" and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        return np.asarray(np.argmax(y, axis=1))
    what = f"{name} is of shape {y.shape}, and not one 1 among 0 in every row"
    raise DataError(what, where=where, hint="give one value a row, or one column for each class")


def _infer(distinct: NDArray[Any], rows: int, class_names: Sequence[str] | None, name: str, where: str) -> Task:
    import numpy as np

    if class_names is not None:
        return Task.BINARY if len(class_names) == 2 else Task.MULTICLASS
    if distinct.dtype.kind in "biuf":
        return infer_task(distinct.astype(np.float64), rows)
    if len(distinct) > max(MOST_CLASSES, rows // 2):
        what = f"{name} has {len(distinct)} different texts in {rows} rows"
        raise DataError(what, where=where, hint="choose a target whose values repeat, or write task: multiclass")
    return Task.BINARY if len(distinct) == 2 else Task.MULTICLASS


def _named(distinct: NDArray[Any], class_names: Sequence[str], name: str, where: str) -> NDArray[Any]:
    """Returns the codes of all classes that have a name.

    Raises:
        DataError: The array holds something else.
    """
    import numpy as np

    codes = np.arange(len(class_names))
    strangers = distinct if distinct.dtype.kind in "US" else np.setdiff1d(distinct, codes)
    if len(strangers):
        what = f"{name} holds {strangers[0]}; with {len(codes)} class names it is 0 … {len(codes) - 1}"
        raise DataError(what, where=where, hint="count classes from 0, or leave the names out")
    return codes


def _class_name(value: object) -> str:
    """Returns a class as it is written: whole numbers without a point."""
    if isinstance(value, float):
        return f"{value:.0f}" if value % 1 == 0 else repr(value)
    return str(value)
