"""Trials for TensorBoard: curves by epoch, and the HParams tab; see `reports.tensorboard`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from tunecli.reports.study_data import StudyData
from tunecli.reports.trial_exports.base import Target
from tunecli.reports.trial_exports.epochs import own_epochs
from tunecli.spec.evaluation import EvaluationSpec
from tunecli.store.run import Run


@dataclass(frozen=True)
class TensorBoard:
    """Event files."""

    name = "tensorboard"
    target = Target.FOLDER
    ending = "-tensorboard"
    has_epochs = False
    package = "tensorboard"

    def write(self, study: StudyData, run: Run, path: Path, *, by_epoch: bool) -> list[str]:
        """Writes a folder a trial."""
        from tunecli.reports.tensorboard.event_folder import EventFolder, shown_metrics

        written = study.plan.get("evaluation")
        evaluation = EvaluationSpec.model_validate(written) if written else None
        trials = study.snapshot.trials.values()
        metrics = shown_metrics(study.objective, *(trial.outcome.metrics for trial in trials if trial.outcome))
        with EventFolder(path, study.space, evaluation) as events:
            events.declare(study.snapshot, metrics)
            for trial in trials:
                events.add(trial, own_epochs(study, trial))
        return []

    def usage(self, study: StudyData, path: Path) -> str:
        """Returns how it is opened."""
        return f"tensorboard --logdir {shlex.quote(str(path))}"


TENSORBOARD = TensorBoard()
