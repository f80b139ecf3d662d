"""Pictures as PNG files: one look for all that are drawn.

    with picture(path, title="learning rate range test", rows=2) as axes:
        axes[0].plot(steps, losses, label="smoothed loss")

Figures are computed elsewhere, as plain values; whoever draws says what the axes are, with their units.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tunecli.store.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

LOOK: dict[Any, Any] = {  # of names that matplotlib lists one by one
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "font.size": 10.0,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    # the colours of Okabe and Ito (2008), which people with any colour vision can tell apart
    "axes.prop_cycle": "cycler('color', ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'])",
    "text.parse_math": False,  # a dollar sign in a column's name is a dollar sign
}
"""What differs from matplotlib's own settings."""

DOTS_PER_INCH = 150


@contextmanager
def picture(
    path: Path, *, title: str, rows: int = 1, columns: int = 1, size: tuple[float, float] = (8.0, 5.0)
) -> Iterator[list[Axes]]:
    """Gives axes to draw on, row by row; writes the file, whole or not at all, when the block ends.

    Args:
        path: A PNG file; its folder is made.
        title: What stands above all axes.
        rows: Of axes.
        columns: Of axes.
        size: Inches.

    Raises:
        StudyError: The file cannot be written.
    """
    import matplotlib
    from matplotlib.figure import Figure  # without pyplot, which keeps every figure and may want a display

    with matplotlib.rc_context(LOOK):
        figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
        figure.suptitle(title)
        yield list(figure.subplots(rows, columns, squeeze=False).flat)
        content = io.BytesIO()
        figure.savefig(content, format="png")
    write_whole(path, content.getvalue())


def by_magnitude(axes: Axes, name: Literal["x", "y"]) -> None:
    """Makes an axis logarithmic, and labels its powers of ten as plain numbers: matplotlib's own labels are formulas.

    Args:
        axes: What the axis belongs to.
        name: Which of the two.
    """
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    axes.set(**{f"{name}scale": "log"})
    axis: Axis = getattr(axes, f"{name}axis")
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
