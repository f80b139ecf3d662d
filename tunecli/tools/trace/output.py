"""Writes a trace into a folder: the table, the pictures and, if wanted, the film."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tunecli.store.files import write_whole
from tunecli.store.layout import TraceLayout
from tunecli.tools.trace import pictures
from tunecli.tools.trace.film import film
from tunecli.tools.trace.looks import DEFAULT_COST, Looks, require_line
from tunecli.tools.trace.parameters import Course, courses, least_squares
from tunecli.tools.trace.summary import summarise
from tunecli.tools.trace.surface import Line, Surface, cost_surface, line_of, window
from tunecli.tools.trace.table import csv_of

if TYPE_CHECKING:
    from pathlib import Path

    from tunecli.tools.trace.train import Traced


def write(traced: Traced, folder: Path, looks: Looks) -> dict[str, Any]:
    """Writes everything; what an earlier trace left in the folder and this one has not is removed.

    Args:
        traced: The training.
        folder: Is made.
        looks: What is drawn.

    Returns:
        The summary, with the files that were written.

    Raises:
        UsageError: A surface or a film was asked for of a model that has more than two parameters, or of costs that
            two classes do not have.
        StudyError: A file cannot be written.
    """
    layout = TraceLayout(folder)
    best = least_squares(traced)
    found = courses(traced, best)
    line = line_of(traced, found, best)
    require_line(line, looks)
    write_whole(layout.table, csv_of(traced.record, found))
    written = [layout.table, *_draw(traced, found, line, layout, looks)]
    for stale in set(layout.all_files) - set(written):
        stale.unlink(missing_ok=True)
    return {**summarise(traced, found, best), "files": [str(each) for each in written]}


def _draw(traced: Traced, found: list[Course], line: Line | None, layout: TraceLayout, looks: Looks) -> Iterator[Path]:
    """Draws what there is to see, and yields each file."""
    record, title = traced.record, traced.subject.title
    yield pictures.draw_loss(record, layout.loss, title=title, loss=str(traced.subject.values.get("loss", "loss")))
    yield pictures.draw_epochs(record, layout.epochs, title=title)
    if not found:
        yield pictures.draw_norms(record, layout.norms, title=title)
    if weights := [each for each in found if not each.is_bias]:
        yield pictures.draw_courses(weights, record, layout.weights, title=f"{title}: weights after each update")
    if biases := [each for each in found if each.is_bias]:
        yield pictures.draw_courses(biases, record, layout.bias, title=f"{title}: bias after each update")
    if line is None:
        return
    surface = surface_of(line, looks)
    yield pictures.draw_line(line, layout.line, title=title)
    yield pictures.draw_contour(line, surface, layout.contour, title=title)
    if looks.animate:
        film(line, surface, record, layout.gif, layout.webp, title=title)
        yield from (layout.gif, layout.webp)


def surface_of(line: Line, looks: Looks) -> Surface:
    """Returns the cost surface over the ranges that were asked for, or those that show the path."""
    weights, biases = window(line)
    over = looks.weight_range or weights, looks.bias_range or biases
    return cost_surface(line, looks.cost or DEFAULT_COST, over, looks.levels)
