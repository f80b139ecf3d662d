"""A scatter-plot matrix: every two of the most important hyperparameters, coloured by score."""

from __future__ import annotations

from typing import Any

from tunecli.reports.figures.base import (
    Figure,
    chosen,
    each_once,
    nothing_to_draw,
    plot,
    shown,
    thinned,
    thinning,
    title,
)
from tunecli.reports.figures.parameters import ParameterAxis, parameter_axes
from tunecli.reports.figures.points import pair_points
from tunecli.reports.figures.scores import score_axis
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import StudyData
from tunecli.reports.text import counted

NAME, TITLE = "scatter_matrix", "Hyperparameters in pairs"

MOST_PARAMETERS, MOST_POINTS, PANEL_HEIGHT = 5, 250, 165

MOST_CHARACTERS = 14
"""Of a name at the matrix's edge: panels are narrow on a phone."""


def draw(study: StudyData, importance: Importance) -> Figure:
    """Draws the lower triangle of the matrix; a pair shows the trials that have both."""
    trials = study.configurations()
    if why_not := nothing_to_draw(study, trials):
        return Figure(NAME, TITLE, why_not, None)
    if len(study.space) < 2:
        return Figure(NAME, TITLE, "One hyperparameter alone makes no pair: see its slice.", None)
    names = importance.order(study.space)
    axes = parameter_axes(list(study.space), names[:MOST_PARAMETERS])
    score = score_axis(study.objective, [trial.score for trial in trials if trial.score is not None])
    kept = thinned(trials, MOST_POINTS)[::-1]  # the best lie on top
    size = len(axes) - 1
    layout: dict[str, Any] = {
        "grid": {"rows": size, "columns": size, "pattern": "independent", "xgap": 0.06, "ygap": 0.06},
        "coloraxis": _within_free_corner(score.colours) if size > 1 else score.colours,
    }
    data = []
    for row in range(size):
        for column in range(row + 1):
            across, up = axes[column], axes[row + 1]
            number = row * size + column + 1
            suffix = "" if number == 1 else str(number)
            layout[f"xaxis{suffix}"] = _edge(across, is_labelled=row == size - 1)
            layout[f"yaxis{suffix}"] = _edge(up, is_labelled=column == 0)
            data.append({**pair_points(across, up, kept, score, size=6), "xaxis": f"x{suffix}", "yaxis": f"y{suffix}"})
    text = [
        f"Every two of {chosen(importance, len(axes), len(names))}, for {counted(len(kept), 'trial')}: the brighter a "
        f"point, the better its {study.objective.metric}.",
        each_once(study),
        thinning(len(kept), len(trials)),
        score.note("drawn like that one"),
    ]
    drawn = plot(data, height=110 + PANEL_HEIGHT * size, **layout)
    return Figure(NAME, TITLE, " ".join(filter(None, text)), drawn)


def _within_free_corner(colours: dict[str, Any]) -> dict[str, Any]:
    """Puts the colour bar where the upper triangle would be, so that it takes no width from a phone."""
    corner = {"x": 1, "xanchor": "right", "y": 1, "yanchor": "top", "len": 0.45}
    return {**colours, "colorbar": {**colours["colorbar"], **corner}}


def _edge(axis: ParameterAxis, *, is_labelled: bool) -> dict[str, Any]:
    """Returns an axis that is labelled at the matrix's edge only."""
    name = title(shown(axis.parameter.name, MOST_CHARACTERS), size=11)
    small = {**axis.layout, "title": name, "tickfont": {"size": 10}}
    return small if is_labelled else {**small, "title": None, "showticklabels": False}
