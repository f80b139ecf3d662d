"""What may be tuned around a model, whatever its family: its inputs, its targets, the weights of rows, the schedule.

Optimizer, loss and batch size stand in `families.compiling`. Here is only what these hyperparameters are; they are
acted on by `preprocessing` (normalization, class_weight), `families.original_units` and `training.schedule`.
"""

from __future__ import annotations

from collections.abc import Mapping

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

EPOCHS = Hyperparameter("epochs", Kind.INT, 10, "Epochs of a trial, in place of training.epochs.", min=1)
"""Of a trial only where they are searched."""

CONSTANT, COSINE, EXPONENTIAL, PLATEAU = "constant", "cosine", "exponential", "plateau"

SCHEDULE_HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    Hyperparameter(
        "schedule",
        Kind.CHOICE,
        CONSTANT,
        "How the learning rate falls from epoch to epoch.",
        values=(CONSTANT, COSINE, EXPONENTIAL, PLATEAU),
    ),
    Hyperparameter("warmup_epochs", Kind.INT, 0, "Epochs in which the learning rate rises to its full size.", min=0),
    Hyperparameter(
        "final_fraction",
        Kind.FLOAT,
        0.0,
        "Where cosine ends, as a fraction of the learning rate.",
        min=0.0,
        max=1.0,
        applies={"schedule": (COSINE,)},
    ),
    Hyperparameter(
        "decay_rate",
        Kind.FLOAT,
        0.95,
        "Factor on the learning rate from one epoch to the next.",
        min=0.0,
        max=1.0,
        applies={"schedule": (EXPONENTIAL,)},
    ),
    Hyperparameter(
        "plateau_factor",
        Kind.FLOAT,
        0.5,
        "Factor on the learning rate when the objective no longer improves.",
        min=0.0,
        below=1.0,
        applies={"schedule": (PLATEAU,)},
    ),
    Hyperparameter(
        "plateau_patience",
        Kind.INT,
        5,
        "Epochs without improvement before that.",
        min=1,
        applies={"schedule": (PLATEAU,)},
    ),
)
"""Of the learning rate; only a training that takes steps reads them."""


_OF_TARGETS: Mapping[Task, tuple[Hyperparameter, ...]] = {
    Task.REGRESSION: (TARGET_SCALING,),
    Task.BINARY: (CLASS_WEIGHT,),
    Task.MULTICLASS: (CLASS_WEIGHT,),
    Task.MULTILABEL: (),  # a row has many labels, and one weight
}


def surroundings(task: Task) -> tuple[Hyperparameter, ...]:
    """Returns what may be tuned around a model for a task."""
    return (NORMALIZATION, *_OF_TARGETS[task], *SCHEDULE_HYPERPARAMETERS)
