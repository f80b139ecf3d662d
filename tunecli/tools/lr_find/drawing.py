"""What people look at of a sweep: a picture, and its figures as CSV."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.reports.pictures import by_magnitude, picture
from tunecli.store.files import write_whole
from tunecli.tools.lr_find.curve import Curve
from tunecli.tools.lr_find.findings import Findings, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = ("step", "learning_rate", "loss", "smoothed_loss")

_WIDE = 20.0
"""Losses that differ by such a factor are drawn by magnitude."""

Present = tuple[float, float] | None
"""The least and the greatest rate that the spec has now, or None."""


def write_csv(path: Path, curve: Curve) -> None:
    """Writes a row for each step."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows((each.step, each.rate, each.loss, each.smoothed) for each in curve.records)
    write_whole(path, text.getvalue().encode())


def draw(path: Path, curve: Curve, findings: Findings, *, title: str, loss: str, present: Present) -> None:
    """Writes the picture.

    Args:
        path: A PNG file.
        curve: A finished sweep.
        findings: What it shows.
        title: What was trained on what.
        loss: The name of what training minimises.
        present: The rates that the spec has now.
    """
    with picture(path, title=title, size=(8.0, 5.5)) as (axes,):
        records = curve.finite
        rates = [each.rate for each in records]
        axes.plot(rates, [each.loss for each in records], color="0.75", linewidth=0.8, label="loss of a batch")
        axes.plot(rates, [each.smoothed for each in records], label="smoothed loss")
        _mark(axes, findings)
        _shade(axes, present)
        _scale(axes, curve)
        axes.set_title("" if findings.turning else findings.doubts[0], wrap=True)
        axes.set_xlabel("learning rate")
        axes.set_ylabel(f"training loss ({loss})")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)


def _mark(axes: Axes, findings: Findings) -> None:
    if (turning := findings.turning) is not None and (suggestion := findings.suggestion) is not None:
        axes.plot(turning.rate, turning.smoothed, "v", color="C1", label=f"turning point: {shown(turning.rate)}")
        axes.axvline(suggestion, color="C2", label=f"suggestion: {shown(suggestion)}, a tenth of it")
    if (steepest := findings.steepest) is not None:
        axes.plot(steepest.rate, steepest.smoothed, "s", color="C3", label=f"steepest descent: {shown(steepest.rate)}")


def _shade(axes: Axes, present: Present) -> None:
    if present is None:
        return
    low, high = present
    if low == high:
        axes.axvline(low, color="0.4", linestyle=":", label=f"in the spec: {shown(low)}")
    else:
        axes.axvspan(low, high, color="C5", alpha=0.15, linewidth=0, label=f"in the spec: {shown(low)} … {shown(high)}")


def _scale(axes: Axes, curve: Curve) -> None:
    """Shows the whole sweep, and of the losses those that matter: single batches may be anything at its end."""
    by_magnitude(axes, "x")
    axes.set_xlim(curve.sweep.low, max(curve.records[-1].rate, 10 * curve.sweep.low))
    smoothed = [each.smoothed for each in curve.finite]
    if not smoothed:
        return
    least, most = min(smoothed), max(smoothed)
    if least > 0 and most / least > _WIDE:
        by_magnitude(axes, "y")
        axes.set_ylim(least / math.sqrt(2), most * math.sqrt(2))
    elif most > least:
        below, above = 0.25 * (most - least), 0.15 * (most - least)
        axes.set_ylim(max(0.0, least - below) if least > 0 else least - below, most + above)
