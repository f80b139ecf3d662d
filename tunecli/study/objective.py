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
"""The metrics by name; on the validation part each is called `val_<name>`."""

AUXILIARY_METRICS: dict[str, Metric] = {
    "main_loss": METRICS["loss"],
    **{f"aux_{name}": metric for name, metric in METRICS.items()},
}
"""What a model with an auxiliary output yields besides: the loss of either output, and the metrics of that one."""

DEFAULT_METRIC = {Task.REGRESSION: "val_rmse", Task.BINARY: "val_accuracy", Task.MULTICLASS: "val_accuracy"}
"""The objective of a spec that names none."""


def find_metric(name: str) -> Metric | None:
    """Returns the metric called `name`, with or without `val_`; None if there is none."""
    return {**METRICS, **AUXILIARY_METRICS}.get(name.removeprefix("val_"))


def metric_names(task: Task, *, validation: bool, auxiliary: bool = False) -> tuple[str, ...]:
    """Returns the metrics that a training for `task` yields, with their `val_` forms if there is a validation part.

    With `auxiliary`, those of a model with an auxiliary output.
    """
    known = {**METRICS, **AUXILIARY_METRICS} if auxiliary else METRICS
    names = [name for name, metric in known.items() if task in metric.tasks]
    return tuple(names + [f"val_{name}" for name in names] * validation)


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
