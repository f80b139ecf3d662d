"""A study's event files, trial by trial: written whole from its records, or as a search goes.

    <folder>/                    the experiment
      trial-003/                 its values, when it began and ended, and its metrics at the best epoch
        train/  validation/      its metrics by epoch, as Keras' own TensorBoard callback calls them
      trial-004/fold-1/train/ …  the same for each training of a trial that has several

Epochs are counted from 1 over the whole lineage of a Hyperband trial, and each trial has those that it trained itself:
a promoted trial's curve begins where its parent's ends.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Self

from tunecli.reports.tensorboard.event_file import EventFile
from tunecli.reports.tensorboard.summaries import OUTCOME, experiment, session_end, session_start
from tunecli.spec.evaluation import EvaluationSpec
from tunecli.spec.space import SearchSpace
from tunecli.study.objective import VALIDATION, Objective
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement, Trial, TrialStatus

PART_RUNS = ("train", "validation")


class EventFolder:
    """Writes below one folder; files stay open from a trial's first epoch to its end.

    Args:
        folder: Where to.
        space: What the study searches.
        evaluation: Which trainings a trial has, where it has several.

    Raises:
        OSError: The disk is full or fails; so do all methods.
    """

    def __init__(self, folder: Path, space: SearchSpace, evaluation: EvaluationSpec | None) -> None:
        self._folder = folder
        self._space = space
        self._evaluation = evaluation
        self._files: dict[Path, EventFile] = {}
        self._begun: set[int] = set()

    def declare(self, snapshot: Snapshot, metrics: Iterable[str]) -> None:
        """Writes what the HParams tab is told of the whole study; `metrics` are shown, the one that decides first."""
        summary = experiment(snapshot.study, self._space, metrics, created_at=snapshot.created_at)
        with EventFile(self._folder) as file:
            file.summary(summary, step=0, at=snapshot.created_at)

    def add(self, trial: Trial, measurements: Mapping[int | None, Sequence[Measurement]]) -> None:
        """Writes a trial from its records, and closes its files.

        Args:
            trial: The trial.
            measurements: Those of its own epochs, by training.
        """
        self.begin(trial)
        self._from_records(trial, measurements)
        if trial.is_finished:
            self.end(trial)
        self._close(self._run(trial.id))

    def begin(self, trial: Trial) -> None:
        """Writes a trial's values, once."""
        if trial.id not in self._begun:
            at = trial.started_at or trial.asked_at
            run = self._run(trial.id)
            summary = session_start(run.name, self._space, trial.suggestion.values, at=at)
            self._file(run).summary(summary, step=0, at=at)
            self._begun.add(trial.id)

    def restart(self, trial: Trial, training: int | None, measurements: Sequence[Measurement]) -> None:
        """Writes the epochs of a training anew: those that an attempt which begins now goes on from."""
        run = self._run(trial.id, training)
        for part in PART_RUNS:
            self._close(run / part)
            shutil.rmtree(run / part, ignore_errors=True)
        self._from_records(trial, {training: measurements})

    def measured(self, trial: int, training: int | None, measurement: Measurement, *, at: float) -> None:
        """Adds an epoch that ended at a moment, in seconds since the epoch."""
        run = self._run(trial, training)
        for part, scalars in by_part(measurement.metrics).items():
            self._file(run / part).scalars(scalars, step=measurement.epoch, at=at)

    def end(self, trial: Trial) -> None:
        """Writes what came of a trial, and closes its files."""
        outcome = trial.outcome
        assert outcome is not None, f"trial {trial.id} has not ended"
        self.begin(trial)
        at = trial.ended_at or trial.asked_at
        file = self._file(self._run(trial.id))
        if outcome.metrics:
            scalars = {f"{OUTCOME}{name}": value for name, value in outcome.metrics.items()}
            file.scalars(scalars, step=outcome.best_epoch or outcome.epochs_run, at=at)
        file.summary(session_end(is_success=outcome.status is TrialStatus.COMPLETED, at=at), step=0, at=at)
        self._close(self._run(trial.id))

    def close(self) -> None:
        """Closes all files."""
        self._close(self._folder)

    def __enter__(self) -> Self:
        """Returns the folder."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes all files."""
        self.close()

    def _from_records(self, trial: Trial, measurements: Mapping[int | None, Sequence[Measurement]]) -> None:
        for training, ends in epoch_ends(trial, measurements).items():
            for measurement, at in zip(measurements[training], ends, strict=True):
                self.measured(trial.id, training, measurement, at=at)

    def _run(self, trial: int, training: int | None = None) -> Path:
        run = self._folder / f"trial-{trial:03}"  # TensorBoard sorts names as texts
        if training is None or self._evaluation is None:
            return run
        return run / training_name(self._evaluation, training)

    def _file(self, run: Path) -> EventFile:
        if run not in self._files:
            self._files[run] = EventFile(run)
        return self._files[run]

    def _close(self, run: Path) -> None:
        """Closes the files of a run and of all below it."""
        for path in [path for path in self._files if path.is_relative_to(run)]:
            self._files.pop(path).close()


def training_name(evaluation: EvaluationSpec, number: int) -> str:
    """Returns what one of several trainings is called: `fold-2-repeat-1`."""
    repeat, fold = divmod(number, evaluation.folds or 1)
    folds = [f"fold-{fold + 1}"] if evaluation.folds else []
    return "-".join([*folds, *([f"repeat-{repeat + 1}"] if evaluation.repeats > 1 else [])])


def by_part(metrics: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Splits the metrics of an epoch as Keras does, so that either part's curve lies in the same chart."""
    train, validation = PART_RUNS
    found: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        part = validation if name.startswith(VALIDATION) else train
        found.setdefault(part, {})[f"epoch_{name.removeprefix(VALIDATION)}"] = value
    return found


def epoch_ends(trial: Trial, measurements: Mapping[int | None, Sequence[Measurement]]) -> dict[int | None, list[float]]:
    """Returns when each epoch ended, in seconds since the epoch, as near as the records tell.

    They hold how long an epoch took: it is counted back from the end of the trial, or on from the beginning of one that
    runs. Several trainings are taken to have run one after the other.
    """
    found: dict[int | None, list[float]] = {}
    durations = [each.duration_s for own in measurements.values() for each in own]
    is_alone = list(measurements) == [None]
    at = trial.started_at or trial.asked_at
    if is_alone and trial.ended_at is not None:
        at = trial.ended_at - sum(durations)
    for training, own in measurements.items():
        ends = list(accumulate((each.duration_s for each in own), initial=at))
        found[training], at = ends[1:], ends[-1]
    return found


def shown_metrics(objective: Objective, *names: Iterable[str]) -> list[str]:
    """Returns the metrics of the HParams tab: that which decides, then all others, each once."""
    return list(dict.fromkeys([objective.metric, *(name for each in names for name in each)]))
