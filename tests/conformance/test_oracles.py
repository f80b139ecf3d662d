"""What every oracle promises; a new member joins by one line in `simulation.TUNERS`."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.simulation import PLANE, RICH, SMALL, TUNERS, Run, answers, make_plan, replay, simulate
from tunecli.oracles import ORACLES, make_oracle
from tunecli.plan.plan import Plan
from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace, Value
from tunecli.spec.tuners import GridTuner, HyperbandTuner
from tunecli.study.events import Answer
from tunecli.study.objective import Goal
from tunecli.study.trial import Suggestion, TrialStatus

QUICK = [name for name in TUNERS if name != "bayesian"]
"""The tuners of which a suggestion takes no time."""


@pytest.fixture(params=TUNERS)
def tuner(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def with_limit(plan: Plan, limit: int) -> Plan:
    name = "iterations" if isinstance(plan.tuner, HyperbandTuner) else "max_trials"
    return plan.model_copy(update={"tuner": plan.tuner.model_copy(update={name: limit})})


def check(run: Run, plan: Plan) -> None:
    for suggestion in run.suggestions.values():
        assert plan.space.faults(suggestion.values) == []
        assert all(type(value) in (bool, int, float, str, list, type(None)) for value in suggestion.values.values())
        assert 0 <= suggestion.start_epoch < suggestion.end_epoch <= plan.training.epochs
    assert list(run.suggestions) == list(range(len(run.suggestions)))


def test_every_member_is_covered() -> None:
    assert set(TUNERS) == set(ORACLES.names)


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("failure_rate", [0.0, 0.3])
def test_the_same_calls_bring_the_same_answers(tuner: str, slots: int, failure_rate: float) -> None:
    """A resume replays a journal's calls into a fresh oracle and goes on: all its prefixes are tried at once here."""
    plan = make_plan(tuner)
    run = simulate(make_oracle(plan), plan, slots=slots, seed=slots, failure_rate=failure_rate)
    random.seed(1)
    np.random.seed(1)
    assert replay(make_oracle(plan), run.calls) == answers(run)


def test_a_search_cut_short_goes_on_as_if_nothing_had_happened(tuner: str) -> None:
    plan = make_plan(tuner, PLANE, seed=3)
    most = 40 if tuner in QUICK else 8
    whole = simulate(make_oracle(plan), plan, most=most)
    for done in (1, most - 2):
        oracle = make_oracle(plan)
        replay(oracle, whole.calls[: 2 * done])  # each trial is one ask and one tell
        assert simulate(oracle, plan, most=most - done).values == whole.values[done:]


def test_another_process_suggests_the_same() -> None:
    code = (
        "import json\n"
        "from tests.oracles.simulation import *\n"
        "from tunecli.oracles import make_oracle\n"
        "runs = {name: simulate(make_oracle(make_plan(name)), make_plan(name), slots=2, most=8) for name in TUNERS}\n"
        "print(json.dumps({name: run.values for name, run in runs.items()}))\n"
    )
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=root, capture_output=True, text=True)
    ours = {name: simulate(make_oracle(make_plan(name)), make_plan(name), slots=2, most=8).values for name in TUNERS}
    assert json.loads(done.stdout) == ours


def test_seeds_differ_and_are_not_shifted_copies(tuner: str) -> None:
    runs = [simulate(make_oracle(plan), plan, most=5).values for plan in (make_plan(tuner, seed=s) for s in (0, 0, 1))]
    assert runs[0] == runs[1]
    if tuner != "grid":
        assert not [values for values in runs[0] if values in runs[2]]


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize("space", [RICH, SMALL, PLANE], ids=["rich", "small", "plane"])
def test_every_suggestion_is_in_the_space(tuner: str, space: SearchSpace, goal: Goal) -> None:
    plan = with_limit(make_plan(tuner, space, goal=goal), 8 if tuner in ("hyperband", "bayesian") else 200)
    run = simulate(make_oracle(plan), plan, slots=2, failure_rate=0.1, most=200)
    check(run, plan)
    assert len(run.suggestions) >= min(8, space.size() or 8)


@st.composite
def spaces(draw: st.DrawFn) -> SearchSpace:
    """Random spaces, each parameter of which may depend on earlier ones."""
    parameters: list[Parameter] = []
    for index in range(draw(st.integers(1, 6))):
        parameter = draw(st.sampled_from([choices, ints, floats]))(draw, f"p{index}")
        finite = [each for each in parameters if each.count() is not None]
        parents = draw(st.lists(st.sampled_from(finite), max_size=2, unique_by=lambda p: p.name)) if finite else []
        conditions = [
            Condition(parameter=each.name, values=tuple(draw(_some(each.finite_values() or ())))) for each in parents
        ]
        parameters.append(parameter.model_copy(update={"when": tuple(conditions)}))
    return SearchSpace(parameters=tuple(parameters))


def choices(draw: st.DrawFn, name: str) -> Parameter:
    values = draw(_some((True, False, 0, 1, 2.5, "a", "True", None, [3], [3, 4])))
    return Parameter(name=name, kind=Kind.CHOICE, values=tuple(values))


def ints(draw: st.DrawFn, name: str) -> Parameter:
    low, width, log = draw(st.integers(1, 50)), draw(st.integers(0, 60)), draw(st.booleans())
    step = None if log or not width else draw(st.none() | st.integers(1, width))
    return Parameter(name=name, kind=Kind.INT, min=low, max=low + width, log=log, step=step)


def floats(draw: st.DrawFn, name: str) -> Parameter:
    low, width, log = round(draw(st.floats(1e-6, 10)), 6) or 1e-6, draw(st.floats(1.0, 100)), draw(st.booleans())
    step = None if log else draw(st.none() | st.sampled_from([0.001, 0.1, 0.25, 0.3]))
    return Parameter(name=name, kind=Kind.FLOAT, min=low, max=low + width, log=log, step=step)


def _some(values: tuple[Value, ...]) -> st.SearchStrategy[list[Value]]:
    few = st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=4, unique=True)
    return few.map(lambda indexes: [values[index] for index in sorted(indexes)])


@pytest.mark.parametrize("name", QUICK)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(space=spaces(), seed=st.integers(0, 5))
def test_every_suggestion_is_in_any_space(name: str, space: SearchSpace, seed: int) -> None:
    plan = make_plan(name, space, seed=seed)
    run = simulate(make_oracle(plan), plan, slots=2, seed=seed, failure_rate=0.1, most=30)
    check(run, plan)
    assert run.suggestions


@pytest.mark.parametrize("slots", [1, 3])
def test_a_search_in_which_all_fails_ends(tuner: str, slots: int) -> None:
    plan = make_plan(tuner)
    run = simulate(make_oracle(plan), plan, slots=slots, failure_rate=1.0)
    assert len(run.suggestions) == plan.trial_count


def test_a_space_of_one_point_is_tried_once(tuner: str) -> None:
    plan = make_plan(tuner, SearchSpace())
    oracle = make_oracle(plan)
    assert oracle.ask(0, limit=plan.limit) == Suggestion(0, {}, 0, 9)
    assert oracle.ask(1, limit=plan.limit) is Answer.STOPPED
    run = simulate(make_oracle(plan), plan)
    assert [each.status for each in run.outcomes.values()] == [TrialStatus.COMPLETED]
    assert run.is_stopped


def test_a_raised_limit_goes_on_with_the_same_sequence(tuner: str) -> None:
    low, high = (1, 2) if tuner == "hyperband" else (6, 9)
    plan = make_plan(tuner)
    oracle = make_oracle(plan)
    run = simulate(oracle, with_limit(plan, low))
    assert oracle.ask(0, limit=low) is Answer.STOPPED
    run = simulate(oracle, with_limit(plan, high), run=run)
    straight = simulate(make_oracle(plan), with_limit(plan, high))
    assert run.values == straight.values
    assert len(run.suggestions) == with_limit(plan, high).trial_count


def test_ids_are_whole_numbers_whatever_the_limit(tuner: str) -> None:
    plan = make_plan(tuner)
    oracle = make_oracle(plan)
    found = []
    for slot, limit in enumerate((5, 2000, None)):
        answer = oracle.ask(slot, limit=limit)
        assert isinstance(answer, Suggestion)
        found.append(answer.trial)
    assert found == [0, 1, 2]


def test_full_trainings_end_at_the_plans_epochs() -> None:
    for name in ("random", "bayesian", "grid"):
        answer = make_oracle(make_plan(name, epochs=13)).ask(0, limit=5)
        assert isinstance(answer, Suggestion)
        assert (answer.start_epoch, answer.end_epoch, answer.parent) == (0, 13, None)


def test_only_promotions_need_states(tuner: str) -> None:
    plan = make_plan(tuner)
    oracle = make_oracle(plan)
    simulate(oracle, plan, most=5)
    assert bool(oracle.needed_states()) is (tuner == "hyperband")


def test_a_grid_needs_no_limit() -> None:
    plan: Any = make_plan(GridTuner(name="grid"), SMALL)
    assert plan.limit is None
    assert len(simulate(make_oracle(plan), plan).suggestions) == 12
