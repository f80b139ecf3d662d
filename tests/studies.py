"""Studies as a search leaves them, without a search: a plan, a journal, and what trials have measured.

    run = write_study(
        Path("runs"),
        any_plan(space=[RATE]),  # or of the fixture `make_plan`, where the plan should be that of a spec
        [
            Planted({"learning_rate": 0.01}, 0.5),
            Planted({"learning_rate": 0.1}, "loss is nan in epoch 2", both_parts([9.0, math.nan])),
            Planted({"learning_rate": 0.02}),  # runs
        ],
        end=None,
    )

Each trial takes ten seconds, one after the other. What the journal says of a trial follows from its curves, as in a
search, and where a test gives a score alone, its curve improves to it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunecli.datasets.base import DatasetOptions
from tunecli.plan import Plan, resolve
from tunecli.plan.sources import Discovered
from tunecli.spec.load import load
from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace, Value, Values
from tunecli.store.files import write_json, write_whole
from tunecli.store.run import Run
from tunecli.study.baseline import Baseline, Baselines
from tunecli.study.check import Checks, Finding, Severity
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
from tunecli.study.objective import Goal, Objective, plain_metric
from tunecli.study.trial import Measurement, Outcome, Suggestion, TrialStatus, combine, conclude

Curves = Mapping[str, Sequence[float]]
"""By metric, one value an epoch."""

Score = Callable[[Values, random.Random], float | str]
"""Of values: a score, or why the trial failed."""

START = 1_700_000_000.0
"""When studies begin, in seconds since the epoch."""

TRIAL_S = 10.0
EPOCH_S = 0.5

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


@dataclass(frozen=True)
class Planted:
    """A trial.

    Attributes:
        values: What was suggested.
        result: Its score, the scores of its trainings (folds, repeats), its cause of failure, or None while it runs.
        curves: What it has measured; where there is none, a score has a curve that improves to it.
        start_epoch: Epochs behind it when it begins.
        end_epoch: Epochs behind it when it ends; the plan's, or those of its curves.
        parent: The trial that it goes on from.
        pause_s: Between the last session and its own, which it begins; 0 for no new session.
        duration_s: Of the attempt that ended.
        log: What its process has printed.
    """

    values: Values = field(default_factory=dict)
    result: float | str | Sequence[float] | None = None
    curves: Curves = field(default_factory=dict)
    start_epoch: int = 0
    end_epoch: int | None = None
    parent: int | None = None
    slot: int = 0
    pause_s: float = 0.0
    duration_s: float = TRIAL_S
    attempts: int = 1
    engine: str = "keras"
    stopped: str = ""
    log: str = ""

    @property
    def scores(self) -> Sequence[float]:
        """Those of its trainings, if it has several."""
        return self.result if isinstance(self.result, Sequence) and not isinstance(self.result, str) else ()


def any_plan(
    name: str = "study",
    *,
    space: Iterable[Parameter] = SPACE,
    metric: str = "val_rmse",
    goal: Goal = Goal.MINIMIZE,
    tuner: str | Mapping[str, Any] = "random",
    evaluation: Mapping[str, Any] | None = None,
    epochs: int = 5,
) -> Plan:
    """Returns a plan of whatever parameters, also of some that no model reads."""
    tuner = {"name": tuner} if isinstance(tuner, str) else dict(tuner)
    if tuner["name"] == "hyperband":
        tuner.setdefault("max_epochs", epochs)
    training = {"epochs": epochs, "shuffle": True, "engine": "auto", "precision": "float32", "early_stopping": None}
    options = DatasetOptions()
    dataset = {"name": "advertising", "options": options, "validation": 0.2, "test": 0.2, "split_seed": 0}
    return Plan.model_validate(
        {
            "name": name,
            "seed": 0,
            "dataset": dataset,
            "task": "regression",
            "family": "mlp",
            "objective": Objective(metric=metric, goal=goal),
            "space": SearchSpace(parameters=tuple(space)),
            "fixed": {},
            "tuner": tuner,
            "training": training,
            "evaluation": evaluation,
            "limits": {},
        }
    )


def write_study(
    runs: Path,
    plan: Plan,
    trials: Iterable[Planted] = (),
    *,
    end: EndReason | None = EndReason.EXHAUSTED,
    at: float = START,
) -> Run:
    """Writes a study of the plan's name into a runs folder.

    Args:
        runs: Where studies are.
        plan: What was searched.
        trials: In the order of asking.
        end: How the last session ended; None if it has not.
        at: When it began.
    """
    trials = list(trials)
    run = Run(runs / plan.name)
    write_json(run.layout.plan, plan.model_dump(mode="json"))
    run.layout.journal.write_bytes(b"".join(map(to_line, study_events(plan, trials, end=end, at=at))))
    for number, each in enumerate(trials):
        _write_trial(run, plan, number, each)
    return run


def write_surroundings(
    run: Run,
    *,
    spec: str = "dataset: advertising\nmodel: linear\n",
    findings: Iterable[Finding] = (),
    baselines: Mapping[str, float] | None = None,
) -> None:
    """Writes what else a search leaves: its spec, what it ran on, its data, what was found in them, simple models."""
    packages = {"tunecli": "0.1.0", "keras": "3.15.1"}
    session = {"at": START, "python": "3.11.7", "platform": "Linux", "processors": 2, "packages": packages, "git": None}
    checks = Checks(rows={"train": 120, "validation": 40, "test": 40}, sampled_rows=120, findings=tuple(findings))
    write_whole(run.layout.spec, spec.encode())
    write_json(run.layout.environment, {"sessions": [session]})
    write_json(run.layout.data, {"numeric": {"shape": [200, 3], "dtype": "float64", "sha256": "0123456789abcdef" * 4}})
    write_json(run.layout.checks, checks.model_dump(mode="json"))
    if baselines is not None:
        found = tuple(_baseline(name, score) for name, score in baselines.items())
        write_json(run.layout.baselines, Baselines(packages={}, baselines=found).model_dump(mode="json"))


def warning(what: str) -> Finding:
    """Returns a finding of the checks of the data."""
    return Finding(kind="constant", severity=Severity.WARNING, what=what, hint="leave it out")


def study_events(
    plan: Plan,
    trials: Iterable[Planted] = (),
    *,
    end: EndReason | None = EndReason.EXHAUSTED,
    at: float = START,
) -> Iterator[Event]:
    """Yields what stands in the journal of a study; see `write_study`."""
    trials = list(trials)
    yield Created(at=at, study=plan.name, objective=plan.objective)
    yield _session(at)
    for number, each in enumerate(trials):
        if each.pause_s:
            yield SessionEnded(at=at, reason=EndReason.INTERRUPTED)
            at += each.pause_s
            yield _session(at)
        yield from _trial_events(plan, number, trials, at)
        at += TRIAL_S
    if end is not None:
        yield SessionEnded(at=at, reason=end)


def measurements(curves: Curves, start_epoch: int = 0) -> list[Measurement]:
    """Returns one measurement for each epoch."""
    rows = zip(*curves.values(), strict=True)
    return [
        Measurement(epoch=epoch, metrics=dict(zip(curves, row, strict=True)), duration_s=EPOCH_S)
        for epoch, row in enumerate(rows, start=start_epoch + 1)
    ]


def both_parts(values: Sequence[float], metric: str = "val_rmse") -> Curves:
    """Returns a curve on the rows that score a trial, and one a tenth lower on those that train it."""
    return {plain_metric(metric): [0.9 * value for value in values], metric: values}


def draw_values(space: Iterable[Parameter], dice: random.Random) -> Values:
    """Draws a value for every parameter that is active, as random search does."""
    values: Values = {}
    for parameter in space:
        if parameter.is_active(values):
            values[parameter.name] = _draw(parameter, dice)
    return values


def random_trials(space: Iterable[Parameter], count: int, score: Score, *, seed: int = 0) -> list[Planted]:
    """Returns trials of random values, and what these come to."""
    dice = random.Random(seed)
    parameters = tuple(space)
    drawn = [draw_values(parameters, dice) for _ in range(count)]
    return [Planted(values, score(values, dice)) for values in drawn]


def typical_trials(count: int, space: Iterable[Parameter] = SPACE) -> list[Planted]:
    """Returns random trials in two slots: the learning rate decides, if there is one, and every tenth failed."""
    trials = random_trials(space, count, _by_learning_rate)
    return [
        replace(each, slot=number % 2, result="loss is nan in epoch 3" if number % 10 == 9 else each.result)
        for number, each in enumerate(trials)
    ]


def write_random_study(
    spec: Path,
    score: Score,
    *,
    trials: int = 60,
    overrides: Sequence[str] = (),
    seed: int = 0,
    discovered: Discovered | None = None,
) -> Run:
    """Writes a finished study of a spec, of random trials, into `runs`."""
    file = load(spec, overrides)
    plan = resolve(file, discovered=discovered)
    run = write_study(Path("runs"), plan, random_trials(plan.space, trials, score, seed=seed))
    write_whole(run.layout.spec, file.text.encode())
    return run


def _session(at: float) -> SessionStarted:
    return SessionStarted(at=at, host="here", pid=1, tunecli="0")


def _trial_events(plan: Plan, number: int, trials: Sequence[Planted], at: float) -> Iterator[Event]:
    each = trials[number]
    yield _asked(plan, number, each, at)
    if each.scores:
        yield from _trainings(plan, number, each, at)
        return
    for attempt in range(1, each.attempts + 1):
        yield Started(at=at, trial=number, attempt=attempt)
    if each.result is not None:
        outcome = _failed(plan, each) if isinstance(each.result, str) else _completed(plan, number, trials)
        outcome = replace(outcome, duration_s=each.duration_s, stopped=each.stopped)
        yield Finished(at=at + TRIAL_S, trial=number, outcome=outcome)


def _asked(plan: Plan, number: int, each: Planted, at: float) -> Asked:
    return Asked(
        at=at,
        slot=each.slot,
        limit=plan.limit,
        answer=Answer.TRIAL,
        suggestion=Suggestion(number, each.values, each.start_epoch, _end_epoch(plan, each), each.parent),
        engine=each.engine,
        engine_reason="why",
    )


def _trainings(plan: Plan, number: int, each: Planted, at: float) -> Iterator[Event]:
    outcomes = []
    duration_s = each.duration_s / len(each.scores)
    for training, score in enumerate(each.scores):
        yield Started(at=at + training * duration_s, trial=number, attempt=1, training=training)
        found = _conclude(plan, measurements(_curves_to(plan, each, score)), score)
        outcomes.append(replace(found, duration_s=duration_s))
        yield Trained(at=at + (training + 1) * duration_s, trial=number, training=training, outcome=outcomes[-1])
    yield Finished(at=at + TRIAL_S, trial=number, outcome=combine(outcomes))


def _failed(plan: Plan, each: Planted) -> Outcome:
    measured = _measured(plan, each)
    epochs_run = measured[-1].epoch if measured else each.start_epoch
    return Outcome(TrialStatus.FAILED, epochs_run=epochs_run, cause=str(each.result))


def _completed(plan: Plan, number: int, trials: Sequence[Planted]) -> Outcome:
    lineage: list[Measurement] = []
    ancestor: int | None = number
    while ancestor is not None:
        lineage = [*_measured(plan, trials[ancestor]), *lineage]
        ancestor = trials[ancestor].parent
    return _conclude(plan, lineage, trials[number].result)


def _conclude(plan: Plan, measured: Sequence[Measurement], score: object) -> Outcome:
    found = conclude(measured, plan.watched)
    assert found.score == score, f"the curves come to {found.score}, not to {score}"
    return replace(found, metrics={**found.metrics, plan.objective.metric: found.score})


def _measured(plan: Plan, each: Planted) -> list[Measurement]:
    curves = _curves_to(plan, each, each.result) if isinstance(each.result, int | float) else each.curves
    return measurements(curves, each.start_epoch)


def _curves_to(plan: Plan, each: Planted, score: float) -> Curves:
    if each.curves:
        return each.curves
    worse = 0.1 * (abs(score) or 1.0) * (1 if plan.objective.goal is Goal.MINIMIZE else -1)
    epochs = _end_epoch(plan, each) - each.start_epoch
    return both_parts([score + worse * left for left in reversed(range(epochs))], plan.watched.metric)


def _end_epoch(plan: Plan, each: Planted) -> int:
    if each.end_epoch is not None:
        return each.end_epoch
    own = next(iter(each.curves.values()), ())
    return each.start_epoch + len(own) if own else plan.training.epochs


def _write_trial(run: Run, plan: Plan, number: int, each: Planted) -> None:
    files = run.layout.trial(number)
    for training, score in enumerate(each.scores):
        _write_epochs(files.training(training).epochs, measurements(_curves_to(plan, each, score)))
    if not each.scores:
        _write_epochs(files.epochs, _measured(plan, each))
    if each.log:
        files.log.write_text(each.log)


def _write_epochs(path: Path, measured: Iterable[Measurement]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{each.model_dump_json()}\n" for each in measured))


def _baseline(name: str, score: float) -> Baseline:
    return Baseline(name=name, score=score, metrics={}, duration_s=0.5, rows=120, train_rows=120)


def _draw(parameter: Parameter, dice: random.Random) -> Value:
    if parameter.kind is Kind.CHOICE:
        return dice.choice(parameter.values)
    low, high = parameter.bounds
    if parameter.log:
        number = math.exp(dice.uniform(math.log(low), math.log(high)))
        return min(int(high), max(int(low), round(number))) if parameter.kind is Kind.INT else number
    values = parameter.finite_values()
    return dice.uniform(low, high) if values is None else dice.choice(values)


def _by_learning_rate(values: Values, dice: random.Random) -> float:
    rate = values.get("learning_rate", 1e-2)
    return 0.5 + 0.1 * abs(math.log10(float(rate)) + 2.5) + 0.02 * dice.random()  # type: ignore[arg-type]
