"""The figures of a study, as plain values: what tables draw and `--json` prints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from tunecli.errors import Problem
from tunecli.spec.space import Values
from tunecli.study.baseline import Baseline
from tunecli.study.check import Checks
from tunecli.study.events import EndReason
from tunecli.study.objective import Goal, Objective
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement, Outcome, Program, Trial

LOG_TAIL_LINES = 20
"""How much of a trial's log is shown."""


class StudyState(StrEnum):
    """How a study stands."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


_STATES = {
    EndReason.EXHAUSTED: StudyState.FINISHED,
    EndReason.TARGET: StudyState.STOPPED,
    EndReason.NO_GAIN: StudyState.STOPPED,
    EndReason.MAX_TIME: StudyState.STOPPED,
    EndReason.FAILURES: StudyState.STOPPED,
    EndReason.INTERRUPTED: StudyState.INTERRUPTED,
}


@dataclass(frozen=True)
class Row:
    """One line of a leaderboard.

    Attributes:
        id: The trial's id.
        rank: From 1, the best.
        score: The objective at the best epoch; the mean of several trainings.
        score_sd: The standard deviation of several trainings, or None.
        values: The searched hyperparameters.
        best_epoch: Counted from 1 over the lineage.
        epochs_run: The last epoch that was trained.
        duration_s: Wall-clock seconds of the attempt that ended.
    """

    id: int
    rank: int
    score: float
    score_sd: float | None
    values: Values
    best_epoch: int
    epochs_run: int
    duration_s: float


@dataclass(frozen=True)
class StudyRow:
    """One line of the list of studies.

    Attributes:
        name: The study's name.
        state: How it stands.
        metric: The objective's metric.
        goal: Which way is better.
        completed: How many trials ended with a score.
        failed: How many ended without one.
        best_score: The best score, or None.
        best_trial: The winner's id, or None.
        updated_at: When the last event was written, in seconds since the epoch.
        spent_s: Wall-clock seconds of all sessions.
        programs: How many programs were compiled, and how many trials used one again.
    """

    name: str
    state: StudyState
    metric: str
    goal: str
    completed: int
    failed: int
    best_score: float | None
    best_trial: int | None
    updated_at: float
    spent_s: float
    programs: tuple[int, int]


def leaderboard(snapshot: Snapshot, top: int | None = None) -> list[Row]:
    """Returns the completed trials, best first; the first `top` of them if given."""
    return [_row(rank, trial) for rank, trial in enumerate(snapshot.completed[:top], start=1)]


def rank_baselines(baselines: Sequence[Baseline], objective: Objective) -> list[Baseline]:
    """Returns baselines, best first; those without a score stand at the end."""
    scored = [each for each in baselines if each.score is not None]
    scored.sort(key=lambda each: objective.sort_key(each.score or 0.0))
    return [*scored, *(each for each in baselines if each.score is None)]


@dataclass(frozen=True)
class Comparison:
    """The best trial beside the best baseline.

    Attributes:
        baseline: The best one.
        score: Its score.
        gain: By how much the best trial is better, in the metric's own units; below 0 if it is worse.
        share: The gain as a share of the worse score, for an error, which cannot fall below 0; None for a metric that
            is better when higher.
    """

    baseline: Baseline
    score: float
    gain: float
    share: float | None


def compare(snapshot: Snapshot, baselines: Sequence[Baseline]) -> Comparison | None:
    """Compares the best trial with the best baseline; None if there is not both."""
    objective, best = snapshot.objective, snapshot.best
    leader = next(iter(rank_baselines(baselines, objective)), None)
    if best is None or best.score is None or leader is None or leader.score is None:
        return None
    gain = objective.sort_key(leader.score) - objective.sort_key(best.score)
    worse = max(leader.score, best.score)
    is_error = objective.goal is Goal.MINIMIZE and worse > 0
    return Comparison(leader, leader.score, gain, gain / worse if is_error else None)


def target_names(plan: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the columns that a study predicts, as far as its plan names them; () for data of a known target.

    Args:
        plan: As kept in `plan.json`.
    """
    written = plan["dataset"]["options"]["target"]
    named = [written] if isinstance(written, str) else written or []
    return tuple(plan.get("targets") or named)


def best_json(
    snapshot: Snapshot,
    top: int | None = None,
    *,
    baselines: Sequence[Baseline] = (),
    targets: Sequence[str] = (),
) -> dict[str, Any]:
    """Returns the document of `best --json`; `targets` are the columns that are predicted, where they are known."""
    return {
        "study": snapshot.study,
        "objective": _objective(snapshot),
        "targets": list(targets),
        "trials": [_ranked(row) for row in leaderboard(snapshot, top)],
        "baselines": [each.model_dump(mode="json") for each in rank_baselines(baselines, snapshot.objective)],
    }


def _ranked(row: Row) -> dict[str, Any]:
    """Returns a line of `best --json`; of several trainings, with the deviation of their scores."""
    keys = ("id", "rank", "score", *(["score_sd"] if row.score_sd is not None else []), "values", "best_epoch")
    return {key: getattr(row, key) for key in keys}


def study_state(snapshot: Snapshot, *, is_held: bool) -> StudyState:
    """Says how a study stands; one that nobody works on and that did not end in order was interrupted."""
    if is_held:
        return StudyState.RUNNING
    return _STATES[snapshot.end_reason] if snapshot.end_reason else StudyState.INTERRUPTED


def study_row(snapshot: Snapshot, *, name: str, is_held: bool) -> StudyRow:
    """Returns a study's line in the list.

    Args:
        snapshot: The study.
        name: What it is called now: its folder may have been renamed.
        is_held: Whether a process works on it.
    """
    best = snapshot.best
    return StudyRow(
        name=name,
        state=study_state(snapshot, is_held=is_held),
        metric=snapshot.objective.metric,
        goal=snapshot.objective.goal.value,
        completed=len(snapshot.completed),
        failed=len(snapshot.failed),
        best_score=best.score if best else None,
        best_trial=best.id if best else None,
        updated_at=snapshot.updated_at,
        spent_s=snapshot.spent_s,
        programs=_programs(snapshot),
    )


def _programs(snapshot: Snapshot) -> tuple[int, int]:
    ended = [trial for trial in snapshot.trials.values() if trial.outcome]
    outcomes = [each for trial in ended for each in (trial.trainings.values() or (trial.outcome,))]
    origins = [each.program for each in outcomes if each is not None]
    return origins.count(Program.COMPILED), origins.count(Program.REUSED)


def study_document(
    snapshot: Snapshot, row: StudyRow, plan: Mapping[str, Any], checks: Checks | None = None
) -> dict[str, Any]:
    """Returns the document of `show RUN --json`: the study, its plan and all trials in the order of asking."""
    ranks = _ranks(snapshot)
    return {
        "study": row.name,
        "objective": _objective(snapshot),
        "state": row.state.value,
        "created_at": snapshot.created_at,
        "updated_at": row.updated_at,
        "spent_s": row.spent_s,
        "programs": {"compiled": row.programs[0], "reused": row.programs[1]},
        "completed": row.completed,
        "failed": row.failed,
        "best_trial": row.best_trial,
        "best_score": row.best_score,
        "plan": dict(plan),
        "findings": [] if checks is None else [each.model_dump(mode="json") for each in checks.findings],
        "trials": [_trial(trial, ranks) for trial in snapshot.trials.values()],
    }


def trial_document(
    snapshot: Snapshot,
    trial: int,
    *,
    measurements: Sequence[Measurement],
    trainings: Sequence[tuple[int, str, Sequence[Measurement]]] = (),
    layers: Sequence[Mapping[str, Any]] | None,
    log: str,
    damage: Sequence[Problem] = (),
) -> dict[str, Any]:
    """Returns the document of `show RUN TRIAL --json`.

    Args:
        snapshot: The study.
        trial: The trial's id.
        measurements: Those of its whole lineage; what is not finite becomes null.
        trainings: Of several trainings each one's number, its name for people, and its measurements.
        layers: The layers of its model, if it was built.
        log: What it had to say; the end is kept.
        damage: What is wrong with its files.
    """
    return {
        "study": snapshot.study,
        "objective": _objective(snapshot),
        **_trial(snapshot.trials[trial], _ranks(snapshot)),
        "lineage": list(snapshot.lineage(trial)),
        "measurements": [_measurement(each) for each in measurements],
        "trainings": [
            _training(number, name, snapshot.trials[trial].trainings.get(number), measured)
            for number, name, measured in trainings
        ],
        "layers": None if layers is None else [dict(each) for each in layers],
        "log_tail": log.splitlines()[-LOG_TAIL_LINES:],
        "damage": [{"where": each.where, "what": each.what} for each in damage],
    }


def curves(measurements: Sequence[Mapping[str, Any]]) -> dict[str, list[float | None]]:
    """Returns the values of each metric by epoch, each training metric followed by its `val_` form."""
    names = {name for each in measurements for name in each["metrics"]}
    ordered = sorted(names, key=lambda name: (name.removeprefix("val_"), name.startswith("val_")))
    return {name: [each["metrics"].get(name) for each in measurements] for name in ordered}


def _row(rank: int, trial: Trial) -> Row:
    outcome = trial.outcome
    assert outcome is not None, f"trial {trial.id} has not ended"
    assert outcome.score is not None, f"trial {trial.id} has no score"
    return Row(
        id=trial.id,
        rank=rank,
        score=outcome.score,
        score_sd=outcome.score_sd,
        values=trial.suggestion.values,
        best_epoch=outcome.best_epoch or outcome.epochs_run,
        epochs_run=outcome.epochs_run,
        duration_s=outcome.duration_s,
    )


def _ranks(snapshot: Snapshot) -> dict[int, int]:
    return {trial.id: rank for rank, trial in enumerate(snapshot.completed, start=1)}


def _objective(snapshot: Snapshot) -> dict[str, str]:
    return {"metric": snapshot.objective.metric, "goal": snapshot.objective.goal.value}


def _trial(trial: Trial, ranks: Mapping[int, int]) -> dict[str, Any]:
    outcome = asdict(trial.outcome) if trial.outcome else {}
    return {
        "id": trial.id,
        "status": trial.status.value,
        "rank": ranks.get(trial.id),
        "score": outcome.get("score"),
        "score_sd": outcome.get("score_sd"),
        "values": trial.suggestion.values,
        "best_epoch": outcome.get("best_epoch"),
        "epochs_run": outcome.get("epochs_run"),
        "start_epoch": trial.suggestion.start_epoch,
        "end_epoch": trial.suggestion.end_epoch,
        "parent": trial.suggestion.parent,
        "metrics": outcome.get("metrics", {}),
        "duration_s": outcome.get("duration_s"),
        "attempts": trial.attempts,
        "slot": trial.slot,
        "engine": trial.engine,
        "engine_reason": trial.engine_reason,
        "cause": outcome.get("cause", ""),
        "stopped": outcome.get("stopped", ""),
    }


def _training(number: int, name: str, outcome: Outcome | None, measurements: Sequence[Measurement]) -> dict[str, Any]:
    return {
        "number": number,
        "name": name,
        "score": outcome.score if outcome else None,
        "best_epoch": outcome.best_epoch if outcome else None,
        "metrics": outcome.metrics if outcome else {},
        "duration_s": outcome.duration_s if outcome else None,
        "measurements": [_measurement(each) for each in measurements],
    }


def _measurement(measurement: Measurement) -> dict[str, Any]:
    metrics = {name: value if math.isfinite(value) else None for name, value in measurement.metrics.items()}
    return {"epoch": measurement.epoch, "metrics": metrics, "duration_s": measurement.duration_s}
