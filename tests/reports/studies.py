"""Studies on disk, written without training: `write_study(folder, space=…, trials=[Run(…), …])`."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunecli.reports.study_data import StudyData, read_study_data
from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace, Values
from tunecli.store.run import Run
from tunecli.study.events import (
    Answer,
    Asked,
    Created,
    EndReason,
    Event,
    Finished,
    SessionEnded,
    SessionStarted,
    Started,
    Trained,
    to_line,
)
from tunecli.study.objective import Goal, Objective
from tunecli.study.trial import Measurement, Outcome, Suggestion, TrialStatus, combine


@dataclass(frozen=True)
class Told:
    """A trial: its values, and its score, its cause of failure, or None while it runs.

    Attributes:
        scores: Of each training, where there are several.
        curve: The objective by epoch; a falling one to the score where none is given.
        parent: The trial that it goes on from.
        epochs: To the end.
        start: Epochs behind it when it begins.
        pause_s: Between the last event and this trial: more than a break of the session.
    """

    values: Values
    result: float | str | None = None
    scores: Sequence[float] = ()
    curve: Sequence[float] | None = None
    parent: int | None = None
    start: int = 0
    epochs: int = 5
    slot: int = 0
    pause_s: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)


RATE = Parameter(name="learning_rate", kind=Kind.FLOAT, min=1e-4, max=1e-1, log=True)
UNITS = Parameter(name="units", kind=Kind.INT, min=8, max=64, step=8)
OPTIMIZER = Parameter(name="optimizer", kind=Kind.CHOICE, values=("adam", "sgd"))
MOMENTUM = Parameter(
    name="momentum",
    kind=Kind.FLOAT,
    min=0.0,
    max=0.99,
    when=(Condition(parameter="optimizer", values=("sgd",)),),
)
SPACE = (RATE, UNITS, OPTIMIZER, MOMENTUM)


def write_study(
    folder: Path,
    trials: Iterable[Told] = (),
    *,
    space: Sequence[Parameter] = SPACE,
    metric: str = "val_rmse",
    goal: Goal = Goal.MINIMIZE,
    tuner: str = "random",
    evaluation: Mapping[str, Any] | None = None,
    end: EndReason | None = EndReason.EXHAUSTED,
) -> Run:
    """Writes journal, plan and measurements; every trial takes ten seconds in its slot."""
    run = Run(folder)
    folder.mkdir(parents=True)
    plan = {
        "name": folder.name,
        "task": "regression",
        "family": "mlp",
        "seed": 0,
        "dataset": {"name": "advertising", "options": {"target": None}},
        "objective": {"metric": metric, "goal": goal.value},
        "space": SearchSpace(parameters=tuple(space)).model_dump(mode="json"),
        "fixed": {},
        "tuner": {"name": tuner},
        "evaluation": evaluation,
    }
    run.layout.plan.write_text(json.dumps(plan))
    objective = Objective(metric=metric, goal=goal)
    at = 1_700_000_000.0
    events: list[Event] = [
        Created(at=at, study=folder.name, objective=objective),
        SessionStarted(at=at, host="here", pid=1, tunecli="0"),
    ]
    for number, told in enumerate(trials):
        if told.pause_s:
            at += told.pause_s
            events.append(SessionStarted(at=at, host="here", pid=2, tunecli="0"))
        events += _events(number, told, at, metric)
        _write_curves(run, number, told, metric)
        at += 10.0
    if end is not None:
        events.append(SessionEnded(at=at, reason=end))
    run.layout.journal.write_bytes(b"".join(map(to_line, events)))
    return run


def random_study(folder: Path, count: int, *, seed: int = 0, epochs: int = 5, **options: Any) -> Run:
    """Writes a study of `count` random trials whose learning rate decides, every tenth of which failed."""
    options = {"space": SPACE, **options}
    draw = random.Random(seed)
    trials = []
    for number in range(count):
        values = _draw(options["space"], draw)
        rate = values.get("learning_rate", 1e-2)
        score = 0.5 + 0.1 * abs(math.log10(float(rate)) + 2.5) + 0.02 * draw.random()  # type: ignore[arg-type]
        result = "loss is nan in epoch 3" if number % 10 == 9 else score
        trials.append(Told(values, result, epochs=epochs, slot=number % 2))
    return write_study(folder, trials, **options)


def read(run: Run) -> StudyData:
    return read_study_data(run)


def _draw(space: Sequence[Parameter], draw: random.Random) -> Values:
    values: Values = {}
    for each in SearchSpace(parameters=tuple(space)):
        if not each.is_active(values):
            continue
        if (finite := each.finite_values()) is not None:
            values[each.name] = draw.choice(finite)
        elif each.log:
            low, high = map(math.log, each.bounds)
            values[each.name] = math.exp(draw.uniform(low, high))
        else:
            values[each.name] = draw.uniform(*each.bounds)
    return values


def _events(number: int, told: Told, at: float, metric: str) -> list[Event]:
    suggestion = Suggestion(number, told.values, told.start, told.epochs, told.parent)
    events: list[Event] = [
        Asked(at=at, slot=told.slot, limit=9, answer=Answer.TRIAL, suggestion=suggestion, engine="keras"),
        Started(at=at, trial=number, attempt=1, training=0 if told.scores else None),
    ]
    outcomes = [_completed(score, told, metric) for score in told.scores]
    events += [Trained(at=at, trial=number, training=k, outcome=each) for k, each in enumerate(outcomes)]
    if outcomes:
        return [*events, Finished(at=at + 10.0, trial=number, outcome=combine(outcomes))]
    if isinstance(told.result, str):
        failed = Outcome(TrialStatus.FAILED, epochs_run=told.epochs, duration_s=10.0, cause=told.result)
        return [*events, Finished(at=at + 10.0, trial=number, outcome=failed)]
    if told.result is None:
        return events
    return [*events, Finished(at=at + 10.0, trial=number, outcome=_completed(told.result, told, metric))]


def _completed(score: float, told: Told, metric: str) -> Outcome:
    metrics = {**told.metrics, metric: score}
    return Outcome(TrialStatus.COMPLETED, score, told.epochs, metrics, epochs_run=told.epochs, duration_s=10.0)


def _write_curves(run: Run, number: int, told: Told, metric: str) -> None:
    layout = run.layout.trial(number)
    for training, score in enumerate(told.scores):
        _write_curve(layout.training(training).epochs, told, score, metric)
    if not told.scores:
        score = told.result if isinstance(told.result, float) else 1.0
        _write_curve(layout.epochs, told, score, metric)


def _write_curve(path: Path, told: Told, score: float, metric: str) -> None:
    path.parent.mkdir(parents=True)
    epochs = range(told.start + 1, told.epochs + 1)
    curve = told.curve or [score * (1 + 0.1 * (told.epochs - epoch)) for epoch in epochs]
    plain = metric.removeprefix("val_").removeprefix("fold_")
    measured = [
        Measurement(epoch=epoch, metrics={plain: value * 0.9, f"val_{plain}": value}, duration_s=0.5)
        for epoch, value in zip(epochs, curve, strict=False)
    ]
    path.write_text("".join(f"{each.model_dump_json()}\n" for each in measured))
