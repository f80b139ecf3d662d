"""The optimisation history: each score in the order of ending, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunecli.reports.figures.base import (
    FADED,
    LEGEND,
    ORANGE,
    PALETTE,
    Figure,
    marks,
    plot,
    rounded,
    shown,
    title,
)
from tunecli.reports.figures.scores import ScoreAxis, score_axis
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import StudyData
from tunecli.reports.text import counted, show_spread
from tunecli.study.objective import Goal
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Trial

MANY = 300
"""Of more trials the points are smaller."""


@dataclass(frozen=True)
class History:
    """What came of the trials, one after the other.

    Attributes:
        ended: Those that have ended, in that order.
        best: The best score so far, after each; None before the first.
    """

    ended: tuple[Trial, ...]
    best: tuple[float | None, ...]


def history(snapshot: Snapshot) -> History:
    """Returns the trials in the order of ending, and the best score so far."""
    ended = sorted((each for each in snapshot.trials.values() if each.is_finished), key=lambda each: each.ended_at or 0)
    best: list[float | None] = []
    for trial in ended:
        before = best[-1] if best else None
        is_better = trial.score is not None and snapshot.objective.is_better(trial.score, before)
        best.append(trial.score if is_better else before)
    return History(tuple(ended), tuple(best))


def draw(study: StudyData, importance: Importance) -> Figure:
    """Draws the history."""
    del importance
    found = history(study.snapshot)
    text = _text(study, found)
    if study.snapshot.best is None:
        return Figure("history", "Optimisation history", text, None)
    scores = [trial.score for trial in found.ended if trial.score is not None]
    axis = score_axis(study.objective, scores)
    data = [*_points(study, found, axis), _best_line(found), *_at_edge(found, axis)]
    drawn = plot(
        data,
        xaxis={"title": title("trials that have ended"), "range": [0, len(found.ended) + 1]},
        yaxis=axis.layout,
        # failures have no score: they stand at the edge where the bad ones are
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        **LEGEND,
    )
    return Figure("history", "Optimisation history", f"{text} {axis.note('marked at the edge')}".rstrip(), drawn)


def _points(study: StudyData, found: History, axis: ScoreAxis) -> list[dict[str, Any]]:
    """Returns the scores, one trace for each number of epochs where those differ."""
    places = {trial.id: place for place, trial in enumerate(found.ended, start=1)}
    shown_ones = [trial for trial in found.ended if trial.score is not None and axis.holds(trial.score)]
    if not study.has_budgets:
        return [_scatter(study, "score", shown_ones, places, PALETTE[0])]
    budgets = sorted({trial.suggestion.end_epoch for trial in shown_ones})
    return [
        _scatter(
            study,
            f"to epoch {budget}",
            [trial for trial in shown_ones if trial.suggestion.end_epoch == budget],
            places,
            PALETTE[number % (len(PALETTE) - 1)],
        )
        for number, budget in enumerate(budgets)
    ]


def _scatter(
    study: StudyData, name: str, trials: Sequence[Trial], places: dict[int, int], colour: str
) -> dict[str, Any]:
    deviations = [trial.outcome.score_sd if trial.outcome else None for trial in trials]
    bars = {"error_y": {"array": [rounded(each) for each in deviations], "thickness": 1, "width": 2}}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [places[trial.id] for trial in trials],
        "y": [rounded(trial.score) for trial in trials],
        "customdata": marks(trials),
        "marker": {"color": colour, "size": 7 if len(trials) <= MANY else 4},
        "hovertemplate": f"trial %{{customdata[0]}}<br>{shown(study.objective.metric)} %{{y}}<extra></extra>",
        **(bars if any(each is not None for each in deviations) else {}),
    }


def _best_line(found: History) -> dict[str, Any]:
    first = next(place for place, each in enumerate(found.best) if each is not None)
    # only where it changes: a thousand trials change it some ten times
    steps = [
        place
        for place in range(first, len(found.best))
        if place in (first, len(found.best) - 1) or found.best[place] != found.best[place - 1]
    ]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "best so far",
        "x": [place + 1 for place in steps],
        "y": [rounded(found.best[place]) for place in steps],
        "line": {"shape": "hv", "color": ORANGE, "width": 2},
        "hoverinfo": "skip",  # it passes through the best trials, and a click there is meant for them
    }


def _at_edge(found: History, axis: ScoreAxis) -> list[dict[str, Any]]:
    """Returns the trials that failed, and those whose score is far off."""
    ended = list(enumerate(found.ended, start=1))
    failed = [(place, trial) for place, trial in ended if trial.score is None]
    far_off = [(place, trial) for place, trial in ended if trial.score is not None and not axis.holds(trial.score)]
    edge = 0.975 if axis.objective.goal is Goal.MINIMIZE else 0.025
    symbols = ("x-thin-open", "triangle-up-open" if edge > 0.5 else "triangle-down-open")
    kinds = [("failed", failed, symbols[0]), ("beyond the axis", far_off, symbols[1])]
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": [place for place, _ in places],
            "y": [edge] * len(places),
            "yaxis": "y2",
            "customdata": marks([trial for _, trial in places]),
            "marker": {"symbol": symbol, "size": 8, "color": FADED if name == "failed" else PALETTE[0]},
            "hovertemplate": f"trial %{{customdata[0]}}: %{{customdata[1]}} {name}<extra></extra>"
            if name != "failed"
            else "trial %{customdata[0]} failed<extra></extra>",
        }
        for name, places, symbol in kinds
        if places
    ]


def _text(study: StudyData, found: History) -> str:
    best, failed = study.snapshot.best, len(study.snapshot.failed)
    if best is None:
        whole = f"all {counted(failed, 'trial')} that have ended failed" if failed else "no trial has ended"
        return f"There is no score to draw yet: {whole}."
    assert best.outcome is not None
    place = [trial.id for trial in found.ended].index(best.id) + 1
    parts = [
        f"{counted(len(found.ended), 'trial')} ended, {failed:,} without a score.",
        f"The best {study.objective.metric} is {show_spread(best.outcome.score, best.outcome.score_sd)}, "
        f"of trial {best.id}, number {place:,} to end.",
    ]
    if any(trial.outcome and trial.outcome.score_sd is not None for trial in found.ended):
        parts.append("Bars are the standard deviation of a trial's trainings.")
    return " ".join(parts)
