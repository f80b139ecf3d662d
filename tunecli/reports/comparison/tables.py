"""Studies beside each other on a terminal: a column for each, or a block for each where those do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tunecli.reports import terminal
from tunecli.reports.comparison.compare import Figures, StudyComparison
from tunecli.reports.comparison.words import pair_lines
from tunecli.reports.curves.sparks import Spark
from tunecli.reports.text import show_duration, show_score, show_spread
from tunecli.spec.space import show_value
from tunecli.study.objective import plain_metric

if TYPE_CHECKING:
    from rich.console import RenderableType

LONGEST_NAME = 36
"""Characters up to which a name is not wrapped."""

SPARK_WIDTH = 20
"""Characters of a curve."""

Cell = str | Spark
Row = tuple[str, Sequence[Cell]]
"""A name, and what stands there for each study."""


def comparison_view(found: StudyComparison) -> RenderableType:
    """Returns what studies came to, what differs between them, and whether that may be chance."""
    from rich.console import Group

    labels = [each.label for each in found.figures]
    parts: list[RenderableType] = [_beside(labels, _figure_rows(found))]
    if rows := _value_rows(found.figures):
        parts += terminal.titled("values of the best", _beside(labels, rows))
    if found.differences:
        parts += terminal.titled(
            "differences", _beside(labels, [(each.name, each.values) for each in found.differences])
        )
    else:
        parts.append(terminal.text("\nthe plans do not differ"))
    if found.obstacles:
        parts += terminal.titled("not ranked, since the scores do not mean the same", _lines(found.obstacles))
    elif lines := pair_lines(found):
        parts += terminal.titled("which is better", _lines(lines))
    return Group(*parts)


def _lines(lines: Sequence[str]) -> RenderableType:
    """Returns lines, whose indent stays where they are wrapped."""
    from rich.console import Group
    from rich.padding import Padding

    indents = [len(line) - len(line.lstrip()) for line in lines]
    return Group(
        *(Padding(terminal.text(line.strip()), (0, 0, 0, indent)) for line, indent in zip(lines, indents, strict=True))
    )


def _beside(labels: Sequence[str], rows: Sequence[Row]) -> RenderableType:
    wide = terminal.table(["", *labels], ((name, *cells) for name, cells in rows))
    narrow = terminal.table(["", "study", ""], (line for name, cells in rows for line in _narrow(name, labels, cells)))
    narrow.columns[0].min_width = min(LONGEST_NAME, max(len(name) for name, _ in rows))
    return terminal.Fitting(wide, narrow)


def _narrow(name: str, labels: Sequence[str], cells: Sequence[Cell]) -> Iterable[Sequence[Cell]]:
    """Yields a line for each text that stands in a row, with the studies in which it stands."""
    for number, text in enumerate(dict.fromkeys(cells)):
        there = [label for label, cell in zip(labels, cells, strict=True) if cell == text]
        yield "" if number else name, "all" if len(there) == len(labels) else ", ".join(there), text


def _figure_rows(found: StudyComparison) -> list[Row]:
    figures = found.figures
    metric = "score" if found.objective is None else found.objective.metric
    span = None if found.objective is None else _span(figures)
    rows: list[Row] = [
        ("state", [each.state for each in figures]),
        ("tuner", [each.tuner for each in figures]),
        ("trials", [_trials(each) for each in figures]),
        (f"best {metric}", [_best(each) for each in figures]),
        ("found after", [_found_after(each) for each in figures]),
        (f"median {metric}", [show_score(each.median) for each in figures]),
        (f"mean {metric}", [show_score(each.mean) for each in figures]),
        ("time", [show_duration(each.spent_s) for each in figures]),
        ("best so far", [_spark(each, span) for each in figures]),
    ]
    if ranking := found.ranking:
        rows.insert(0, ("rank", [_rank(each, ranking) for each in figures]))
    if any(each.test for each in figures):
        rows.append((f"test {plain_metric(metric)}", [_test(each) for each in figures]))
    return rows


def _value_rows(figures: Sequence[Figures]) -> list[Row]:
    names = dict.fromkeys(name for each in figures for name in each.best_values)
    return [
        (name, [show_value(each.best_values[name]) if name in each.best_values else "–" for each in figures])
        for name in names
    ]


def _rank(figures: Figures, ranking: Sequence[str]) -> str:
    return str(ranking.index(figures.label) + 1) if figures.label in ranking else "–"


def _trials(figures: Figures) -> str:
    others = [f"{figures.failed} failed"] * (figures.failed > 0) + [f"{figures.running} running"] * (
        figures.running > 0
    )
    return ", ".join([str(figures.completed), *others])


def _best(figures: Figures) -> str:
    if figures.best_trial is None:
        return "–"
    return f"{show_spread(figures.best_score, figures.best_sd)} (trial {figures.best_trial})"


def _found_after(figures: Figures) -> str:
    if figures.best_after is None or figures.best_at_s is None:
        return "–"
    return f"{figures.best_after} trial{'s' * (figures.best_after > 1)}, {show_duration(figures.best_at_s)}"


def _test(figures: Figures) -> str:
    if not figures.test:
        return "–"
    low, high = figures.test.get("low"), figures.test.get("high")
    interval = "" if low is None or high is None else f" ({show_score(low)} to {show_score(high)})"
    return f"{show_score(figures.test.get('value'))}{interval}"


def _span(figures: Sequence[Figures]) -> tuple[float, float] | None:
    """Returns the scale that the curves share; the first tenth of the trials, often far off, may be beyond it."""
    curves = [[point.best for point in each.curve if point.best is not None] for each in figures]
    later = [best for curve in curves for best in curve[len(curve) // 10 :]]
    return (min(later), max(later)) if later else None


def _spark(figures: Figures, span: tuple[float, float] | None) -> Cell:
    if not figures.curve:
        return "–"
    return Spark(tuple(point.best for point in figures.curve), SPARK_WIDTH, span)
