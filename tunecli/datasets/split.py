"""Which rows are trained on, which score the trials, and which are held back.

A split is made once, before anything else, and from the seed alone: rows are put into one random order, whose head is
the test part, what follows is the validation part, and the rest is trained on. The test part is therefore the same
whatever the validation fraction is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunecli.datasets.base import RawData
from tunecli.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts; each sorted, int64, without a row in common.

    Attributes:
        train: Rows to fit on; never empty.
        validation: Rows that score the trials; empty if none were asked for.
        test: Rows that no search may see; empty if none were asked for.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split(data: RawData, validation: float, test: float, seed: int) -> Split:
    """Splits the rows of a data set, by class where each row has one; numbers and labels are split at random.

    Args:
        data: The data; a test part of its own becomes the test part.
        validation: Fraction of all rows, or of those before the data's own test part.
        test: Fraction of all rows; 0 where the data have a test part of their own.
        seed: Any whole number from 0; equal seeds give equal splits, on every machine.

    Returns:
        Parts that cover all rows. A fraction above 0 gives at least one row. Each class is in every part by its
        proportion, to about one row; and as long as there are enough, one row of each is trained on. Where rows belong
        to groups, no group is in two parts, and neither fractions nor classes come out exactly.

    Raises:
        DataError: There are too few rows for the parts that were asked for.
    """
    import numpy as np

    assert not (test and data.own_test_rows), "data with a test part of their own take no test fraction"
    rows = len(data.target) - data.own_test_rows
    test_count, validation_count = part_sizes(rows, validation, test)
    order = _order(data, rows, seed)
    cuts = [test_count, test_count + validation_count]
    if data.groups is not None:
        order = _in_groups(order, data.groups)
        cuts = _between_groups(data.groups[order], cuts)
    parts = np.split(order, cuts)
    own_test = np.arange(rows, len(data.target), dtype=np.int64)
    held_back, scoring, training = (np.sort(part) for part in parts)
    return Split(training, scoring, own_test if data.own_test_rows else held_back)


def _in_groups(order: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the rows group by group, the groups in the order in which their first rows come."""
    import numpy as np

    _, first, group = np.unique(groups[order], return_index=True, return_inverse=True)
    return order[np.argsort(first[group], kind="stable")]


def _between_groups(groups: NDArray[np.int64], cuts: list[int]) -> list[int]:
    """Moves cuts to the ends of the groups that they would go through.

    Raises:
        DataError: There are too few groups: a part would be empty.
    """
    import numpy as np

    ends = np.append(np.flatnonzero(np.diff(groups)) + 1, len(groups))
    moved = [int(ends[np.searchsorted(ends, cut)]) if cut else 0 for cut in cuts]
    sizes = np.diff([0, *moved, len(groups)])
    if any(size == 0 and wanted for size, wanted in zip(sizes, np.diff([0, *cuts, len(groups)]), strict=True)):
        raise DataError(
            f"{len(ends)} groups of rows are too few for all parts",
            where="dataset.group",
            hint="lower dataset.validation or dataset.test, or drop group",
        )
    return moved


def part_sizes(rows: int, validation: float, test: float) -> tuple[int, int]:
    """Returns the sizes of the test and the validation part; the former does not depend on the latter.

    Raises:
        DataError: There are too few rows.
    """
    needed = 1 + (validation > 0) + (test > 0)
    if rows < needed or validation + test >= 1:
        raise DataError(
            f"{rows} rows cannot be split into {test:g} for test, {validation:g} for validation and some to train on",
            hint="lower dataset.validation or dataset.test, or bring more rows",
        )
    test_count = _count(rows, test, most=max(1, rows - 2))
    return test_count, _count(rows, validation, most=rows - test_count - 1)


def _count(rows: int, fraction: float, *, most: int) -> int:
    return min(max(1, int(rows * fraction + 0.5)), most) if fraction > 0 else 0


def _order(data: RawData, rows: int, seed: int) -> NDArray[np.int64]:
    """Returns all rows in the order in which they are given away; every stretch of it holds the classes evenly."""
    import numpy as np

    # RandomState's stream is frozen for all versions of NumPy; that of default_rng is not
    shuffled = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed))).permutation(rows)
    if not data.task.has_classes:
        return shuffled.astype(np.int64)
    position = np.empty(rows)
    for code in np.unique(data.target[:rows]):
        members = np.flatnonzero(data.target[shuffled] == code)
        position[members] = (np.arange(len(members)) + 0.5) / len(members)
        position[members[-1]] = 1.0  # the last of each class to be given away: it is trained on
    return shuffled[np.argsort(position, kind="stable")].astype(np.int64)
