"""Metrics, which way each is better, and the objective of a study.

The directions are a table of our own: KerasTuner guesses them from names, and guesses wrong for R².
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from tunecli.spec.experiment import Task


class Goal(StrEnum):
    """Which way is better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


@dataclass(frozen=True)
class Metric:
    """A figure that every epoch of a training yields, in the target's own units.

    Attributes:
        goal: Which way is better.
        tasks: The tasks that produce it.
    """

    goal: Goal
    tasks: frozenset[Task]


_REGRESSION = frozenset({Task.REGRESSION})
_CLASSES = frozenset({Task.BINARY, Task.MULTICLASS})
_LABELS = frozenset({Task.MULTILABEL})

METRICS: dict[str, Metric] = {
    "loss": Metric(Goal.MINIMIZE, _REGRESSION | _CLASSES | _LABELS),
    "mse": Metric(Goal.MINIMIZE, _REGRESSION),
    "rmse": Metric(Goal.MINIMIZE, _REGRESSION),
    "mae": Metric(Goal.MINIMIZE, _REGRESSION),
    "r2": Metric(Goal.MAXIMIZE, _REGRESSION),
    "accuracy": Metric(Goal.MAXIMIZE, _CLASSES | _LABELS),
    "auc": Metric(Goal.MAXIMIZE, _LABELS),
    "f1": Metric(Goal.MAXIMIZE, _LABELS),
}
"""The metrics by name; on the validation part each is called `val_<name>`, on a fold held back `fold_<name>`."""

VALIDATION, FOLD = "val_", "fold_"

AUXILIARY_METRICS: dict[str, Metric] = {
    "main_loss": METRICS["loss"],
    **{f"aux_{name}": metric for name, metric in METRICS.items()},
}
"""What a model with an auxiliary output yields besides: the loss of either output, and the metrics of that one."""

DEFAULT_METRIC = {
    Task.REGRESSION: "rmse",
    Task.BINARY: "accuracy",
    Task.MULTICLASS: "accuracy",
    Task.MULTILABEL: "auc",
}
"""What decides where a spec names no objective, on the rows that score a trial.

Labels are mostly rare, and who never predicts one is accurate: the area under the curve does not fall for that.
"""


def plain_metric(name: str) -> str:
    """Returns the metric that is measured, whatever the rows: `rmse` for `val_rmse`."""
    return name.removeprefix(VALIDATION).removeprefix(FOLD)


def find_metric(name: str) -> Metric | None:
    """Returns the metric that is measured under a name, whatever the rows; None if there is none."""
    return {**METRICS, **AUXILIARY_METRICS}.get(plain_metric(name))


def metric_names(task: Task, *, validation: bool, auxiliary: bool = False) -> tuple[str, ...]:
    """Returns the metrics of each epoch for `task`, with their `val_` forms if there is a validation part.

    With `auxiliary`, those of a model with an auxiliary output.
    """
    names = _names(task, auxiliary=auxiliary)
    return (*names, *(f"{VALIDATION}{name}" for name in names if validation))


def fold_metric_names(task: Task, *, auxiliary: bool = False) -> tuple[str, ...]:
    """Returns the metrics of a fold."""
    return tuple(f"{FOLD}{name}" for name in _names(task, auxiliary=auxiliary))


def _names(task: Task, *, auxiliary: bool) -> list[str]:
    known = {**METRICS, **AUXILIARY_METRICS} if auxiliary else METRICS
    return [name for name, metric in known.items() if task in metric.tasks]


class Objective(BaseModel):
    """The metric that decides, and its direction; always explicit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    goal: Goal

    def is_better(self, score: float, other: float | None) -> bool:
        """Says whether `score` beats `other`; anything beats None, and what is not finite beats nothing."""
        if not math.isfinite(score):
            return False
        if other is None:
            return True
        return score < other if self.goal is Goal.MINIMIZE else score > other

    def sort_key(self, score: float) -> float:
        """Returns a number that is lower for a better score."""
        return score if self.goal is Goal.MINIMIZE else -score

    def best(self, scores: Iterable[float]) -> float | None:
        """Returns the best finite score, or None when there is none."""
        best: float | None = None
        for score in scores:
            best = score if self.is_better(score, best) else best
        return best
