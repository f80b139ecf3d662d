"""A sweep of learning rates, and what its losses add up to while it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

DIVERGED_AT = 4.0
"""The sweep ends where the smoothed loss is so many times its least; the rule of fastai's `lr_find`."""

_REACH = 25
"""The smoothed loss looks back over so many parts of the sweep: a factor of 1.7 in the rate, for the default sweep."""


@dataclass(frozen=True)
class Sweep:
    """Learning rates that grow by one factor from step to step.

    Attributes:
        low: The rate of the first step.
        high: The rate that a step behind the last would have.
        steps: How many.
    """

    low: float = 1e-5
    high: float = 10.0
    steps: int = 500

    @property
    def factor(self) -> float:
        """From one step's rate to the next one's."""
        return float((self.high / self.low) ** (1 / self.steps))

    def rate(self, step: int) -> float:
        """Returns the rate of a step, counted from 1."""
        return self.low * self.factor ** (step - 1)

    @property
    def warm_steps(self) -> int:
        """The steps after which the smoothed loss is a mean of enough batches to be compared with."""
        return max(1, self.steps // _REACH)


class Ending(StrEnum):
    """Why a sweep ended."""

    COMPLETE = "complete"
    DIVERGED = "diverged"
    NOT_FINITE = "not finite"


@dataclass(frozen=True)
class Record:
    """One step.

    Attributes:
        step: Counted from 1.
        rate: Its learning rate.
        loss: The batch's, before the step's update.
        smoothed: The bias-corrected exponential mean of the losses up to this one.
    """

    step: int
    rate: float
    loss: float
    smoothed: float


@dataclass
class Curve:
    """The losses of a sweep.

    Attributes:
        sweep: What was to be tried.
        records: Of the steps that were taken; the last may have a loss that is not finite.
        ending: Why it ended; None while it runs.
    """

    sweep: Sweep
    records: list[Record] = field(default_factory=list)
    ending: Ending | None = None
    _mean: float = 0.0
    _least: float = math.inf

    def take(self, loss: float) -> Ending | None:
        """Takes in the next step's loss; returns why the sweep ends with it, or None.

        The mean is that of Kingma and Ba 2014 (arXiv:1412.6980, section 3): corrected for its start at 0.
        """
        assert self.ending is None, "the sweep has ended"
        step = len(self.records) + 1
        keep = 1 - 1 / self.sweep.warm_steps
        self._mean = keep * self._mean + (1 - keep) * loss
        smoothed = self._mean / (1 - keep**step)
        self.records.append(Record(step, self.sweep.rate(step), loss, smoothed))
        self.ending = self._ending_at(step, smoothed)
        return self.ending

    def _ending_at(self, step: int, smoothed: float) -> Ending | None:
        if not math.isfinite(smoothed):
            return Ending.NOT_FINITE
        if step >= self.sweep.warm_steps:  # a lucky first batch is no measure
            self._least = min(self._least, smoothed)
            if smoothed > DIVERGED_AT * self._least:
                return Ending.DIVERGED
        return Ending.COMPLETE if step == self.sweep.steps else None

    @property
    def finite(self) -> list[Record]:
        """The steps whose loss is a number."""
        return [record for record in self.records if math.isfinite(record.smoothed)]
