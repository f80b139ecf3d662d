"""The score over the two most important hyperparameters, smoothed between the trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.reports.figures.base import (
    Figure,
    each_once,
    nothing_to_draw,
    plot,
    rounded,
    said,
    thinned,
)
from tunecli.reports.figures.parameters import ParameterAxis, parameter_axes
from tunecli.reports.figures.points import pair_points
from tunecli.reports.figures.scores import ScoreAxis, score_axis
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import StudyData
from tunecli.reports.text import counted
from tunecli.study.trial import Trial

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME, TITLE = "contour", "The two most important hyperparameters together"

MOST_POINTS = 250

STEPS = 32
"""Points of the grid along a range."""

LINE = {"width": 0.5, "color": "rgba(128,128,128,0.9)"}
"""Between two levels; a grey that is seen on light and dark."""

RIM = {"width": 1, "color": "rgba(128,128,128,0.9)"}
"""Around a point, which may have the colour of the surface."""

NARROWEST = 0.06
"""Of a range: a narrower bandwidth would show points, not a surface."""

FEWEST_WEIGHT = 0.35
"""The weight of the trials around a point, below which nothing is claimed: 1 is a trial at the point itself."""


@dataclass(frozen=True)
class Surface:
    """A score over two hyperparameters.

    Attributes:
        across: The points of the grid along the first, as plotly takes them.
        up: The same along the second.
        goodness: By `up`, then `across`: 0 for the worst score that is shown, 1 for the best; None far from any trial.
    """

    across: tuple[float, ...]
    up: tuple[float, ...]
    goodness: tuple[tuple[float | None, ...], ...]


def surface(across: ParameterAxis, up: ParameterAxis, score: ScoreAxis, trials: Sequence[Trial]) -> Surface:
    """Returns the mean of the trials' scores around each point of a grid.

    A Gaussian kernel weighs them (Nadaraya 1964, Watson 1964), as wide as Scott (1992) advises for two dimensions:
    the standard deviation times n^(-1/6). The values of a choice have no distance: each is a row or column by itself.

    Args:
        across: The first hyperparameter.
        up: The second.
        score: What is shown of the scores.
        trials: With both hyperparameters and a score.
    """
    import numpy as np

    places_across, weights_across = _weights(across, trials)
    places_up, weights_up = _weights(up, trials)
    values = np.array([score.goodness(trial.score) for trial in trials if trial.score is not None])
    whole = np.einsum("at,bt->bat", weights_across, weights_up)
    total = whole.sum(axis=2)
    mean = (whole @ values) / np.where(total > 0, total, 1.0)
    cells = tuple(
        tuple(rounded(float(value), 3) if weight >= FEWEST_WEIGHT else None for value, weight in zip(*row, strict=True))
        for row in zip(mean, total, strict=True)
    )
    return Surface(places_across, places_up, cells)


def _weights(axis: ParameterAxis, trials: Sequence[Trial]) -> tuple[tuple[float, ...], NDArray[np.float64]]:
    """Returns the grid's points along an axis, and the weight of each trial at each, `(points, trials)`."""
    import numpy as np

    if axis.is_choice:
        points = np.arange(len(axis.choices), dtype=float)
        own = np.array([axis.place(trial.suggestion.values) for trial in trials])
        return tuple(points.tolist()), (points[:, None] == own[None, :]).astype(float)
    shares = np.linspace(0.0, 1.0, STEPS)
    own = np.array([axis.share(trial.suggestion.values) for trial in trials])
    bandwidth = max(NARROWEST, float(own.std()) * len(trials) ** (-1 / 6))
    weights = np.exp(-0.5 * ((shares[:, None] - own[None, :]) / bandwidth) ** 2)
    return tuple(rounded(axis.place_at(float(share))) or 0.0 for share in shares), weights


def draw(study: StudyData, importance: Importance) -> Figure:
    """Draws the surface, with the trials as points."""
    trials = study.configurations()
    if why_not := nothing_to_draw(study, trials):
        return Figure(NAME, TITLE, why_not, None)
    if len(study.space) < 2:
        return Figure(NAME, TITLE, "Only one hyperparameter is searched: see its slice.", None)
    if importance.why_not:
        return Figure(NAME, TITLE, f"Which two matter most is not known: {importance.why_not}.", None)
    axes = parameter_axes(list(study.space), importance.order(study.space))
    common = _common(axes, trials)
    if len(common) < 2:
        return Figure(NAME, TITLE, "No two hyperparameters are in use in most trials: see the slices.", None)
    across, up = common[:2]
    both = [each for each in trials if across.holds(each.suggestion.values) and up.holds(each.suggestion.values)]
    score = score_axis(study.objective, [trial.score for trial in trials if trial.score is not None])
    drawn = plot(
        [
            _surface(surface(across, up, score, both), across, up),
            pair_points(across, up, thinned(both, MOST_POINTS)[::-1], score, size=8, line=RIM),  # the best lie on top
        ],
        height=460,
        xaxis=across.layout,
        yaxis=up.layout,
        coloraxis=score.colours,
    )
    text = [*_text(study, (across, up), both, trials, score), _left_out(axes[: axes.index(up)], common)]
    return Figure(NAME, TITLE, " ".join(filter(None, text)), drawn)


def _common(axes: Sequence[ParameterAxis], trials: Sequence[Trial]) -> list[ParameterAxis]:
    """Returns the hyperparameters that three in four trials have: any two of them are in half of the trials."""
    counts = [sum(axis.holds(trial.suggestion.values) for trial in trials) for axis in axes]
    return [axis for axis, number in zip(axes, counts, strict=True) if number >= 0.75 * len(trials)]


def _left_out(axes: Sequence[ParameterAxis], common: Sequence[ParameterAxis]) -> str:
    """Says which hyperparameters are more important than those that are drawn."""
    names = [said(axis.parameter.name) for axis in axes if axis not in common]
    is_one = len(names) == 1
    if not names:
        return ""
    return f"More important, but not in use in most trials, {'is' if is_one else 'are'} {' and '.join(names)}."


def _surface(found: Surface, across: ParameterAxis, up: ParameterAxis) -> dict[str, Any]:
    """Returns a filled contour; of a choice, whose values have nothing between them, rows or columns of colour."""
    shared = {"x": found.across, "y": found.up, "z": found.goodness, "coloraxis": "coloraxis", "hoverinfo": "skip"}
    if across.is_choice or up.is_choice:
        return {"type": "heatmap", **shared, "opacity": 0.75}
    # plotly.js 4.1 never ends filling contours whose colours come from an axis that others share
    levels = {"start": 0.1, "end": 0.9, "size": 0.1, "coloring": "heatmap"}
    return {"type": "contour", **shared, "contours": levels, "line": LINE, "opacity": 0.75}


def _text(
    study: StudyData, axes: Sequence[ParameterAxis], both: Sequence[Trial], trials: Sequence[Trial], score: ScoreAxis
) -> list[str]:
    some = f" ({len(both):,} of {len(trials):,}: the others have only one of them)" if len(both) < len(trials) else ""
    best = both[0]
    names = [said(axis.parameter.name) for axis in axes]
    values = [said(best.suggestion.values[axis.parameter.name]) for axis in axes]
    placed = " and ".join(map(" ".join, zip(names, values, strict=True)))
    return [
        f"{study.objective.metric} over {' and '.join(names)}: the brighter, the better. The colours between the "
        f"points are a smooth mean of {counted(len(both), 'trial')}{some}, blank where there is none near.",
        f"The best of them, trial {best.id}, has {placed}.",
        each_once(study),
        score.note("drawn like that one"),
    ]
