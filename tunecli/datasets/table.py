"""A table of the user's own, a column at a time, whatever the format of its file.

    table = read_table(path)
    table.features                     # what may be learnt from, unless other columns are asked for
    table.about["age"].kind            # of every column, what it holds
    table.column("age").values         # see `column.Column`

Tables that a process has read are remembered while their files stay the same, and large CSV files beyond that: see
`table_cache`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets import table_cache
from tunecli.datasets.column import Column, ColumnKind, as_texts, convert
from tunecli.datasets.formats import ColumnarSource, Source, open_source
from tunecli.datasets.spool import Spool
from tunecli.datasets.table_cache import KeptTable
from tunecli.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_REMEMBERED = 3
"""Tables: to train on, to validate on and to test on."""

_LARGE_BYTES = 50_000_000
"""From this size on, hashing a file takes a time that is felt."""


@dataclass(frozen=True)
class About:
    """What is known of a column without its values.

    Attributes:
        kind: What it holds.
        distinct: How many different texts there are; 0 for numbers and dates.
        mean_length: Of the different texts, in characters.
        missing: How many values are missing.
        has_time: As in `Column`.
        fault: As in `Column`.
    """

    kind: ColumnKind
    distinct: int = 0
    mean_length: float = 0.0
    missing: int = 0
    has_time: bool = False
    fault: str = ""

    @classmethod
    def of(cls, column: Column) -> About:
        """Sums a column up."""
        texts = column.texts
        return cls(
            kind=column.kind,
            distinct=0 if texts is None else len(texts),
            mean_length=0.0 if texts is None or not len(texts) else float(texts.str.len_chars().sum()) / len(texts),
            missing=int(column.is_missing.sum()),
            has_time=column.has_time,
            fault=column.fault,
        )


@dataclass(frozen=True)
class Table:
    """Rows of a file, or of several.

    Attributes:
        places: The files, and how many rows each has; lines without any value are none.
        features: The columns to learn from, unless others are asked for: all but row numbers and empty ones.
        about: What its columns are, by name.
        column: Returns one by its name.
        as_texts: Returns one by its name, as texts even if it holds numbers or dates.
    """

    places: tuple[tuple[Source, int], ...]
    features: tuple[str, ...]
    about: Mapping[str, About]
    column: Callable[[str], Column]
    as_texts: Callable[[str], Column]

    @property
    def source(self) -> Source:
        """The first file, which says what columns there are."""
        return self.places[0][0]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(rows for _, rows in self.places)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns that have one."""
        return self.source.names

    def error(self, what: str, *, row: int | None = None, hint: str = "") -> DataError:
        """Returns an error that points at the file, or at a row of it, counted from 0."""
        for source, rows in self.places:
            if row is None or row < rows:
                return source.error(what, row=row, hint=hint)
            row -= rows
        raise AssertionError("there is no such row")


def read_table(path: Path) -> Table:
    """Reads a table.

    Raises:
        DataError: The file is missing, irregular, damaged, or has fewer than two rows.
    """
    source = open_source(path)
    return _read(source, _digest(path))


@lru_cache(maxsize=_REMEMBERED)
def _read(source: Source, sha256: str) -> Table:
    if isinstance(source, ColumnarSource):
        return make_table(source, source.rows(), source.series)
    folder = table_cache.place(sha256)
    if kept := table_cache.find(folder):
        return _open_kept(source, kept)
    texts = table_cache.scratch(folder.with_name(f"{folder.name}.texts"))
    try:
        spool = Spool(source, texts)
        if not spool.is_large:
            return make_table(source, spool.rows, spool.series)
        features = default_columns(source, spool.rows, spool.series)
        columns = ((name, _convert(source, spool.series(name))) for name in source.names)
        table_cache.keep(folder, spool.rows, features, columns)
    finally:
        for half in (texts, table_cache.scratch(folder)):
            shutil.rmtree(half, ignore_errors=True)
    kept = table_cache.find(folder)
    assert kept is not None, "it was written just now"
    return _open_kept(source, kept)


def _open_kept(source: Source, kept: KeptTable) -> Table:
    def texts(name: str) -> Column:
        import polars as pl

        return as_texts(pl.concat(frame[name] for frame in source.frames([name])))

    about = {name: About.of(kept.column(name)) for name in source.names}
    return Table(((source, kept.rows),), kept.features, about, kept.column, texts)


def _convert(source: Source, series: pl.Series) -> Column:
    return convert(series, is_typed=source.is_typed, has_decimal_comma=source.has_decimal_comma)


def make_table(source: Source, rows: int, series: Callable[[str], pl.Series]) -> Table:
    """Makes a table of columns that are read when they are asked for.

    Raises:
        DataError: It has fewer than two rows, or a column has no name but values.
    """
    if rows < 2:
        raise source.error(f"has {rows or 'no'} row{'s' * (rows != 1)}", hint="bring a file with a header and rows")

    def column(name: str) -> Column:
        return _convert(source, series(name))

    def texts(name: str) -> Column:
        found = series(name)
        return as_texts(found.cast(str) if source.is_typed else found)

    features = default_columns(source, rows, series)
    about = {name: About.of(column(name)) for name in source.names}
    return Table(((source, rows),), features, about, column, texts)


def default_columns(source: Source, rows: int, series: Callable[[str], pl.Series]) -> tuple[str, ...]:
    """Returns the columns that are neither row numbers nor, without a name, empty.

    Raises:
        DataError: A column has no name, but values.
    """
    return tuple(
        label
        for position, label in enumerate(source.labels)
        if not (_may_be_row_numbers(label) and _is_dropped(source, position, rows, series(label)))
    )


def _digest(path: Path) -> str:
    """Returns the sha256 of a file; of a large one that is not touched meanwhile, it is computed once."""
    about = path.stat()
    if about.st_size < _LARGE_BYTES:
        return _sha256(path)
    return _sha256_of_large(path, about.st_size, about.st_mtime_ns, about.st_ino)


@lru_cache(maxsize=_REMEMBERED)
def _sha256_of_large(path: Path, *version: int) -> str:
    del version  # tells whether it is the file that was hashed
    return _sha256(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _may_be_row_numbers(label: str) -> bool:
    return label.startswith(("\0", "Unnamed: ", "__index_level_")) or label.casefold() == "index"


def _is_dropped(source: Source, position: int, rows: int, values: pl.Series) -> bool:
    """Says whether a column of a doubtful name is left out.

    Raises:
        DataError: It has no name, but values.
    """
    label = source.labels[position]
    if (position == 0 or label.startswith("__index_level_")) and _counts(values, rows):
        return True
    if label.casefold() == "index":
        return False
    is_empty = values.null_count() == rows
    is_row_name = position == 0 and values.n_unique() == rows
    if label.startswith("\0") and not (is_empty or is_row_name):
        raise source.error_in_header(f"column {position + 1} has no name", hint="name it, or delete it")
    return is_empty or is_row_name


def _counts(values: pl.Series, rows: int) -> bool:
    """Says whether values are the numbers of the rows, from 0 or from 1."""
    import polars as pl

    counted = pl.Series(range(rows + 1)).cast(values.dtype, strict=False)
    return values.equals(counted[:-1]) or values.equals(counted[1:])
