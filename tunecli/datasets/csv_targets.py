"""Several columns of a table to predict: one class spread over them, labels that hold or do not, or several numbers.

    is_cat,is_dog,is_bird     one-hot: exactly one column of a row is marked, and that is its class
    rain,wind,fog             labels: any number of them hold
    heating,cooling           numbers, each predicted by an output of its own

Marks are 0 and 1, or false and true. What columns mean is decided in `target_matrix`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunecli.datasets.base import OptionError
from tunecli.datasets.csv_target import Target, present, read_target
from tunecli.datasets.csv_text import Table
from tunecli.datasets.target_matrix import read_matrix
from tunecli.errors import DataError
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MARKS = {"false": 0.0, "true": 1.0}
"""How other programs write 0 and 1."""


def read_targets(table: Table, names: Sequence[str], task: Task | None) -> Target:
    """Reads columns whose texts the table has kept.

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

    def error(what: str, *, row: int | None = None, hint: str = "") -> DataError:
        return table.header.error(what, line=None if row is None else table.line(row), hint=hint)

    return read_matrix(np.stack([_numbers(table, name) for name in names], axis=1), names, task, error=error)


def _numbers(table: Table, name: str) -> NDArray[np.float64]:
    """Returns a column's numbers, and marks as 0 and 1; shape `(rows,)`.

    Raises:
        DataError: A value is missing or no number.
    """
    import numpy as np

    texts = present(table, name)
    values = {text: _MARKS.get(text.lower(), table.header.number(text)) for text in set(texts)}
    if None in values.values():
        row = next(row for row, text in enumerate(texts) if values[text] is None)
        what = f"'{texts[row]}' is not a number; of several targets each must be one, '{name}' too"
        hint = "correct the value or delete the row; classes in words are a single target"
        raise table.header.error(what, line=table.line(row), hint=hint)
    return np.array([values[text] for text in texts], dtype=np.float64)
