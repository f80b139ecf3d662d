"""What the tests of oracles share: plans built in Python, a make-believe objective, and slots that take turns."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tunecli.datasets.base import DatasetOptions
from tunecli.oracles.base import Oracle
from tunecli.plan.plan import DatasetPlan, Plan, TrainingPlan
from tunecli.spec.experiment import LimitsSpec, Task
from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace, Values
from tunecli.spec.tuners import BayesianTuner, GridTuner, HyperbandTuner, RandomTuner, TunerSpec
from tunecli.study.events import Answer
from tunecli.study.objective import Goal, Objective
from tunecli.study.trial import Outcome, Suggestion, TrialStatus

RICH = SearchSpace(
    parameters=(
        Parameter(name="layers", kind=Kind.INT, min=1, max=4),
        Parameter(name="units", kind=Kind.INT, min=16, max=256, log=True),
        Parameter(name="rate", kind=Kind.FLOAT, min=1e-4, max=1e-2, log=True),
        Parameter(name="dropout", kind=Kind.FLOAT, min=0.0, max=0.5, step=0.1),
        Parameter(name="optimizer", kind=Kind.CHOICE, values=("adam", "sgd", "rmsprop"), default="sgd"),
        Parameter(
            name="momentum",
            kind=Kind.FLOAT,
            min=0.0,
            max=0.99,
            when=(Condition(parameter="optimizer", values=("sgd", "rmsprop")),),
        ),
        Parameter(
            name="nesterov",
            kind=Kind.CHOICE,
            values=(False, True),
            when=(
                Condition(parameter="optimizer", values=("sgd",)),
                Condition(parameter="layers", values=(2, 3, 4)),
            ),
        ),
        Parameter(
            name="decay",
            kind=Kind.INT,
            min=10,
            max=50,
            step=20,
            when=(Condition(parameter="nesterov", values=(True,)),),
        ),
        Parameter(name="widths", kind=Kind.CHOICE, values=([300, 100], [50, 50, 50], None, 7, 0.5, "auto")),
    )
)
"""Every kind of parameter, and conditions on conditions."""

SMALL = SearchSpace(
    parameters=(
        Parameter(name="a", kind=Kind.CHOICE, values=("x", "y", "z")),
        Parameter(name="b", kind=Kind.INT, min=1, max=4),
    )
)
"""Twelve configurations."""

PLANE = SearchSpace(parameters=tuple(Parameter(name=name, kind=Kind.FLOAT, min=0.0, max=1.0) for name in ("x", "y")))
"""A square."""

TUNERS: dict[str, TunerSpec] = {
    "random": RandomTuner(name="random", max_trials=40),
    "hyperband": HyperbandTuner(name="hyperband", max_epochs=9, factor=3, iterations=2),
    "bayesian": BayesianTuner(name="bayesian", max_trials=10, num_initial_points=5),
    "grid": GridTuner(name="grid", max_trials=40),
}


def make_plan(
    tuner: TunerSpec | str = "random",
    space: SearchSpace = RICH,
    *,
    seed: int = 0,
    goal: Goal = Goal.MINIMIZE,
    epochs: int = 9,
) -> Plan:
    return Plan(
        name="test",
        seed=seed,
        dataset=DatasetPlan(name="advertising", options=DatasetOptions(), validation=0.2, test=0.2, split_seed=0),
        task=Task.REGRESSION,
        family="mlp",
        objective=Objective(metric="val_rmse" if goal is Goal.MINIMIZE else "val_r2", goal=goal),
        space=space,
        fixed={},
        tuner=TUNERS[tuner] if isinstance(tuner, str) else tuner,
        training=TrainingPlan(epochs=epochs, shuffle=True, engine="auto", precision="float32", early_stopping=None),
        limits=LimitsSpec(),
    )


def score_of(values: Values) -> float:
    """A make-believe objective in [0, 1): any function of the values will do."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def completed(score: float) -> Outcome:
    return Outcome(TrialStatus.COMPLETED, score=score, best_epoch=1, epochs_run=1)


def failed() -> Outcome:
    return Outcome(TrialStatus.FAILED, cause="it broke")


@dataclass
class Run:
    """What was asked and told, in order, and what came of it."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    suggestions: dict[int, Suggestion] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    is_stopped: bool = False

    @property
    def values(self) -> list[Values]:
        return [each.values for each in self.suggestions.values()]


def simulate(
    oracle: Oracle,
    plan: Plan,
    *,
    slots: int = 1,
    seed: int = 0,
    failure_rate: float = 0.0,
    most: int | None = None,
    outcome: Callable[[Suggestion], Outcome] | None = None,
    run: Run | None = None,
) -> Run:
    """Runs a search without trainings: slots take turns as chance has it, some trials fail or yield NaN or inf.

    Args:
        oracle: Who proposes.
        plan: Sets the limit that is asked with.
        slots: How many trials run at a time.
        seed: Decides the order of completions, and which trials fail.
        failure_rate: The share of trials that fail.
        most: Stop after so many suggestions; None to go on until nothing is left.
        outcome: What comes of a suggestion; default: a hash of its values is its score.
        run: Goes on with this run, in which nothing is running.
    """
    chance = random.Random(seed)
    run = run or Run()
    run.is_stopped = False
    running: dict[int, Suggestion] = {}
    waits = False
    while not (run.is_stopped and not running):
        free = [slot for slot in range(slots) if slot not in running]
        is_full = most is not None and len(run.suggestions) >= most
        if is_full and not running:
            break
        if free and not waits and not is_full and (not running or chance.random() < 0.6):
            slot = chance.choice(free)
            answer = oracle.ask(slot, limit=plan.limit)
            run.calls.append(("ask", slot, plan.limit, answer))
            if isinstance(answer, Suggestion):
                running[slot] = run.suggestions[answer.trial] = answer
                run.is_stopped = False
            else:
                assert answer is Answer.STOPPED or running, "an idle oracle with nothing running never ends"
                run.is_stopped, waits = answer is Answer.STOPPED, bool(running)
        elif running:
            suggestion = running.pop(chance.choice(sorted(running)))
            result = outcome(suggestion) if outcome else completed(score_of(suggestion.values))
            if chance.random() < failure_rate:
                result = chance.choice([failed(), completed(math.nan), completed(math.inf), completed(-math.inf)])
            oracle.tell(suggestion.trial, result)
            run.calls.append(("tell", suggestion.trial, result))
            run.outcomes[suggestion.trial] = result
            waits = False
    return run


def replay(oracle: Oracle, calls: list[tuple[Any, ...]]) -> list[Any]:
    """Makes the same calls again, and returns the answers."""
    answers = []
    for call in calls:
        if call[0] == "ask":
            answers.append(oracle.ask(call[1], limit=call[2]))
        else:
            oracle.tell(call[1], call[2])
    return answers


def answers(run: Run) -> list[Any]:
    return [call[3] for call in run.calls if call[0] == "ask"]
