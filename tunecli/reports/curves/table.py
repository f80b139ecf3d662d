"""Learning curves as rows: one for each epoch of each training, for spreadsheets, and one for each trial, to read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tunecli.reports import terminal
from tunecli.reports.curves.learning_curves import LearningCurve
from tunecli.reports.curves.shape import Number
from tunecli.reports.text import show_score

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS = ("trial", "training", "epoch", "metric", "train", "validation", "train_x")
"""`train_x` is where the training value belongs on the axis of epochs; `training` is empty for the only one."""


def curves_csv(curves: Iterable[tuple[int, LearningCurve]]) -> bytes:
    """Returns the curves of trials as CSV, every figure to its last digit; what was not measured is left empty.

    Args:
        curves: Each with the trial's id; a trial may come with several metrics.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for trial, curve in curves:
        for training in curve.trainings:
            x = curve.train_x(training.epochs)
            for row in zip(training.epochs, training.train, training.validation, x, strict=True):
                epoch, train, validation, train_x = row
                number = "" if training.number is None else training.number
                at = "" if train is None else train_x
                writer.writerow([trial, number, epoch, curve.metric, _cell(train), _cell(validation), at])
    return text.getvalue().encode()


def curves_view(curves: Sequence[tuple[int, float | None, LearningCurve]], metric: str) -> RenderableType:
    """Returns a line for each trial: what it was worth on both parts at its best epoch, and what its curve does.

    Args:
        curves: Each with the trial's id and score.
        metric: The objective.
    """
    from rich.console import Group

    names = ["trial", metric, "best epoch", "train", "validation", "gap ratio"]
    wide, compact = (terminal.table(columns, right=len(names)) for columns in ([*names, "curve"], names))
    words = []
    for trial, score, curve in curves:
        cells = _row(trial, score, curve)
        terminal.add(wide, [*cells, curve.shape.describe()])
        terminal.add(compact, cells)
        words.append(terminal.text(f"trial {trial}: {curve.shape.describe()}"))
    return terminal.Fitting(wide, Group(compact, *words))


def _row(trial: int, score: float | None, curve: LearningCurve) -> list[str]:
    gap = "–" if curve.gap_ratio is None else f"{curve.gap_ratio:.2f}"
    best = "–" if curve.best_epoch is None else str(curve.best_epoch)
    at_best = (show_score(curve.train_at_best), show_score(curve.validation_at_best))
    return [str(trial), show_score(score), best, *at_best, gap]


def _cell(value: Number) -> str:
    return "" if value is None else repr(value)
