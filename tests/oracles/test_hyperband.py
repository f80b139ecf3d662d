import math
from collections import Counter

import pytest

from tests.oracles.simulation import PLANE, Run, completed, failed, make_plan, score_of, simulate
from tunecli.oracles import make_oracle
from tunecli.plan.plan import Plan
from tunecli.spec.space import Kind, Parameter, SearchSpace
from tunecli.spec.tuners import HyperbandTuner, hyperband_brackets
from tunecli.study.events import Answer
from tunecli.study.objective import Goal
from tunecli.study.trial import Outcome, Suggestion, TrialStatus


def plan_of(max_epochs: int, factor: int, *, iterations: int = 1, goal: Goal = Goal.MINIMIZE) -> Plan:
    tuner = HyperbandTuner(name="hyperband", max_epochs=max_epochs, factor=factor, iterations=iterations)
    return make_plan(tuner, PLANE, goal=goal)


def epochs_trained(run: Run) -> int:
    return sum(each.end_epoch - each.start_epoch for each in run.suggestions.values())


def ends(run: Run) -> Counter[int]:
    return Counter(each.end_epoch for each in run.suggestions.values())


@pytest.mark.parametrize(
    ("max_epochs", "factor", "iterations"), [(10, 3, 1), (27, 3, 1), (16, 2, 1), (1, 3, 1), (9, 3, 3)]
)
@pytest.mark.parametrize("slots", [1, 4])
def test_trials_and_epochs_are_those_announced(max_epochs: int, factor: int, iterations: int, slots: int) -> None:
    plan = plan_of(max_epochs, factor, iterations=iterations)
    run = simulate(make_oracle(plan), plan, slots=slots)
    assert (len(run.suggestions), epochs_trained(run)) == (plan.trial_count, plan.epoch_count)
    rungs = [rung for bracket in hyperband_brackets(max_epochs, factor) for rung in bracket] * iterations
    assert ends(run) == sum((Counter({rung.epochs: rung.trials}) for rung in rungs), Counter())


@pytest.mark.parametrize("goal", list(Goal))
def test_the_best_go_on_where_they_ended(goal: Goal) -> None:
    plan = plan_of(9, 3, goal=goal)
    run = simulate(make_oracle(plan), plan)
    widest = hyperband_brackets(9, 3)[0]
    everyone = list(run.suggestions.values())
    first_round = everyone[: widest[0].trials]
    children = everyone[widest[0].trials :][: widest[1].trials]
    ranked = sorted(first_round, key=lambda each: plan.objective.sort_key(score_of(each.values)))
    assert [child.parent for child in children] == [each.trial for each in ranked[: len(children)]]
    for child in children:
        parent = run.suggestions[child.parent or 0]
        assert (child.values, child.start_epoch) == (parent.values, parent.end_epoch)


def test_a_search_of_several_slots_promotes_good_results_too() -> None:
    plan = plan_of(27, 3)
    run = simulate(make_oracle(plan), plan, slots=4, seed=5)
    for each in run.suggestions.values():
        assert (each.parent is None) == (each.start_epoch == 0)
        if each.parent is not None:
            assert run.suggestions[each.parent].end_epoch == each.start_epoch


@pytest.mark.parametrize("slots", [1, 4])
def test_failures_cost_no_promotion(slots: int) -> None:
    plan = plan_of(27, 3)
    broken = {trial for trial in range(1000) if trial % 4 == 0}
    run = simulate(
        make_oracle(plan),
        plan,
        slots=slots,
        outcome=lambda each: failed() if each.trial in broken else completed(score_of(each.values)),
    )
    assert (len(run.suggestions), epochs_trained(run)) == (plan.trial_count, plan.epoch_count)
    bred = [each for each in run.suggestions.values() if each.parent in broken]
    assert bred == [], "a failed trial was promoted in preference to a good one"


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize("slots", [1, 3])
def test_failed_trials_are_promoted_only_where_good_ones_are_too_few(goal: Goal, slots: int) -> None:
    plan = plan_of(9, 3, goal=goal)
    good = 2
    run = simulate(
        make_oracle(plan),
        plan,
        slots=slots,
        outcome=lambda each: completed(1.0) if (each.parent is None and each.trial < good) else failed(),
    )
    widest = hyperband_brackets(9, 3)[0]
    second = [each for each in run.suggestions.values() if each.start_epoch == 1]
    assert len(second) == widest[1].trials
    assert {each.parent for each in second} >= set(range(good))
    assert len(run.suggestions) == plan.trial_count


def test_a_failure_is_not_promoted_while_a_good_result_may_come() -> None:
    plan = plan_of(9, 3)
    width = hyperband_brackets(9, 3)[0][0].trials
    oracle = make_oracle(plan)
    trials = [oracle.ask(slot, limit=1) for slot in range(width)]
    for each in trials[:-1]:
        assert isinstance(each, Suggestion)
        oracle.tell(each.trial, failed())
    other = oracle.ask(0, limit=1)
    assert isinstance(other, Suggestion)
    assert other.parent is None, "the next bracket is opened meanwhile"
    last = trials[-1]
    assert isinstance(last, Suggestion)
    oracle.tell(last.trial, completed(1.0))
    child = oracle.ask(1, limit=1)
    assert isinstance(child, Suggestion)
    assert child.parent == last.trial


@pytest.mark.parametrize("slots", [1, 4])
def test_states_are_needed_until_no_child_can_come(slots: int) -> None:
    """Keeps states as the search does: a trial's from its end on, dropped once it is no longer needed."""
    plan = plan_of(27, 3)
    oracle = make_oracle(plan)
    run, kept, most = Run(), set[int](), 0

    def outcome(suggestion: Suggestion) -> Outcome:
        assert suggestion.parent is None or suggestion.parent in kept
        return completed(score_of(suggestion.values))

    tell = oracle.tell

    def tell_and_drop(trial: int, result: Outcome) -> None:
        nonlocal most
        tell(trial, result)
        kept.add(trial)
        kept.intersection_update(oracle.needed_states())
        most = max(most, len(kept))

    oracle.tell = tell_and_drop  # type: ignore[method-assign]
    run = simulate(oracle, plan, slots=slots, outcome=outcome)
    assert len(run.suggestions) == plan.trial_count
    assert kept == set()
    width = max(rung.trials for bracket in hyperband_brackets(27, 3) for rung in bracket[1:])
    assert most <= 2 * (width + slots)


def test_more_iterations_open_more_brackets() -> None:
    once, twice = plan_of(9, 3), plan_of(9, 3, iterations=2)
    oracle = make_oracle(once)
    run = simulate(oracle, once)
    assert oracle.ask(0, limit=1) is Answer.STOPPED
    run = simulate(oracle, twice, run=run)
    assert len(run.suggestions) == twice.trial_count
    assert run.values == simulate(make_oracle(twice), twice).values


def test_fewer_iterations_than_are_begun_end_the_search_after_those() -> None:
    twice, once = plan_of(9, 3, iterations=2), plan_of(9, 3)
    oracle = make_oracle(twice)
    run = simulate(oracle, twice, most=once.trial_count + 3)
    run = simulate(oracle, once, run=run)
    assert run.is_stopped
    assert len(run.suggestions) == twice.trial_count


def test_no_limit_goes_on() -> None:
    plan = plan_of(3, 3)
    oracle = make_oracle(plan)
    for _ in range(3 * plan.trial_count):
        answer = oracle.ask(0, limit=None)
        assert isinstance(answer, Suggestion)
        oracle.tell(answer.trial, completed(1.0))


def test_a_space_just_large_enough_is_searched_to_the_end() -> None:
    needed = sum(bracket[0].trials for bracket in hyperband_brackets(9, 3))
    space = SearchSpace(parameters=(Parameter(name="p", kind=Kind.INT, min=1, max=needed),))
    plan = make_plan(HyperbandTuner(name="hyperband", max_epochs=9, factor=3), space)
    run = simulate(make_oracle(plan), plan, slots=2)
    assert len(run.suggestions) == plan.trial_count
    assert max(ends(run)) == 9


@pytest.mark.parametrize("slots", [1, 3])
def test_a_search_in_which_all_fails_still_ends(slots: int) -> None:
    plan = plan_of(9, 3)
    run = simulate(make_oracle(plan), plan, slots=slots, outcome=lambda each: failed())
    assert len(run.suggestions) == plan.trial_count
    assert {each.status for each in run.outcomes.values()} == {TrialStatus.FAILED}
    assert math.isfinite(epochs_trained(run))
