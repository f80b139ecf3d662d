"""How many slots a search has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tunecli.executors.machine import Machine
from tunecli.plan import Plan
from tunecli.search.slots import choose_slots, order_advice

FOUR = Machine((0, 1, 2, 3))
SPACE = {"learning_rate": {"min": 0.01, "max": 0.1}}
LONG = {"search_space": SPACE, "tuner": {"name": "random", "max_trials": 30}, "training": {"epochs": 100}}


def test_a_tiny_search_runs_in_the_parent(make_plan: Callable[..., Plan]) -> None:
    slots = choose_slots(make_plan(), 120, FOUR)
    assert (slots.workers, slots.threads, slots.in_process) == (1, None, True)


def test_a_long_search_has_a_slot_for_every_processor(make_plan: Callable[..., Plan]) -> None:
    slots = choose_slots(make_plan(**LONG), 13_000, FOUR)
    assert (slots.workers, slots.threads, slots.in_process) == (4, 1, False)
    assert slots.reason == "auto: 4 processors"


def test_a_search_on_gpus_has_a_slot_for_each(make_plan: Callable[..., Plan]) -> None:
    assert choose_slots(make_plan(**LONG), 13_000, Machine((0, 1, 2, 3), ("0", "1"))).workers == 2


def test_there_are_no_more_slots_than_trials(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(**LONG | {"tuner": {"name": "random", "max_trials": 2}, "training": {"epochs": 1000}})
    assert choose_slots(plan, 13_000, FOUR).workers == 2


@pytest.mark.parametrize("limits", [{"trial_time": "10s"}, {"trial_memory": "2GiB"}], ids=str)
def test_a_limit_that_must_be_enforced_takes_a_slot(limits: dict[str, Any], make_plan: Callable[..., Plan]) -> None:
    slots = choose_slots(make_plan(limits=limits), 120, FOUR)
    assert (slots.workers, slots.threads, slots.in_process) == (1, None, False)


def test_the_spec_has_the_last_word(make_plan: Callable[..., Plan]) -> None:
    slots = choose_slots(make_plan(limits={"workers": 3, "threads": 2}), 120, FOUR)
    assert (slots.workers, slots.threads, slots.reason) == (3, 2, "named in the spec")


@pytest.mark.parametrize(("engine", "most"), [("graph", 54), ("keras", 24), ("fused", 20)])
def test_many_trials_do_not_fill_the_memory_of_the_parent(
    engine: str, most: int, make_plan: Callable[..., Plan]
) -> None:
    def is_in_parent(trials: int) -> bool:
        tuner = {"name": "random", "max_trials": trials}
        plan = make_plan(search_space=SPACE, tuner=tuner, limits={"workers": 1}, training={"engine": engine})
        return choose_slots(plan, 120, FOUR).in_process

    assert is_in_parent(most)
    assert not is_in_parent(most + 1)


@pytest.mark.parametrize(("tuner", "is_said"), [("random", False), ("bayesian", True), ("hyperband", True)])
def test_tuners_that_learn_say_what_order_does(tuner: str, is_said: bool, make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(tuner=tuner, search_space=SPACE)
    assert (order_advice(plan, 2) is not None) == is_said
