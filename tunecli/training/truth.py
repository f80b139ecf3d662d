"""Reads what a model should have predicted from a file, as it was read in training.

columns = bundle.manifest.target_columns           # ask `open_rows` for these, too
truth = read_truth(bundle.manifest, series, rows)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunecli.datasets.column import ColumnKind, as_texts, convert
from tunecli.spec.experiment import Task
from tunecli.training.manifest import Manifest
from tunecli.training.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_MARKS = {"false": 0.0, "true": 1.0}
"""How other programs write 0 and 1."""

_SHOWN = 5


def read_truth(manifest: Manifest, columns: Sequence[pl.Series], rows: Rows) -> NDArray[Any]:
    """Returns what is to be predicted.

    Args:
        manifest: Of the bundle.
        columns: The values of its `target_columns`, null where missing.
        rows: Where they come from.

    Returns:
        float64 numbers or labels, `(rows, targets)`; int64 class codes `(rows,)`.

    Raises:
        DataError: A value is missing, no number, or of a class that the model does not know.
    """
    import numpy as np

    names = manifest.target_columns
    for name, series in zip(names, columns, strict=True):
        _require_all(name, series, rows)
    if manifest.task.has_classes and not manifest.has_one_hot:
        return _codes(names[0], columns[0], manifest.targets[0].classes, rows)
    numbers = [_numbers(name, series, rows) for name, series in zip(names, columns, strict=True)]
    found = np.stack(numbers, axis=1)
    if manifest.task is not Task.REGRESSION:
        _require_marks(found, names, rows, is_one=manifest.has_one_hot)
    return found.argmax(axis=1).astype(np.int64) if manifest.has_one_hot else found


def _require_marks(found: NDArray[np.float64], names: Sequence[str], rows: Rows, *, is_one: bool) -> None:
    """Makes sure that columns hold 0 and 1, and if `is_one`, a single 1 in each row.

    Raises:
        DataError: One does not.
    """
    import numpy as np

    if len(strays := np.argwhere((found != 0) & (found != 1))):
        row, column = strays[0].tolist()
        what = f"{found[row, column]:g} is neither 0 nor 1, as '{names[column]}' was in training"
        raise rows.error(what, row=row, hint="correct it")
    if is_one and (is_wrong := found.sum(axis=1) != 1).any():
        listed = ", ".join(names[:_SHOWN]) + ", …" * (len(names) > _SHOWN)
        what = f"not exactly one of {listed} is 1, that of the row's class"
        raise rows.error(what, row=int(is_wrong.argmax()), hint="correct the row, or leave it out")


def _require_all(name: str, series: pl.Series, rows: Rows) -> None:
    count = series.null_count()
    if count:
        first = int(series.is_null().arg_max() or 0)
        what = f"the target '{name}' is missing in {count:,} row{'s' * (count != 1)}, here first"
        raise rows.error(what, row=first, hint="delete them, or predict without evaluating")


def _numbers(name: str, series: pl.Series, rows: Rows) -> NDArray[np.float64]:
    import numpy as np
    import polars as pl

    if series.dtype in (pl.Boolean, pl.String):
        texts = series.cast(pl.String).str.to_lowercase()
        if texts.is_in(list(_MARKS)).all():
            return texts.replace_strict(_MARKS, return_dtype=pl.Float64).to_numpy()
    column = _converted(series, rows)
    if column.kind is not ColumnKind.NUMBER or column.fault:
        strays = (row for row, value in enumerate(series) if _converted(series[row : row + 1], rows).kind != "number")
        row = next(strays, 0)
        raise rows.error(f"'{series[row]}' is not a number, as '{name}' was in training", row=row, hint="correct it")
    numbers: NDArray[np.float64] = column.values.astype(np.float64)
    return numbers


def _codes(name: str, series: pl.Series, classes: Sequence[str], rows: Rows) -> NDArray[np.int64]:
    import numpy as np
    import polars as pl

    code = {each: index for index, each in enumerate(classes)}
    column = _converted(series, rows)
    if column.kind is ColumnKind.NUMBER:
        distinct, where = np.unique(column.values, return_inverse=True)
        names = [f"{value:.0f}" if value % 1 == 0 else repr(value) for value in distinct.tolist()]
        if rows.source is None and not any(name in code for name in names):  # an array may hold codes
            code = {f"{index}": index for index in range(len(classes))}
    else:
        texts = as_texts(series.cast(pl.String)) if column.kind is not ColumnKind.TEXT else column
        assert texts.texts is not None, "texts have texts"
        names, where = texts.texts.to_list(), texts.values
    codes: NDArray[np.int64] = np.array([code.get(each, -1) for each in names], dtype=np.int64)[where]
    if (codes < 0).any():
        row = int((codes < 0).argmax())
        known = ", ".join(classes[:_SHOWN]) + ", …" * (len(classes) > _SHOWN)
        what = f"'{series[row]}' is none of the classes of '{name}' that the model knows: {known}"
        raise rows.error(what, row=row, hint="correct it, or leave such rows out")
    return codes


def _converted(series: pl.Series, rows: Rows) -> Any:
    source = rows.source
    is_typed = source is None or source.is_typed
    return convert(series, is_typed=is_typed, has_decimal_comma=source is not None and source.has_decimal_comma)
