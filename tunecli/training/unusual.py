"""Counts what rows hold that the rows of training did not: a model answers all the same, and less well.

unusual = Unusual(bundle.manifest.columns)
unusual.add(block.columns)                   # block by block
unusual.columns                              # of each column that has any: missing, unseen, outside
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunecli.datasets.base import Columns
from tunecli.datasets.schema import ColumnKind, ColumnSchema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass
class Counts:
    """What was found in one column.

    Attributes:
        schema: What training knew of it.
        missing: Rows without a value.
        unseen: Rows with a text that training did not have.
        outside: Rows with a number beyond those of training.
        example: The first such text, or "".
    """

    schema: ColumnSchema
    missing: int = 0
    unseen: int = 0
    outside: int = 0
    example: str = ""

    @property
    def is_usual(self) -> bool:
        """Whether nothing was found."""
        return not (self.missing or self.unseen or self.outside)


class Unusual:
    """Counts over all rows.

    Args:
        schema: The columns, in the order of the blocks.
    """

    def __init__(self, schema: Sequence[ColumnSchema]) -> None:
        self.rows = 0
        self.unusual_rows = 0
        self._numeric = [Counts(each) for each in schema if each.kind is ColumnKind.NUMERIC]
        self._categorical = [Counts(each) for each in schema if each.kind is ColumnKind.CATEGORICAL]
        self._categories = [frozenset(each.schema.categories) for each in self._categorical]

    @property
    def columns(self) -> list[Counts]:
        """The columns in which something was found."""
        return [each for each in (*self._numeric, *self._categorical) if not each.is_usual]

    def add(self, columns: Columns) -> None:
        """Takes in a block of rows."""
        import numpy as np

        if columns.images is not None:
            self.rows += len(columns.images)
            return
        found = np.zeros(len(columns.numeric), dtype=bool)
        for index, counts in enumerate(self._numeric):
            found |= _numbers(counts, columns.numeric[:, index])
        for index, counts in enumerate(self._categorical):
            found |= _texts(counts, columns.categorical[:, index], columns.categories[index], self._categories[index])
        self.rows += len(found)
        self.unusual_rows += int(found.sum())


def _numbers(counts: Counts, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    import numpy as np

    is_missing = np.isnan(values)
    low, high = counts.schema.min, counts.schema.max
    is_outside = ~is_missing if low is None or high is None else (values < low) | (values > high)
    counts.missing += int(is_missing.sum())
    counts.outside += int(is_outside.sum())
    return is_missing | is_outside


def _texts(counts: Counts, codes: NDArray[np.int32], texts: Sequence[str], known: frozenset[str]) -> NDArray[np.bool_]:
    import numpy as np

    is_new = np.array([*(text not in known for text in texts), False])  # code -1, a missing value, finds the last
    is_missing: NDArray[np.bool_] = codes < 0
    is_unseen = is_new[codes]
    counts.missing += int(is_missing.sum())
    counts.unseen += int(is_unseen.sum())
    if not counts.example and is_unseen.any():
        counts.example = texts[codes[np.argmax(is_unseen)]]
    found: NDArray[np.bool_] = is_missing | is_unseen
    return found
