import itertools

from tests.oracles.simulation import RICH, SMALL, make_plan, simulate
from tunecli.oracles import make_oracle
from tunecli.spec.space import Kind, Parameter, SearchSpace
from tunecli.spec.tuners import GridTuner
from tunecli.study.events import Answer
from tunecli.study.trial import Suggestion

WHOLE = GridTuner(name="grid")


def test_the_grid_is_walked_in_its_order_to_its_end() -> None:
    plan = make_plan(WHOLE, SMALL)
    run = simulate(make_oracle(plan), plan)
    assert run.values == list(SMALL.grid())


def test_it_never_waits_for_a_trial() -> None:
    oracle = make_oracle(make_plan(WHOLE, SMALL))
    answers = [oracle.ask(slot, limit=None) for slot in range(13)]
    assert [each.trial for each in answers[:12] if isinstance(each, Suggestion)] == list(range(12))
    assert answers[12] is Answer.STOPPED


def test_conditions_and_limits_hold() -> None:
    plan = make_plan(GridTuner(name="grid", max_trials=500), RICH)
    run = simulate(make_oracle(plan), plan, slots=3)
    assert run.values == list(itertools.islice(RICH.grid(), 500))


def test_a_huge_grid_costs_nothing_before_it_is_asked_for() -> None:
    space = SearchSpace(parameters=tuple(Parameter(name=f"p{i}", kind=Kind.INT, min=0, max=9) for i in range(12)))
    answer = make_oracle(make_plan(WHOLE, space)).ask(0, limit=None)
    assert isinstance(answer, Suggestion)
