"""Figures of each of several targets or labels by itself, from what a model predicts for all of them.

by_target(part, predict(model, part), ("heating", "cooling"), Task.REGRESSION)
# {"heating": {"mse": …, "rmse": …, "mae": …, "r2": …}, "cooling": …}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunecli.spec.experiment import Task
from tunecli.training.evaluate import Figures, finite
from tunecli.training.metrics import label_metrics, regression_metrics

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.engines.base import Arrays

    Column = NDArray[np.float64]

ByTarget = dict[str, Figures]
"""Figures by the name of the target."""


def by_target(part: Arrays, predicted: Any, names: Sequence[str], task: Task) -> ByTarget:
    """Returns the metrics of each target or label; no row counts more than another.

    Args:
        part: What was predicted, as `(x, y)` or `(x, y, weights)`.
        predicted: An array of shape `(rows, targets)`; of a model of two outputs, a dict of them.
        names: The columns of y; none where it has no several.
        task: Regression or multi-label.

    Returns:
        Nothing where a model of the user's own has targets or predictions of another shape.
    """
    from tunecli.families.two_outputs import MAIN

    targets = part[1]
    predicted = predicted.get(MAIN) if isinstance(predicted, dict) else predicted
    if not names or not _have_columns(len(names), targets, predicted) or len(targets) != len(predicted):
        return {}
    return {
        name: _figures(targets[:, index].astype("float64"), predicted[:, index].astype("float64"), task)
        for index, name in enumerate(names)
    }


def _have_columns(count: int, *arrays: Any) -> bool:
    return all(len(getattr(each, "shape", ())) == 2 and each.shape[1] == count for each in arrays)


def _figures(target: Column, predicted: Column, task: Task) -> Figures:
    if task is Task.REGRESSION:
        return finite(regression_metrics(target, predicted, loss=None))
    found = label_metrics(target[:, None], predicted[:, None])
    return finite({name: value for name, value in found.items() if name != "loss"})
