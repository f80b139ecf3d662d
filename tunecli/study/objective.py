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

METRICS: dict[str, Metric] = {
    "loss": Metric(Goal.MINIMIZE, _REGRESSION | _CLASSES),
    "mse": Metric(Goal.MINIMIZE, _REGRESSION),
    "rmse": Metric(Goal.MINIMIZE, _REGRESSION),
    "mae": Metric(Goal.MINIMIZE, _REGRESSION),
    "r2": Metric(Goal.MAXIMIZE, _REGRESSION),
    "accuracy": Metric(Goal.MAXIMIZE, _CLASSES),
}
"""The metrics by name; on the validation part each is called `val_<name>`, on a fold held back `fold_<name>`."""

VALIDATION, FOLD = "val_", "fold_"

DEFAULT_METRIC = {Task.REGRESSION: "rmse", Task.BINARY: "accuracy", Task.MULTICLASS: "accuracy"}
"""What decides where a spec names no objective, on the rows that score a trial."""


def plain_metric(name: str) -> str:
    """Returns the metric that is measured, whatever the rows: `rmse` for `val_rmse`."""
    return name.removeprefix(VALIDATION).removeprefix(FOLD)


def metric_names(task: Task, *, validation: bool) -> tuple[str, ...]:
    """Returns the metrics of each epoch for `task`, with their `val_` forms if there is a validation part."""
    names = [name for name, metric in METRICS.items() if task in metric.tasks]
    return tuple(names + [f"{VALIDATION}{name}" for name in names] * validation)


def fold_metric_names(task: Task) -> tuple[str, ...]:
    """Returns the metrics of a fold."""
    return tuple(f"{FOLD}{name}" for name, metric in METRICS.items() if task in metric.tasks)


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
