"""The curves of studies beside each other, as a picture and as tables.

Three pictures in one: the best score so far against trials, and against time, as it went; and what the best of n trials
would have been, had the same trials come in another order or been drawn again, with the middle 80 % as a band. That one
is drawn for searches whose trials are independent draws.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.reports.comparison.compare import Figures, StudyComparison
from tunecli.reports.comparison.pairs import DRAWS
from tunecli.reports.pictures import picture
from tunecli.reports.significance import best_of_n
from tunecli.reports.text import printable
from tunecli.store.files import write_whole
from tunecli.study.objective import Goal, Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARES = (0.1, 0.5, 0.9)
"""Of the distribution of the best of n: the edges of the band and the line between."""

MOST_POINTS = 200
"""Numbers of trials for which the best of n is computed."""

_UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))

_TITLE_LENGTH = 80
_LABEL_LENGTH = 40
_MARKED = 60
"""Curves of so many trials or fewer show each of them."""


def table_paths(path: Path) -> tuple[Path, Path]:
    """Returns where the tables of a picture go: the trials, and the best of n."""
    return path.with_suffix(".csv"), path.with_name(f"{path.stem}_best_of_n.csv")


def best_of_n_rows(figures: Figures, objective: Objective) -> Iterator[tuple[int, tuple[float, float, float]]]:
    """Yields numbers of trials, up to those of the study, and the best score of so many at each of `SHARES`.

    A score that is not reached, since too many trials fail, is infinite.
    """
    draws = [math.inf if each.score is None else objective.sort_key(each.score) for each in figures.curve]
    sign = 1 if objective.goal is Goal.MINIMIZE else -1
    for count in _spread(len(draws)):
        low, middle, high = (sign * best_of_n(draws, count, share) for share in SHARES)
        yield count, (low, middle, high)


def write_tables(found: StudyComparison, path: Path) -> list[Path]:
    """Writes the tables of a picture, and returns where they are.

    Raises:
        StudyError: A file cannot be written.
    """
    trials, best_of = table_paths(path)
    _write(trials, ["study", "ended", "trial", "spent_s", "score", "best"], _trial_rows(found.figures))
    drawn, objective = _drawn_again(found), found.objective
    if not drawn or objective is None:
        return [trials]
    rows = ((each.label, count, *scores) for each in drawn for count, scores in best_of_n_rows(each, objective))
    _write(best_of, ["study", "trials", *(f"best_{share:.0%}" for share in SHARES)], rows)
    return [trials, best_of]


def draw_curves(found: StudyComparison, path: Path) -> None:
    """Draws the curves of studies that have an objective in common.

    Args:
        found: With an objective.
        path: A PNG file.

    Raises:
        StudyError: The file cannot be written.
    """
    assert found.objective is not None, "scores of several kinds have no axis in common"
    columns = 3 if _drawn_again(found) else 2
    title = " · ".join(map(_name, found.figures))
    title = title if len(title) <= _TITLE_LENGTH else f"{len(found.figures)} studies"
    title += "\nnot ranked: the scores do not mean the same" if found.obstacles else ""
    with picture(path, title=title, columns=columns, size=(4.6 * columns, 4.4)) as axes:
        _draw_trials(axes[0], found.figures)
        _draw_times(axes[1], found.figures)
        if columns == 3:
            _draw_best_of_n(axes[2], found.figures, found.objective)
        limits = _limits(found)
        for each in axes:
            each.set_ylabel(_axis(found.objective))
            if limits is not None:
                each.set_ylim(*limits)
        handles, names = axes[0].get_legend_handles_labels()
        if handles:
            figure = axes[0].get_figure(root=True)
            assert figure is not None, "axes are drawn on a figure"
            figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), columns))
        else:
            axes[0].text(0.5, 0.5, "no trial has completed", ha="center", transform=axes[0].transAxes)


def _axis(objective: Objective) -> str:
    return f"{objective.metric} ({'lower' if objective.goal is Goal.MINIMIZE else 'higher'} is better)"


def _draw_trials(axes: Axes, studies: Sequence[Figures]) -> None:
    _count_trials(axes)
    axes.set_title("best so far, by trials")
    axes.set_xlabel("trials that have ended")
    for number, each in enumerate(studies):
        points = [(index, point.best) for index, point in enumerate(each.curve, start=1) if point.best is not None]
        _step(axes, points, each, number)


def _draw_times(axes: Axes, studies: Sequence[Figures]) -> None:
    longest = max((each.spent_s for each in studies), default=0.0)
    size, unit = next((size, unit) for size, unit in _UNITS if longest >= 2 * size or size == 1.0)
    axes.set_title("best so far, by time")
    axes.set_xlabel(f"time of all sessions ({unit})")
    for number, each in enumerate(studies):
        points = [(point.spent_s / size, point.best) for point in each.curve if point.best is not None]
        _step(axes, points, each, number)
    axes.set_xlim(left=0.0)


def _count_trials(axes: Axes) -> None:
    """Marks whole numbers on the axis."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _step(axes: Axes, points: Sequence[tuple[float, float]], figures: Figures, number: int) -> None:
    if points:
        marker = "." if len(points) <= _MARKED else ""
        axes.step(
            *zip(*points, strict=True),
            where="post",
            color=f"C{number}",
            linestyle=_line(number),
            marker=marker,
            label=_name(figures),
        )


def _line(number: int) -> str:
    """Returns how a study's curve is drawn; colours come again after seven."""
    return ("-", "--", ":", "-.")[number // 7 % 4]


def _name(figures: Figures) -> str:
    """Returns a study's name; of a long one beginning and end, where names mostly differ."""
    name = printable(figures.label, len(figures.label))
    half = _LABEL_LENGTH // 2
    return name if len(name) <= _LABEL_LENGTH else f"{name[: half - 1]}…{name[-half:]}"


def _draw_best_of_n(axes: Axes, studies: Sequence[Figures], objective: Objective) -> None:
    _count_trials(axes)
    axes.set_title("best of n trials, drawn again")
    axes.set_xlabel("n (line: median, band: 80 % of draws)")
    for number, each in enumerate(studies):
        if each.tuner != DRAWS or not each.completed:
            continue
        rows = list(best_of_n_rows(each, objective))
        counts = [count for count, _ in rows]
        low, middle, high = ([_or_nan(scores[index]) for _, scores in rows] for index in range(len(SHARES)))
        axes.plot(counts, middle, color=f"C{number}", linestyle=_line(number), marker="." if len(counts) == 1 else "")
        axes.fill_between(counts, low, [_far(score, objective) for score in high], color=f"C{number}", alpha=0.2, lw=0)


def _or_nan(score: float) -> float:
    return score if math.isfinite(score) else math.nan


def _far(score: float, objective: Objective) -> float:
    """Returns a score, or one far beyond the picture where so many trials may all have failed."""
    return score if math.isfinite(score) else math.copysign(1e300, 1 if objective.goal is Goal.MINIMIZE else -1)


def _limits(found: StudyComparison) -> tuple[float, float] | None:
    """Returns what the axes of scores show: all but the first tenth of each curve, which is often far off."""
    curves = [[point.best for point in each.curve if point.best is not None] for each in found.figures]
    shown = [best for curve in curves for best in curve[len(curve) // 10 :]]
    if not shown:
        return None
    low, high = min(shown), max(shown)
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _drawn_again(found: StudyComparison) -> list[Figures]:
    if found.objective is None:
        return []
    return [each for each in found.figures if each.tuner == DRAWS and each.completed]


def _spread(most: int) -> list[int]:
    """Returns numbers from 1 to `most`: all of them, or some that are spread evenly."""
    if most <= MOST_POINTS:
        return list(range(1, most + 1))
    return sorted({1 + round(index * (most - 1) / (MOST_POINTS - 1)) for index in range(MOST_POINTS)})


def _trial_rows(studies: Iterable[Figures]) -> Iterator[tuple[object, ...]]:
    for each in studies:
        for ended, point in enumerate(each.curve, start=1):
            yield each.label, ended, point.trial, point.spent_s, point.score, point.best


def _write(path: Path, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a table; what there is not is left empty."""
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(["" if _is_missing(cell) else cell for cell in row] for row in rows)
    write_whole(path, content.getvalue().encode())


def _is_missing(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and not math.isfinite(cell))
