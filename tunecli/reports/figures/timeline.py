"""The timeline: when each slot worked on which trial, with the time between sessions cut out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunecli.reports.figures.base import (
    BLUE,
    FADED,
    LEGEND,
    ORANGE,
    PINK,
    Figure,
    marks,
    plot,
    rounded,
    shown,
    title,
)
from tunecli.reports.importance import Importance
from tunecli.reports.study_data import StudyData
from tunecli.reports.text import counted, show_duration
from tunecli.study.trial import Trial, TrialStatus

NAME, TITLE = "timeline", "Timeline of the slots"

SHORTEST_GAP_S = 60.0
GAP_SHARE = 0.02
"""A time without any trial is cut out if it is longer than a minute, and than this share of the whole."""

UNITS = ((2 * 86400.0, 86400.0, "days"), (2 * 3600.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))
"""From which length of the whole a unit is used, and its seconds."""


COLOURS = {
    TrialStatus.COMPLETED.value: BLUE,
    "best": ORANGE,
    TrialStatus.FAILED.value: PINK,
    TrialStatus.RUNNING.value: FADED,
}


@dataclass(frozen=True)
class Bar:
    """A trial in its slot.

    Attributes:
        trial: Which.
        begin_s: After how many seconds of the study it began, without those that are cut out.
        length_s: For how long it ran, without those that are cut out.
    """

    trial: Trial
    begin_s: float
    length_s: float


@dataclass(frozen=True)
class Gap:
    """A time without any trial.

    Attributes:
        at_s: After how many seconds of the study it is cut out.
        length_s: How long it was.
    """

    at_s: float
    length_s: float


def timeline(trials: Sequence[Trial], now: float) -> tuple[list[Bar], list[Gap]]:
    """Returns when trials ran, and the gaps between them that are cut out.

    Args:
        trials: Any.
        now: Until when those run that have not ended, in seconds since the epoch.
    """
    spans = sorted(((*_span(trial, now), trial) for trial in trials), key=lambda span: (span[0], span[2].id))
    if not spans:
        return [], []
    least = max(SHORTEST_GAP_S, GAP_SHARE * (max(end for _, end, _ in spans) - spans[0][0]))
    first, busy_until, cut_s = spans[0][0], spans[0][0], 0.0
    bars, gaps = [], []
    for begin, end, trial in spans:
        if begin - busy_until > least:
            gaps.append(Gap(busy_until - first - cut_s, begin - busy_until))
            cut_s += begin - busy_until
        busy_until = max(busy_until, end)
        bars.append(Bar(trial, begin - first - cut_s, end - begin))
    return bars, gaps


def _span(trial: Trial, now: float) -> tuple[float, float]:
    begin = trial.asked_at if trial.started_at is None else trial.started_at
    end = now if trial.ended_at is None else trial.ended_at
    return begin, max(begin, end)


def draw(study: StudyData, importance: Importance) -> Figure:
    """Draws a row of bars for each slot."""
    del importance
    bars, gaps = timeline(list(study.snapshot.trials.values()), study.snapshot.updated_at)
    if not bars:
        return Figure(NAME, TITLE, "No trial has begun yet.", None)
    whole_s = max(bar.begin_s + bar.length_s for bar in bars)
    unit_s, unit = next((unit_s, unit) for least, unit_s, unit in UNITS if whole_s >= least)
    slots = sorted({bar.trial.slot for bar in bars})
    best = study.snapshot.best
    data = []
    for name, colour in COLOURS.items():
        of_kind = [bar for bar in bars if _kind(bar.trial, best) == name]
        if of_kind:
            data.append(_bars(name, colour, of_kind, slots, unit_s))
    drawn = plot(
        data,
        height=150 + 46 * len(slots),
        barmode="overlay",
        xaxis={"title": title(f"{unit} of work"), "rangemode": "tozero"},
        yaxis={
            "tickvals": list(range(len(slots))),
            "ticktext": [f"slot {slot}" for slot in slots],
            "range": [len(slots) - 0.4, -0.6],
        },
        annotations=[_cut(gap, unit_s) for gap in gaps],
        **LEGEND,
    )
    return Figure(NAME, TITLE, _text(bars, gaps, slots, whole_s), drawn)


def _bars(name: str, colour: str, bars: Sequence[Bar], slots: Sequence[int], unit_s: float) -> dict[str, Any]:
    rows = {slot: row for row, slot in enumerate(slots)}
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "base": [rounded(bar.begin_s / unit_s) for bar in bars],
        "x": [rounded(bar.length_s / unit_s) for bar in bars],
        "y": [rows[bar.trial.slot] for bar in bars],
        "width": 0.7,
        "customdata": [
            [*mark, show_duration(bar.length_s), shown(_outcome(bar.trial), 80)]
            for mark, bar in zip(marks([bar.trial for bar in bars]), bars, strict=True)
        ],
        # a line in the page's own grey keeps neighbours apart
        "marker": {"color": colour, "line": {"width": 0.5, "color": "rgba(128,128,128,0.8)"}},
        "hovertemplate": "trial %{customdata[0]}, %{customdata[2]}<br>%{customdata[3]}<extra></extra>",
    }


def _kind(trial: Trial, best: Trial | None) -> str:
    return "best" if best is not None and trial.id == best.id else trial.status.value


def _outcome(trial: Trial) -> str:
    if trial.outcome is None:
        return "running"
    return trial.outcome.cause if trial.score is None else f"score {rounded(trial.score)}"


def _cut(gap: Gap, unit_s: float) -> dict[str, Any]:
    return {
        "x": rounded(gap.at_s / unit_s),
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "text": f"⫽ {show_duration(gap.length_s)}",
        "showarrow": False,
        "font": {"size": 11},
    }


def _text(bars: Sequence[Bar], gaps: Sequence[Gap], slots: Sequence[int], whole_s: float) -> str:
    busy_s = sum(bar.length_s for bar in bars)
    busy = f"; the slots were busy {busy_s / (whole_s * len(slots)) * 100:.0f} % of it" if whole_s else ""
    parts = [
        f"{counted(len(bars), 'trial')} in {counted(len(slots), 'slot')} over {show_duration(whole_s)} of work{busy}."
    ]
    if len(bars) > 1:
        longest = max(bars, key=lambda bar: bar.length_s)
        parts.append(f"The longest, trial {longest.trial.id}, took {show_duration(longest.length_s)}.")
    if gaps:
        cut = show_duration(sum(gap.length_s for gap in gaps))
        are = "is" if len(gaps) == 1 else "are"
        parts.append(f"{counted(len(gaps), 'pause')} without any trial, {cut} in all, {are} cut out (⫽).")
    return " ".join(parts)
