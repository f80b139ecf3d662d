"""The arrays of a plan, loaded and prepared once per process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets import DATASETS
from tunecli.datasets.base import RawData
from tunecli.datasets.folds import deal
from tunecli.datasets.split import Split, split
from tunecli.datasets.stored import open_stored
from tunecli.plan import DatasetPlan, Plan, derive_seed
from tunecli.preprocessing.prepare import Prepared, prepare
from tunecli.spec.evaluation import EvaluationSpec

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


def trial_parts(plan: Plan, training: int | None, folder: Path | None) -> Prepared:
    """Returns what a training of a trial sees: its training part, the validation part and, of a fold, what it scores.

    Args:
        plan: The study's plan.
        training: Which of a trial's trainings, or None for the only one.
        folder: The stored columns, see `datasets.stored`; None to load them by the plan.

    Raises:
        DataError: The data are missing or damaged, or there are too few rows for the folds.
        OSError: The folder is missing or incomplete.
    """
    if plan.evaluation is not None and plan.evaluation.folds is not None:
        assert training is not None, "there is a training for each fold"
        return _fold_parts(folder or plan.dataset, plan.dataset.split_seed, plan.evaluation, training)
    return stored_parts(folder) if folder else search_parts(plan.dataset)


@lru_cache(maxsize=4)  # the trainings of a trial follow each other, and the next trial begins with the first fold again
def _fold_parts(source: Path | DatasetPlan, split_seed: int, evaluation: EvaluationSpec, training: int) -> Prepared:
    """Fits the preprocessing to what a fold trains on, alone."""
    data, parts = open_stored(source) if isinstance(source, Path) else load(source)
    repeat, fold = divmod(training, evaluation.folds or 1)
    train, held_back = _dealt(data, parts, evaluation, split_seed, repeat)[fold]
    return prepare(data, train, parts.validation, held_back)


def check_folds(plan: Plan, data: RawData, parts: Split) -> None:
    """Makes sure that the training rows can be dealt out as often as the plan asks for.

    Raises:
        DataError: There are too few rows, or rows of a class.
    """
    if plan.evaluation is not None and plan.evaluation.folds is not None:
        for repeat in range(plan.evaluation.repeats):
            _dealt(data, parts, plan.evaluation, plan.dataset.split_seed, repeat)


def _dealt(
    data: RawData, parts: Split, evaluation: EvaluationSpec, split_seed: int, repeat: int
) -> Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    return deal(data, parts, evaluation, derive_seed(split_seed, "repeat", str(repeat)))


def final_parts(plan: Plan, *, full: bool) -> Prepared:
    """Returns the parts for training the winner: training, validation, test.

    With `full`, the first part holds the training and the validation rows, and the preprocessing is fitted on both.
    """
    import numpy as np

    data, parts = load(plan.dataset)
    train = np.sort(np.concatenate([parts.train, parts.validation])) if full else parts.train
    return prepare(data, train, parts.validation, parts.test)


def or_none(part: Arrays) -> Arrays | None:
    """Returns a part, or None if it has no rows."""
    return part if len(part[0]) else None


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Takes at most so many rows, evenly spread, so that a sorted file still shows all its classes."""
    import numpy as np

    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)] if len(rows) > most else rows
