"""What may be tuned around a model, whatever its family: its inputs, its targets, the weights of rows, the schedule.

Optimizer, loss and batch size stand in `families.compiling`. Here is only what these hyperparameters are; they are
acted on by `preprocessing` (normalization, class_weight), `families.original_units` and `training.schedule`.
"""

from __future__ import annotations

from tunecli.families.base import Hyperparameter
from tunecli.spec.experiment import Task
from tunecli.spec.space import Kind

STANDARD = "standard"

NORMALIZATION = Hyperparameter(
    "normalization",
    Kind.CHOICE,
    STANDARD,
    "How columns of numbers are scaled; images always become 0 … 1.",
    values=("none", STANDARD, "minmax", "robust", "quantile"),
)

TARGET_SCALING = Hyperparameter(
    "target_scaling",
    Kind.CHOICE,
    "none",
    "How the target is scaled for the loss; metrics and predictions keep its units.",
    values=("none", "standard", "minmax"),
)

CLASS_WEIGHT = Hyperparameter(
    "class_weight",
    Kind.CHOICE,
    "none",
    "Weight of each class in the loss; balanced: rare classes count as much as frequent ones.",
    values=("none", "balanced"),
)


def surroundings(task: Task) -> tuple[Hyperparameter, ...]:
    """Returns what may be tuned around a model for a task."""
    return (NORMALIZATION, TARGET_SCALING if task is Task.REGRESSION else CLASS_WEIGHT)
