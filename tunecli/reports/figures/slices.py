"""Slices: the score against each hyperparameter by itself."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tunecli.reports.figures.base import (
    BLUE,
    FADED,
    ORANGE,
    Figure,
    each_once,
    marks,
    nothing_to_draw,
    plot,
    rounded,
    said,
    shown,
    thinned,
    thinning,
    title,
)
from tunecli.reports.figures.parameters import ParameterAxis, parameter_axes
from tunecli.reports.figures.points import jittered
from tunecli.reports.figures.scores import ScoreAxis, score_axis
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import StudyData
from tunecli.reports.text import counted
from tunecli.spec.space import show_value
from tunecli.study.trial import Trial

NAME, TITLE = "slice", "Each hyperparameter against the score"

MOST_PANELS, COLUMNS, PANEL_HEIGHT = 8, 2, 220
MOST_CHARACTERS = 18
"""Of a name below its panel: two stand side by side on a phone."""

MOST_POINTS = 400
"""In a panel."""

TOP = 10
"""How many of the best trials the text sums up."""


def draw(study: StudyData, importance: Importance) -> Figure:
    """Draws a panel for each hyperparameter, the most important first."""
    trials = study.configurations()
    if why_not := nothing_to_draw(study, trials):
        return Figure(NAME, TITLE, why_not, None)
    names = importance.order(study.space)
    axes = parameter_axes(list(study.space), names[:MOST_PANELS])
    score = score_axis(study.objective, [trial.score for trial in trials if trial.score is not None])
    kept = thinned([trial for trial in trials if trial.score is not None and score.holds(trial.score)], MOST_POINTS)
    rows = -(-len(axes) // COLUMNS)
    layout: dict[str, Any] = {
        "grid": {"rows": rows, "columns": min(COLUMNS, len(axes)), "pattern": "independent", "xgap": 0.08, "ygap": 0.32}
    }
    data: list[dict[str, Any]] = []
    for number, axis in enumerate(axes):
        suffix = "" if number == 0 else str(number + 1)
        layout[f"xaxis{suffix}"] = {**axis.layout, "title": title(shown(axis.parameter.name, MOST_CHARACTERS))}
        layout[f"yaxis{suffix}"] = _score_layout(score, number)
        data += [{**trace, "xaxis": f"x{suffix}", "yaxis": f"y{suffix}"} for trace in _panel(axis, score, kept, study)]
    parts = [
        _text(axes, trials),
        each_once(study),
        thinning(len(kept), len(trials) - score.far_off),
        score.note("not drawn"),
    ]
    if len(axes) < len(names):
        parts.append(f"{counted(len(names) - len(axes), 'more hyperparameter')} not drawn.")
    drawn = plot(data, height=90 + PANEL_HEIGHT * rows, **layout)
    return Figure(NAME, TITLE, " ".join(filter(None, parts)), drawn)


def _score_layout(score: ScoreAxis, number: int) -> dict[str, Any]:
    """Returns the axis of the scores, the same in all panels, labelled at the left."""
    if number % COLUMNS == 0:
        return {**score.layout, **({"matches": "y"} if number else {})}
    return {**score.layout, "matches": "y", "title": None, "showticklabels": False}


def _panel(axis: ParameterAxis, score: ScoreAxis, trials: Sequence[Trial], study: StudyData) -> list[dict[str, Any]]:
    active = [trial for trial in trials if axis.holds(trial.suggestion.values)]
    best = study.snapshot.best
    winners = [trial for trial in active if best is not None and trial.id == best.id]
    others = [trial for trial in active if trial not in winners]
    medians = [_medians(axis, active)] if axis.is_choice and active else []
    return [
        *medians,
        _points(axis, score, others, {"color": BLUE, "size": 6, "opacity": 0.8}),
        _points(axis, score, winners, {"color": ORANGE, "size": 11, "symbol": "star"}),
    ]


def _points(axis: ParameterAxis, score: ScoreAxis, trials: Sequence[Trial], marker: dict[str, Any]) -> dict[str, Any]:
    values = [trial.suggestion.values for trial in trials]
    hover = f"{axis.name} %{{customdata[2]}}<br>{shown(score.objective.metric)} %{{y}}"
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [jittered(axis, each) for each in trials],
        "y": [rounded(trial.score) for trial in trials],
        "customdata": [
            [*mark, shown(show_value(each[axis.parameter.name]))]
            for mark, each in zip(marks(trials), values, strict=True)
        ],
        "marker": marker,
        "hovertemplate": f"trial %{{customdata[0]}}<br>{hover}<extra></extra>",
    }


def _medians(axis: ParameterAxis, trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns the median score of each choice, as a short line."""
    scores: dict[float, list[float]] = {}
    for trial in trials:
        if trial.score is not None:
            scores.setdefault(axis.place(trial.suggestion.values), []).append(trial.score)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(scores),
        "y": [rounded(statistics.median(each)) for each in scores.values()],
        "marker": {"symbol": "line-ew-open", "size": 34, "color": FADED, "line": {"width": 3}},
        "hovertemplate": "median %{y}<extra></extra>",
    }


def _text(axes: Sequence[ParameterAxis], trials: Sequence[Trial]) -> str:
    """Says which values the best trials have, of the first hyperparameters."""
    top = trials[: min(TOP, -(-len(trials) // 4))]
    facts = [fact for axis in axes[:3] if (fact := _fact(axis, top))]
    if len(trials) < 4 or not facts:
        return f"The scores of {counted(len(trials), 'trial')}; the star is the best."
    those = f"{len(top)} best" if len(top) > 1 else "best"
    have = "have" if len(top) > 1 else "has"
    return f"The {those} of {counted(len(trials), 'trial')} {have} {'; '.join(facts)}. The star is the best."


def _fact(axis: ParameterAxis, top: Sequence[Trial]) -> str:
    name = axis.parameter.name
    values = [trial.suggestion.values for trial in top if axis.holds(trial.suggestion.values)]
    if not values:
        return ""
    where = "" if len(values) == len(top) else f" (in {len(values)} of them)"
    if axis.is_choice:
        found = Counter(map(axis.place, values)).most_common()
        counts = [(said(axis.choices[int(place)]), each) for place, each in found[:3]]
        several = " or ".join(f"{value} ({each})" for value, each in counts)
        return f"{said(name)} {several if len(counts) > 1 else counts[0][0]}{where}"
    ordered = sorted(values, key=axis.place)
    low, high = (show_value(each[name]) for each in (ordered[0], ordered[-1]))
    return f"{said(name)} {low}{where}" if low == high else f"{said(name)} from {low} to {high}{where}"
