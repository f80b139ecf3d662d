"""What a trial measures, by NumPy in double precision: for models that are not Keras', and for single targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SMALLEST_PROBABILITY = 1e-7
"""Keras cuts probabilities off here before it takes a logarithm."""

_CERTAIN = 0.5
"""A label with a higher probability is predicted."""

_THRESHOLDS = 200
"""For an area under a curve, Keras looks at so many, evenly spread."""


def regression_metrics(
    target: NDArray[np.float64], predicted: NDArray[np.float64], *, loss: Callable[[NDArray[np.float64]], float] | None
) -> dict[str, float]:
    """Returns what `families.compiling` has a trial measure; what is not finite is left out.

    Args:
        target: Shape `(rows,)`, or `(rows, targets)`: errors are means over all numbers, R² is that of each target.
        predicted: The same shape.
        loss: From the errors to the loss of the trials; None if they have no one loss.
    """
    import numpy as np

    errors = predicted - target
    squares = float(np.mean(errors**2))
    of_targets = np.mean(errors**2, axis=0)
    spreads = np.mean((target - target.mean(axis=0)) ** 2, axis=0)
    found = {} if loss is None else {"loss": loss(errors)}
    found |= {"mse": squares, "rmse": squares**0.5, "mae": float(np.mean(np.abs(errors)))}
    found["r2"] = float(np.mean(1 - of_targets / spreads)) if np.all(spreads > 0) else float("nan")
    return {name: value for name, value in found.items() if np.isfinite(value)}


def class_metrics(codes: NDArray[np.int64], probabilities: NDArray[np.float64]) -> dict[str, float]:
    """Returns what `families.compiling` has a trial measure.

    Args:
        codes: Shape `(rows,)`.
        probabilities: Shape `(rows, classes)`; each row adds up to 1.
    """
    import numpy as np

    of_truth = probabilities[np.arange(len(codes)), codes]
    of_truth = np.clip(of_truth, _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    return {
        "loss": float(np.mean(-np.log(of_truth))),
        "accuracy": float(np.mean(probabilities.argmax(axis=1) == codes)),
    }


def label_metrics(labels: NDArray[np.floating[Any]], probabilities: NDArray[np.float64]) -> dict[str, float]:
    """Returns what `families.compiling` has a trial measure, as Keras does by default.

    Args:
        labels: 0 or 1, shape `(rows, labels)`.
        probabilities: That each is 1, of the same shape.
    """
    import numpy as np

    holds = labels == 1
    of_truth = np.where(holds, probabilities, 1 - probabilities)
    of_truth = np.clip(of_truth, _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    predicted = probabilities > _CERTAIN
    hits, among = np.sum(predicted & holds, axis=0), np.sum(predicted, axis=0) + np.sum(holds, axis=0)
    return {
        "loss": float(np.mean(-np.log(of_truth))),
        "accuracy": float(np.mean(predicted == holds)),
        "auc": float(np.mean([_area(*each) for each in zip(holds.T, probabilities.T, strict=True)])),
        "f1": float(np.mean(np.divide(2 * hits, among, out=np.zeros(len(hits)), where=among > 0))),
    }


def _area(holds: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> float:
    """Returns the area under the curve of a label, over as many thresholds as Keras takes; 0 if it is always the same.

    Trials are measured like this: an exact area would be on another scale.
    """
    import numpy as np

    if holds.all() or not holds.any():
        return 0.0
    thresholds = np.array([-1.0, *np.arange(1, _THRESHOLDS - 1) / (_THRESHOLDS - 1), 2.0])

    def shares_above(found: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 - np.searchsorted(np.sort(found), thresholds, side="right") / len(found)

    return float(-np.trapezoid(shares_above(probabilities[holds]), shares_above(probabilities[~holds])))
