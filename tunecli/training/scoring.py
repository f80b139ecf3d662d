"""How good predictions are: every figure that fits the task, each with its confidence interval.

    scored = score(task, target, outputs, classes)
    scored.figures["rmse"]                       # Figure(value, low, high)
    scored.confusion, scored.per_class           # of classes
    scored.residuals                             # of numbers

Values are scikit-learn's. Their intervals come from 1,000 resamples, for which scikit-learn takes minutes: there the
same figures are computed from how often each row was drawn. A test holds both together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tunecli.spec.experiment import Task
from tunecli.training.intervals import Interval, bootstrap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.training.intervals import Statistic

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

SMALLEST_PROBABILITY = 1e-7
"""Keras cuts probabilities off here before it takes a logarithm, and so is this log loss that of a training."""

_QUANTILES = {"min": 0.0, "5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95, "max": 1.0}


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        value: None where it is undefined, such as the area under a curve of one class.
        interval: Where it lies at 95 %, or None where that cannot be told.
    """

    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found.

    Attributes:
        name: The class.
        precision: Of the rows that were said to be of it, how many are.
        recall: Of the rows that are of it, how many were said to be.
        f1: Their harmonic mean.
        support: How many rows are of it.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Scored:
    """What predictions of one target come to.

    Attributes:
        rows: How many were scored.
        figures: By name.
        residuals: Predicted less true, by quantile; empty for classes.
        per_class: Of classes.
        confusion: Rows by true class, then by predicted class; None for numbers.
    """

    rows: int
    figures: Mapping[str, Figure]
    residuals: Mapping[str, float] = field(default_factory=dict)
    per_class: Sequence[ClassScore] = ()
    confusion: Sequence[Sequence[int]] | None = None


def score(
    task: Task,
    target: NDArray[Any],
    outputs: NDArray[Any],
    classes: Sequence[str] = (),
    *,
    groups: Codes | None = None,
    seed: int = 0,
) -> Scored:
    """Scores the predictions of one target.

    Args:
        task: What was predicted.
        target: True numbers, or class codes; shape `(rows,)`, at least one.
        outputs: Predicted numbers `(rows,)`; of two classes the probability of the second, `(rows,)`; of more
            `(rows, classes)`.
        classes: The classes' names in the order of their codes.
        groups: Codes of rows that belong together, for the intervals; None if each stands for itself.
        seed: Of the intervals.
    """
    import numpy as np

    if task is Task.REGRESSION:
        return _score_numbers(target.astype(np.float64), outputs.astype(np.float64), groups, seed)
    return _score_classes(target.astype(np.int64), _probabilities(outputs), classes, groups, seed)


def _score_numbers(target: Floats, predicted: Floats, groups: Codes | None, seed: int) -> Scored:
    import numpy as np
    from sklearn import metrics

    errors = predicted - target
    values: dict[str, float | None] = {
        "rmse": float(metrics.root_mean_squared_error(target, predicted)),
        "mae": float(metrics.mean_absolute_error(target, predicted)),
        "r2": float(metrics.r2_score(target, predicted)) if np.ptp(target) > 0 else None,
        "median_absolute_error": float(metrics.median_absolute_error(target, predicted)),
        "bias": float(errors.mean()),
    }
    spread = {name: float(np.quantile(errors, share)) for name, share in _QUANTILES.items()}
    residuals = {"mean": float(errors.mean()), "sd": float(errors.std(ddof=len(errors) > 1)), **spread}
    intervals = bootstrap(numbers_statistic(target, predicted), len(target), groups=groups, seed=seed)
    return Scored(len(target), _joined(values, intervals), residuals=residuals)


def _score_classes(
    codes: Codes, probabilities: Floats, classes: Sequence[str], groups: Codes | None, seed: int
) -> Scored:
    from sklearn import metrics

    labels = list(range(probabilities.shape[1]))
    predicted = probabilities.argmax(axis=1)
    values: dict[str, float | None] = {
        "accuracy": float(metrics.accuracy_score(codes, predicted)),
        "balanced_accuracy": float(metrics.recall_score(codes, predicted, labels=sorted(set(codes)), average="macro")),
        "log_loss": float(metrics.log_loss(codes, _without_zeros(probabilities), labels=labels)),
        "roc_auc": _area(codes, probabilities),
        "f1_macro": float(metrics.f1_score(codes, predicted, average="macro")),
        "f1_weighted": float(metrics.f1_score(codes, predicted, average="weighted")),
    }
    found = metrics.precision_recall_fscore_support(codes, predicted, labels=labels, zero_division=0.0)
    names = classes or tuple(map(str, labels))
    per_class = [
        ClassScore(name, float(precision), float(recall), float(f1), int(support))
        for name, precision, recall, f1, support in zip(names, *found, strict=True)
    ]
    intervals = bootstrap(classes_statistic(codes, probabilities), len(codes), groups=groups, seed=seed)
    confusion = metrics.confusion_matrix(codes, predicted, labels=labels).tolist()
    return Scored(len(codes), _joined(values, intervals), per_class=per_class, confusion=confusion)


def _area(codes: Codes, probabilities: Floats) -> float | None:
    """Returns the area under the ROC curve, of more than two classes the mean of each against all others.

    None where a class has no row, or every row.
    """
    import numpy as np
    from sklearn import metrics

    counts = np.bincount(codes, minlength=probabilities.shape[1])
    if not counts.all() or counts.max() == len(codes):
        return None
    if probabilities.shape[1] == 2:
        return float(metrics.roc_auc_score(codes, probabilities[:, 1]))
    areas = [metrics.roc_auc_score(codes == code, column) for code, column in enumerate(probabilities.T)]
    return float(np.mean(areas))


def _probabilities(outputs: NDArray[Any]) -> Floats:
    """Returns the probability of each class, `(rows, classes)`."""
    import numpy as np

    exact = outputs.astype(np.float64)
    return np.stack([1 - exact, exact], axis=1) if exact.ndim == 1 else exact


def _without_zeros(probabilities: Floats) -> Floats:
    """Returns probabilities of which none is 0, and rows add up to 1 to the last digit; equal ones may come apart."""
    import numpy as np

    cut: Floats = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    cut /= cut.sum(axis=1, keepdims=True)
    return cut


def _joined(values: Mapping[str, float | None], intervals: Mapping[str, Interval | None]) -> dict[str, Figure]:
    return {name: Figure(value, None if value is None else intervals.get(name)) for name, value in values.items()}


def numbers_statistic(target: Floats, predicted: Floats) -> Statistic:
    """Returns what gives the figures of numbers from how often each row was drawn."""
    import numpy as np

    errors = predicted - target
    centred = target - target.mean()
    sums = np.stack([errors**2, np.abs(errors), errors, centred, centred**2, np.ones(len(errors))], axis=1)
    order = np.argsort(np.abs(errors), kind="stable")
    sizes = np.abs(errors)[order]

    def figures(counts: Floats) -> dict[str, float]:
        squares, absolutes, total, off, spread, rows = counts @ sums
        variation = spread - off**2 / rows
        behind = np.cumsum(counts[order])
        middle = np.searchsorted(behind, [(rows - 1) // 2, rows // 2], side="right")
        return {
            "rmse": float(np.sqrt(squares / rows)),
            "mae": float(absolutes / rows),
            "r2": float(1 - squares / variation) if variation > 0 else float("nan"),
            "median_absolute_error": float(sizes[middle].mean()),
            "bias": float(total / rows),
        }

    return figures


def classes_statistic(codes: Codes, probabilities: Floats) -> Statistic:
    """Returns what gives the figures of classes from how often each row was drawn."""
    import numpy as np

    count = probabilities.shape[1]
    cells = codes * count + probabilities.argmax(axis=1)
    losses = -np.log(_without_zeros(probabilities)[np.arange(len(codes)), codes])
    # of two classes, either area is the same
    areas = [_area_statistic(codes == code, probabilities[:, code]) for code in range(count)][count == 2 :]

    def figures(counts: Floats) -> dict[str, float]:
        rows = counts.sum()
        confusion = np.bincount(cells, weights=counts, minlength=count * count).reshape(count, count)
        hits, true, said = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
        f1 = 2 * hits / np.maximum(true + said, 1)
        return {
            "accuracy": float(hits.sum() / rows),
            "balanced_accuracy": float(np.mean(hits[true > 0] / true[true > 0])),
            "log_loss": float(counts @ losses / rows),
            "roc_auc": float(np.mean([area(counts) for area in areas])),
            "f1_macro": float(np.mean(f1[true + said > 0])),
            "f1_weighted": float(f1 @ true / rows),
        }

    return figures


def _area_statistic(is_in: NDArray[np.bool_], scores: Floats) -> Any:
    """Returns what gives the area under a ROC curve from how often each row was drawn; NaN where it is undefined."""
    import numpy as np

    order = np.argsort(scores, kind="stable")
    is_first = np.concatenate([[True], np.diff(scores[order]) > 0])
    starts = np.flatnonzero(is_first)  # equal scores count half
    inside = is_in[order].astype(np.float64)

    def area(counts: Floats) -> float:
        drawn = counts[order]
        positive = np.add.reduceat(drawn * inside, starts)
        negative = np.add.reduceat(drawn * (1 - inside), starts)
        pairs = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative / 2
        return float(positive @ below / pairs) if pairs else float("nan")

    return area
