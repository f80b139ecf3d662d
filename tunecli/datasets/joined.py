"""Several files of one table, one below the other: rows to train on, to validate on, to test on.

    table = join([read_table(train), read_table(test)])       # rows and errors point at the file they are from

The first file says what columns there are and what they hold; where another differs, the column has a fault that says
so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tunecli.datasets.column import Column, ColumnKind
from tunecli.datasets.table import About, Table
from tunecli.registry import nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def join(tables: Sequence[Table]) -> Table:
    """Returns the rows of several tables as one table; of one, that."""
    first, *others = tables
    if not others:
        return first

    def column(name: str) -> Column:
        return _joined(tables, name)

    def as_texts(name: str) -> Column:
        missing = _missing(first, others, name)
        return missing or _below([each.as_texts(name) for each in tables])

    return replace(
        first,
        places=tuple(place for table in tables for place in table.places),
        about={name: About.of(column(name)) for name in first.names},
        column=column,
        as_texts=as_texts,
    )


def _joined(tables: Sequence[Table], name: str) -> Column:
    first, *others = tables
    if missing := _missing(first, others, name):
        return missing
    columns = [table.column(name) for table in tables]
    if ColumnKind.TEXT in (columns[0].kind, _known_kind(columns)):
        # what are texts in one file may happen to be numbers or dates in another, where it has no types
        columns = [
            table.as_texts(name) if not table.source.is_typed and each.kind is not ColumnKind.TEXT else each
            for table, each in zip(tables, columns, strict=True)
        ]
    kind = _known_kind(columns)
    for table, each in zip(tables, columns, strict=True):
        if each.kind is not kind and not each.is_missing.all():
            fault = f"is a {each.kind} in {table.source.path.name} and a {kind} in {first.source.path.name}"
            return replace(columns[0], values=_lengthened(columns), fault=fault)
    return _below([_as_kind(each, kind) for each in columns])


def _known_kind(columns: Sequence[Column]) -> ColumnKind:
    """Returns what the first column holds that is not empty; an empty one may be anything."""
    return next((each.kind for each in columns if not each.is_missing.all()), columns[0].kind)


def _missing(first: Table, others: Sequence[Table], name: str) -> Column | None:
    for table in others:
        if name not in table.names:
            match = nearest(name, [each for each in table.names if each not in first.names])
            guess = f", which has '{match}' instead" if match else ""
            fault = f"is not in {table.source.path.name}{guess}"
            return replace(first.column(name), values=_lengthened([first.column(name)], more=others), fault=fault)
    return None


def _lengthened(columns: Sequence[Column], more: Sequence[Table] = ()) -> NDArray[np.generic]:
    """Returns the values of the first column for so many rows as all have; what is added is missing."""
    import numpy as np

    values = columns[0].values
    rows = sum(len(each.values) for each in columns) + sum(each.rows for each in more)
    gap = -1 if values.dtype == np.int32 else np.nan
    return np.concatenate([values, np.full(rows - len(values), gap, dtype=values.dtype)])


def _as_kind(column: Column, kind: ColumnKind) -> Column:
    """Returns a column as one of a kind; one that is of another is empty."""
    import numpy as np
    import polars as pl

    if column.kind is kind:
        return column
    if kind is ColumnKind.TEXT:
        return Column(kind, np.full(len(column.values), -1, dtype=np.int32), pl.Series(dtype=pl.String))
    return Column(kind, np.full(len(column.values), np.nan))


def _below(columns: Sequence[Column]) -> Column:
    """Returns columns of one kind as one; texts get the codes that they have among all."""
    import numpy as np
    import polars as pl

    texts = [each.texts for each in columns if each.texts is not None]
    parts = [each.values for each in columns]
    together = None
    if texts:
        together = pl.concat(texts).unique().sort()
        places = [together.search_sorted(each).to_numpy() if len(each) else np.empty(0, int) for each in texts]
        parts = [
            np.append(place, -1)[part].astype(np.int32) for place, part in zip(places, parts, strict=True)
        ]  # code -1, a missing value, finds the last entry
    return Column(
        columns[0].kind,
        np.concatenate(parts),
        together,
        has_time=any(each.has_time for each in columns),
        day_first=next((each.day_first for each in columns if each.day_first is not None), None),
        fault=next((each.fault for each in columns if each.fault), ""),
    )
