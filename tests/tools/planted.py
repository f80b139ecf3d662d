"""Studies with a journal, and no training: values drawn at random from a spec's space, and scores from a function."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from tunecli.plan import resolve
from tunecli.plan.sources import Discovered
from tunecli.search.resume import begin_or_check
from tunecli.spec.load import load
from tunecli.spec.space import Kind, Parameter, SearchSpace, Value, Values
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy
from tunecli.study.events import Answer, Asked, EndReason, Finished, SessionEnded, SessionStarted, Started
from tunecli.study.trial import Outcome, Suggestion, TrialStatus

Score = Callable[[Values, random.Random], float | str]
"""Of values: a score, or why the trial failed."""


def draw(parameter: Parameter, dice: random.Random) -> Value:
    """Draws a value as random search does."""
    if parameter.kind is Kind.CHOICE:
        return dice.choice(parameter.values)
    low, high = parameter.bounds
    if parameter.log:
        number = math.exp(dice.uniform(math.log(low), math.log(high)))
        return min(int(high), max(int(low), round(number))) if parameter.kind is Kind.INT else number
    values = parameter.finite_values()
    return dice.uniform(low, high) if values is None else dice.choice(values)


def draw_all(space: SearchSpace, dice: random.Random) -> Values:
    """Draws a value for every parameter that is active."""
    values: Values = {}
    for parameter in space:
        if parameter.is_active(values):
            values[parameter.name] = draw(parameter, dice)
    return values


def plant(
    spec: Path,
    score: Score,
    *,
    trials: int = 60,
    overrides: Sequence[str] = (),
    seed: int = 0,
    discovered: Discovered | None = None,
) -> Run:
    """Writes a finished study below `runs`."""
    file = load(spec, overrides)
    plan = resolve(file, discovered=discovered)
    dice = random.Random(seed)
    run = Run(Path("runs", plan.name))
    with OpenStudy(run) as study:
        begin_or_check(study, plan, file)
        study.record(SessionStarted(at=100.0, host="here", pid=1, tunecli="0"))
        for number in range(trials):
            values = draw_all(plan.space, dice)
            found = score(values, dice)
            suggestion = Suggestion(number, values, start_epoch=0, end_epoch=plan.training.epochs)
            at = 100.0 + number
            study.record(
                Asked(
                    at=at,
                    slot=0,
                    limit=trials,
                    answer=Answer.TRIAL,
                    suggestion=suggestion,
                    engine="keras",
                    engine_reason="why",
                )
            )
            study.record(Started(at=at, trial=number, attempt=1))
            failed = isinstance(found, str)
            outcome = (
                Outcome(TrialStatus.FAILED, cause=str(found))
                if failed
                else Outcome(
                    TrialStatus.COMPLETED, float(found), 1, {plan.objective.metric: float(found)}, epochs_run=1
                )
            )
            study.record(Finished(at=at + 1, trial=number, outcome=outcome))
        study.record(SessionEnded(at=200.0 + trials, reason=EndReason.EXHAUSTED))
    return run
