"""The states that trainings go on from: kept while they may be needed, found again, or made again.

A trial that was cut off goes on from the state that it last saved, and one that Hyperband promotes from its parent's
last epoch. Should a state be lost, the nearest ancestor's is taken, or none: since seeds and the order of rows depend
on the lineage alone, training from there gives the same weights.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from tunecli.errors import StudyError
from tunecli.store.files import move_whole
from tunecli.store.study import OpenStudy
from tunecli.study.trial import Measurement, Trial
from tunecli.training.state import epoch_of


@dataclass(frozen=True)
class Start:
    """Where a training begins.

    Attributes:
        epoch: After so many epochs.
        state: What to go on from, or None to begin.
        measured: What an earlier attempt has measured up to there.
    """

    epoch: int = 0
    state: Path | None = None
    measured: tuple[Measurement, ...] = ()


class StateKeeper:
    """Keeps `trials/<id>/state.npz`.

    Args:
        study: Whose.
        keep: Of how many of the best trials.
        warn: Told of files that are damaged.
    """

    def __init__(self, study: OpenStudy, keep: int, warn: Callable[[str], None]) -> None:
        self._study = study
        self._keep = keep
        self._warn = warn
        self._best = [study.snapshot.rank_key(trial) for trial in study.snapshot.completed[:keep]]
        # what trials have left that the journal has lost is none of these: others may come under their ids
        self._kept = {training for trial in study.snapshot.trials for training in _states_of(study, trial)}

    def start_of(self, trial: Trial, training: int | None) -> Start:
        """Returns the nearest state that a training can go on from: its own, or an ancestor's."""
        *ancestors, _ = self._study.snapshot.lineage(trial.id)
        if own := self._own_start(trial, training):
            return own
        for ancestor in reversed(ancestors):
            if self._epoch(ancestor) is not None:
                state = self._study.layout.trial(ancestor).state
                return Start(self._study.snapshot.trials[ancestor].suggestion.end_epoch, state)
        return Start()

    def scratch(self, trial: Trial, training: int | None) -> Path:
        """Returns where the worker writes the state of a training."""
        number = "" if training is None else f"-{training}"
        return self._study.layout.slot_scratch(trial.slot) / f"state-{trial.id}{number}.npz"

    def take(self, trial: Trial, training: int | None) -> None:
        """Moves the state that a worker has written, if any, in place."""
        written = self.scratch(trial, training)
        if written.exists():
            move_whole(written, self._study.layout.trial(trial.id).training(training).state)
            self._kept.add((trial.id, training))

    def drop(self, trial: Trial, training: int) -> None:
        """Removes the state of one of several trainings."""
        for path in (self.scratch(trial, training), self._study.layout.trial(trial.id).training(training).state):
            path.unlink(missing_ok=True)
        self._kept.discard((trial.id, training))

    def is_among_best(self, trial: Trial) -> bool:
        """Says whether the state of a trial that has just been scored is worth keeping."""
        return trial.score is not None and self._rank(trial) < self._keep

    def drop_unneeded(self, ended: Trial, needed: Container[int]) -> None:
        """Removes the states that nothing goes on from any more, now that a trial has ended.

        Args:
            ended: The trial.
            needed: Those that the oracle may still promote.
        """
        self.scratch(ended, None).unlink(missing_ok=True)
        if self.is_among_best(ended):
            self._best.insert(self._rank(ended), self._study.snapshot.rank_key(ended))
            del self._best[self._keep :]
        best = {trial for _, trial in self._best}
        for trial, training in [each for each in self._kept if each[0] not in needed and each[0] not in best]:
            if self._study.snapshot.trials[trial].is_finished:
                self._study.layout.trial(trial).training(training).state.unlink(missing_ok=True)
                self._kept.remove((trial, training))

    def _rank(self, trial: Trial) -> int:
        return bisect.bisect(self._best, self._study.snapshot.rank_key(trial))

    def _own_start(self, trial: Trial, training: int | None) -> Start | None:
        epoch = self._epoch(trial.id, training)
        if epoch is None:
            return None
        try:
            measured = self._study.run.own_measurements(trial.id, training)
        except StudyError as error:
            self._warn(f"{error.problems[0]}; trial {trial.id} begins anew")
            return None
        before = [each for each in measured if each.epoch <= epoch]
        if [each.epoch for each in before] != list(range(trial.suggestion.start_epoch + 1, epoch + 1)):
            return None  # the last lines were lost with the power
        return Start(epoch, self._study.layout.trial(trial.id).training(training).state, tuple(before))

    def _epoch(self, trial: int, training: int | None = None) -> int | None:
        """Returns how many epochs a training's state has behind it; None if there is none that can be read."""
        path = self._study.layout.trial(trial).training(training).state
        if (trial, training) not in self._kept or not path.exists():
            return None
        epoch = epoch_of(path)
        if epoch is None:
            self._warn(f"{path}: is damaged; what it held is trained again")
        return epoch


def _states_of(study: OpenStudy, trial: int) -> list[tuple[int, int | None]]:
    """Returns the trainings of a trial that have left a state."""
    files = study.layout.trial(trial)
    numbers: list[int | None] = [None, *sorted(study.run.trainings_with_files(trial))]
    return [(trial, number) for number in numbers if files.training(number).state.exists()]
