"""Which of the training rows each fold holds back, by scikit-learn's splitters.

    for train, held_back in deal(data, parts, evaluation, seed): …

The validation and the test part have no share in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tunecli.datasets.base import RawData
from tunecli.datasets.split import Split, to_ends
from tunecli.errors import DataError
from tunecli.spec.evaluation import EvaluationSpec, Scheme

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_HINT = "lower evaluation.folds, or bring more rows"


def deal(data: RawData, parts: Split, evaluation: EvaluationSpec, seed: int) -> Sequence[tuple[Rows, Rows]]:
    """Deals the training rows out, once.

    Args:
        data: The data, whose order is that of time where the scheme asks for it and they have no times.
        parts: The rows to deal out are its training rows.
        evaluation: With folds.
        seed: Equal seeds give equal folds; without a say where the order is that of time.

    Returns:
        For each fold the rows to fit on, and those to score; both sorted.

    Raises:
        DataError: There are too few rows, groups or rows of a class, or the rows of a class are all in one fold.
    """
    rows = parts.train
    _check(data, rows, evaluation)
    groups = None if data.groups is None else data.groups[rows]
    scheme = _scheme(data, evaluation)
    if scheme == "time" and data.times is not None:
        folds = _by_time(rows, data.times[rows], evaluation.folds)
    else:
        dealt = _splitter(scheme, evaluation.folds, seed).split(rows, data.target[rows], groups)
        folds = [(rows[train], rows[held_back]) for train, held_back in dealt]
    if data.task.has_classes:
        _check_classes(data, folds)
    return folds


def _by_time(rows: Rows, times: NDArray[np.float64], folds: int | None) -> list[tuple[Rows, Rows]]:
    """Deals rows out in the order of time; rows of one moment stay together.

    Raises:
        DataError: There are too few moments.
    """
    import numpy as np

    order = np.argsort(times, kind="stable")
    begins = [int(held_back[0]) for _, held_back in _splitter("time", folds, 0).split(order)]
    cuts = to_ends(times[order], [*begins, len(order)])
    if any(begin == end for begin, end in pairwise(cuts)):
        what = f"{len(np.unique(times))} moments to train on are too few for {folds} folds"
        raise DataError(what, where="evaluation.folds", hint=_HINT)
    return [(np.sort(rows[order[:begin]]), np.sort(rows[order[begin:end]])) for begin, end in pairwise(cuts)]


def _splitter(scheme: Scheme, folds: int | None, seed: int) -> Any:
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

    if scheme == "time":
        return TimeSeriesSplit(n_splits=folds)
    kinds = {"kfold": KFold, "stratified": StratifiedKFold, "group": GroupKFold}
    return kinds[scheme](n_splits=folds, shuffle=True, random_state=seed)


def _scheme(data: RawData, evaluation: EvaluationSpec) -> Scheme:
    """Returns the scheme that is meant."""
    if evaluation.scheme is not None:
        return evaluation.scheme
    if data.groups is not None:
        return "group"
    return "stratified" if data.task.has_classes else "kfold"


def _check(data: RawData, rows: Rows, evaluation: EvaluationSpec) -> None:
    import numpy as np

    folds = evaluation.folds or 0
    scheme = _scheme(data, evaluation)
    needed = folds + (scheme == "time")
    if len(rows) < needed:
        what = f"{len(rows)} rows to train on are too few for {folds} folds"
        raise DataError(what, where="evaluation.folds", hint=_HINT)
    if scheme == "group" and data.groups is not None and (count := len(np.unique(data.groups[rows]))) < folds:
        raise DataError(
            f"{count} groups to train on are too few for {folds} folds", where="evaluation.folds", hint=_HINT
        )
    if scheme == "stratified":
        codes, counts = np.unique(data.target[rows], return_counts=True)
        rare = int(codes[counts.argmin()])
        if (count := int(counts.min())) < folds:
            rows_of_it = f"{count} row{'s' * (count != 1)} to train on"
            what = f"class '{data.classes[rare]}' has {rows_of_it}, too few for {folds} folds by class"
            raise DataError(what, where="evaluation.folds", hint=_HINT)


def _check_classes(data: RawData, folds: Sequence[tuple[Rows, Rows]]) -> None:
    """Makes sure that every class that is scored has been among the rows that were learnt from."""
    import numpy as np

    for train, held_back in folds:
        for code in np.setdiff1d(data.target[held_back], data.target[train]):
            what = f"class '{data.classes[int(code)]}' is in one fold only: a model that it is to score has not seen it"
            raise DataError(what, where="evaluation.folds", hint=_HINT)
