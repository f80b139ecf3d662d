"""Learning curves as a picture: a panel a trial, and one legend below all of them.

    draw_curves(path, [Panel("trial 7 (rank 1)", curve), …], title="california60")

What to draw is computed in `learning_curves`.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.reports.curves.learning_curves import SHIFT_NOTES, LearningCurve, MeanCurve, TrainingCurve
from tunecli.reports.curves.shape import Number
from tunecli.reports.pictures import picture
from tunecli.reports.text import printable, show_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 12
"""More would be too small to read."""

PANEL_INCHES = (4.6, 3.5)
LEGEND_INCHES = 1.0
LEGEND_COLUMNS = 4
TITLE_CHARACTERS = 58
"""Of a line above a panel."""

TITLE_LINES = 2
"""Of each of its parts."""

MARKED_EPOCHS = 12
"""A curve of so few epochs has a mark at each: one alone would be no line."""

TRAIN, VALIDATION = "C0", "C1"
PROMOTED = "promoted, to go on as this trial"
THIN: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.45}
NOTE_COLOUR = "0.35"


@dataclass(frozen=True)
class Panel:
    """What stands in a panel: the trial and its values in words, and its curve."""

    heading: str
    values: str
    curve: LearningCurve


def draw_curves(path: Path, panels: Sequence[Panel], *, title: str) -> None:
    """Writes a picture of at least one trial; those behind `MOST_PANELS` are left out.

    Raises:
        StudyError: The file cannot be written.
    """
    shown = panels[:MOST_PANELS]
    columns = min(len(shown), 2 if len(shown) <= 4 else 3)
    rows = -(-len(shown) // columns)
    width, height = PANEL_INCHES
    size = (max(7.0, width * columns), height * rows + LEGEND_INCHES)
    with picture(path, title=printable(title, 80), rows=rows, columns=columns, size=size) as axes:
        for axis, panel in zip(axes, shown, strict=False):
            _draw_panel(axis, panel)
        for axis in axes[len(shown) :]:
            axis.set_visible(False)
        figure = axes[0].figure
        _add_legend(figure.get_figure(root=True), axes, shown)


def _draw_panel(axis: Axes, panel: Panel) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    curve = panel.curve
    for each in curve.trainings:
        _draw_training(axis, curve, each)
    if curve.mean is not None:
        _draw_mean(axis, curve, curve.mean)
    for index, promotion in enumerate(curve.promotions):
        axis.axvline(promotion.epoch, color="C2", linestyle="--", linewidth=1, label=_once(PROMOTED, index))
        axis.text(
            promotion.epoch,
            0.99,
            f" {promotion.trial}",
            transform=axis.get_xaxis_transform(),
            color="C2",
            fontsize="small",
            va="top",
        )
    if curve.best_epoch is not None:
        is_restored = curve.restored_epoch == curve.best_epoch
        label = "best epoch, whose weights are restored" if is_restored else "best epoch"
        axis.axvline(curve.best_epoch, color="C6", linestyle=":", linewidth=1.2, label=label)
        if curve.validation_at_best is not None:
            axis.plot([curve.best_epoch], [curve.validation_at_best], "o", color="C6", markersize=5)
    if curve.restored_epoch not in (None, curve.best_epoch):
        axis.axvline(curve.restored_epoch, color="C3", linestyle="-.", linewidth=1.2, label="restored epoch")
    if curve.is_log:
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))  # the usual one writes formulas
    axis.set_xlim(left=0)
    axis.set_xlabel("epoch")
    axis.set_ylabel(printable(curve.metric, 30) + (" (log scale)" if curve.is_log else ""))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if not curve.trainings:
        axis.set_yticks([])
        axis.text(0.5, 0.5, "no epoch was trained", transform=axis.transAxes, ha="center", color=NOTE_COLOUR)
    axis.set_title(_title(panel), loc="left", fontsize="small")


def _title(panel: Panel) -> str:
    curve = panel.curve
    gap = "" if curve.gap_ratio is None else f", gap ratio {curve.gap_ratio:.2f}"
    lines = [f"{panel.heading}{gap}", panel.values, curve.shape.describe()]
    wrapped = [
        textwrap.wrap(printable(line, 500), TITLE_CHARACTERS, max_lines=TITLE_LINES, placeholder=" …") for line in lines
    ]
    return "\n".join(line for each in wrapped for line in each)


def _draw_training(axis: Axes, curve: LearningCurve, training: TrainingCurve) -> None:
    is_one = curve.mean is None
    x = curve.train_x(training.epochs)
    ends = (f"training{'' if is_one else ', each'}", f"validation{'' if is_one else ', each'}")
    look: dict[str, Any] = {"marker": "." if len(training.epochs) <= MARKED_EPOCHS else "", **({} if is_one else THIN)}
    axis.plot(x, _drawn(training.train), color=TRAIN, label=ends[0], **look)
    axis.plot(training.epochs, _drawn(training.validation), color=VALIDATION, label=ends[1], **look)
    _mark_gaps(axis, x, training.train, TRAIN)
    _mark_gaps(axis, training.epochs, training.validation, VALIDATION)


def _draw_mean(axis: Axes, curve: LearningCurve, mean: MeanCurve) -> None:
    parts = (
        ("training", curve.train_x(mean.epochs), mean.train, mean.train_sd, TRAIN),
        ("validation", mean.epochs, mean.validation, mean.validation_sd, VALIDATION),
    )
    for name, x, means, deviations, colour in parts:
        axis.plot(x, _drawn(means), color=colour, label=f"{name}, mean")
        low, high = (
            [math.nan if m is None or sd is None else m + sign * sd for m, sd in zip(means, deviations, strict=True)]
            for sign in (-1, 1)
        )
        axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0, label=f"{name}, ± 1 sd")


def _drawn(values: Sequence[Number]) -> list[float]:
    """Returns values with a gap for each that is missing or not finite."""
    return [value if value is not None and math.isfinite(value) else math.nan for value in values]


def _mark_gaps(axis: Axes, x: Sequence[float], values: Sequence[Number], colour: str) -> None:
    """Marks, at the upper edge, the epochs whose value is no number: a gap alone may go unseen."""
    lost = [at for at, value in zip(x, values, strict=True) if value is not None and not math.isfinite(value)]
    if lost:
        axis.plot(
            lost,
            [0.96 if colour == VALIDATION else 0.91] * len(lost),
            "x",
            color=colour,
            transform=axis.get_xaxis_transform(),
            label="no number (NaN or infinite)",
            linestyle="",
        )


def _once(label: str, index: int) -> str:
    return label if index == 0 else "_nolegend_"


def _add_legend(figure: Figure, axes: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """Puts one legend for all panels below them, and says where training values stand and why."""
    entries: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    notes = "\n".join(dict.fromkeys(SHIFT_NOTES[panel.curve.shift] for panel in panels))
    look: dict[str, Any] = {"fontsize": "small", "title_fontsize": "small"}
    figure.legend(
        list(entries.values()), list(entries), loc="outside lower center", ncols=LEGEND_COLUMNS, title=notes, **look
    )


def heading(trial: int, status: str, rank: int | None, metric: str, score: float | None) -> str:
    """Returns what stands above a trial's panel."""
    state = status if rank is None else f"rank {rank}"
    return f"trial {trial} ({state})" + ("" if score is None else f": {metric} {show_score(score)}")
