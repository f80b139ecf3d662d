"""Studies as a search leaves them on disk, written without training anything.

write_study(plan, Path("runs"), [({"units": 16}, 0.5), ({"units": 32}, "loss is nan in epoch 2"), ({"units": 8}, None)])
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tunecli.plan import Plan
from tunecli.spec.space import Values
from tunecli.store.files import write_json, write_lines, write_whole
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
from tunecli.study.trial import Measurement, Outcome, Suggestion, TrialStatus, combine

Result = tuple[Values, float | str | list[float] | None]
"""A trial's values; and its score, those of its folds, its cause of failure, or None while it runs."""

SHA = "0123456789abcdef" * 4


def write_study(
    plan: Plan,
    runs: Path,
    results: Sequence[Result],
    *,
    epochs: int = 5,
    end: EndReason | None = EndReason.EXHAUSTED,
    document: dict[str, Any] | None = None,
    spec: str = "dataset: advertising\nmodel: linear\n",
    findings: Sequence[Finding] = (),
) -> Run:
    """Writes a study whose trials took ten seconds each.

    Args:
        plan: What was searched.
        runs: Where studies are.
        results: One a trial.
        epochs: Of each trial.
        end: How the session ended; None if it has not.
        document: What else stands in `plan.json`.
        spec: The file as it was given.
        findings: Of the checks of the data.
    """
    run = Run(runs / plan.name)
    layout = run.layout
    write_whole(layout.spec, spec.encode())
    write_json(layout.plan, plan.model_dump(mode="json") | (document or {}))
    packages = {"tunecli": "0.1.0", "keras": "3.15.1"}
    session = {"at": 100.0, "python": "3.11.7", "platform": "Linux", "processors": 2, "packages": packages, "git": None}
    write_json(layout.environment, {"sessions": [session]})
    write_json(layout.data, {"numeric": {"shape": [200, 3], "dtype": "float64", "sha256": SHA}})
    checks = Checks(rows={"train": 120, "validation": 40, "test": 40}, sampled_rows=120, findings=tuple(findings))
    write_json(layout.checks, checks.model_dump(mode="json"))
    write_lines(layout.journal, map(to_line, _events(plan, results, epochs, end)))
    for trial, (_, result) in enumerate(results):
        if isinstance(result, list):
            for number, score in enumerate(result):
                write_lines(layout.trial(trial).training(number).epochs, _curve(plan, score, epochs))
        else:
            score = result if isinstance(result, float) else 3.0
            write_lines(layout.trial(trial).epochs, _curve(plan, score, 2 if isinstance(result, str) else epochs))
    return run


def write_baselines(run: Run, *scores: tuple[str, float | None]) -> None:
    """Writes simple models and their scores."""
    found = [
        Baseline(
            name=name, score=score, metrics={}, duration_s=0.5, rows=120, train_rows=120, cause="" if score else "no"
        )
        for name, score in scores
    ]
    write_json(run.layout.baselines, Baselines(packages={}, baselines=tuple(found)).model_dump(mode="json"))


def warning(what: str) -> Finding:
    """Returns a finding of the checks."""
    return Finding(kind="constant", severity=Severity.WARNING, what=what, hint="leave it out")


def random_results(count: int, *, seed: int = 0) -> list[Result]:
    """Returns trials of six hyperparameters, one in thirty of which fails."""
    rng = random.Random(seed)
    found: list[Result] = []
    for number in range(count):
        values: Values = {
            "hidden_layers": rng.randint(1, 4),
            "units": rng.randint(16, 256),
            "learning_rate": 10 ** rng.uniform(-4, -1),
            "optimizer": rng.choice(["adam", "sgd", "rmsprop"]),
            "dropout": round(rng.uniform(0, 0.5), 1),
            "batch_size": rng.choice([32, 64, 128]),
        }
        score = 0.5 + abs(rng.gauss(0, 0.2)) + values["dropout"]  # type: ignore[operator]
        found.append((values, f"loss is nan in epoch {rng.randint(1, 5)}" if number % 30 == 7 else score))
    return found


SIX: dict[str, Any] = {
    "hidden_layers": {"min": 1, "max": 4},
    "units": {"min": 16, "max": 256, "log": True},
    "learning_rate": {"min": 1e-4, "max": 1e-1, "log": True},
    "optimizer": ["adam", "sgd", "rmsprop"],
    "dropout": {"min": 0, "max": 0.5, "step": 0.1},
    "batch_size": [32, 64, 128],
}
"""The search space of `random_results`, for a perceptron."""


def _events(plan: Plan, results: Sequence[Result], epochs: int, end: EndReason | None) -> Iterator[Event]:
    clock = 1_000_000.0
    yield Created(at=clock, study=plan.name, objective=plan.objective)
    yield SessionStarted(at=clock, host="here", pid=1, tunecli="0")
    for trial, (values, result) in enumerate(results):
        suggestion = Suggestion(trial, values, start_epoch=0, end_epoch=epochs)
        yield Asked(at=clock, slot=trial % 2, limit=None, answer=Answer.TRIAL, suggestion=suggestion, engine="graph")
        yield Started(at=clock, trial=trial, attempt=1, training=0 if isinstance(result, list) else None)
        clock += 10.0
        if result is None:
            continue
        outcome = _outcome(plan, result, epochs)
        if isinstance(result, list):
            for number, score in enumerate(result):
                yield Trained(at=clock, trial=trial, training=number, outcome=_outcome(plan, score, epochs))
            outcome = combine([_outcome(plan, score, epochs) for score in result])
        yield Finished(at=clock, trial=trial, outcome=outcome)
    if end is not None:
        yield SessionEnded(at=clock, reason=end)


def _outcome(plan: Plan, result: float | str | list[float], epochs: int) -> Outcome:
    if isinstance(result, str):
        return Outcome(TrialStatus.FAILED, epochs_run=2, duration_s=2.5, cause=result)
    score = statistics.fmean(result) if isinstance(result, list) else result
    metrics = {plan.objective.metric: score, "rmse": 0.9 * score}
    return Outcome(TrialStatus.COMPLETED, score, epochs, metrics, epochs_run=epochs, duration_s=10.0)


def _curve(plan: Plan, score: float, epochs: int) -> list[bytes]:
    metric = plan.watched.metric
    return [
        Measurement(epoch=epoch, metrics={"rmse": score * epochs / epoch * 0.9, metric: score * epochs / epoch})
        .model_dump_json()
        .encode()
        + b"\n"
        for epoch in range(1, epochs + 1)
    ]
