"""Which hyperparameters set the best trials apart, and how much of that chance alone would give."""

from __future__ import annotations

from typing import Any

from tunecli.reports.figures.base import BLUE, FADED, LEGEND, ORANGE, Figure, plot, rounded, said, shown, title
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import StudyData
from tunecli.reports.text import counted

NAME, TITLE = "importance", "Which hyperparameters mattered"

CAVEAT = (
    "It says what sets the best trials of this search apart (PED-ANOVA), not how large an effect is or which way it "
    "goes: see the slices for that."
)

MOST_BARS = 20

WORTH_NAMING = 0.05
"""Smaller shares are named only where there is none so large."""


def draw(study: StudyData, importance: Importance) -> Figure:
    """Draws a bar for each hyperparameter, and a mark up to where chance reaches."""
    if importance.why_not:
        return Figure(NAME, TITLE, f"Importances are not shown: {importance.why_not}.", None)
    names = list(importance.shares)[:MOST_BARS]
    places = list(range(len(names)))
    data = [_bars(importance, names), _chance(importance, names)]
    drawn = plot(
        data,
        height=120 + 32 * len(names),
        xaxis={"title": title("share of the importance"), "tickformat": ".0%", "rangemode": "tozero"},
        yaxis={
            "tickvals": places,
            "ticktext": [shown(name) for name in names],
            "range": [len(names) - 0.5, -0.5],
        },
        **LEGEND,
    )
    return Figure(NAME, TITLE, _text(importance), drawn)


def _bars(importance: Importance, names: list[str]) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": "share",
        "x": [rounded(importance.shares[name], 3) for name in names],
        "y": list(range(len(names))),
        "marker": {"color": [BLUE if importance.is_beyond_chance(name) else FADED for name in names]},
        "hovertemplate": "%{x:.1%}<extra></extra>",
    }


def _chance(importance: Importance, names: list[str]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "what chance reaches",
        "x": [rounded(min(1.0, importance.chance[name]), 3) for name in names],
        "y": list(range(len(names))),
        "marker": {"symbol": "line-ns-open", "size": 18, "color": ORANGE, "line": {"width": 2}},
        "text": [f"{importance.chance[name]:.1%}" for name in names],
        "hovertemplate": "with shuffled scores up to %{text}<extra></extra>",
    }


def _text(importance: Importance) -> str:
    beyond = [name for name in importance.shares if importance.is_beyond_chance(name)]
    # of thirty hyperparameters that do nothing, one or two exceed chance by a hair
    large = [name for name in beyond if importance.shares[name] >= WORTH_NAMING] or beyond
    named = ", ".join(f"{said(name)} ({importance.shares[name] * 100:.0f}\u00a0%)" for name in large[:3])
    rough = ", so it is rough" if importance.is_rough else ""
    within = "" if importance.budget is None else f" trained to epoch {importance.budget}"
    result = f"Beyond chance: {named}." if beyond else "No hyperparameter stands out beyond chance."
    return (
        f"{result} Measured on {counted(importance.trials, 'trial')}{within}, the best {importance.best} against all"
        f"{rough}; chance is what one in twenty measurements with shuffled scores exceeds. {CAVEAT}"
    )
