"""The arrays of a plan, loaded and prepared once per process."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets import DATASETS
from tunecli.datasets.base import RawData
from tunecli.datasets.folds import deal
from tunecli.datasets.split import Split, split
from tunecli.datasets.stored import open_stored
from tunecli.plan import DatasetPlan, Plan, derive_seed
from tunecli.preprocessing.choices import DEFAULT, Choices
from tunecli.preprocessing.inputs import routed
from tunecli.preprocessing.prepare import Prepared, prepare, weighted
from tunecli.spec.evaluation import EvaluationSpec
from tunecli.training.engines.base import byte_count, row_count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.engines.base import Arrays

MOST_REMEMBERED_BYTES = 200_000_000
"""Prepared parts are remembered up to so many bytes, and the last ones in any case: folds and ways to prepare come
again from trial to trial."""


@lru_cache(maxsize=1)
def load(dataset: DatasetPlan) -> tuple[RawData, Split]:
    """Loads a data set and decides which rows go where.

    Raises:
        DataError: The data are missing, damaged, or not usable for the task.
    """
    data = DATASETS.load(dataset.name).load(dataset.options)
    parts = split(data, dataset.validation, dataset.test, dataset.split_seed, dataset.split)
    if dataset.max_rows is None:
        return data, parts
    return data, replace(
        parts,
        train=_spread(parts.train, dataset.max_rows),
        validation=_spread(parts.validation, dataset.max_rows),
        test=_spread(parts.test, dataset.max_rows),
    )


def search_parts(dataset: DatasetPlan, choices: Choices = DEFAULT) -> Prepared:
    """Returns the training and the validation part; the test part is not touched."""
    return _parts(dataset, choices)


def stored_parts(folder: Path, choices: Choices = DEFAULT) -> Prepared:
    """Returns what `search_parts` does, to the bit, from a folder that `datasets.stored.store` wrote.

    A process keeps what it read first: other data need a folder of another name.

    Raises:
        OSError: The folder is missing or incomplete.
    """
    return _parts(folder, choices)


@dataclass(frozen=True)
class Fold:
    """One fold of one repeat.

    Attributes:
        evaluation: How rows are dealt out.
        seed: Of the repeat.
        number: Which fold.
    """

    evaluation: EvaluationSpec
    seed: int
    number: int


_Key = tuple[DatasetPlan | Path, Choices, Fold | None]

_remembered: OrderedDict[_Key, Prepared] = OrderedDict()


def _parts(source: DatasetPlan | Path, choices: Choices, fold: Fold | None = None) -> Prepared:
    """Returns the parts from a plan or a folder, remembered or prepared."""
    key = (source, choices, fold)
    found = _remembered.pop(key, None) or _prepare(source, choices, fold)
    _remembered[key] = found
    while len(_remembered) > 1 and sum(map(_size, _remembered.values())) > MOST_REMEMBERED_BYTES:
        _remembered.popitem(last=False)
    return found


def _size(prepared: Prepared) -> int:
    return sum(byte_count(part) for part in prepared.parts)


def _prepare(source: DatasetPlan | Path, choices: Choices, fold: Fold | None) -> Prepared:
    """Prepares the parts; what differs in the weights of classes shares its inputs."""
    if choices != choices.unweighted:
        return weighted(_parts(source, choices.unweighted, fold), choices)
    data, parts = open_stored(source) if isinstance(source, Path) else load(source)
    if fold is None:
        return prepare(data, parts.train, parts.validation, choices=choices)
    train, held_back = deal(data, parts, fold.evaluation, fold.seed)[fold.number]
    return prepare(data, train, parts.validation, held_back, choices=choices)


def trial_parts(plan: Plan, training: int | None, folder: Path | None, choices: Choices = DEFAULT) -> Prepared:
    """Returns what a training of a trial sees: its training part, the validation part and, of a fold, what it scores.

    Args:
        plan: The study's plan.
        training: Which of a trial's trainings, or None for the only one.
        folder: The stored columns, see `datasets.stored`; None to load them by the plan.
        choices: How to prepare them.

    Raises:
        DataError: The data are missing or damaged, or there are too few rows for the folds.
        OSError: The folder is missing or incomplete.
    """
    fold = None
    if plan.evaluation is not None and plan.evaluation.folds is not None:
        assert training is not None, "there is a training for each fold"
        repeat, number = divmod(training, plan.evaluation.folds)
        fold = Fold(plan.evaluation, _seed_of_repeat(plan, repeat), number)
    return _parts(folder or plan.dataset, choices, fold)


def check_folds(plan: Plan, data: RawData, parts: Split) -> None:
    """Makes sure that the training rows can be dealt out as often as the plan asks for.

    Raises:
        DataError: There are too few rows, or rows of a class.
    """
    if plan.evaluation is not None and plan.evaluation.folds is not None:
        for repeat in range(plan.evaluation.repeats):
            deal(data, parts, plan.evaluation, _seed_of_repeat(plan, repeat))


def _seed_of_repeat(plan: Plan, repeat: int) -> int:
    return derive_seed(plan.dataset.split_seed, "repeat", str(repeat))


def final_parts(plan: Plan, *, full: bool, choices: Choices = DEFAULT) -> Prepared:
    """Returns the parts for training the winner: training, validation, test.

    With `full`, the first part holds the training and the validation rows, and the preprocessing is fitted on both.
    """
    import numpy as np

    data, parts = load(plan.dataset)
    train = np.sort(np.concatenate([parts.train, parts.validation])) if full else parts.train
    return routed(prepare(data, train, parts.validation, parts.test, choices=choices), plan.inputs)


def or_none(part: Arrays) -> Arrays | None:
    """Returns a part, or None if it has no rows."""
    return part if row_count(part) else None


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Takes at most so many rows, evenly spread, so that a sorted file still shows all its classes."""
    import numpy as np

    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)] if len(rows) > most else rows
