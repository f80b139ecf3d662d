"""What is read of a study that is put beside others, from its records alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunecli.errors import Problem, StudyError
from tunecli.reports.data import StudyState, study_state
from tunecli.store.files import read_json
from tunecli.store.run import Run
from tunecli.store.salvage import read_events
from tunecli.study.events import Event, Finished
from tunecli.study.objective import Objective
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Outcome, Trial, TrialStatus


@dataclass(frozen=True)
class Ended:
    """A trial that has ended.

    Attributes:
        trial: What came of it.
        spent_s: Wall-clock seconds of all sessions, up to its end.
    """

    trial: Trial
    spent_s: float


@dataclass(frozen=True)
class Study:
    """What is read of a study.

    Attributes:
        label: What it is called beside the others.
        path: Its folder.
        snapshot: What its journal adds up to.
        state: How it stands.
        ended: The trials that have ended, in the order of ending.
        plan: Its plan, as kept in `plan.json`.
        data: The fingerprint of its data; None where there is none that can be read.
        environment: What its last session ran on, if that can be read.
        card: The card of its retrained model, if there is one that can be read.
    """

    label: str
    path: str
    snapshot: Snapshot
    state: StudyState
    ended: tuple[Ended, ...]
    plan: Mapping[str, Any]
    data: Mapping[str, Any] | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] | None = None

    @property
    def tuner(self) -> str:
        """Who proposes."""
        return str(self.plan["tuner"]["name"])

    @property
    def folds(self) -> int | None:
        """Into how many folds the training rows are dealt out; None for one validation part."""
        folds: int | None = (self.plan.get("evaluation") or {}).get("folds")
        return folds


def gather(run: Run, label: str) -> tuple[Study, tuple[Problem, ...]]:
    """Reads a study.

    Returns:
        The study, and what is wrong with those of its files that can be done without.

    Raises:
        StudyError: Its journal or its plan is damaged.
    """
    is_held = run.is_held()
    events, damage = read_events(run)
    snapshot, ended = _replay(events)
    data, in_data = _read(run.layout.data)
    environment, in_environment = _read(run.layout.environment)
    card, in_card = _read(run.layout.best.card_document)
    study = Study(
        label=label,
        path=str(run.path),
        snapshot=snapshot,
        state=study_state(snapshot, is_held=is_held),
        ended=ended,
        plan=run.plan_document(),
        data=data,
        environment=_last_session(environment),
        card=card,
    )
    return study, (*damage, *in_data, *in_environment, *in_card)


def _replay(events: Iterable[Event]) -> tuple[Snapshot, tuple[Ended, ...]]:
    """Returns what a journal adds up to, and the trials that have ended in the order of ending."""
    iterator = iter(events)
    snapshot = Snapshot.of([next(iterator)])
    ended = []
    for event in iterator:
        snapshot.apply(event)
        if isinstance(event, Finished):
            ended.append(Ended(snapshot.trials[event.trial], snapshot.spent_s))
    return snapshot, tuple(ended)


def _read(path: Path) -> tuple[dict[str, Any] | None, tuple[Problem, ...]]:
    """Returns a JSON file that can be done without, and what is wrong with it."""
    try:
        return (read_json(path) if path.exists() else None), ()
    except StudyError as error:
        return None, error.problems


def _last_session(environment: Mapping[str, Any] | None) -> Mapping[str, Any]:
    sessions = (environment or {}).get("sessions")
    last = sessions[-1] if isinstance(sessions, list) and sessions else {}
    return last if isinstance(last, dict) else {}


def score_of(outcome: Outcome | None, study: Study, objective: Objective) -> float | None:
    """Returns what a trial or a training is worth by an objective, which may not be the study's own."""
    if outcome is None or outcome.status is not TrialStatus.COMPLETED:
        return None
    own = outcome.score if objective == study.snapshot.objective else outcome.metrics.get(objective.metric)
    return own if own is not None and math.isfinite(own) else None


def winner(study: Study, objective: Objective) -> Trial | None:
    """Returns the best trial by an objective; of equals the one that was asked for first."""
    scored = [
        (objective.sort_key(score), each.trial.id, each.trial)
        for each in study.ended
        if (score := score_of(each.trial.outcome, study, objective)) is not None
    ]
    return min(scored, key=lambda each: each[:2])[2] if scored else None


def training_scores(trial: Trial, study: Study, objective: Objective) -> list[float]:
    """Returns the scores of a trial's folds and repeats in their order; [] where it was trained once."""
    scores = [score_of(trial.trainings[number], study, objective) for number in sorted(trial.trainings)]
    return [score for score in scores if score is not None] if None not in scores else []


def draws(study: Study, objective: Objective) -> list[float]:
    """Returns the scores of a study's trials, the lower the better; a trial that failed came to nothing."""
    scores = [score_of(each.trial.outcome, study, objective) for each in study.ended]
    return [math.inf if score is None else objective.sort_key(score) for score in scores]


def common_metrics(studies: Iterable[Study]) -> list[str]:
    """Returns the metrics that at least one trial of every study has."""
    measured = [
        dict.fromkeys(name for each in study.ended if each.trial.outcome for name in each.trial.outcome.metrics)
        for study in studies
    ]
    return [name for name in measured[0] if all(name in each for each in measured)]
