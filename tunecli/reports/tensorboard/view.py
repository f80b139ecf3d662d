"""Writes a study's events for TensorBoard while its search runs.

Whatever an earlier session wrote is written anew from the study's records when a session starts, and so is a training
when an attempt begins: nothing is there twice, nothing is missing, wherever the last session was killed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence

from tunecli.reports.live import QuietView
from tunecli.reports.tensorboard.event_folder import EventFolder, shown_metrics
from tunecli.spec.evaluation import EvaluationSpec
from tunecli.spec.space import SearchSpace, Value
from tunecli.store.run import Run
from tunecli.store.salvage import read_measurements
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement, Trial


class TensorBoardView(QuietView):
    """Writes to the study's folder for TensorBoard; what goes wrong there ends the writing, never the search.

    Args:
        run: The study.
        space: What it searches.
        evaluation: Which trainings a trial has, where it has several.
        metrics: What the HParams tab shows, that which decides first.
        warn: Told once if events cannot be written.
        clock: Returns seconds since the epoch.
    """

    def __init__(
        self,
        run: Run,
        space: SearchSpace,
        evaluation: EvaluationSpec | None,
        metrics: Sequence[str],
        *,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._run = run
        self._evaluation = evaluation
        self._metrics = metrics
        self._warn = warn
        self._clock = clock
        self._last: dict[tuple[int, int | None], int] = {}
        self._is_off = False
        self._events = EventFolder(run.layout.tensorboard, space, evaluation)

    def study_started(self, total_trials: int, snapshot: Snapshot) -> None:
        """Writes what is recorded so far."""
        self._try(lambda: self._write_all(snapshot))

    def trial_started(self, trial: Trial, values: Mapping[str, Value], training: int | None = None) -> None:
        """Writes the trial's values, and the epochs that the attempt goes on from."""
        self._try(lambda: self._restart(trial, training))

    def measured(self, trial_id: int, measurement: Measurement, training: int | None = None) -> None:
        """Writes the epoch."""
        self._try(lambda: self._add(trial_id, training, measurement))

    def trial_finished(self, trial: Trial, snapshot: Snapshot) -> None:
        """Writes what came of the trial."""
        self._try(lambda: self._end(trial))

    def closed(self) -> None:
        """Closes the files."""
        self._events.close()

    def _write_all(self, snapshot: Snapshot) -> None:
        folder = self._run.layout.tensorboard
        if folder.exists():
            shutil.rmtree(folder)
        found = [trial.outcome.metrics for trial in snapshot.trials.values() if trial.outcome]
        self._events.declare(snapshot, shown_metrics(snapshot.objective, self._metrics, *found))
        for trial in snapshot.trials.values():
            self._events.add(trial, {training: self._recorded(trial, training) for training in self._trainings()})

    def _restart(self, trial: Trial, training: int | None) -> None:
        self._events.begin(trial)
        recorded = self._recorded(trial, training)
        self._events.restart(trial, training, recorded)
        self._last[trial.id, training] = recorded[-1].epoch if recorded else 0

    def _add(self, trial: int, training: int | None, measurement: Measurement) -> None:
        self._events.measured(trial, training, measurement, at=self._clock())
        self._last[trial, training] = measurement.epoch

    def _end(self, trial: Trial) -> None:
        for training in self._trainings():
            # an epoch whose report was lost on its way is in the records, which are made of the trial's result
            last = self._last.pop((trial.id, training), None)
            for each in self._recorded(trial, training):
                if last is not None and each.epoch > last:
                    self._events.measured(trial.id, training, each, at=self._clock())
        self._events.end(trial)

    def _trainings(self) -> tuple[int | None, ...]:
        return (None,) if self._evaluation is None else tuple(range(self._evaluation.trainings))

    def _recorded(self, trial: Trial, training: int | None) -> list[Measurement]:
        """Returns the epochs in a training's file that can be read; a search says itself what is damaged."""
        return read_measurements(self._run, trial, training)[0]

    def _try(self, write: Callable[[], None]) -> None:
        if self._is_off:
            return
        try:
            write()
        except OSError as error:
            self._is_off = True
            where = f"{error.filename}: " if error.filename else ""
            self._warn(f"{where}no more events for TensorBoard are written: {error.strerror}; the search goes on")
