"""Trials as JSON: the document of `tunecli show RUN --json`, in which each trial is that of `show RUN TRIAL --json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunecli.reports.data import study_document, study_row, trial_document
from tunecli.reports.study_data import StudyData
from tunecli.reports.trial_exports.base import Target
from tunecli.spec.evaluation import EvaluationSpec
from tunecli.store.files import write_new
from tunecli.store.run import Run
from tunecli.store.salvage import read_trial

SCHEMA_VERSION = 1
"""Keys are added, never renamed, while it stays."""


@dataclass(frozen=True)
class Json:
    """Everything that is recorded of each trial, its epochs too."""

    name = "json"
    target = Target.TEXT
    ending = ".json"
    has_epochs = False
    package = None

    def write(self, study: StudyData, run: Run, path: Path, *, by_epoch: bool) -> list[str]:
        """Writes the document."""
        content = json.dumps({"schema_version": SCHEMA_VERSION, **document(study, run)}, indent=2, allow_nan=False)
        write_new(path, f"{content}\n".encode())
        return []

    def usage(self, study: StudyData, path: Path) -> str:
        """Returns how it is opened."""
        return f"json.load(open({str(path)!r}))"


JSON = Json()


def document(study: StudyData, run: Run) -> dict[str, Any]:
    """Returns the study with all that is recorded of each trial.

    Raises:
        StudyError: What was found in its data is damaged.
    """
    row = study_row(study.snapshot, name=study.name, is_held=run.is_held())
    found = study_document(study.snapshot, row, study.plan, run.checks())
    trials = [_trial(study, run, each) for each in study.snapshot.trials]
    return {**found, "trials": trials}


def _trial(study: StudyData, run: Run, trial: int) -> dict[str, Any]:
    files = read_trial(run, study.snapshot, trial)
    written = study.plan.get("evaluation")
    evaluation = EvaluationSpec.model_validate(written) if written else None
    trainings = [
        (number, evaluation.describe(number) if evaluation else "", measured)
        for number, measured in files.trainings.items()
    ]
    found = trial_document(
        study.snapshot,
        trial,
        measurements=files.measurements,
        trainings=trainings,
        layers=files.layers,
        log=files.log,
        damage=files.damage,
    )
    return {key: value for key, value in found.items() if key not in ("study", "objective")}  # stand above
