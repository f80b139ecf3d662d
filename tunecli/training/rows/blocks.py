"""Rows in blocks that fit into memory, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tunecli.datasets.base import Columns
from tunecli.datasets.formats import Source
from tunecli.errors import DataError

if TYPE_CHECKING:
    import polars as pl

BLOCK_ELEMENTS = 8_000_000
"""Input elements of one block, of what is not read by a table's own reader."""


@dataclass(frozen=True)
class Block:
    """Some rows, one after the other.

    Attributes:
        columns: What the model reads.
        others: What else was asked for, by the name it was asked for; the rows are the first axis.
    """

    columns: Columns
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.columns.numeric if self.columns.images is None else self.columns.images)


@dataclass(frozen=True)
class Rows:
    """Rows that are read once, in their order.

    Attributes:
        where: What they come from, for people.
        blocks: They themselves.
        source: The table that they stand in, or None.
    """

    where: str
    blocks: Iterator[Block]
    source: Source | None = None

    def __iter__(self) -> Iterator[Block]:
        """Reads them."""
        return self.blocks

    def error(self, what: str, *, row: int | None = None, hint: str = "") -> DataError:
        """Returns an error that points at a row, counted from 0."""
        if self.source is not None:
            return self.source.error(what, row=row, hint=hint)
        return DataError(what, where=self.where if row is None else f"{self.where}: row {row + 1}", hint=hint)


def texts_of(values: Any) -> pl.Series:
    """Returns what stands beside the rows of a block as texts, null where missing."""
    import polars as pl

    series = values if isinstance(values, pl.Series) else pl.Series(values)
    return series.cast(pl.String)
