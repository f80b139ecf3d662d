"""What trials leave on disk, from their first epoch to their outcome: measurements, layers, states, logs.

    start = records.begin(trial, training)              # a training that was cut off goes on from its state
    records.take(trial, training, message)              # after each epoch
    outcome = records.conclude(trial, training, done)   # None if it was cut off, to go on another time
    study.record(Trained(…)), study.record(Finished(…))
    records.drop_state(trial, training), records.drop_unneeded(trial, …)

`training` is None but for trials that are trained several times, each with files of its own. An outcome is returned
when everything that it stands on is on disk.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunecli.errors import StudyError
from tunecli.executors.base import Done
from tunecli.plan import Plan
from tunecli.search.states import Start, StateKeeper
from tunecli.store.files import NO_ROOM_HINT, append_line, sync_file, write_json, write_lines, write_whole
from tunecli.store.layout import TrialLayout
from tunecli.store.salvage import read_measurements
from tunecli.store.study import OpenStudy
from tunecli.study.trial import Measurement, Outcome, Trial, TrialStatus, conclude
from tunecli.training.run_trial import TrialResult


@dataclass(frozen=True)
class _Attempt:
    start: Start
    began: float


class TrialRecords:
    """Keeps the files below `trials/`.

    Args:
        study: Whose; open and begun.
        plan: The study's plan, with the limits of this session.
        warn: Told of files that are damaged.
    """

    def __init__(self, study: OpenStudy, plan: Plan, warn: Callable[[str], None]) -> None:
        self._study = study
        self._plan = plan
        self._states = StateKeeper(study, plan.limits.keep, warn)
        self._attempts: dict[tuple[int, int | None], _Attempt] = {}

    def begin(self, trial: Trial, training: int | None) -> Start:
        """Returns where an attempt begins; what was measured behind that is dropped."""
        start = self._states.start_of(trial, training)
        self._attempts[trial.id, training] = _Attempt(start, time.monotonic())
        write_lines(self._files(trial, training).epochs, map(_line, start.measured))
        return start

    def state(self, trial: Trial, training: int | None) -> Path:
        """Returns where the worker writes the state of a training."""
        return self._states.scratch(trial, training)

    def log(self, trial: Trial, training: int | None) -> Path:
        """Returns where the executor writes what a training says on stderr."""
        number = "" if training is None else f"-{training}"
        return self._study.layout.slot_scratch(trial.slot) / f"log-{trial.id}{number}.txt"

    def take(self, trial: Trial, training: int | None, message: Mapping[str, Any]) -> Measurement | None:
        """Takes what a running training reports; returns the measurement, if it is one of its own."""
        epochs = self._files(trial, training).epochs
        if "saved" in message:
            sync_file(epochs)  # a state is of use only with what was measured before it
            self._states.take(trial, training)
            return None
        measurement = Measurement.model_validate(message["measurement"])
        if measurement.epoch <= trial.suggestion.start_epoch:
            return None  # an ancestor's epoch, trained once more because its state was lost
        append_line(epochs, _line(measurement))
        return measurement

    def conclude(self, trial: Trial, training: int | None, done: Done) -> Outcome | None:
        """Puts a training's files in place and returns its outcome; None if it was cut off, to go on another time.

        Raises:
            StudyError: The disk is full, here or where the trial ran, or an ancestor's measurements are damaged.
        """
        attempt = self._attempts.pop((trial.id, training))
        result = self._result(trial, training, done, attempt)
        if result.unsaved:
            raise StudyError("the state of a trial cannot be written", where=result.unsaved, hint=NO_ROOM_HINT)
        if result.is_cut:
            return None
        start_epoch = trial.suggestion.start_epoch
        own = [*attempt.start.measured, *(each for each in result.measurements if each.epoch > start_epoch)]
        files = self._files(trial, training)
        write_lines(files.epochs, map(_line, own))
        if result.layers is not None:
            write_json(self._files(trial, None).layers, result.layers)  # the same for all of its trainings
        said = self._said(trial, training) + (f"{result.details or result.cause}\n" if result.cause else "")
        if said:
            write_whole(files.log, said.encode())
        if result.cause:
            epochs_run = own[-1].epoch if own else start_epoch
            outcome = Outcome(TrialStatus.FAILED, epochs_run=epochs_run, cause=result.cause)
        elif result.fold is not None:
            outcome = self._scored_on_fold(result, own)
        else:
            outcome = conclude([*self._of_ancestors(trial), *own], self._plan.objective)
        if training is None and not result.cause and self._is_to_keep(replace(trial, outcome=outcome)):
            self._states.take(trial, training)
        return replace(outcome, duration_s=result.duration_s, program=result.program, stopped=result.stopped)

    def drop_state(self, trial: Trial, training: int) -> None:
        """Removes the state of one of several trainings, now that it has ended: nothing goes on from it."""
        self._states.drop(trial, training)

    def drop_unneeded(self, ended: Trial, needed: Container[int]) -> None:
        """Removes the states that nothing goes on from any more; see `StateKeeper`."""
        self._states.drop_unneeded(ended, needed)

    def _files(self, trial: Trial, training: int | None) -> TrialLayout:
        return self._study.layout.trial(trial.id).training(training)

    def _is_to_keep(self, trial: Trial) -> bool:
        return self._plan.may_promote(trial.suggestion) or self._states.is_among_best(trial)

    def _scored_on_fold(self, result: TrialResult, measured: Sequence[Measurement]) -> Outcome:
        """Returns what the weights that a training came to are worth on the fold that was held back."""
        figures, metric = result.fold or {}, self._plan.objective.metric
        epochs_run = measured[-1].epoch if measured else 0
        if metric not in figures:
            return Outcome(TrialStatus.FAILED, epochs_run=epochs_run, cause=f"{metric} was not finite")
        at_epoch = next((each.metrics for each in measured if each.epoch == result.fold_epoch), {})
        metrics = {name: value for name, value in at_epoch.items() if math.isfinite(value)} | figures
        return Outcome(TrialStatus.COMPLETED, figures[metric], result.fold_epoch, metrics, epochs_run)

    def _of_ancestors(self, trial: Trial) -> list[Measurement]:
        """Returns what was measured before a promotion; a child must not be scored by a part of it."""
        found: list[Measurement] = []
        for ancestor in self._study.snapshot.lineage(trial.id)[:-1]:
            measured, damage = read_measurements(self._study.run, self._study.snapshot.trials[ancestor])
            if damage:
                raise StudyError(damage[0].what, where=damage[0].where, hint=damage[0].hint)
            found += measured
        return found

    def _result(self, trial: Trial, training: int | None, done: Done, attempt: _Attempt) -> TrialResult:
        """Returns what an attempt came to; of one that ended without a word, the epochs that it had reported."""
        if done.result is not None:
            return TrialResult.model_validate(done.result)
        measured = self._study.run.own_measurements(trial.id, training)
        return TrialResult(
            measurements=measured[len(attempt.start.measured) :],
            duration_s=time.monotonic() - attempt.began,
            cause=done.cause,
            details=done.details,
        )

    def _said(self, trial: Trial, training: int | None) -> str:
        """Returns what a training wrote to stderr, if its executor could tell."""
        log = self.log(trial, training)
        text = log.read_text(errors="replace") if log.exists() else ""
        log.unlink(missing_ok=True)
        return text


def _line(measurement: Measurement) -> bytes:
    return measurement.model_dump_json().encode() + b"\n"
