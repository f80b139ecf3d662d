"""What the shape of a learning curve says: it overfits, still falls, has levelled off, is flat.

    shape = judge(epochs, train, validation, Goal.MINIMIZE)
    shape.describe()                          # 'overfits from epoch 12'

The rules are simple, and hold back where a curve does not say enough. The level of a curve at one of its ends is the
median of a few epochs. Two levels differ where they are further apart than three times the noise, and than a small
share of the best value. The noise is that of a smooth curve with independent errors, estimated from second differences,
which a trend does not enter (Gasser, Sroka & Jennen-Steinmetz 1986, "Residual variance and residual pattern in
nonlinear regression"). Of curves that are nothing but noise, one in twenty-five at most is taken for one that overfits.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tunecli.study.objective import Goal

FEWEST_EPOCHS = 6
"""A shorter curve has no shape."""

WINDOW = 3
"""Epochs whose median is the level of a curve at one of its ends."""

WORTH_A_WORD = 0.01
"""Of the best value: a smaller loss behind the best epoch is not worth a word."""

FLAT_SHARE = 0.002
"""Of the best value: a curve that changes by no more has learnt nothing."""

LAST_SHARE = 0.05
"""Of all that was gained: a last quarter that gains no more has levelled off."""

NOISY_SHARE = 0.15
"""Of the best value: noise that may hide such a change is worth a word."""

SURE = 3.0
"""Standard deviations of noise that a difference must exceed: the best of many epochs is lucky by one or two."""

Number = float | None
"""What an epoch measured; None if nothing."""


class Form(StrEnum):
    """What a curve does."""

    DIVERGES = "diverges"
    OVERFITS = "overfits"
    WORSENS = "worsens"
    IMPROVES = "improves"
    LEVEL = "level"
    FLAT = "flat"
    NOISY = "noisy"
    SHORT = "short"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Shape:
    """What a curve does, and from which epoch on.

    Attributes:
        form: What it does.
        goal: Which way its metric is better.
        epoch: The first epoch that is not finite (DIVERGES), the best one (OVERFITS, WORSENS), or the first that is
            about as good as the last (LEVEL); None for others.
        is_training: Whether the training values were judged, since there are no others.
    """

    form: Form
    goal: Goal
    epoch: int | None = None
    is_training: bool = False

    def describe(self) -> str:
        """Returns the shape in words, with what may help where something may."""
        whose = " in training (nothing was validated)" if self.is_training else ""
        moves = "falling" if self.goal is Goal.MINIMIZE else "rising"
        return {
            Form.DIVERGES: f"no number from epoch {self.epoch}{whose}: a smaller learning_rate may help",
            Form.OVERFITS: f"overfits from epoch {self.epoch}",
            Form.WORSENS: f"gets worse from epoch {self.epoch}, in training too: a smaller learning_rate may help",
            Form.IMPROVES: f"still {moves} at the end{whose}: more epochs may help",
            Form.LEVEL: f"has levelled off by epoch {self.epoch}{whose}",
            Form.FLAT: f"flat{whose}",
            Form.NOISY: f"jumps from epoch to epoch{whose}: a smaller learning_rate or larger batches may help",
            Form.SHORT: f"fewer than {FEWEST_EPOCHS} epochs: too short to say",
            Form.UNKNOWN: "no number to judge",
        }[self.form]


def judge(epochs: Sequence[int], train: Sequence[Number], validation: Sequence[Number], goal: Goal) -> Shape:
    """Says what a curve does: the validation values, or those of training where there are no others.

    Args:
        epochs: Counted from 1.
        train: One an epoch.
        validation: One an epoch.
        goal: Which way the metric is better.
    """
    is_training = all(value is None for value in validation)
    values = train if is_training else validation
    measured = [(epoch, value) for epoch, value in zip(epochs, values, strict=True) if value is not None]
    if not measured:
        return Shape(Form.UNKNOWN, goal, is_training=is_training)
    lost = _first_of_the_lost(measured)
    if lost is not None:
        return Shape(Form.DIVERGES, goal, lost, is_training)
    costs = {epoch: _cost(value, goal) for epoch, value in measured if math.isfinite(value)}
    if len(costs) < FEWEST_EPOCHS:
        return Shape(Form.SHORT, goal, is_training=is_training)
    of_training = {
        epoch: _cost(value, goal)
        for epoch, value in zip(epochs, train, strict=True)
        if value is not None and math.isfinite(value)
    }
    form, epoch = _form(costs, {} if is_training else of_training)
    return Shape(form, goal, epoch, is_training)


def _first_of_the_lost(measured: Sequence[tuple[int, float]]) -> int | None:
    """Returns the epoch from which on no value is finite; None where the last one is."""
    lost = None
    for epoch, value in reversed(measured):
        if math.isfinite(value):
            break
        lost = epoch
    return lost


def _cost(value: float, goal: Goal) -> float:
    return value if goal is Goal.MINIMIZE else -value


def _form(costs: dict[int, float], of_training: dict[int, float]) -> tuple[Form, int | None]:
    """Returns the form of a curve of enough finite values, each better when lower."""
    epochs, values = list(costs), list(costs.values())
    best = min(range(len(values)), key=values.__getitem__)
    size, noise = abs(values[best]), SURE * _noise(values)
    start, end = statistics.median(values[:WINDOW]), statistics.median(values[-WINDOW:])
    gain, least = start - end, max(WORTH_A_WORD * size, noise)
    trough = statistics.median(values[max(0, best - WINDOW // 2) : best + WINDOW // 2 + 1])  # the best one is lucky
    if len(values) - best > WINDOW and end - trough > least:
        return Form.WORSENS if _rose(of_training, since=epochs[best]) else Form.OVERFITS, epochs[best]
    if noise > max(NOISY_SHARE * size, abs(gain) / 2):
        return Form.NOISY, None
    if abs(gain) <= max(FLAT_SHARE * size, noise):
        return Form.FLAT, None
    quarter = max(WINDOW, len(values) // 4)
    last_gain = statistics.median(values[-2 * quarter : -quarter]) - statistics.median(values[-quarter:])
    if last_gain > max(noise, min(WORTH_A_WORD * size, LAST_SHARE * gain)):
        return Form.IMPROVES, None
    level = next(index for index, value in enumerate(values) if value - end <= least)
    return Form.LEVEL, epochs[level]


def _rose(costs: dict[int, float], *, since: int) -> bool:
    """Says whether the training values got worse as well."""
    later = [cost for epoch, cost in costs.items() if epoch >= since]
    if len(later) <= WINDOW:
        return False
    least = max(WORTH_A_WORD * abs(later[0]), SURE * _noise(list(costs.values())))
    return statistics.median(later[-WINDOW:]) - later[0] > least


def _noise(values: Sequence[float]) -> float:
    """Returns the standard deviation of independent errors around a smooth curve of three values or more, in its end.

    A second difference of independent errors has six times their variance; the median absolute one, times 1.4826, is
    its standard deviation under normal errors, and outliers do not enter it.
    """
    later = values[len(values) // 2 - 1 :] if len(values) >= 2 * FEWEST_EPOCHS else values
    bends = [abs(a - 2 * b + c) for a, b, c in zip(later, later[1:], later[2:], strict=False)]
    return 1.4826 * statistics.median(bends) / math.sqrt(6)
