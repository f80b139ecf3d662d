"""Parallel coordinates: a line for each trial through its values to its score.

Drawn as plain lines: plotly's own trace for it needs WebGL, which a headless or old browser may lack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunecli.reports.figures.base import (
    FADED,
    ORANGE,
    Figure,
    chosen,
    colour_at,
    each_once,
    marks,
    nothing_to_draw,
    plot,
    rounded,
    shown,
    thinned,
    thinning,
)
from tunecli.reports.figures.parameters import ParameterAxis, parameter_axes
from tunecli.reports.figures.scores import ScoreAxis, score_axis
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import StudyData
from tunecli.reports.text import counted, show_score
from tunecli.spec.space import show_value
from tunecli.study.objective import Goal
from tunecli.study.trial import Trial

NAME, TITLE = "parallel", "Parallel coordinates"

MOST_AXES, MOST_LINES = 8, 200

MOST_CHARACTERS = 16
"""Of a name below its axis: plotly leaves out what would stick out at the side."""

UNUSED = -0.13
"""Where a line passes the axis of a hyperparameter that its trial does not have."""


def draw(study: StudyData, importance: Importance) -> Figure:
    """Draws the lines, the best on top; the axes stand in the order of importance, the score's comes last."""
    trials = study.configurations()
    if why_not := nothing_to_draw(study, trials):
        return Figure(NAME, TITLE, why_not, None)
    names = importance.order(study.space)
    # those that matter most stand beside the score
    axes = parameter_axes(list(study.space), names[:MOST_AXES])[::-1]
    score = score_axis(study.objective, [trial.score for trial in trials if trial.score is not None])
    kept = thinned(trials, MOST_LINES)
    data = [_line(study, trial, axes, score) for trial in reversed(kept)]
    has_unused = any(not axis.holds(trial.suggestion.values) for axis in axes for trial in kept)
    low = UNUSED - 0.07 if has_unused else -0.05
    drawn = plot(
        data,
        height=480,
        margin={"l": 50, "r": 60, "t": 20, "b": 10},
        xaxis={
            "tickvals": list(range(len(axes) + 1)),
            "ticktext": [
                *(shown(axis.parameter.name, MOST_CHARACTERS) for axis in axes),
                shown(study.objective.metric),
            ],
            "range": [-0.15, len(axes) + 0.15],
            "showgrid": True,
        },
        yaxis={"range": [low, 1.05], "visible": False},
        annotations=[
            *_ticks(axes, score),
            *([_tick(0, UNUSED, "not used")] if has_unused else []),
        ],
    )
    text = [
        f"A line for each of {counted(len(kept), 'trial')} through {chosen(importance, len(axes), len(names))} to its "
        f"{study.objective.metric}; the brighter and thicker, the better, and the best in orange.",
        each_once(study),
        thinning(len(kept), len(trials)),
        "Lines that pass below an axis belong to trials without that hyperparameter." if has_unused else "",
        score.note("drawn like that one"),
    ]
    return Figure(NAME, TITLE, " ".join(filter(None, text)), drawn)


def _line(study: StudyData, trial: Trial, axes: Sequence[ParameterAxis], score: ScoreAxis) -> dict[str, Any]:
    assert trial.score is not None, "only completed trials are drawn"
    values = trial.suggestion.values
    goodness = score.goodness(trial.score)
    is_best = study.snapshot.best is not None and trial.id == study.snapshot.best.id
    held = [axis.holds(values) for axis in axes]
    heights = [axis.share(values) if is_held else UNUSED for axis, is_held in zip(axes, held, strict=True)]
    texts = [
        f"{axis.name} {shown(show_value(values[axis.parameter.name])) if is_held else 'not used'}"
        for axis, is_held in zip(axes, held, strict=True)
    ]
    (mark,) = marks([trial])
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"trial {trial.id}",
        "meta": {"trial": trial.id, "score": mark[1]},
        "x": list(range(len(axes) + 1)),
        "y": [*(rounded(each, 3) for each in heights), rounded(_height(score, trial.score), 3)],
        "customdata": [[*mark, text] for text in [*texts, f"{shown(score.objective.metric)} {mark[1]}"]],
        "line": {
            "color": ORANGE if is_best else colour_at(goodness, 0.25 + 0.6 * goodness),
            "width": 3.5 if is_best else round(1 + goodness, 1),
        },
        "hovertemplate": "trial %{customdata[0]}<br>%{customdata[2]}<extra></extra>",
    }


def _height(score: ScoreAxis, value: float) -> float:
    """Returns where a score crosses its axis: numbers grow upwards, so that a low error stands at the foot."""
    goodness = score.goodness(value)
    return 1 - goodness if score.objective.goal is Goal.MINIMIZE else goodness


def _ticks(axes: Sequence[ParameterAxis], score: ScoreAxis) -> list[dict[str, Any]]:
    own = [_tick(place, share, text) for place, axis in enumerate(axes) for share, text in axis.ticks]
    best, worst = show_score(score.best), show_score(score.limit)
    if score.best == score.limit:
        return [*own, _tick(len(axes), _height(score, score.best), best)]
    beyond = {True: "≥ ", False: "≤ "}[score.objective.goal is Goal.MINIMIZE] if score.far_off else ""
    ends = [(score.best, best), (score.limit, f"{beyond}{worst}")]
    return [*own, *(_tick(len(axes), _height(score, value), text) for value, text in ends)]


def _tick(place: int, height: float, text: str) -> dict[str, Any]:
    return {
        "x": place,
        "y": rounded(height, 3),
        "text": text,
        "showarrow": False,
        "xanchor": "left",
        "xshift": 3,
        "font": {"size": 11},
        "bgcolor": FADED.replace("0.45", "0.18"),
        "borderpad": 1,
    }
