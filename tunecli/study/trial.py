"""A trial: one set of values and what came of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tunecli.spec.space import Values
from tunecli.study.objective import Objective


class TrialStatus(StrEnum):
    """How far a trial has come."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class Program(StrEnum):
    """Where the program that trained a model came from; NONE for an engine without programs of its own."""

    NONE = ""
    COMPILED = "compiled"
    REUSED = "reused"


class Measurement(BaseModel):
    """Metric values at the end of one epoch.

    Attributes:
        epoch: Counted from 1 over the whole lineage of a Hyperband trial.
        metrics: By name, in the target's own units; what is not finite is kept as it is.
        duration_s: Wall-clock seconds of the epoch, validation included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    epoch: int
    metrics: dict[str, float]
    duration_s: float = 0.0


@dataclass(frozen=True)
class Suggestion:
    """What an oracle proposes: values, and the epochs to train.

    Attributes:
        trial: The trial's id, counted from 0.
        values: The searched parameters that are active; the rest is the plan's.
        start_epoch: Epochs that are trained already, by `parent`.
        end_epoch: Epochs that the trial has behind it when it ends.
        parent: The trial whose last-epoch state this one goes on from (Hyperband), or None.
    """

    trial: int
    values: Values
    start_epoch: int
    end_epoch: int
    parent: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        status: COMPLETED or FAILED.
        score: The objective at the best epoch of the whole lineage; the mean over the trainings of a trial that has
            several; None if it failed.
        best_epoch: That epoch, counted from 1 over the lineage; the rounded mean of several.
        metrics: All finite metrics at that epoch; the means of those that all trainings have.
        epochs_run: The last epoch that was trained, counted over the lineage.
        duration_s: Wall-clock seconds of the attempt that ended.
        cause: Why it failed, in a line.
        program: Where the program that trained it came from.
        stopped: Why the optimiser stopped, in its own words; "" for one that is told how long to train.
        score_sd: The standard deviation of the scores of several trainings (that of a sample), or None.
    """

    status: TrialStatus
    score: float | None = None
    best_epoch: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    epochs_run: int = 0
    duration_s: float = 0.0
    cause: str = ""
    program: Program = Program.NONE
    # left out where there is nothing to say, so that journals of trials without it stay as they were
    stopped: Annotated[str, Field(exclude_if=lambda stopped: not stopped)] = ""
    score_sd: Annotated[float | None, Field(exclude_if=lambda deviation: deviation is None)] = None


@dataclass(frozen=True)
class Trial:
    """A suggestion, where it runs and, once it has ended, its outcome.

    Attributes:
        suggestion: What the oracle proposed.
        slot: Who asked.
        engine: Which engine trains it.
        engine_reason: Why that one.
        attempts: How often it was begun; of several trainings, the one that was begun most often.
        outcome: What came of it, or None.
        trainings: What came of each training so far, by its number, where there are several: folds, repeats.
        asked_at: When the oracle proposed it, in seconds since the epoch.
        started_at: When its last attempt began, or the first of several trainings; None before.
        ended_at: When it ended; None before.
    """

    suggestion: Suggestion
    slot: int
    engine: str
    engine_reason: str
    attempts: int = 0
    outcome: Outcome | None = None
    trainings: Mapping[int, Outcome] = field(default_factory=dict)
    asked_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def id(self) -> int:
        """The trial's number, counted from 0."""
        return self.suggestion.trial

    @property
    def status(self) -> TrialStatus:
        """How far the trial has come."""
        return self.outcome.status if self.outcome else TrialStatus.RUNNING

    @property
    def is_finished(self) -> bool:
        """Whether the trial has ended, one way or the other."""
        return self.outcome is not None

    @property
    def score(self) -> float | None:
        """The objective at the best epoch, or None."""
        return self.outcome.score if self.outcome else None


def combine(outcomes: Sequence[Outcome]) -> Outcome:
    """Sums up the trainings of a trial, at least one, all of which have a score."""
    scores = [each.score for each in outcomes if each.score is not None]
    epochs = [each.best_epoch for each in outcomes if each.best_epoch is not None]
    assert len(scores) == len(epochs) == len(outcomes), "a training without a score fails its trial"
    programs = {each.program for each in outcomes}
    return Outcome(
        TrialStatus.COMPLETED,
        score=statistics.fmean(scores),
        score_sd=statistics.stdev(scores) if len(scores) > 1 else None,
        best_epoch=max(1, round(statistics.fmean(epochs))),
        metrics=means([each.metrics for each in outcomes]),
        epochs_run=max(each.epochs_run for each in outcomes),
        duration_s=sum(each.duration_s for each in outcomes),
        program=next((each for each in (Program.COMPILED, Program.REUSED) if each in programs), Program.NONE),
    )


def means(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Returns the mean of each figure that all have."""
    names = [name for name in figures[0] if all(name in each for each in figures)]
    return {name: statistics.fmean(each[name] for each in figures) for name in names}


def conclude(measurements: Sequence[Measurement], objective: Objective) -> Outcome:
    """Scores a training from the measurements of its whole lineage.

    Returns:
        A completed outcome at the best epoch (the first of equals), or a failed one if the objective was never finite.
    """
    scores = [each.metrics.get(objective.metric, math.nan) for each in measurements]
    best = objective.best(scores)
    epochs_run = measurements[-1].epoch if measurements else 0
    if best is None:
        cause = f"{objective.metric} was not finite in any epoch"
        return Outcome(TrialStatus.FAILED, epochs_run=epochs_run, cause=cause)
    at_best = measurements[scores.index(best)]
    return Outcome(
        TrialStatus.COMPLETED,
        score=best,
        best_epoch=at_best.epoch,
        metrics={name: value for name, value in at_best.metrics.items() if math.isfinite(value)},
        epochs_run=epochs_run,
    )
