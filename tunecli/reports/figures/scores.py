"""The axis of the scores: by magnitude where they span several, and not stretched by a few that are far off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunecli.reports.figures.base import SCALE, magnitude_axis, objective_title, rounded, shown, title
from tunecli.reports.text import counted, show_score
from tunecli.study.objective import Goal, Objective

FAR_OFF = 3.0
"""A score is far off if it lies so many times as far from the best as that which four in five scores reach."""

MAGNITUDES = 20.0
"""From which ratio of that score to the best an error is shown by magnitude."""


@dataclass(frozen=True)
class ScoreAxis:
    """What of the scores is shown, and how.

    Attributes:
        objective: Whose.
        best: The best score.
        limit: The worst that is shown.
        is_log: Whether by magnitude.
        far_off: How many scores are worse than `limit`.
    """

    objective: Objective
    best: float
    limit: float
    is_log: bool
    far_off: int

    def holds(self, score: float) -> bool:
        """Says whether a score is within the axis."""
        return not self.objective.is_better(self.limit, score)

    def position(self, score: float) -> float:
        """Returns where a score lies on the axis: its logarithm where that is shown by magnitude."""
        return math.log10(score) if self.is_log else score

    def goodness(self, score: float) -> float:
        """Returns 0 for the worst score that is shown, 1 for the best."""
        worst, best = self.position(self.limit), self.position(self.best)
        if best == worst:
            return 1.0
        share = (self.position(score) - worst) / (best - worst) if self.holds(score) else 0.0
        return min(1.0, max(0.0, share))

    @property
    def layout(self) -> dict[str, Any]:
        """The axis, as plotly takes it."""
        low, high = sorted((self.position(self.best), self.position(self.limit)))
        margin = (high - low) * 0.07 or abs(high) * 0.05 or 0.5
        name = {"title": title(objective_title(self.objective))}
        if self.is_log:
            return {**name, **magnitude_axis(10**low, 10**high, margin)}
        return {**name, "range": [rounded(low - margin), rounded(high + margin)]}

    @property
    def colours(self) -> dict[str, Any]:
        """A `coloraxis` for markers whose colour is their score's `goodness`."""
        ticks = [self._at(share) for share in (0.0, 0.5, 1.0)] if self.best != self.limit else [self.best]
        places = [0.0, 0.5, 1.0] if len(ticks) == 3 else [1.0]
        texts = [show_score(each) for each in ticks]
        if self.far_off:
            texts[0] = f"{'≥' if self.objective.goal is Goal.MINIMIZE else '≤'} {texts[0]}"
        bar = {
            "title": {"text": shown(self.objective.metric), "side": "right"},  # above, it would touch the ticks
            "tickvals": places,
            "ticktext": texts,
            "thickness": 10,
            "len": 0.9,
            "tickfont": {"size": 10},
        }
        return {"colorscale": SCALE, "cmin": 0, "cmax": 1, "colorbar": bar}

    def note(self, fate: str) -> str:
        """Returns what becomes of the scores that are far off, in a sentence for people; empty if there are none."""
        if not self.far_off:
            return ""
        is_one = self.far_off == 1
        return (
            f"{counted(self.far_off, 'score')} worse than {show_score(self.limit)} {'is' if is_one else 'are'} {fate}."
        )

    def _at(self, share: float) -> float:
        worst, best = self.position(self.limit), self.position(self.best)
        place = worst + share * (best - worst)
        return 10**place if self.is_log else place


def score_axis(objective: Objective, scores: Sequence[float]) -> ScoreAxis:
    """Returns an axis for scores, at least one."""
    ordered = sorted(scores, key=objective.sort_key)
    best, common, worst = ordered[0], ordered[math.ceil(len(ordered) * 0.8) - 1], ordered[-1]
    is_log = objective.goal is Goal.MINIMIZE and best > 0 and common / best > MAGNITUDES
    draft = ScoreAxis(objective, best, worst, is_log, 0)
    reach = abs(draft.position(common) - draft.position(best))
    near = [each for each in ordered if abs(draft.position(each) - draft.position(best)) <= FAR_OFF * reach]
    if not reach:
        near = ordered
    return ScoreAxis(objective, best, near[-1], is_log, len(ordered) - len(near))
