"""Which rows are trained on, which score the trials, and which are held back.

A split is made once, before anything else, and from the seed alone: rows are put into one order, whose head is the test
part, what follows is the validation part, and the rest is trained on. The test part is therefore the same whatever the
validation fraction is. The order is random, or the reverse of that of time or of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.datasets.base import RawData
from tunecli.errors import DataError
from tunecli.spec.evaluation import How

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


def split(data: RawData, validation: float, test: float, seed: int, how: How | None = None) -> Split:
    """Splits the rows of a data set, by class where each row has one; numbers and labels are split at random.

    Args:
        data: The data; parts of its own become those parts.
        validation: Fraction of all rows, or of those before the data's own test part; without a say where the data have
            a validation part of their own.
        test: Fraction of all rows; 0 where the data have a test part of their own.
        seed: Any whole number from 0; equal seeds give equal splits, on every machine.
        how: What decides which rows go where; None for groups where there are any, else for classes where there are
            any, else for chance.

    Returns:
        Parts that cover all rows. A fraction above 0 gives at least one row. Each class is in every part by its
        proportion, to about one row; and as long as there are enough, one row of each is trained on. Where rows belong
        to groups, no group is in two parts, and neither fractions nor classes come out exactly; nor do fractions in the
        order of time, where rows of one moment stay together.

    Raises:
        DataError: There are too few rows for the parts that were asked for.
    """
    import numpy as np

    assert not (test and data.own_test_rows), "data with a test part of their own take no test fraction"
    end = len(data.target) - data.own_test_rows
    rows = end - data.own_validation_rows
    test_count, validation_count = part_sizes(rows, 0.0 if data.own_validation_rows else validation, test)
    order = _order(data, rows, seed, how)
    cuts = [test_count, test_count + validation_count]
    if how == "time":
        assert data.times is not None, "an order of time needs times"
        cuts = _uncut(data.times[order], cuts, "moments")
    elif data.groups is not None:
        order = _in_groups(order, data.groups)
        cuts = _uncut(data.groups[order], cuts, "groups of rows")
    held_back, scoring, training = (np.sort(part) for part in np.split(order, cuts))
    own = np.arange(rows, len(data.target), dtype=np.int64)
    own_validation, own_test = own[: data.own_validation_rows], own[data.own_validation_rows :]
    return Split(
        training,
        own_validation if data.own_validation_rows else scoring,
        own_test if data.own_test_rows else held_back,
    )


def _in_groups(order: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the rows group by group, the groups in the order in which their first rows come."""
    import numpy as np

    _, first, group = np.unique(groups[order], return_index=True, return_inverse=True)
    return order[np.argsort(first[group], kind="stable")]


def _uncut(codes: NDArray[Any], cuts: list[int], what: str) -> list[int]:
    """Moves cuts to the ends of the stretches of equal codes that they would go through.

    Raises:
        DataError: There are too few of them: a part would be empty.
    """
    import numpy as np

    moved = to_ends(codes, cuts)
    sizes = np.diff([0, *moved, len(codes)])
    if any(size == 0 and wanted for size, wanted in zip(sizes, np.diff([0, *cuts, len(codes)]), strict=True)):
        count = int((np.diff(codes) != 0).sum()) + 1
        raise DataError(
            f"{count} {what} are too few for all parts",
            where="dataset.time" if what == "moments" else "dataset.group",
            hint="lower dataset.validation or dataset.test, or split otherwise",
        )
    return moved


def to_ends(codes: NDArray[Any], cuts: Sequence[int]) -> list[int]:
    """Returns where cuts go through no stretch of equal codes; each moves back, and 0 stays."""
    import numpy as np

    ends = np.append(np.flatnonzero(np.diff(codes)) + 1, len(codes))
    return [int(ends[np.searchsorted(ends, cut)]) if cut else 0 for cut in cuts]


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


def _order(data: RawData, rows: int, seed: int, how: How | None) -> NDArray[np.int64]:
    """Returns all rows in the order in which they are given away; by class, every stretch holds the classes evenly."""
    import numpy as np

    if how == "last":
        return np.arange(rows, dtype=np.int64)[::-1]
    if how == "time":
        assert data.times is not None, "an order of time needs times"
        return np.argsort(data.times[:rows], kind="stable")[::-1].astype(np.int64)
    # RandomState's stream is frozen for all versions of NumPy; that of default_rng is not
    shuffled = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed))).permutation(rows)
    if not data.task.has_classes or how == "random":
        return shuffled.astype(np.int64)
    position = np.empty(rows)
    for code in np.unique(data.target[:rows]):
        members = np.flatnonzero(data.target[shuffled] == code)
        position[members] = (np.arange(len(members)) + 0.5) / len(members)
        position[members[-1]] = 1.0  # the last of each class to be given away: it is trained on
    return shuffled[np.argsort(position, kind="stable")].astype(np.int64)
