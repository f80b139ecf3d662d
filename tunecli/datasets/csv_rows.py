"""The columns that say how much each row counts, which rows belong together, and in which order they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunecli.datasets.column import Column, ColumnKind
from tunecli.datasets.table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_weights(table: Table, name: str) -> NDArray[np.float64]:
    """Reads the column `name`; shape `(rows,)`.

    Raises:
        DataError: A weight is missing, no number or negative, or all are 0.
    """
    column = _usable(table, name, "weight")
    hint = "correct it, or delete the row; 0 leaves a row out"
    if column.kind is not ColumnKind.NUMBER:
        row, text = first_text(table, name)
        raise table.error(f"'{text}' is not a number; the weight '{name}' must be one", row=row, hint=hint)
    if column.is_missing.any():
        raise table.error(f"the weight '{name}' is missing", row=int(column.is_missing.argmax()), hint=hint)
    if (column.values < 0).any():
        row = int((column.values < 0).argmax())
        what = f"the weight '{name}' is {column.values[row]:g}; it must not be negative"
        raise table.error(what, row=row, hint=hint)
    if not column.values.any():
        raise table.error(f"the weight '{name}' is 0 in every row", hint="drop dataset.sample_weight")
    return column.values


def read_groups(table: Table, name: str) -> NDArray[np.int64]:
    """Reads the column `name` as codes in the order of their first rows; shape `(rows,)`.

    Raises:
        DataError: A group is missing.
    """
    import numpy as np

    column = _usable(table, name, "group")
    if column.is_missing.any():
        hint = "name the group that the row belongs to, or delete it"
        raise table.error(f"the group '{name}' is missing", row=int(column.is_missing.argmax()), hint=hint)
    _, first, code = np.unique(column.values, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[code].astype(np.int64)


def read_times(table: Table, name: str) -> NDArray[np.float64]:
    """Reads the column `name`, numbers or dates; shape `(rows,)`.

    Raises:
        DataError: A time is missing, or they are neither.
    """
    column = _usable(table, name, "time")
    if column.kind not in (ColumnKind.NUMBER, ColumnKind.DATE):
        hint = "write dates as 2024-12-31, or 2024-12-31 23:59:59; or numbers"
        raise table.error(f"the time '{name}' holds neither dates nor numbers in every row", hint=hint)
    if column.is_missing.any():
        hint = "write when the row was taken, or delete it"
        raise table.error(f"the time '{name}' is missing", row=int(column.is_missing.argmax()), hint=hint)
    return column.values


def _usable(table: Table, name: str, use: str) -> Column:
    """Returns a column.

    Raises:
        DataError: It has a fault, such as not being in all files.
    """
    column = table.column(name)
    if column.fault:
        raise table.error(f"the {use} '{name}' {column.fault}", hint="correct it, or choose another column")
    return column


def first_text(table: Table, name: str) -> tuple[int, str]:
    """Returns the first row of a column whose value is not a number, and that value."""
    from tunecli.datasets.column import as_numbers

    column = table.as_texts(name)
    assert column.texts is not None, "texts have texts"
    numbers = as_numbers(column.texts, has_decimal_comma=table.source.has_decimal_comma)
    is_text = numbers.is_null().to_numpy()
    row = int((is_text[column.values] & ~column.is_missing).argmax())
    return row, str(column.texts[int(column.values[row])])
