"""From a loaded data set and row numbers to the arrays that a trial trains on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tunecli.datasets.base import RawData
from tunecli.families.base import DataSignature
from tunecli.preprocessing.choices import DEFAULT, Choices
from tunecli.preprocessing.preprocessor import Preprocessor
from tunecli.preprocessing.weights import balanced, row_weights
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Part = tuple[Any, ...]


@dataclass(frozen=True)
class Prepared:
    """Arrays for a model.

    Attributes:
        signature: What the model must know of them.
        preprocessor: What was fitted, on the training rows.
        parts: `(x, y)` of the training rows, then of each further part; see `Preprocessor.transform` and `targets`.
            Where rows count differently, it is `(x, y, weights)`, the weights float32 and of shape `(rows,)`.
        target_names: What each column of the targets is called.
    """

    signature: DataSignature
    preprocessor: Preprocessor
    parts: list[Part]
    target_names: tuple[str, ...] = ()


def prepare(
    data: RawData, train_rows: NDArray[np.int64], *other_rows: NDArray[np.int64], choices: Choices = DEFAULT
) -> Prepared:
    """Fits the preprocessing on the training rows, and applies it to them and to every other part.

    Args:
        data: The loaded data set.
        train_rows: What to fit on; not empty.
        other_rows: Row numbers of further parts; they never change what is fitted.
        choices: How.
    """
    preprocessor = Preprocessor.fit(data.columns, train_rows, choices.normalization)
    prepared = Prepared(
        signature=preprocessor.signature(data.task, data.outputs),
        preprocessor=preprocessor,
        parts=[_part(data, preprocessor, train_rows, rows) for rows in (train_rows, *other_rows)],
        target_names=data.target_names,
    )
    return weighted(prepared, choices)


def weighted(prepared: Prepared, choices: Choices) -> Prepared:
    """Returns the same with the weights of classes that are chosen; the inputs are not copied."""
    if choices == choices.unweighted:
        return prepared
    train_targets = prepared.parts[0][1]
    return replace(prepared, parts=[balanced(part, train_targets) for part in prepared.parts])


def _part(data: RawData, preprocessor: Preprocessor, train_rows: NDArray[np.int64], rows: NDArray[np.int64]) -> Part:
    part = preprocessor.transform(data.columns, rows), targets(data, rows)
    return part if data.weights is None else (*part, row_weights(data.weights, train_rows, rows))


def targets(data: RawData, rows: NDArray[np.int64]) -> NDArray[np.float32] | NDArray[np.int32]:
    """Returns what a model is to predict.

    Returns:
        float32 `(rows, 1)` for regression and two classes, `(rows, targets)` for several numbers or labels; int32 class
        codes `(rows,)` for more classes.
    """
    import numpy as np

    if data.task is Task.MULTICLASS:
        return data.target[rows].astype(np.int32)
    return data.target[rows].astype(np.float32).reshape(len(rows), data.outputs)
