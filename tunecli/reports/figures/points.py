"""Points over two hyperparameters, coloured by score: one for each trial that has both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunecli.reports.figures.base import marks, rounded, shown
from tunecli.reports.figures.parameters import ParameterAxis
from tunecli.reports.figures.scores import ScoreAxis
from tunecli.spec.space import show_value
from tunecli.study.trial import Trial

GOLDEN_RATIO, ROOT_OF_TWO = 0.618034, 0.414214

JITTER = 0.5
"""How far points of one choice are spread, as a share of the distance of two: they would hide each other."""


def jittered(axis: ParameterAxis, trial: Trial, turn: float = GOLDEN_RATIO) -> float | None:
    """Returns where a trial's point lies on an axis; of a choice moved aside, always the same, and evenly spread.

    Args:
        axis: Of a hyperparameter that the trial has.
        trial: Whose point.
        turn: An irrational number; another one for another direction, or points would lie on a line.
    """
    aside = (trial.id * turn % 1 - 0.5) * JITTER if axis.is_choice else 0.0
    return rounded(axis.place(trial.suggestion.values) + aside)


def pair_points(
    across: ParameterAxis,
    up: ParameterAxis,
    trials: Sequence[Trial],
    score: ScoreAxis,
    *,
    size: int,
    line: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Returns a trace of points, of the trials that have both hyperparameters.

    Args:
        across: The first hyperparameter.
        up: The second.
        trials: Completed; the last lie on top.
        score: What is shown of the scores.
        size: Of a point, in pixels.
        line: Around it, as plotly takes it.
    """
    both = [each for each in trials if across.holds(each.suggestion.values) and up.holds(each.suggestion.values)]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [jittered(across, trial) for trial in both],
        "y": [jittered(up, trial, ROOT_OF_TWO) for trial in both],
        "customdata": [
            [*mark, *(shown(show_value(each.suggestion.values[axis.parameter.name])) for axis in (across, up))]
            for mark, each in zip(marks(both), both, strict=True)
        ],
        "marker": {
            "size": size,
            "color": [rounded(score.goodness(each.score), 3) for each in both if each.score is not None],
            "coloraxis": "coloraxis",
            **({} if line is None else {"line": dict(line)}),
        },
        "hovertemplate": f"trial %{{customdata[0]}}<br>{across.name} %{{customdata[2]}}<br>{up.name} %{{customdata[3]}}"
        f"<br>{shown(score.objective.metric)} %{{customdata[1]}}<extra></extra>",
    }
