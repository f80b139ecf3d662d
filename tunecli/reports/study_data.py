"""A study as reports, exports and advice look at it: its journal, its plan and its learning curves, each read once.

    study = read_study_data(run)
    study.curves[7]             # the measurements of trial 7 and its ancestors
    study.trainings[7][0]       # those of its first fold, where a trial is several trainings

What is damaged is told beside what can be read of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tunecli.errors import Problem
from tunecli.spec.space import SearchSpace
from tunecli.store.files import damaged
from tunecli.store.run import Run
from tunecli.store.salvage import read_measurements, read_study
from tunecli.study.objective import Objective
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement, Trial

Curve = tuple[Measurement, ...]
"""What was measured, epoch by epoch."""


@dataclass(frozen=True)
class StudyData:
    """What a study's files hold at one moment.

    Attributes:
        name: What the study is called now: its folder may have been renamed.
        snapshot: What its journal adds up to.
        plan: As kept in `plan.json`.
        space: What is searched.
        curves: By trial, those of its whole lineage that can be read; empty for a trial of several trainings.
        trainings: By trial and number of the training, where a trial is several; empty else.
        damage: What is wrong with the files, one problem for each.
    """

    name: str
    snapshot: Snapshot
    plan: Mapping[str, Any]
    space: SearchSpace
    curves: Mapping[int, Curve]
    trainings: Mapping[int, Mapping[int, Curve]]
    damage: tuple[Problem, ...] = ()

    @property
    def objective(self) -> Objective:
        """What decides."""
        return self.snapshot.objective

    @property
    def has_budgets(self) -> bool:
        """Whether trials are trained for different numbers of epochs, and go on from one another: Hyperband."""
        return bool(self.plan["tuner"]["name"] == "hyperband")

    def configurations(self) -> list[Trial]:
        """Returns the completed trials that no completed one has gone on from, best first.

        Under Hyperband each configuration then stands for itself once, with its longest training.
        """
        completed = self.snapshot.completed
        parents = {trial.suggestion.parent for trial in completed}
        return [trial for trial in completed if trial.id not in parents]


def read_study_data(run: Run) -> StudyData:
    """Reads a study, whether it has ended or not; damaged learning curves are read as far as they can be.

    Raises:
        StudyError: The journal is damaged before its end, or the plan is missing or damaged.
    """
    snapshot, damage = read_study(run)
    plan = run.plan_document()
    own: dict[int, Curve] = {}
    trainings: dict[int, Mapping[int, Curve]] = {}
    for trial in snapshot.trials.values():
        numbers = sorted({*run.trainings_with_files(trial.id), *trial.trainings})
        found = {number: read_measurements(run, trial, number) for number in numbers}
        trainings[trial.id] = {number: tuple(measured) for number, (measured, _) in found.items()}
        measured, problems = ([], ()) if numbers else read_measurements(run, trial)
        own[trial.id] = tuple(measured)
        damage += (*problems, *(problem for _, faults in found.values() for problem in faults))
    return StudyData(
        name=run.name,
        snapshot=snapshot,
        plan=plan,
        space=_space(run, plan),
        curves={trial: _of_lineage(snapshot, trial, own) for trial in snapshot.trials},
        trainings=trainings,
        damage=damage,
    )


def _space(run: Run, plan: Mapping[str, Any]) -> SearchSpace:
    """Returns what a plan searches.

    Raises:
        StudyError: It is none.
    """
    try:
        _ = plan["tuner"]["name"]
        return SearchSpace.model_validate(plan["space"])
    except (LookupError, TypeError, ValidationError) as error:
        raise damaged(str(run.layout.plan), "not the plan of a study") from error


def _of_lineage(snapshot: Snapshot, trial: int, own: Mapping[int, Curve]) -> Curve:
    return tuple(each for ancestor in snapshot.lineage(trial) for each in own[ancestor])
