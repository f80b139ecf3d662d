"""Hashes of rows, by which equal inputs are found among millions.

hashes = row_hashes(columns, rows)        # uint64, one a row
is_copy = stand_in(hashes, others)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tunecli.datasets.base import Columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]
    Words = NDArray[np.uint64]

_BLOCK_ROWS = 4096
"""A block's columns stay in the processor's cache."""

_ODD, _SHIFT = 0x9E3779B97F4A7C15, 32
"""2^64 divided by the golden ratio, as in Fibonacci hashing (Knuth, TAOCP vol. 3, section 6.4)."""


def row_hashes(columns: Columns, rows: Rows) -> Words:
    """Returns a hash of the inputs of each row: equal inputs have equal ones, and others hardly ever (64 bits)."""
    import numpy as np

    hashes = np.zeros(len(rows), dtype=np.uint64)
    for start in range(0, len(rows), _BLOCK_ROWS):
        stop = start + _BLOCK_ROWS
        for word in _words(columns, rows[start:stop]):
            _mix(hashes[start:stop], word)
    return hashes


def word_count(columns: Columns) -> int:
    """Returns how many words of 64 bits are hashed of a row."""
    pixels = 0 if columns.images is None else math.prod(columns.images.shape[1:])
    return max(1, len(columns.numeric_names) + len(columns.categorical_names) + -(-pixels // 8))


def stand_in(hashes: Words, others: Words) -> NDArray[np.bool_]:
    """Says of each hash whether it is among others; many times as fast as `numpy.isin` is on hashes."""
    import numpy as np

    if not len(others):
        return np.zeros(len(hashes), dtype=np.bool_)
    ordered = np.sort(others)
    found = np.minimum(np.searchsorted(ordered, hashes), len(ordered) - 1)
    equal: NDArray[np.bool_] = ordered[found] == hashes
    return equal


def _mix(hashes: Words, word: Words) -> None:
    """Takes one more word of each row into its hash, in place; every step can be undone, so that nothing is lost."""
    import numpy as np

    hashes ^= word
    hashes *= np.uint64(_ODD)
    hashes ^= hashes >> np.uint64(_SHIFT)


def _words(columns: Columns, rows: Rows) -> Iterator[Words]:
    """Yields the inputs of some rows, 64 bits of each row at a time."""
    import numpy as np

    if columns.numeric.shape[1]:
        numbers = columns.numeric[rows]
        numbers += 0.0  # -0.0 becomes 0.0
        if np.isnan(numbers.min()):
            numbers[np.isnan(numbers)] = np.nan  # of which there are many in bits
        yield from np.ascontiguousarray(numbers.T).view(np.uint64)
    if columns.categorical.shape[1]:
        yield from np.ascontiguousarray(columns.categorical[rows].T.astype(np.int64)).view(np.uint64)
    if columns.images is not None:
        pixels = columns.images[rows].reshape(len(rows), -1)
        padded = np.pad(pixels, ((0, 0), (0, -pixels.shape[1] % 8)))
        yield from np.ascontiguousarray(padded.view(np.uint64).T)
