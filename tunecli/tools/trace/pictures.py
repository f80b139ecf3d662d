"""Draws a trace: parameters and losses against the iteration, losses by epoch, and the line and its path.

Iteration 0 is the start, before the first update. What is drawn here was computed elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.reports.pictures import picture
from tunecli.tools.trace.parameters import Course
from tunecli.tools.trace.record import Record
from tunecli.tools.trace.surface import Line, Surface, spread

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BLUE, ORANGE, GREEN, DARK = "#0072B2", "#D55E00", "#009E73", "#333333"

COLOURS = "viridis"
"""From the first iteration to the last."""

MOST_LINES = 10
"""So many weights or layers are told apart by their colours."""

MOST_FITTED = 200
"""So many fitted lines are drawn, evenly spread over the iterations."""

MOST_POINTS = 2000
"""So many rows are drawn, evenly spread."""

_MOST_MARKED = 60
_MOST_EPOCH_LINES = 40
_LOG_FROM = 50.0

_MOST_IN_FORMULA, _MOST_IN_LABEL, _MOST_ALONE = 16, 32, 56
"""Characters of a name in a formula, beside other words, and by itself."""


def draw_courses(found: Sequence[Course], record: Record, path: Path, *, title: str) -> Path:
    """Draws weights, or biases, against the iteration; the dashed lines are where least squares puts them."""
    import numpy as np

    shown = sorted(found, key=lambda each: -_reach(each.values))[:MOST_LINES]
    if len(shown) < len(found):
        title = f"{title}, the {len(shown)} of {len(found)} that moved most"
    kept = [each for each in found if each in shown]
    with picture(path, title=title) as (axes,):
        _mark_epochs(axes, record)
        low = min(float(np.nanmin(finite(each.values))) for each in kept)
        high = max(float(np.nanmax(finite(each.values))) for each in kept)
        for each in kept:
            name = elided(each.label, _MOST_IN_LABEL)
            (line,) = axes.plot(range(record.updates + 1), finite(each.values), label=name, **_marks(record))
            if each.least_squares is None:
                continue
            best = f"{name}: least squares {each.least_squares:.6g}"
            is_near = (max(high, each.least_squares) - min(low, each.least_squares)) * 0.1 <= high - low
            if is_near:
                axes.axhline(each.least_squares, color=line.get_color(), linestyle="--", linewidth=1.2, label=best)
            else:
                axes.plot([], [], color=line.get_color(), linestyle="--", label=f"{best}, far from here")
        label = f"{kept[0].label} ({kept[0].unit})" if len(kept) == 1 else kept[0].label.split()[0]
        axes.set_ylabel(elided(label, _MOST_ALONE))
        _along(axes, record)
        axes.legend(loc="best")
    return path


def draw_loss(record: Record, path: Path, *, title: str, loss: str) -> Path:
    """Draws the loss of each batch, and that over all training rows, against the iteration."""
    with picture(path, title=f"{title}: loss at each update") as (axes,):
        _mark_epochs(axes, record)
        batches, losses = finite(record.batch_losses), finite(record.losses)
        is_dense = record.updates > _MOST_MARKED
        axes.plot(
            range(1, record.updates + 1),
            batches,
            color=ORANGE,
            alpha=0.55 if is_dense else 1.0,
            linewidth=0.8 if is_dense else 1.2,
            label="of the batch, before its update",
            **_marks(record),
        )
        axes.plot(
            range(record.updates + 1),
            losses,
            color=BLUE,
            label="over all training rows, after it",
            **_marks(record),
        )
        _log_if_wide(axes, [batches, losses])
        axes.set_ylabel(f"loss ({loss})")
        _along(axes, record)
        axes.legend(loc="best")
    return path


def draw_epochs(record: Record, path: Path, *, title: str) -> Path:
    """Draws the loss of each epoch, and its first metric, with those of the validation part where there is one."""
    metric = _metric(record.epoch_logs)
    with picture(path, title=f"{title}: epoch by epoch", columns=1 if metric is None else 2, size=(10.0, 4.5)) as all_:
        ends = record.losses[record.epoch_ends[: len(record.epoch_logs)]]
        _by_epoch(all_[0], "loss", record.epoch_logs, {"over all training rows, at its end": ends})
        if metric is not None:
            _by_epoch(all_[1], metric, record.epoch_logs, {})
    return path


def draw_norms(record: Record, path: Path, *, title: str) -> Path:
    """Draws the norms of each layer's weights and gradients against the iteration."""
    layers = list(record.layer_norms)[:MOST_LINES]
    left_out = len(record.layer_norms) - len(layers)
    more = f", the first {len(layers)} of {len(record.layer_norms)}" if left_out else ""
    with picture(path, title=f"{title}: layers{more}", rows=2, size=(8.0, 7.0)) as (weights, gradients):
        for name in layers:
            weights.plot(range(record.updates + 1), finite(record.layer_norms[name]), label=name, **_marks(record))
            gradients.plot(
                range(1, record.updates + 1),
                finite(record.layer_gradient_norms[name]),
                linewidth=1.0,
                label=name,
                **_marks(record),
            )
        _log_if_wide(gradients, [finite(record.layer_gradient_norms[name]) for name in layers])
        weights.set_ylabel("norm of the weights")
        gradients.set_ylabel("norm of the gradient")
        for axes in (weights, gradients):
            _mark_epochs(axes, record)
            _along(axes, record)
        weights.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return path


def draw_line(line: Line, path: Path, *, title: str) -> Path:
    """Draws the fitted line after each update over the data."""
    from matplotlib.ticker import MaxNLocator

    with picture(path, title=f"{title}: the line after each update", size=(8.5, 5.5)) as (axes,):
        draw_points(axes, line)
        x = curve_x(line)
        shown = [int(each) for each in _finite_positions(line)[spread(int(line.is_finite.sum()), MOST_FITTED)]]
        lines = _collection(
            [(x, line.predict(float(line.weights[index]), float(line.biases[index]), x)) for index in shown], shown
        )
        axes.add_collection(lines)
        for index, colour, name in ((shown[0], DARK, "start"), (shown[-1], ORANGE, f"after update {shown[-1]}")):
            weight, bias = float(line.weights[index]), float(line.biases[index])
            style = "--" if name == "start" else "-"
            label = f"{name}: {equation(line, weight, bias)}"
            axes.plot(
                x, line.predict(weight, bias, x), color=colour, linestyle=style, linewidth=2.2, label=label, zorder=5
            )
        draw_best_line(axes, line, x)
        _keep_to_points(axes, line)
        bar = axes.figure.colorbar(lines, ax=axes, pad=0.01)
        bar.set_label("iteration")
        bar.locator = MaxNLocator(integer=True)
        bar.update_ticks()
        _boxed_legend(axes)
    return path


def draw_contour(line: Line, surface: Surface, path: Path, *, title: str) -> Path:
    """Draws the cost surface with the path of the training on it."""
    with picture(path, title=f"{title}: the path over {surface.formula}", size=(8.5, 6.0)) as (axes,):
        draw_surface(axes, line, surface, with_bar=True)
        where = _finite_positions(line)
        weights, biases = line.weights[where], line.biases[where]
        axes.plot(weights, biases, color=DARK, linewidth=1.0 if len(where) <= _MOST_MARKED else 0.5, zorder=3)
        size = 26 if len(where) <= _MOST_MARKED else 7
        axes.scatter(weights, biases, c=where, cmap=COLOURS, s=size, edgecolors=DARK, linewidths=0.4, zorder=4)
        axes.plot(
            weights[:1], biases[:1], "o", color="white", markeredgecolor=DARK, markersize=9, label="start", zorder=5
        )
        axes.plot(
            weights[-1:],
            biases[-1:],
            "D",
            color=ORANGE,
            markeredgecolor="white",
            markersize=9,
            label=f"after update {where[-1]}",
            zorder=6,
        )
        _boxed_legend(axes)
    return path


def draw_points(axes: Axes, line: Line) -> None:
    """Draws the training rows, and names the axes."""
    rows = spread(len(line.x), MOST_POINTS)
    some = "" if len(rows) == len(line.x) else f", {len(rows):,} of {len(line.x):,}"
    axes.scatter(
        line.x[rows],
        line.y[rows],
        s=26 if len(rows) <= 300 else 6,
        color="white",
        edgecolors=DARK,
        linewidths=0.9,
        zorder=3,
        label=f"training rows{some}",
    )
    axes.set_xlabel(elided(line.column, _MOST_ALONE))
    axes.set_ylabel(elided(line.target, _MOST_ALONE))


def draw_best_line(axes: Axes, line: Line, x: Floats) -> None:
    """Draws the least-squares line, where there is one, named with its figures."""
    if line.best is None:
        return
    weight, bias = float(line.best.weights[0, 0]), float(line.best.biases[0])
    label = f"least squares: {equation(line, weight, bias)}, RMSE {line.best.rmse:.6g}"
    axes.plot(x, line.predict(weight, bias, x), color=BLUE, linestyle=":", linewidth=2.2, label=label, zorder=4)


def draw_surface(axes: Axes, line: Line, surface: Surface, *, with_bar: bool) -> None:
    """Draws the costs as bands with labelled lines, and least squares where it lies within."""
    from matplotlib.ticker import FuncFormatter

    axes.grid(visible=False)
    bands = axes.contourf(
        surface.weights, surface.biases, surface.costs, levels=_bands(surface), cmap="Blues", alpha=0.9
    )
    rings = axes.contour(
        surface.weights, surface.biases, surface.costs, levels=surface.levels, colors="#33495e", linewidths=0.6
    )
    axes.clabel(rings, surface.levels[:: max(1, len(surface.levels) // 8)], fmt=short, fontsize=7)
    if with_bar:
        bar = axes.figure.colorbar(bands, ax=axes, pad=0.01, format=FuncFormatter(lambda value, _: short(value)))
        bar.set_label(surface.formula)
    if line.best is not None:
        weight, bias = float(line.best.weights[0, 0]), float(line.best.biases[0])
        is_within = surface.weights[0] < weight < surface.weights[-1] and surface.biases[0] < bias < surface.biases[-1]
        where = "" if is_within else ", outside"
        label = f"least squares{where}: {weight:.6g}, {bias:.6g}"
        axes.plot(
            [weight] if is_within else [],
            [bias] if is_within else [],
            "X",
            color="#CC0000",
            markersize=10,
            markeredgecolor="white",
            linestyle="none",
            label=label,
            zorder=5,
        )
    axes.set_xlim(surface.weights[0], surface.weights[-1])
    axes.set_ylim(surface.biases[0], surface.biases[-1])
    target = elided("log-odds" if line.is_probability else line.target, _MOST_IN_LABEL)
    column = elided(line.column, _MOST_IN_LABEL)
    whole = f"weight of {column} ({target} per {column})"
    axes.set_xlabel(whole if len(whole) <= _MOST_ALONE else f"weight of {column}")
    axes.set_ylabel(f"bias ({target})")


def emptiest_corner(surface: Surface, line: Line) -> str:
    """Returns the corner of a surface's picture that the path and its goal keep away from the most."""
    import numpy as np

    ends = [] if line.best is None else [(float(line.best.weights[0, 0]), float(line.best.biases[0]))]
    path = np.array([*zip(line.weights[line.is_finite], line.biases[line.is_finite], strict=True), *ends])
    low = np.array([surface.weights[0], surface.biases[0]])
    high = np.array([surface.weights[-1], surface.biases[-1]])
    corners = {"upper left": (0, 1), "lower right": (1, 0), "upper right": (1, 1), "lower left": (0, 0)}
    shares = (path - low) / (high - low)
    return max(corners, key=lambda name: float(np.abs(shares - corners[name]).max(axis=1).min()))


def equation(line: Line, weight: float, bias: float) -> str:
    """Returns the line as a formula: `y = 2.95944·x + 2.1803`."""
    column, target = (name if len(name) <= _MOST_IN_FORMULA else short_name for name, short_name in _names(line))
    figures = [f"{number:.6g}".replace("-", "−") for number in (weight, abs(bias))]
    return f"{target} = {figures[0]}·{column} {'+' if bias >= 0 else '−'} {figures[1]}"


def elided(name: str, most: int) -> str:
    """Returns a name of at most so many characters, its middle left out where it is longer."""
    if len(name) <= most:
        return name
    tail = (most - 1) // 3
    return f"{name[: most - 1 - tail]}…{name[len(name) - tail :]}"


def short(value: float) -> str:
    """Returns a number as it stands beside a line or an axis."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e8 else f"{value:.3g}"


def curve_x(line: Line) -> Floats:
    """Returns where a fitted line is drawn: from the least value of the column to the largest."""
    import numpy as np

    return np.linspace(line.x.min(), line.x.max(), 100 if line.is_probability else 2)


def finite(values: Floats) -> Floats:
    """Returns values in which what is not finite is NaN, which leaves a gap."""
    import numpy as np

    found: Floats = np.where(np.isfinite(values), values, np.nan)
    return found


def _names(line: Line) -> list[tuple[str, str]]:
    """Returns what column and target are called, and what stands for them in a formula if that is long."""
    return [(line.column, "x"), ("log-odds" if line.is_probability else line.target, "y")]


def _boxed_legend(axes: Axes) -> None:
    """Draws a legend that can be read above whatever lies behind it."""
    axes.legend(loc="best", frameon=True, framealpha=0.9, edgecolor="#cccccc", fontsize="small").set_zorder(9)


def _finite_positions(line: Line) -> NDArray[np.int64]:
    import numpy as np

    return np.flatnonzero(line.is_finite)


def _keep_to_points(axes: Axes, line: Line) -> None:
    """Lets no wild line squeeze the points together."""
    low, high = float(line.y.min()), float(line.y.max())
    margin = 0.35 * (high - low) or 1.0
    lowest, highest = axes.get_ylim()
    axes.set_ylim(max(lowest, low - margin), min(highest, high + margin))


def _collection(curves: Sequence[tuple[Floats, Floats]], iterations: Sequence[int]) -> Any:
    import numpy as np
    from matplotlib.collections import LineCollection

    segments = [np.column_stack(each) for each in curves]
    lines = LineCollection(segments, cmap=COLOURS, linewidths=1.0, alpha=0.75, zorder=2)
    lines.set_array(np.array(iterations, dtype=np.float64))
    return lines


def _bands(surface: Surface) -> Floats:
    import numpy as np

    found: Floats = np.concatenate([[surface.costs.min()], surface.levels, [surface.costs.max()]])
    return np.unique(found)


def _reach(values: Floats) -> float:
    import numpy as np

    return float(np.nanmax(finite(values)) - np.nanmin(finite(values)))


def _marks(record: Record) -> dict[str, Any]:
    return _dots(record.updates)


def _dots(count: int) -> dict[str, Any]:
    """Returns how single values are marked, unless there are too many."""
    return {"marker": "o", "markersize": 3.5} if count <= _MOST_MARKED else {}


def _mark_epochs(axes: Axes, record: Record) -> None:
    """Draws a thin line where an epoch ends, unless there are too many."""
    ends = record.epoch_ends[:-1]
    if len(ends) <= _MOST_EPOCH_LINES:
        for end in ends:
            axes.axvline(end + 0.5, color="#bbbbbb", linewidth=0.8, linestyle=":", zorder=0)


def _along(axes: Axes, record: Record) -> None:
    from matplotlib.ticker import MaxNLocator

    has_lines = 1 < len(record.epoch_ends) <= _MOST_EPOCH_LINES + 1
    axes.set_xlabel(f"iteration{', dotted where an epoch ends' if has_lines else ''}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _log_if_wide(axes: Axes, all_values: Sequence[Floats]) -> None:
    """Sets a logarithmic axis where values are far apart, and all above 0."""
    import numpy as np

    values = np.concatenate(all_values)
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > _LOG_FROM * values.min():
        from matplotlib.ticker import FuncFormatter

        axes.set_yscale("log")
        # its own labels are formulas, which these pictures do not read
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def _metric(logs: Sequence[Mapping[str, float]]) -> str | None:
    """Returns the metric that is best known: rmse, accuracy, or else the first."""
    names = [name for name in (logs[0] if logs else {}) if name not in ("loss", "learning_rate")]
    names = [name for name in names if not name.startswith("val_")]
    return next((name for name in ("rmse", "accuracy") if name in names), names[0] if names else None)


def _by_epoch(axes: Axes, name: str, logs: Sequence[Mapping[str, float]], more: Mapping[str, Floats]) -> None:
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    epochs = range(1, len(logs) + 1)
    marks = _dots(len(logs))
    series = {"of its batches, as Keras accumulates it": np.array([each.get(name, np.nan) for each in logs]), **more}
    if any(f"val_{name}" in each for each in logs):
        series["on the validation rows"] = np.array([each.get(f"val_{name}", np.nan) for each in logs])
    for (label, values), colour in zip(
        series.items(), (ORANGE, BLUE, GREEN) if more else (ORANGE, GREEN), strict=False
    ):
        axes.plot(epochs, finite(values), color=colour, label=label, **marks)
    _log_if_wide(axes, list(series.values()))
    if len(logs) == 1:
        axes.set_xlim(0, 2)
    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="best", fontsize="small")
