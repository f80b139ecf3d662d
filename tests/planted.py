"""Studies written without training: a journal, a plan, and the measurements that trials are to have left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tunecli.plan import Plan
from tunecli.spec.space import Values
from tunecli.store.files import write_json, write_lines, write_whole
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy
from tunecli.study.events import Answer, Asked, Created, EndReason, Finished, SessionEnded, Started
from tunecli.study.trial import Measurement, Outcome, Suggestion, TrialStatus, conclude

Metrics = Mapping[str, Sequence[float]]
"""By metric, one value an epoch."""


@dataclass(frozen=True)
class Planted:
    """A trial: completed if it has values of the objective and no cause, failed with one, else running."""

    values: Values = field(default_factory=dict)
    metrics: Metrics = field(default_factory=dict)
    cause: str = ""
    is_running: bool = False
    log: str = ""
    start_epoch: int = 0
    end_epoch: int = 0
    parent: int | None = None
    attempts: int = 1
    engine: str = "graph"
    stopped: str = ""


def measurements(metrics: Metrics, start_epoch: int = 0) -> list[Measurement]:
    """Returns one measurement for each epoch."""
    rows = zip(*metrics.values(), strict=True)
    return [
        Measurement(epoch=start_epoch + number, metrics=dict(zip(metrics, row, strict=True)), duration_s=0.1)
        for number, row in enumerate(rows, start=1)
    ]


def plant(folder: Path, plan: Plan, *trials: Planted, end: EndReason | None = EndReason.EXHAUSTED) -> Run:
    """Writes a study of the plan's name into a runs folder."""
    run = Run(folder / plan.name)
    with OpenStudy(run) as study:
        write_json(study.layout.plan, plan.model_dump(mode="json"))
        study.record(Created(at=1.0, study=plan.name, objective=plan.objective))
        for number, each in enumerate(trials):
            _plant_trial(study, plan, number, each, trials)
        if end is not None:
            study.record(SessionEnded(at=99.0, reason=end))
    return run


def _plant_trial(study: OpenStudy, plan: Plan, number: int, each: Planted, trials: Sequence[Planted]) -> None:
    own = measurements(each.metrics, each.start_epoch)
    end_epoch = each.end_epoch or (own[-1].epoch if own else plan.training.epochs)
    suggestion = Suggestion(number, each.values, each.start_epoch, end_epoch, each.parent)
    asked = Asked(at=2.0 + number, slot=0, limit=9, answer=Answer.TRIAL, suggestion=suggestion, engine=each.engine)
    study.record(asked)
    for attempt in range(1, each.attempts + 1):
        study.record(Started(at=2.0 + number, trial=number, attempt=attempt))
    files = study.layout.trial(number)
    write_lines(files.epochs, [one.model_dump_json().encode() + b"\n" for one in own])
    if each.log:
        write_whole(files.log, each.log.encode())
    if each.is_running:
        return
    if each.cause:
        outcome = Outcome(TrialStatus.FAILED, epochs_run=own[-1].epoch if own else each.start_epoch, cause=each.cause)
    else:
        ancestors = [] if each.parent is None else _lineage(trials, each.parent)
        outcome = conclude([*ancestors, *own], plan.objective)
    study.record(Finished(at=3.0 + number, trial=number, outcome=_with(outcome, each)))


def _lineage(trials: Sequence[Planted], trial: int) -> list[Measurement]:
    each = trials[trial]
    earlier = [] if each.parent is None else _lineage(trials, each.parent)
    return [*earlier, *measurements(each.metrics, each.start_epoch)]


def _with(outcome: Outcome, each: Planted) -> Outcome:
    from dataclasses import replace

    return replace(outcome, duration_s=1.0, stopped=each.stopped)
