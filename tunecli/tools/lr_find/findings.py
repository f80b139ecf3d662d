"""What a sweep shows: where the loss turns, where it falls fastest, and when neither can be trusted."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunecli.tools.lr_find.curve import Curve, Ending, Record, Sweep

SHARE_OF_TURNING = 0.1
"""The suggestion is a tenth of the turning point: there the loss still falls, and training has room for noise."""

_LEAST_FALL = 0.05
"""A loss that falls by less than a twentieth has not been taught anything."""

_LEAST_RISE = 0.25
"""A loss that takes back less than a quarter of its fall has not turned."""

_SHOT_UP_AT = 2.0
"""A smoothed loss that has doubled since its least has shot up."""

_NOISE_WIDTH = 4.0
"""The least of a mean that only fluctuates lies about three of its deviations down; a fall is more than that."""

_GAUSSIAN_MEDIAN = 0.6745
"""The median of the absolute value of a standard normal variable."""


@dataclass(frozen=True)
class Spot:
    """A place on the curve.

    Attributes:
        step: Counted from 1.
        rate: Its learning rate.
        smoothed: Its smoothed loss.
    """

    step: int
    rate: float
    smoothed: float

    @classmethod
    def of(cls, record: Record) -> Spot:
        """Returns where a step lies."""
        return cls(record.step, record.rate, record.smoothed)


@dataclass(frozen=True)
class Findings:
    """What a sweep shows.

    Attributes:
        turning: Where the smoothed loss is least before it shoots up; None where that cannot be told.
        steepest: Where it falls fastest on the way there, over the logarithm of the rate; None where that cannot be
            told.
        doubts: Why there is no turning point or no steepest descent, each with what to do about it.
    """

    turning: Spot | None
    steepest: Spot | None
    doubts: tuple[str, ...] = ()

    @property
    def suggestion(self) -> float | None:
        """A tenth of the rate of the turning point; None without one."""
        return None if self.turning is None else self.turning.rate * SHARE_OF_TURNING


def find_rates(curve: Curve) -> Findings:
    """Returns what a finished sweep shows; the first steps, whose mean is of few batches, do not count."""
    sweep, records = curve.sweep, curve.finite[curve.sweep.warm_steps - 1 :]
    if len(records) < sweep.warm_steps:
        what = f"the loss diverged at once, at {shown(curve.records[-1].rate)}"
        return Findings(None, None, (f"{what}: lower --min, or look at the data's scales with tunecli check",))
    noise = _NOISE_WIDTH * _relative_noise(curve)
    least = _least_before_rise(records, noise)
    if doubt := _doubt(curve, records, least, noise):
        return Findings(None, None, (doubt,))
    steepest, doubt = _steepest(sweep, [record for record in records if record.step <= least.step])
    return Findings(Spot.of(least), steepest, (doubt,) if doubt else ())


def shown(rate: float) -> str:
    """Returns a rate as people read it."""
    return f"{rate:.2g}"


def _least_before_rise(records: Sequence[Record], noise: float) -> Record:
    """Returns the least before the loss first shoots up; the least of all where it does not.

    A loss that has shot up may recover at far greater rates, with most units dead or with moments of the optimizer so
    large that steps become small: what it comes to there says nothing of training from the begin.
    """
    least = records[0]
    for record in records:
        if record.smoothed < least.smoothed:
            least = record
        has_fallen = _is_fall(records[0].smoothed, least.smoothed, noise)  # before, one batch may double it
        if has_fallen and record.smoothed > max(_SHOT_UP_AT, 1 + noise) * least.smoothed:
            return least
    return least


def _is_fall(begin: float, end: float, noise: float) -> bool:
    """Says whether a loss has fallen by more than it fluctuates."""
    return begin - end > max(_LEAST_FALL, noise) * begin


def _doubt(curve: Curve, records: Sequence[Record], least: Record, noise: float) -> str:
    """Returns why a least is no turning point, or ""."""
    sweep, fall = curve.sweep, records[0].smoothed - least.smoothed
    if not _is_fall(records[0].smoothed, least.smoothed, noise):
        if curve.ending is not Ending.COMPLETE and least.step <= sweep.warm_steps * 2:
            return f"the loss only rises, from {shown(sweep.low)} on: lower --min"
        return (
            "the loss does not fall by more than its noise: raise batch_size or --steps, and see whether the model "
            "learns anything at all"
        )
    rise = max(record.smoothed for record in records if record.step >= least.step) - least.smoothed
    if curve.ending is Ending.COMPLETE and rise <= max(_LEAST_RISE * fall, noise * least.smoothed):
        return f"the loss has not shot up by the end of the sweep, {shown(sweep.high)}: raise --max"
    if least.rate * SHARE_OF_TURNING < sweep.low:
        return (
            f"the loss turns at {shown(least.rate)}, so near the begin of the sweep that a tenth of it was not tried: "
            "lower --min"
        )
    return ""


def _relative_noise(curve: Curve) -> float:
    """Returns the standard deviation of the smoothed loss that comes from batches being different, as a share of it.

    A batch's deviation is taken from the median step between neighbouring batches, which the course of the curve
    hardly moves; that of an exponential mean of independent losses is sqrt(1 / (2 n - 1)) of it, n steps being its
    reach.
    """
    pairs = pairwise(curve.finite)
    steps = [abs(after.loss - before.loss) / after.smoothed for before, after in pairs if after.smoothed > 0]
    of_batch = statistics.median(steps or [0.0]) / _GAUSSIAN_MEDIAN / math.sqrt(2)
    return of_batch / math.sqrt(2 * curve.sweep.warm_steps - 1)


def _steepest(sweep: Sweep, falling: Sequence[Record]) -> tuple[Spot | None, str]:
    """Returns where the smoothed loss falls fastest, or None and why not.

    A difference of neighbours would show the noise of one batch: the slope is that of the line through the points
    around, by least squares.
    """
    half = sweep.warm_steps
    slopes = {index: _slope(falling[index - half : index + half + 1]) for index in range(half, len(falling) - half)}
    if not slopes:
        return None, "the way to the turning point is too short for a steepest descent: lower --min, or raise --steps"
    index = min(slopes, key=lambda index: slopes[index])
    if index < 2 * half:  # as late as this, the mean still shows the fall of the first steps
        return None, "the loss falls fastest where the sweep begins: lower --min for the steepest descent"
    return Spot.of(falling[index]), ""


def _slope(records: Sequence[Record]) -> float:
    """Returns the slope of the smoothed loss over the steps, which are the logarithms of the rates."""
    return statistics.linear_regression(
        [record.step for record in records], [record.smoothed for record in records]
    ).slope
