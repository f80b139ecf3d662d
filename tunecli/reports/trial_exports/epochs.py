"""The epochs of each trial, as its own or with those of the trials that it goes on from."""

from __future__ import annotations

from tunecli.reports.study_data import Curve, StudyData
from tunecli.study.trial import Trial


def own_epochs(study: StudyData, trial: Trial) -> dict[int | None, Curve]:
    """Returns what a trial itself has trained, by training; None stands for that of a trial which has one."""
    if trainings := study.trainings[trial.id]:
        return dict(trainings.items())
    begun = trial.suggestion.start_epoch
    return {None: tuple(each for each in study.curves[trial.id] if each.epoch > begun)}
