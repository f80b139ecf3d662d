"""Rows that stand in two parts: a model that has learnt one by heart is praised for the other."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tunecli.datasets.checks.hashing import stand_in
from tunecli.datasets.checks.view import View, counted
from tunecli.study.check import Finding, Severity

SMALL_SHARE, SMALL_COUNT = 0.005, 3
"""Copies of fewer rows of a part than these cannot move its score by much, or are chance: they are noted."""


def duplicate_rows(view: View) -> Iterator[Finding]:
    """Finds held-back rows whose inputs are those of a row that is trained on."""
    train, validation, test = (view.hashes[part] for part in ("train", "validation", "test"))
    in_train = int(stand_in(validation, train).sum())
    # `retrain --full` trains on both
    in_either = int((stand_in(test, train) | stand_in(test, validation)).sum())
    if not in_train + in_either or (
        in_train <= _by_chance(view, len(validation), len(train))
        and in_either <= _by_chance(view, len(test), len(train) + len(validation))
    ):
        return
    texts = []
    if in_train:
        texts.append(f"{in_train:,} of {counted(len(validation), 'validation row')} have the inputs of a training row")
    if in_either:
        verb = "those" if texts else "have the inputs"
        texts.append(f"{in_either:,} of {counted(len(test), 'test row')} {verb} of a row outside the test part")
    what = ", and ".join(texts)
    if len(train) < len(view.parts.train):
        what += f"; {len(train):,} of {len(view.parts.train):,} training rows were compared"
    is_small = in_train < _least(len(validation)) and in_either < _least(len(test))
    yield Finding(
        kind="duplicate_rows",
        severity=Severity.NOTE if is_small else Severity.WARNING,
        what=what,
        hint="delete the copies, or write group: COLUMN below dataset: to keep rows that belong together in one part",
        field="group",
        figures={
            "validation": in_train,
            "validation_compared": len(validation),
            "test": in_either,
            "test_compared": len(test),
        },
    )


def contradictory_rows(view: View) -> Iterator[Finding]:
    """Finds rows with equal inputs and different targets, outside of the test part: no model can be right on both."""
    import numpy as np

    if not view.has_one_target:
        return
    hashes = np.concatenate([view.hashes["train"], view.hashes["validation"]])
    targets = np.concatenate([view.hashed_train_target, view.hashed_validation_target])
    order = np.argsort(hashes, kind="stable")
    hashes, targets = hashes[order], targets[order]
    is_copy = hashes[1:] == hashes[:-1]
    differs = is_copy & (targets[1:] != targets[:-1])
    group = np.concatenate([[0], np.cumsum(~is_copy)])
    count = int(np.isin(group, group[1:][differs]).sum())
    if count <= _by_chance(view, len(hashes), len(hashes)):
        return
    yield Finding(
        kind="contradictory_rows",
        severity=Severity.NOTE,
        what=f"{count:,} of {counted(len(hashes), 'row')} have the inputs of another row and a different target",
        hint="correct the targets, or bring a column that tells these rows apart",
        figures={"rows": count, "compared": len(hashes)},
    )


def _least(rows: int) -> float:
    """Returns from how many copies on a part of so many rows is warned of."""
    return max(SMALL_COUNT, SMALL_SHARE * rows)


def _by_chance(view: View, rows: int, others: int) -> float:
    """Returns how many of some rows may have the inputs of one of the others because there are few inputs to have.

    Two rows agree in a column as often as two of the sample do, and in all columns as often as the product says: what
    columns have to do with each other is left to the factor of three.
    """
    import numpy as np

    if view.columns.images is not None:
        return 0.0
    agree, count = 1.0, len(view.sample)
    for column in (*view.numeric, *view.categorical):
        _, repeats = np.unique(column, return_counts=True)
        agree *= float(np.sum(repeats * (repeats - 1.0))) / max(1, count * (count - 1))
    expected = -rows * math.expm1(-agree * others)
    return 3 * (expected + math.sqrt(expected))
