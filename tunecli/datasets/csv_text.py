"""The form of a CSV file: its separator, its header, its rows.

Copies of one table read alike: the case of names, quotes, a byte-order mark, line ends, the separator (`,` `;` tab
`|`), and whether gzip has packed it do not matter. Every row is looked at by the standard library's reader, a block at
a time, so that a table of any length takes the same memory.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tunecli.datasets.base import PLACE_HINT
from tunecli.errors import DataError

if TYPE_CHECKING:
    import polars as pl

MISSING = ("", "na", "n/a", "nan", "null", "?")
"""What stands for a missing value, in any case."""

PADDING = ' \t"'
"""Characters around a value that are not part of it."""

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""A number, once a decimal comma has been replaced."""

_SEPARATORS = (",", ";", "\t", "|")

_GZIP = ".gz"

_BLOCK_CELLS = 500_000
"""So many values are read at a time."""

_LONGEST_LINE = 50_000_000
"""Characters; what has longer lines is no table, and must not fill the memory."""

_Record = tuple[int, list[str]]
"""The line on which a record ends, and its values."""


@dataclass(frozen=True)
class CsvSource:
    """A CSV file whose header has been read; see `formats.Source`.

    Attributes:
        path: The file.
        separator: What stands between values.
        cells: The names of all columns; "" where one has none.
    """

    path: Path
    separator: str
    cells: tuple[str, ...]

    is_typed = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that have one."""
        return tuple(cell for cell in self.cells if cell)

    @property
    def labels(self) -> tuple[str, ...]:
        """What columns are called in frames: by name, and by their position where they have none."""
        return tuple(cell or f"\0{index}" for index, cell in enumerate(self.cells))

    @property
    def has_decimal_comma(self) -> bool:
        """Whether `1,5` is a number: where values are separated by semicolons."""
        return self.separator == ";"

    def frames(self, labels: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yields the rows, lines without any value left out: texts without what surrounds them, null where missing.

        Raises:
            DataError: A row is longer or shorter than the header, or the file is not UTF-8 text.
        """
        import polars as pl

        positions = [self.labels.index(label) for label in labels]
        records = (values for _, values in self._records())
        while block := list(islice(records, max(1, _BLOCK_CELLS // len(self.cells)))):
            columns = list(zip(*block, strict=True))
            series = [pl.Series(self.labels[index], columns[index], dtype=pl.String) for index in positions]
            yield _cleaned(pl.DataFrame(series))

    def error(self, what: str, *, row: int | None = None, hint: str = "") -> DataError:
        """Returns an error that points at the file, or at the line on which a row ends."""
        return self._error_at(None if row is None else next(islice(self._records(), row, None))[0], what, hint)

    def error_in_header(self, what: str, *, hint: str = "") -> DataError:
        """Returns an error that points at the first line."""
        return self._error_at(1, what, hint)

    def _error_at(self, line: int | None, what: str, hint: str) -> DataError:
        return DataError(what, where=f"{self.path}:{line}" if line else str(self.path), hint=hint)

    def _records(self) -> Iterator[_Record]:
        """Yields every record behind the header that holds a value."""
        for line, record in self._all_records():
            if not any(map(str.strip, record)):
                continue
            if len(record) != len(self.cells):
                what = f"has {len(record)} values; the header has {len(self.cells)}"
                raise self._error_at(line, what, "put values that hold the separator in quotes")
            yield line, record

    def _all_records(self) -> Iterator[_Record]:
        line = 1
        try:
            with _open(self.path) as lines:
                reader = csv.reader(_bounded(lines, self.path), delimiter=self.separator)
                next(reader)
                for record in reader:
                    line = reader.line_num
                    yield line, record
        except csv.Error as error:
            hint = "look for an unclosed quote, or for a value of more than 100,000 characters"
            raise self._error_at(line + 1, f"cannot be read: {error}", hint) from error
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise _unreadable(self.path, error) from error


def read_csv(path: Path) -> CsvSource:
    """Reads the first line.

    Raises:
        DataError: There is no such file, it is empty, or its first line is no header.
    """
    try:
        with _open(path) as lines:
            first = next(_bounded(lines, path), "")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    if not first.strip():
        what = "its first line is empty" if first else "is empty"
        raise DataError(what, where=str(path), hint="bring a file that begins with a header")
    if "\0" in first:
        raise DataError("is not text: its first line holds bytes of 0", where=str(path), hint="bring a CSV file")
    try:
        rows = {separator: next(csv.reader([first], delimiter=separator)) for separator in _SEPARATORS}
    except csv.Error as error:
        hint = "bring a file that begins with a header"
        raise DataError(f"its header cannot be read: {error}", where=f"{path}:1", hint=hint) from error
    separator = max(_SEPARATORS, key=lambda each: len(rows[each]))
    source = CsvSource(path, separator, tuple(cell.strip(PADDING + "\r\n") for cell in rows[separator]))
    _check_header(source)
    return source


def _check_header(source: CsvSource) -> None:
    twice = [name for index, name in enumerate(source.names) if name in source.names[:index]]
    if twice:
        raise source.error_in_header(f"two columns are called '{twice[0]}'", hint="rename one of them")
    if source.names and all(_is_number(source, name) for name in source.names):
        raise source.error_in_header("the first line holds numbers, not the columns' names", hint="add a header line")


def _is_number(source: CsvSource, name: str) -> bool:
    plain = name.replace(",", ".") if source.has_decimal_comma else name
    return re.fullmatch(NUMBER, plain) is not None


def _cleaned(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    stripped = frame.select(pl.all().str.strip_chars(PADDING))
    return stripped.select(pl.when(~pl.all().str.to_lowercase().is_in(list(MISSING))).then(pl.all()))


def _open(path: Path) -> TextIO:
    if path.suffix.lower() != _GZIP:
        return path.open(newline="", encoding="utf-8-sig")
    return TextIOWrapper(gzip.open(path), newline="", encoding="utf-8-sig")


def _bounded(lines: TextIO, path: Path) -> Iterator[str]:
    for line in iter(lambda: lines.readline(_LONGEST_LINE), ""):
        if len(line) == _LONGEST_LINE:
            what = f"has a line of more than {_LONGEST_LINE:,} characters"
            raise DataError(what, where=str(path), hint="bring a table, with a row a line")
        yield line


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, UnicodeDecodeError):
        return DataError("is not UTF-8 text", where=str(path), hint="save it anew as CSV in UTF-8")
    if isinstance(error, OSError) and error.errno is not None:
        return DataError(str(error.strerror).lower(), where=str(path), hint=PLACE_HINT)
    if isinstance(error, gzip.BadGzipFile):
        return DataError(f"is not packed by gzip ({error})", where=str(path), hint=f"drop {_GZIP} from its name")
    return DataError(f"is cut off or damaged ({error})", where=str(path), hint="pack it anew by gzip")
