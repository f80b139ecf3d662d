"""Trials as a study of Optuna's in an SQLite file, which `optuna.load_study` and optuna-dashboard open."""

from __future__ import annotations

import shlex
import sqlite3
import warnings
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tunecli.reports.optuna_study import optuna_study, quietly
from tunecli.reports.study_data import StudyData
from tunecli.reports.trial_exports.base import Target
from tunecli.store.run import Run


@dataclass(frozen=True)
class OptunaStorage:
    """An SQLite storage with one study, called as ours is."""

    name = "optuna"
    target = Target.FILE
    ending = ".db"
    has_epochs = False
    package = None

    def write(self, study: StudyData, run: Run, path: Path, *, by_epoch: bool) -> list[str]:
        """Writes the storage."""
        import optuna

        found = optuna_study(study)
        # in memory first: Optuna waits for the disk several times a trial
        storage = optuna.storages.RDBStorage("sqlite:///:memory:")
        with quietly():
            made = optuna.create_study(storage=storage, study_name=found.study_name, direction=found.direction)
        with warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning):
            made.set_metric_names([study.objective.metric])
        made.add_trials(found.trials)
        with closing(sqlite3.connect(path)) as file, closing(storage.engine.raw_connection()) as made_in:
            made_in.driver_connection.backup(file)
        storage.engine.dispose()
        return []

    def usage(self, study: StudyData, path: Path) -> str:
        """Returns how it is opened."""
        return f"optuna-dashboard {shlex.quote(_url(path))}"


OPTUNA = OptunaStorage()


def _url(path: Path) -> str:
    return f"sqlite:///{path}"
