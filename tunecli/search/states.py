"""The states that Hyperband's promotions go on from: kept while they may be needed, found again, or made again.

A promoted trial starts from its parent's last epoch. Should that state be lost, the nearest ancestor's is taken, or
none: since seeds and the order of rows depend on the lineage alone, training from there gives the same weights.
"""

from __future__ import annotations

import shutil
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from tunecli.store.files import move_whole
from tunecli.store.study import OpenStudy
from tunecli.study.trial import Trial


@dataclass(frozen=True)
class Start:
    """Where a training begins: after so many epochs, from this state."""

    epoch: int
    state: Path | None


class StateKeeper:
    """Keeps `trials/<id>/state.npz`."""

    def __init__(self, study: OpenStudy) -> None:
        self._study = study
        trials = study.snapshot.trials.values()
        self._kept = {trial.id for trial in trials if study.layout.trial(trial.id).state.exists()}

    def start_of(self, trial: Trial) -> Start:
        """Returns the nearest state that a trial can go on from."""
        *ancestors, _ = self._study.snapshot.lineage(trial.id)
        for ancestor in reversed(ancestors):
            state = self._study.layout.trial(ancestor).state
            if state.exists():
                return Start(self._study.snapshot.trials[ancestor].suggestion.end_epoch, state)
        return Start(0, None)

    def scratch(self, trial: Trial) -> Path:
        """Returns where the worker writes the state of a trial."""
        return self._study.layout.scratch(trial.slot) / f"state-{trial.id}.npz"

    def keep(self, trial: Trial) -> None:
        """Moves the state that a worker has written, if any, in place."""
        written = self.scratch(trial)
        if written.exists():
            move_whole(written, self._study.layout.trial(trial.id).state)
            self._kept.add(trial.id)

    def drop_except(self, needed: Container[int]) -> None:
        """Removes the states that nothing can go on from any more."""
        for trial in [each for each in self._kept if each not in needed]:
            self._study.layout.trial(trial).state.unlink(missing_ok=True)
            self._kept.remove(trial)

    def clear_scratch(self) -> None:
        """Removes what killed workers left behind."""
        shutil.rmtree(self._study.layout.scratch(0).parent, ignore_errors=True)
