"""Tables in files of whatever format: what `dataset.path` may name.

    source = open_source(path)                    # by the file's ending; reads its header only
    source.names                                  # the columns that have a name
    for frame in source.frames(["a", "b"]): …     # polars; the rows in their order, missing values null

CSV has texts alone, what they mean is for `column.convert`; Parquet and Feather bring the types of their columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tunecli.datasets.base import PLACE_HINT
from tunecli.datasets.csv_text import read_csv
from tunecli.errors import DataError

if TYPE_CHECKING:
    import polars as pl

PARQUET = (".parquet", ".pq")
FEATHER = (".feather", ".arrow", ".ipc")
TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
ENDINGS = (*TEXT, *PARQUET, *FEATHER)
"""How the names of tables end; a file of any other ending is read as CSV."""

_BLOCK_ROWS = 100_000

_SAVE_ANEW = "save it as CSV or Parquet"

_SIGNATURES = {
    b"PAR1": ("a Parquet file", PARQUET, f"rename it to end in {PARQUET[0]}"),
    b"ARROW1": ("a Feather file", FEATHER, f"rename it to end in {FEATHER[0]}"),
    b"\x1f\x8b": ("packed by gzip", (".gz",), "rename it to end in .csv.gz"),
    b"PK\x03\x04": ("a zip archive, as .xlsx and .npz files are", (), _SAVE_ANEW),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", (), _SAVE_ANEW),
    b"\x89HDF": ("an HDF5 file", (), _SAVE_ANEW),
    b"SQLite format 3": ("an SQLite database", (), _SAVE_ANEW),
}
"""What a file is by its first bytes, how its name must then end, and what else to do."""


class Source(Protocol):
    """A table in a file."""

    def __hash__(self) -> int: ...

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that have one."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """What all columns are called in frames."""
        ...

    @property
    def is_typed(self) -> bool:
        """Whether frames have the types of the file; else they are texts."""
        ...

    @property
    def has_decimal_comma(self) -> bool:
        """Whether `1,5` is a number, in a text."""
        ...

    def frames(self, labels: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yields the rows in blocks, in their order; null where a value is missing.

        Raises:
            DataError: The file is missing, irregular or damaged.
        """
        ...

    def error(self, what: str, *, row: int | None = None, hint: str = "") -> DataError:
        """Returns an error that points at the file, or at a row of it, counted from 0."""
        ...

    def error_in_header(self, what: str, *, hint: str = "") -> DataError:
        """Returns an error that points at where the columns' names are."""
        ...


@dataclass(frozen=True)
class ColumnarSource:
    """A Parquet or Feather file.

    Attributes:
        path: The file.
        names: Its columns.
    """

    path: Path
    names: tuple[str, ...]

    is_typed = True
    has_decimal_comma = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns; all have names."""
        return self.names

    def frames(self, labels: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yields the rows, of these columns alone.

        Raises:
            DataError: The file is damaged.
        """
        import polars as pl

        try:
            lazy = _scan(self.path).select(labels)
            rows = lazy.select(pl.len()).collect().item()
            for start in range(0, rows, _BLOCK_ROWS):
                yield lazy.slice(start, _BLOCK_ROWS).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _damaged(self.path, error) from error

    def rows(self) -> int:
        """Returns how many rows there are.

        Raises:
            DataError: The file is damaged.
        """
        import polars as pl

        try:
            return int(_scan(self.path).select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _damaged(self.path, error) from error

    def series(self, label: str) -> pl.Series:
        """Returns a whole column.

        Raises:
            DataError: The file is damaged.
        """
        import polars as pl

        try:
            return _scan(self.path).select(label).collect().to_series()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _damaged(self.path, error) from error

    def error(self, what: str, *, row: int | None = None, hint: str = "") -> DataError:
        """Returns an error that points at the file, or at a row of it, counted from 0."""
        return DataError(what, where=str(self.path) if row is None else f"{self.path}: row {row + 1}", hint=hint)

    def error_in_header(self, what: str, *, hint: str = "") -> DataError:
        """Returns an error that points at the file."""
        return self.error(what, hint=hint)


def open_source(path: Path) -> Source:
    """Opens a table by its ending, and looks at its header.

    Raises:
        DataError: There is no such file, or it is not what its ending says.
    """
    _check_signature(path)
    return _open_columnar(path) if path.suffix.lower() in (*PARQUET, *FEATHER) else read_csv(path)


def is_table(path: Path) -> bool:
    """Says whether a file's name ends like that of a table."""
    return path.name.lower().endswith(ENDINGS)


def _check_signature(path: Path) -> None:
    """Refuses a file whose first bytes do not fit its name.

    Raises:
        DataError: They do not, or the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise DataError(str(error.strerror).lower(), where=str(path), hint=PLACE_HINT) from error
    for signature, (what, endings, hint) in _SIGNATURES.items():
        if head.startswith(signature) and path.suffix.lower() not in endings:
            raise DataError(f"is {what}, not what its name says", where=str(path), hint=hint)


def _open_columnar(path: Path) -> ColumnarSource:
    import polars as pl

    try:
        names = _scan(path).collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, error) from error
    return ColumnarSource(path, tuple(names))


def _scan(path: Path) -> pl.LazyFrame:
    import polars as pl

    # a file may be called `table [1].parquet`
    return pl.scan_parquet(path, glob=False) if path.suffix.lower() in PARQUET else pl.scan_ipc(path, glob=False)


def _damaged(path: Path, error: Exception) -> DataError:
    kind = "Parquet" if path.suffix.lower() in PARQUET else "Feather"
    cause = str(error).splitlines()[0]
    hint = f"write it anew; the name of a file of another format must not end in {path.suffix}"
    return DataError(f"is not a whole {kind} file ({cause})", where=str(path), hint=hint)
