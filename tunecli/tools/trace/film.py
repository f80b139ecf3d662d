"""Draws path and line together as a film: matplotlib draws the frames, Pillow writes them as GIF and WebP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.reports.pictures import LOOK
from tunecli.store.files import write_whole
from tunecli.tools.trace.pictures import (
    DARK,
    ORANGE,
    curve_x,
    draw_best_line,
    draw_points,
    draw_surface,
    emptiest_corner,
    equation,
)
from tunecli.tools.trace.record import Record
from tunecli.tools.trace.surface import Line, Surface, spread

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_FRAMES = 120
"""A longer training is shown by so many of its updates, evenly spread."""

LENGTH_S = 12.0
"""Of a film of that many frames; a shorter one shows each for a while."""

_LONGEST_FRAME_S = 0.5
_LAST_FRAME_S = 2.0
_SIZE = (10.4, 4.8)
_DOTS_PER_INCH = 90


def frames_of(updates: int) -> list[int]:
    """Returns the iterations that are shown, the start and the last update among them."""
    return [int(each) for each in spread(updates + 1, MOST_FRAMES)]


def film(line: Line, surface: Surface, record: Record, gif: Path, webp: Path, *, title: str) -> None:
    """Writes the film in both formats.

    Raises:
        StudyError: A file cannot be written.
    """
    shown = [index for index in frames_of(record.updates) if line.is_finite[index]]
    first, *others = _frames(line, surface, record, shown, title)
    each_ms = int(1000 * min(_LONGEST_FRAME_S, LENGTH_S / len(shown)))
    durations = [*[each_ms] * (len(shown) - 1), int(1000 * _LAST_FRAME_S)]
    for path, format_, settings in ((gif, "GIF", {"optimize": True}), (webp, "WEBP", {"quality": 80, "method": 4})):
        content = io.BytesIO()
        first.save(content, format=format_, save_all=True, append_images=others, duration=durations, loop=0, **settings)
        write_whole(path, content.getvalue())


def _frames(line: Line, surface: Surface, record: Record, shown: list[int], title: str) -> Iterator[Image]:
    """Yields a picture for each iteration that is shown."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from PIL import Image

    with matplotlib.rc_context(LOOK):
        layout = ConstrainedLayoutEngine(wspace=0.06)
        figure = Figure(figsize=_SIZE, dpi=_DOTS_PER_INCH, layout=layout)
        canvas = FigureCanvasAgg(figure)
        heading = figure.suptitle(title)
        path_axes, line_axes = figure.subplots(1, 2)
        draw_surface(path_axes, line, surface, with_bar=False)
        path_axes.set_title(surface.formula)
        x = curve_x(line)
        draw_points(line_axes, line)
        draw_best_line(line_axes, line, x)
        (trail,) = path_axes.plot([], [], color=DARK, linewidth=0.8, marker="o", markersize=2.2, zorder=4)
        (here,) = path_axes.plot([], [], "D", color=ORANGE, markeredgecolor="white", markersize=9, zorder=6)
        (fitted,) = line_axes.plot([], [], color=ORANGE, linewidth=2.2, zorder=4)
        _fix_limits(line_axes, line)
        if line.best is not None:
            corner = emptiest_corner(surface, line)
            path_axes.legend(loc=corner, frameon=True, framealpha=0.85, fontsize="x-small")
        line_axes.legend(loc="best", frameon=True, framealpha=0.85, fontsize="x-small")
        for index in shown:
            weight, bias = float(line.weights[index]), float(line.biases[index])
            trail.set_data(line.weights[: index + 1], line.biases[: index + 1])
            here.set_data([weight], [bias])
            fitted.set_data(x, line.predict(weight, bias, x))
            line_axes.set_title(equation(line, weight, bias))
            heading.set_text(f"{title}: {_when(record, index)}")
            yield Image.fromarray(_drawn(canvas)).convert("RGB")
            figure.set_layout_engine("none")  # what was laid out for the first frame stays where it is


def _drawn(canvas: Any) -> Any:
    """Draws what is on a canvas, and returns its pixels; matplotlib's canvases are untyped."""
    import numpy as np

    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).copy()


def _fix_limits(axes: Any, line: Line) -> None:
    """Keeps the axes as they are, whatever line is drawn."""
    low, high = float(line.y.min()), float(line.y.max())
    margin = 0.15 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(*axes.get_xlim())


def _when(record: Record, index: int) -> str:
    if index == 0:
        return "start"
    return f"update {index} of {record.updates}, epoch {record.epochs[index - 1]}"
