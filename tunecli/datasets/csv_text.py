"""The form of a CSV file: its separator, its header, its rows, and the texts of single columns.

Uses the standard library's reader only, since `tunecli validate` comes this way. Every row is looked at, so that what
`csv_file` reads afterwards at full speed is known to be regular.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tunecli.errors import DataError

MISSING = ("", "na", "n/a", "nan", "null", "?")
"""What stands for a missing value, in any case."""

PADDING = ' \t"'
"""Characters around a value that are not part of it."""

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
"""A finite number, once a decimal comma has been replaced."""

_SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Header:
    """The first line of a CSV file.

    Attributes:
        path: The file.
        separator: What stands between values.
        cells: The names of all columns; "" where one has none.
    """

    path: Path
    separator: str
    cells: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that have one."""
        return tuple(cell for cell in self.cells if cell)

    @property
    def has_decimal_comma(self) -> bool:
        """Whether `1,5` is a number: where values are separated by semicolons."""
        return self.separator == ";"

    def error(self, what: str, *, line: int | None = None, hint: str = "") -> DataError:
        """Returns an error that points at the file, or at a line of it."""
        return DataError(what, where=f"{self.path}:{line}" if line else str(self.path), hint=hint)

    def number(self, text: str) -> float | None:
        """Returns the finite number that `text` is, or None."""
        plain = text.replace(",", ".") if self.has_decimal_comma else text
        return float(plain) if re.fullmatch(NUMBER, plain) else None


@dataclass(frozen=True)
class Table:
    """A CSV file whose rows are all as long as its header.

    Attributes:
        header: Its first line.
        features: The columns to learn from, unless others are asked for: all but row numbers and empty ones.
        rows: How many rows it has; lines without any value are none.
        blank: Which records are such lines; the header is record 0.
        texts: The values of the columns that were asked for, by name; None where missing.
    """

    header: Header
    features: tuple[str, ...]
    rows: int
    blank: tuple[int, ...]
    texts: Mapping[str, list[str | None]]

    def line(self, row: int) -> int:
        """Returns the line, counted from 1, on which a row ends."""
        filled = (line for _, line, record in _body(self.header) if not _is_blank(record))
        return next(islice(filled, row, None))


def clean(text: str) -> str | None:
    """Returns a value without what surrounds it, or None if it stands for a missing one."""
    stripped = text.strip(PADDING)
    return None if stripped.lower() in MISSING else stripped


def read_header(path: Path) -> Header:
    """Reads the first line.

    Raises:
        DataError: There is no such file, it is empty, or its first line is no header.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            first = lines.readline()
    except OSError as error:
        raise DataError(str(error.strerror).lower(), where=str(path), hint="see dataset.path") from error
    except UnicodeDecodeError as error:
        raise _encoding_error(path) from error
    if not first.strip():
        what = "its first line is empty" if first else "is empty"
        raise DataError(what, where=str(path), hint="bring a file that begins with a header")
    rows = {separator: next(csv.reader([first], delimiter=separator)) for separator in _SEPARATORS}
    separator = max(_SEPARATORS, key=lambda each: len(rows[each]))
    header = Header(path, separator, tuple(cell.strip(PADDING + "\r\n") for cell in rows[separator]))
    _check_header(header)
    return header


def scan(header: Header, *wanted: str) -> Table:
    """Reads every row, keeps the texts of the wanted columns, and finds columns that are nothing but row numbers.

    Raises:
        DataError: A row is longer or shorter than the header, there are fewer than two, or they are not UTF-8 text.
    """
    positions = [header.cells.index(name) for name in wanted]
    doubtful = [index for index, cell in enumerate(header.cells) if _may_be_row_numbers(cell)]
    kept: dict[int, list[str | None]] = {index: [] for index in (*positions, *doubtful)}
    rows, blank = 0, []
    for index, line, record in _body(header):
        if _is_blank(record):
            blank.append(index)
            continue
        if len(record) != len(header.cells):
            raise header.error(
                f"has {len(record)} values; the header has {len(header.cells)}",
                line=line,
                hint="put values that hold the separator in quotes",
            )
        rows += 1
        for position, texts in kept.items():
            texts.append(clean(record[position]))
    if rows < 2:
        raise header.error(f"has {rows or 'no'} row{'s' * (rows != 1)}", hint="bring a file with a header and rows")
    dropped = {index for index in doubtful if _is_dropped(header, index, kept[index])}
    features = tuple(cell for index, cell in enumerate(header.cells) if cell and index not in dropped)
    return Table(header, features, rows, tuple(blank), {name: kept[header.cells.index(name)] for name in wanted})


def _check_header(header: Header) -> None:
    twice = [name for index, name in enumerate(header.names) if name in header.names[:index]]
    if twice:
        raise header.error(f"two columns are called '{twice[0]}'", line=1, hint="rename one of them")
    if header.names and all(header.number(name) is not None for name in header.names):
        raise header.error("the first line holds numbers, not the columns' names", line=1, hint="add a header line")


def _body(header: Header) -> Iterator[tuple[int, int, list[str]]]:
    """Yields the number, the last line and the values of every record behind the header."""
    line = 1
    try:
        with header.path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.reader(lines, delimiter=header.separator)
            next(reader)
            for index, record in enumerate(reader, start=1):
                line = reader.line_num
                yield index, line, record
    except UnicodeDecodeError as error:
        raise _encoding_error(header.path) from error
    except csv.Error as error:
        raise header.error(f"cannot be read: {error}", line=line + 1, hint="look for an unclosed quote") from error


def _encoding_error(path: Path) -> DataError:
    return DataError("is not UTF-8 text", where=str(path), hint="save it anew as CSV in UTF-8")


def _is_blank(record: list[str]) -> bool:
    return not any(map(str.strip, record))


def _may_be_row_numbers(cell: str) -> bool:
    return not cell or cell.casefold() == "index" or cell.startswith("Unnamed: ")


def _is_dropped(header: Header, position: int, texts: list[str | None]) -> bool:
    """Says whether a column of a doubtful name is left out.

    Raises:
        DataError: It has no name, but values.
    """
    numbers = [str(number) for number in range(len(texts) + 1)]
    if position == 0 and texts in (numbers[:-1], numbers[1:]):
        return True
    cell = header.cells[position]
    if cell.casefold() == "index":
        return False
    is_empty = not any(texts)
    is_row_name = position == 0 and len(set(texts)) == len(texts)
    if not (cell or is_empty or is_row_name):
        raise header.error(f"column {position + 1} has no name", line=1, hint="name it, or delete it")
    return is_empty or is_row_name
