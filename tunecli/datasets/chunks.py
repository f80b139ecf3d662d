"""Rows of a table as a model that was trained before reads them: in blocks, by the names and kinds of its columns.

    source = open_source(path)
    for columns, others in read_blocks(source, numeric=("age", "sold.year"), categorical=("size",), others=("id",)): …

A column `sold.year` that the file does not have is that part of its column `sold`. Nothing is guessed from the values:
what was a number in training must be one now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tunecli.datasets import dates
from tunecli.datasets.base import Columns
from tunecli.datasets.column import Column, ColumnKind, as_texts, convert
from tunecli.datasets.formats import Source
from tunecli.errors import DataError
from tunecli.registry import nearest

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_SHOWN = 5

NO_DOUBT: Mapping[str, bool] = MappingProxyType({})
"""Of dates that can be read in one way only."""


def read_blocks(
    source: Source,
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    day_first: Mapping[str, bool] = NO_DOUBT,
    others: Sequence[str] = (),
) -> Iterator[tuple[Columns, pl.DataFrame]]:
    """Yields blocks of rows in their order, and beside each block the same rows of other columns.

    Args:
        source: The file; other columns than those that are asked for do not matter.
        numeric: The columns of numbers, in order, parts of dates among them.
        categorical: The columns of texts, in order. The categories of a block are those that occur in it.
        day_first: How dates such as 3/4/2024 are to be read, by the name of each part of theirs; as in `Columns`.
        others: Labels of the file's, each once; null where a value is missing.

    Raises:
        DataError: A column is missing, or holds something else; or the file is irregular or damaged.
    """
    wanted = _columns_in_file(source, (*numeric, *categorical))
    row = 0
    for frame in source.frames(tuple(dict.fromkeys((*wanted.values(), *others)))):
        numbers = _numbers(source, frame, {name: wanted[name] for name in numeric}, day_first, row)
        texts = [_texts(source, frame[wanted[name]]) for name in categorical]
        columns = Columns(
            numeric=_stacked([numbers[name] for name in numeric], len(frame), "float64"),
            numeric_names=tuple(numeric),
            categorical=_stacked([column.values for column in texts], len(frame), "int32"),
            categorical_names=tuple(categorical),
            categories=tuple(tuple(column.texts) for column in texts if column.texts is not None),
        )
        yield columns, frame.select(others)
        row += len(frame)


def _columns_in_file(source: Source, names: Sequence[str]) -> dict[str, str]:
    """Returns the column of the file that each name is read from; case does not matter while one alone fits.

    Raises:
        DataError: Some are not there.
    """
    by_case: dict[str, list[str]] = {}
    for name in source.names:
        by_case.setdefault(name.casefold(), []).append(name)

    def found(name: str) -> str | None:
        alike = by_case.get(name.casefold(), [])
        return name if name in alike else alike[0] if len(alike) == 1 else None

    places = {name: found(name) or found(dates.column_of(name) or name) for name in names}
    if missing := [name for name, place in places.items() if place is None]:
        wanted = _as_in_a_file(missing)
        shown = ", ".join(f"'{name}'" for name in wanted[:_SHOWN]) + ", …" * (len(wanted) > _SHOWN)
        match = nearest(wanted[0], source.names)
        hint = f"rename '{match}' to '{wanted[0]}'" if match else f"it has: {', '.join(source.names[: 4 * _SHOWN])}"
        raise source.error_in_header(f"has no column {shown}, which the model reads", hint=hint)
    return {name: place for name, place in places.items() if place is not None}


def _as_in_a_file(names: Sequence[str]) -> list[str]:
    """Returns names of columns, those of several parts of a date as the one column that they are made of."""
    parts = Counter(dates.column_of(name) for name in names)
    found = [column if (column := dates.column_of(name)) and parts[column] > 1 else name for name in names]
    return list(dict.fromkeys(found))


def _numbers(
    source: Source, frame: pl.DataFrame, wanted: dict[str, str], day_first: Mapping[str, bool], start: int
) -> dict[str, NDArray[np.float64]]:
    found: dict[str, NDArray[np.float64]] = {}
    for name, label in wanted.items():
        if name in found:
            continue
        if name == label or label.casefold() == name.casefold():
            found[name] = _checked(source, frame[label], ColumnKind.NUMBER, None, start).values
            continue
        moments = _checked(source, frame[label], ColumnKind.DATE, day_first.get(name), start).values
        parts = dates.parts(moments, has_time=True).T
        found |= dict(zip(dates.names(dates.column_of(name) or label, has_time=True), parts, strict=True))
    return found


def _converted(source: Source, series: pl.Series, day_first: bool | None) -> Column:
    return convert(series, is_typed=source.is_typed, has_decimal_comma=source.has_decimal_comma, day_first=day_first)


def _checked(source: Source, series: pl.Series, kind: ColumnKind, day_first: bool | None, start: int) -> Column:
    """Returns a column that holds what it must.

    Raises:
        DataError: It does not; points at the first such row.
    """
    column = _converted(source, series, day_first)
    if column.fault:
        raise source.error(f"'{series.name}' {column.fault}", hint="correct it")
    if column.kind is kind or column.is_missing.all():
        return column
    for row, value in enumerate(series):
        one = _converted(source, series[row : row + 1], day_first)
        if value is not None and one.kind is not kind:
            order = "" if day_first is None else f" that is written {'day' if day_first else 'month'} first"
            what = f"'{value}' is not a {kind}{order}, as '{series.name}' was in training"
            raise source.error(what, row=start + row, hint="correct it, or leave it empty if it is missing")
    raise _mixed(source, series.name)


def _mixed(source: Source, name: str) -> DataError:
    what = f"'{name}' holds dates that are written in several ways"
    return source.error(what, hint="write all dates as 2024-12-31, or 2024-12-31 23:59:59")


def _texts(source: Source, series: pl.Series) -> Column:
    import polars as pl

    if not source.is_typed:
        return as_texts(series)
    texts = series.cast(pl.String)
    return as_texts(texts.set(texts == "", None))


def _stacked(columns: Sequence[NDArray[Any]], rows: int, dtype: str) -> NDArray[Any]:
    import numpy as np

    return np.stack(columns, axis=1).astype(dtype) if columns else np.empty((rows, 0), dtype=dtype)
