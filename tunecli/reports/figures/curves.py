"""Learning curves of the best trials, before those of the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tunecli.reports.curves.learning_curves import SHIFT_NOTES, LearningCurve, trial_curve
from tunecli.reports.figures.base import (
    FAINT,
    LEGEND,
    ORANGE,
    PALETTE,
    Figure,
    plot,
    rounded,
    shown,
    thinned,
    title,
)
from tunecli.reports.figures.scores import score_axis
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import StudyData
from tunecli.reports.text import counted, show_score
from tunecli.study.objective import VALIDATION
from tunecli.study.trial import Trial

NAME, TITLE = "curves", "Learning curves"

TOP = 10
"""How many of the best trials are drawn in colour."""

WITH_TRAINING = 3
"""Of how many of these the training curve is drawn, too."""

MOST_OTHERS = 100

DASHES = ("solid", "dash")
"""Tells trials of one colour apart."""

Points = Sequence[float | None]


def draw(study: StudyData, importance: Importance) -> Figure:
    """Draws validation curves, of the very best trials the training curves too."""
    del importance
    trials = study.configurations()
    top = [(trial, _curve(study, trial)) for trial in trials[:TOP]]
    others = [(trial, _curve(study, trial)) for trial in thinned(trials[TOP:], MOST_OTHERS)]
    top, others = [each for each in top if each[1].main], [each for each in others if each[1].main]
    if not top:
        what = "the measurements of the completed trials are missing" if trials else "no trial has a score yet"
        return Figure(NAME, TITLE, f"There are no learning curves to draw: {what}.", None)
    data = [trace for trial, curve in others for trace in _faded(trial, curve)]
    for rank, (trial, curve) in reversed(list(enumerate(top))):  # the best lies on top
        data += _highlighted(rank, trial, curve)
    drawn = plot(
        data,
        height=460,
        xaxis={"title": title("epochs"), "rangemode": "tozero"},
        yaxis=_values_axis(study, [curve for _, curve in [*top, *others]]),
        **LEGEND,
    )
    return Figure(NAME, TITLE, _text(study, top, len(others), len(trials)), drawn)


def _curve(study: StudyData, trial: Trial) -> LearningCurve:
    return trial_curve(
        study.snapshot,
        trial.id,
        measurements=study.curves[trial.id],
        trainings=study.trainings[trial.id],
        plan=study.plan,
    )


def _judged(curve: LearningCurve) -> tuple[Sequence[int], Points]:
    """Returns the curve on the rows that judge: those of validation, or of training where there are none."""
    assert curve.main is not None, "trials without a curve are left out"
    is_validated = any(value is not None for value in curve.main.validation)
    return curve.main.epochs, curve.main.validation if is_validated else curve.main.train


def _faded(trial: Trial, curve: LearningCurve) -> list[dict[str, Any]]:
    epochs, values = _judged(curve)
    line = {"color": FAINT, "width": 1}
    return [{**_line(trial, epochs, values, line), "showlegend": False}]


def _highlighted(rank: int, trial: Trial, curve: LearningCurve) -> list[dict[str, Any]]:
    """Returns a trial's validation curve with its best epoch marked, and its training curve, dotted."""
    epochs, values = _judged(curve)
    colours = (ORANGE, *(each for each in PALETTE if each != ORANGE))
    colour = colours[rank % len(colours)]
    style = {"color": colour, "width": 3 if rank == 0 else 1.8, "dash": DASHES[rank // len(colours) % len(DASHES)]}
    group = {"legendgroup": str(trial.id)}
    whole = {**_line(trial, epochs, values, style), **group, "legendrank": rank + 1}
    if curve.best_epoch in epochs:
        sizes = [9 if epoch == curve.best_epoch else 0 for epoch in epochs]
        whole |= {
            "mode": "lines+markers",
            "marker": {"size": sizes, "color": colour, "opacity": 1, "line": {"width": 0}},
        }
    assert curve.main is not None, "trials without a curve are left out"
    if values is curve.main.train or rank >= WITH_TRAINING:
        return [whole]
    dotted = {"color": colour, "width": 1, "dash": "dot"}
    places = curve.train_x(curve.main.epochs)
    training = _line(trial, places, curve.main.train, dotted, "training, ")
    return [{**training, **group, "showlegend": False}, whole]


def _line(
    trial: Trial, epochs: Sequence[float], values: Points, line: dict[str, Any], kind: str = ""
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"trial {trial.id}",
        "meta": {"trial": trial.id, "score": rounded(trial.score)},
        "x": list(epochs),
        "y": [rounded(value) for value in values],
        "line": line,
        "hovertemplate": f"{kind}trial {trial.id}<br>epoch %{{x}}: %{{y}}<extra></extra>",
    }


def _values_axis(study: StudyData, curves: Sequence[LearningCurve]) -> dict[str, Any]:
    """Returns the axis of the metric: early epochs that are far off do not stretch it."""
    # the early epochs of the others are what is far off
    judged = [_judged(curve)[1] for curve in curves]
    measured = [value for values in judged[:TOP] for value in values] + [values[-1] for values in judged[TOP:]]
    values = [value for value in measured if value is not None and math.isfinite(value)]
    name = {"title": title(shown(curves[0].metric))}
    if not values:
        return name
    return {**score_axis(study.objective, values).layout, **name}


def _text(study: StudyData, top: Sequence[tuple[Trial, LearningCurve]], others: int, whole: int) -> str:
    trial, curve = top[0]
    metric = curve.metric
    validated = f"{VALIDATION}{metric}" if _judged(curve)[1] is not (curve.main and curve.main.train) else metric
    drawn = f"the {counted(len(top), 'best trial')}" if len(top) > 1 else f"trial {trial.id}"
    greys = f", and of {counted(others, 'other')} in grey" if others else ""
    some = f" ({len(top) + others:,} of {whole:,} trials are drawn)" if whole > len(top) + others else ""
    at = f", at epoch {curve.best_epoch}" if curve.best_epoch else ""
    best = f"trial {trial.id} ({study.objective.metric} {show_score(trial.score)}{at})"
    parts = [
        f"Curves of {validated} by epoch, of {drawn} in colour{greys}{some}; a dot marks the best epoch",
        f"The best, {best}: {curve.shape.describe()}",
    ]
    if validated != metric:
        best = f"the best {min(len(top), WITH_TRAINING)}" if len(top) > 1 else "it"
        parts.append(f"Dotted, of {best}, {SHIFT_NOTES[curve.shift]}")
    if curve.mean is not None:
        parts.append("Each line is the mean of a trial's trainings, as far as all of them went")
    return ". ".join(parts) + "."
