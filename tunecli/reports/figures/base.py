"""What a figure is, and the look that all share: colours, axes, texts and figures short enough for a page.

A figure is plotly's JSON, made of plain values: neither plotly nor Optuna is imported to draw. (Optuna's own plots name
no trials that a click could find, take names as markup, and draw parallel coordinates with WebGL.) Only SVG traces are
used: scatter, bar, heatmap and contour.

What a page may rely on:
    trace["customdata"][i][:2] == [trial's id, its score or None]   of each point that stands for a trial
    trace["meta"] == {"trial": id, "score": score or None}          of a trace that stands for one trial as a whole
    layout has no width, no colours of text, lines or grid, and a transparent background; it has a height
    layout["coloraxis"] is there where colours tell a figure: a dark page may set its `reversescale`
Texts within a plot are escaped: plotly draws some of HTML.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunecli.reports.importance import Importance
from tunecli.reports.study_data import StudyData
from tunecli.reports.text import counted, printable
from tunecli.spec.space import Value, show_value
from tunecli.study.objective import Goal, Objective
from tunecli.study.trial import Trial

# the colours of Okabe and Ito (2008), which people with any colour vision can tell apart, on light and dark
BLUE, ORANGE, GREEN, PINK, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
PALETTE = (BLUE, "#E69F00", GREEN, PINK, SKY, ORANGE)
FADED = "rgba(128,128,128,0.45)"
FAINT = "rgba(128,128,128,0.27)"

SCALE = [[0.0, "#433e85"], [0.25, "#38588c"], [0.5, "#25858e"], [0.75, "#2ab07f"], [1.0, "#7ad151"]]
"""Viridis without its ends, which would be lost on a dark or a light page; from the worst score to the best."""

HEIGHT = 400
"""Pixels."""

MOST_MAGNITUDES = 6
"""On a logarithmic axis; of more, only every n-th is named."""

MOST_CHARACTERS = 28
"""Of a name or value within a plot."""


@dataclass(frozen=True)
class Figure:
    """One of a report's figures.

    Attributes:
        name: The id of its section: `history`.
        title: Its heading.
        text: What is to be seen, in one to three sentences with figures: also the alternative text. Why nothing is
            drawn, where `plot` is None.
        plot: Plotly's JSON, `{"data": […], "layout": {…}}`, or None.
    """

    name: str
    title: str
    text: str
    plot: Mapping[str, Any] | None


def plot(data: Sequence[Mapping[str, Any]], *, height: int = HEIGHT, **layout: Any) -> dict[str, Any]:
    """Returns plotly's JSON of traces and a layout; axes get what all have."""
    for name, axis in layout.items():
        if name.startswith(("xaxis", "yaxis")):
            layout[name] = {"automargin": True, "zeroline": False, **axis}
    shared = {
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 10, "r": 10, "t": 30, "b": 10},
        "hovermode": "closest",
        "showlegend": False,
    }
    return {"data": list(data), "layout": {**shared, **layout}}


LEGEND: dict[str, Any] = {
    "showlegend": True,
    "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
}
"""A legend above the plot, where it takes no width."""


def shown(text: str, most: int = MOST_CHARACTERS) -> str:
    """Returns a user's text as plotly draws it literally: on one line, shortened, without markup or placeholders."""
    return html.escape(printable(text, most), quote=False).replace("%{", "%&#123;")


def said(value: Value) -> str:
    """Returns a name or value as a figure's text has it: on one line, shortened; whoever shows the text escapes it."""
    return printable(show_value(value))


def rounded(number: float | None, digits: int = 5) -> float | None:
    """Returns a figure with as many digits as a plot can show; None for what is not finite, which JSON cannot hold."""
    return None if number is None or not math.isfinite(number) else float(f"{number:.{digits}g}")


def marks(trials: Sequence[Trial]) -> list[list[float | None]]:
    """Returns the `customdata` of points that stand for trials."""
    return [[trial.id, rounded(trial.score)] for trial in trials]


def title(text: str, size: int | None = None) -> dict[str, Any]:
    """Returns an axis title, in the page's size or one of its own in pixels."""
    return {"text": text, "standoff": 6, **({"font": {"size": size}} if size else {})}


def magnitude_axis(low: float, high: float, margin: float) -> dict[str, Any]:
    """Returns what plotly needs of a logarithmic axis: every tick says its whole number, `20` and not `2`.

    Args:
        low: The lowest value, above 0.
        high: The highest.
        margin: How much room to leave at both ends, in magnitudes.
    """
    first, last = math.log10(low), math.log10(high)
    every = math.ceil((last - first) / MOST_MAGNITUDES)
    factors = (1,) if last - first >= 2 else (1, 2, 5) if last - first >= 0.8 else (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
    powers = range(math.floor(first), math.ceil(last) + 1)
    ticks = [factor * 10.0**power for power in powers if power % max(1, every) == 0 for factor in factors]
    within = [each for each in ticks if first - margin <= math.log10(each) <= last + margin]
    return {
        "type": "log",
        "range": [rounded(first - margin), rounded(last + margin)],
        "tickvals": [rounded(each) for each in within],
        "ticktext": [f"{each:.6g}" for each in within],
    }


def objective_title(objective: Objective) -> str:
    """Returns what a score's axis is called."""
    better = "lower" if objective.goal is Goal.MINIMIZE else "higher"
    return f"{shown(objective.metric)} ({better} is better)"


def thinned(trials: Sequence[Trial], most: int) -> list[Trial]:
    """Returns at most so many of trials that stand best first: the better half of them, and of the rest every n-th."""
    if len(trials) <= most:
        return list(trials)
    head = most // 2
    rest = trials[head:]
    every = len(rest) / (most - head)
    return [*trials[:head], *(rest[int(index * every)] for index in range(most - head))]


def thinning(kept: int, whole: int) -> str:
    """Returns how many trials are drawn where not all are, in a sentence for people; empty if all are."""
    return "" if kept >= whole else f"{kept:,} of {whole:,} trials are drawn: the best, and every n-th of the others."


def nothing_to_draw(study: StudyData, trials: Sequence[Trial], fewest: int = 2) -> str:
    """Says why a figure of hyperparameters is not drawn; empty if it is.

    Args:
        study: The study.
        trials: Those that it would show.
        fewest: How many it takes.
    """
    if not len(study.space):
        return "Nothing is searched, so there are no hyperparameters to compare."
    if len(trials) < fewest:
        are = "is" if len(trials) == 1 else "are"
        return f"It takes {counted(fewest, 'trial')} with a score; there {are} {len(trials)}."
    return ""


def each_once(study: StudyData) -> str:
    """Says what of Hyperband's trials is drawn, in a sentence for people; empty for other searches."""
    return "Each configuration is drawn once, with its longest training." if study.has_budgets else ""


def chosen(importance: Importance, kept: int, whole: int) -> str:
    """Says which hyperparameters are drawn: `the 5 most important of 7 hyperparameters`."""
    if kept == whole:
        return f"the {counted(whole, 'hyperparameter')}"
    which = f"the first {kept}" if importance.why_not else f"the {kept} most important"
    return f"{which} of {whole} hyperparameters"


def colour_at(share: float, opacity: float) -> str:
    """Returns the colour of `SCALE` at a share of the way, from 0 to 1.

    The opacity is one of the colour: that of a trace makes a layer of each, and Chromium (150) was seen to paint black
    stripes over some dozens of them.
    """
    place = share * (len(SCALE) - 1)
    index = min(int(place), len(SCALE) - 2)
    low, high = (bytes.fromhex(str(SCALE[each][1])[1:]) for each in (index, index + 1))
    mixed = [round(a + (b - a) * (place - index)) for a, b in zip(low, high, strict=True)]
    return f"rgba({','.join(map(str, mixed))},{round(opacity, 2):g})"
