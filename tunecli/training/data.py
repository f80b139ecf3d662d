"""The arrays of a plan, loaded and prepared once per process."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets import DATASETS
from tunecli.datasets.base import RawData
from tunecli.datasets.split import Split, split
from tunecli.datasets.stored import open_stored
from tunecli.plan import DatasetPlan, Plan
from tunecli.preprocessing.inputs import routed
from tunecli.preprocessing.prepare import Prepared, prepare
from tunecli.training.engines.base import row_count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.engines.base import Arrays


@lru_cache(maxsize=1)
def load(dataset: DatasetPlan) -> tuple[RawData, Split]:
    """Loads a data set and decides which rows go where.

    Raises:
        DataError: The data are missing, damaged, or not usable for the task.
    """
    data = DATASETS.load(dataset.name).load(dataset.options)
    parts = split(data, dataset.validation, dataset.test, dataset.split_seed)
    if dataset.max_rows is None:
        return data, parts
    return data, replace(
        parts,
        train=_spread(parts.train, dataset.max_rows),
        validation=_spread(parts.validation, dataset.max_rows),
        test=_spread(parts.test, dataset.max_rows),
    )


@lru_cache(maxsize=1)
def search_parts(dataset: DatasetPlan) -> Prepared:
    """Returns the training and the validation part; the test part is not touched."""
    data, parts = load(dataset)
    return prepare(data, parts.train, parts.validation)


@lru_cache(maxsize=1)
def stored_parts(folder: Path) -> Prepared:
    """Returns what `search_parts` does, to the bit, from a folder that `datasets.stored.store` wrote.

    A process keeps what it read first: other data need a folder of another name.

    Raises:
        OSError: The folder is missing or incomplete.
    """
    data, parts = open_stored(folder)
    return prepare(data, parts.train, parts.validation)


def final_parts(plan: Plan, *, full: bool) -> Prepared:
    """Returns the parts for training the winner: training, validation, test.

    With `full`, the first part holds the training and the validation rows, and the preprocessing is fitted on both.
    """
    import numpy as np

    data, parts = load(plan.dataset)
    train = np.sort(np.concatenate([parts.train, parts.validation])) if full else parts.train
    return routed(prepare(data, train, parts.validation, parts.test), plan.inputs)


def or_none(part: Arrays) -> Arrays | None:
    """Returns a part, or None if it has no rows."""
    return part if row_count(part) else None


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Takes at most so many rows, evenly spread, so that a sorted file still shows all its classes."""
    import numpy as np

    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)] if len(rows) > most else rows
