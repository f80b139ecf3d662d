"""Targets that do not fit the task or the split; those of the test part are not looked at."""

from __future__ import annotations

from collections.abc import Iterator

from tunecli.datasets.checks.view import View, counted, named, quoted
from tunecli.spec.experiment import Task
from tunecli.study.check import Finding, Severity

MOST_VALUES = 20
"""A regression target with no more different values may be a class."""

_ROWS_A_VALUE = 10
"""On average; with fewer, values may repeat by chance."""


def missing_classes(view: View) -> Iterator[Finding]:
    """Finds classes that are not trained on, or not scored."""
    import numpy as np

    if not view.task.has_classes or not view.classes:
        return
    trained, scored = (
        np.bincount(targets, minlength=len(view.classes)) for targets in (view.train_target, view.validation_target)
    )
    for part, counts, others in (("train", trained, scored), ("validation", scored, trained)):
        missing = np.flatnonzero(counts == 0)
        if not len(missing) or not counts.sum():
            continue
        names = [view.classes[code] for code in missing]
        verb = "have" if len(names) > 1 else "has"
        notes = [
            counted(int(others[code]), f"{'validation' if part == 'train' else 'training'} row") for code in missing
        ]
        part_name = "training" if part == "train" else part
        yield Finding(
            kind="missing_classes",
            severity=Severity.WARNING,
            what=f"{counted(len(names), 'class', 'classes')} {verb} no {part_name} row: {named(names, notes)}",
            hint="change split_seed: or validation: below dataset:, or bring more rows of the class",
            field="validation",
            figures={part: len(names), "classes": len(view.classes)},
        )


def few_target_values(view: View) -> Iterator[Finding]:
    """Finds a regression target of so few different values that they may be classes."""
    import numpy as np

    if view.task is not Task.REGRESSION or not view.has_one_target:
        return
    targets = np.concatenate([view.train_target, view.validation_target])
    values = np.unique(targets)
    if len(values) > MOST_VALUES or len(targets) < _ROWS_A_VALUE * len(values):
        return
    task = Task.BINARY if len(values) == 2 else Task.MULTICLASS
    yield Finding(
        kind="few_target_values",
        severity=Severity.WARNING,
        what=f"the target {quoted(view.target_names[0])} has {len(values)} different values in {len(targets):,} rows",
        hint=f"write task: {task} below dataset: if they are classes",
        field="task",
        columns=view.target_names,
        figures={"values": len(values), "rows": len(targets)},
    )
