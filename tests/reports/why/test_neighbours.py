"""Planted spaces: what is said of them is what was planted."""

from __future__ import annotations

import time

import pytest

from tunecli.reports.why.neighbours import distance, failing_part, nearest, number_between, unusual
from tunecli.spec.space import Kind, Parameter, SearchSpace, Value, Values
from tunecli.study.trial import Outcome, Suggestion, Trial, TrialStatus

RATE = Parameter(name="learning_rate", kind=Kind.FLOAT, min=1e-4, max=1.0, log=True)
UNITS = Parameter(name="units", kind=Kind.INT, min=0, max=100)
OPTIMIZER = Parameter(name="optimizer", kind=Kind.CHOICE, values=("adam", "sgd"))
SPACE = SearchSpace(parameters=(RATE, UNITS, OPTIMIZER))


def trial(number: int, values: Values, *, failed: bool = False) -> Trial:
    outcome = (
        Outcome(TrialStatus.FAILED, cause="loss is nan in epoch 1")
        if failed
        else Outcome(TrialStatus.COMPLETED, score=0.5, best_epoch=1)
    )
    return Trial(Suggestion(number, values, 0, 1), slot=0, engine="", engine_reason="", outcome=outcome)


def test_distances_are_shares_of_the_parameters_own_scales() -> None:
    one: Values = {"learning_rate": 1e-3, "units": 50, "optimizer": "adam"}
    assert distance(one, one, SPACE) == 0
    assert distance(one, {**one, "learning_rate": 1e-2}, SPACE) == pytest.approx(0.25 / 3)
    assert distance(one, {**one, "units": 80}, SPACE) == pytest.approx(0.3 / 3)
    assert distance(one, {**one, "optimizer": "sgd"}, SPACE) == pytest.approx(1 / 3)


def test_what_only_one_has_is_as_far_as_can_be() -> None:
    assert distance({"units": 5}, {"units": 5, "optimizer": "sgd"}, SPACE) == pytest.approx(0.5)
    assert distance({}, {}, SPACE) == 0


def test_the_nearest_come_first_and_equals_by_their_ids() -> None:
    others = [trial(3, {"units": 9}), trial(2, {"units": 60}), trial(1, {"units": 9})]
    found = nearest(trial(0, {"units": 10}), others, SPACE, most=2)
    assert [each.id for _, each in found] == [1, 3]


def test_the_part_of_a_range_that_fails_is_found_with_its_counts() -> None:
    rates = [0.001, 0.002, 0.004, 0.01, 0.02, 0.05, 0.1, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    others = [
        trial(number, {"learning_rate": rate, "units": number}, failed=0.3 < rate != 0.9)
        for number, rate in enumerate(rates)
    ]
    part = failing_part(trial(99, {"learning_rate": 0.65, "units": 5}, failed=True), others, SPACE)
    assert part is not None
    assert part.words == "learning_rate above 0.2"
    assert (part.failed, part.count, part.failed_outside, part.count_outside) == (5, 6, 0, 7)
    assert (
        part.describe() == "5 of the 6 other trials with learning_rate above 0.2 failed too; none of the 7 without did"
    )
    assert part.bound is not None
    assert (part.bound.value, part.bound.is_above) == (0.2, True)


def test_the_part_holds_the_trial_itself() -> None:
    others = [trial(number, {"units": number}, failed=number >= 50) for number in range(0, 100, 10)]
    assert failing_part(trial(99, {"units": 5}, failed=True), others, SPACE) is None
    part = failing_part(trial(99, {"units": 55}, failed=True), others, SPACE)
    assert part is not None
    assert part.words == "units of 50 or more"
    assert part.bound is not None
    assert part.bound.value == 40


def test_whole_numbers_that_fail_below() -> None:
    others = [trial(number, {"units": number}, failed=number < 40) for number in range(0, 100, 10)]
    part = failing_part(trial(99, {"units": 5}, failed=True), others, SPACE)
    assert part is not None
    assert (part.words, part.bound and part.bound.value) == ("units of 30 or less", 40)


def test_a_choice_that_fails_is_found() -> None:
    others = [trial(number, {"optimizer": "sgd"}, failed=True) for number in range(6)]
    others += [trial(number, {"optimizer": "adam"}) for number in range(10, 16)]
    part = failing_part(trial(99, {"optimizer": "sgd"}, failed=True), others, SPACE)
    assert part is not None
    assert part.describe() == "all 6 other trials with optimizer=sgd failed too; none of the 6 without did"


def test_few_failures_or_even_ones_name_no_part() -> None:
    even = [trial(number, {"units": number}, failed=number % 2 == 0) for number in range(40)]
    assert failing_part(trial(99, {"units": 20}, failed=True), even, SPACE) is None
    few = [trial(0, {"units": 90}, failed=True), trial(1, {"units": 1}), trial(2, {"units": 2})]
    assert failing_part(trial(99, {"units": 95}, failed=True), few, SPACE) is None
    assert failing_part(trial(99, {"units": 95}, failed=True), [], SPACE) is None


def test_thousands_of_trials_are_looked_at_in_no_time() -> None:
    others = [trial(number, {"learning_rate": 1e-4 + number / 5001}, failed=number > 4000) for number in range(5000)]
    began = time.perf_counter()
    part = failing_part(trial(9999, {"learning_rate": 0.99}, failed=True), others, SPACE)
    assert time.perf_counter() - began < 2
    assert part is not None
    assert part.failed > 900


@pytest.mark.parametrize(
    ("parameter", "value", "completed", "note"),
    [
        (RATE, 0.5, [0.1, 0.2, 0.05], "above all 3 completed trials (at most 0.2)"),
        (RATE, 0.01, [0.1, 0.2, 0.05], "below all 3 completed trials (at least 0.05)"),
        (RATE, 0.1, [0.1, 0.2, 0.05], ""),
        (RATE, 0.5, [0.1, 0.2], ""),
        (OPTIMIZER, "sgd", ["adam"] * 3, "none of the 3 completed trials has it"),
        (OPTIMIZER, "adam", ["adam"] * 3, ""),
    ],
)
def test_values_that_no_completed_trial_has_are_noted(
    parameter: Parameter, value: Value, completed: list[Value], note: str
) -> None:
    assert unusual(parameter, value, completed) == note


@pytest.mark.parametrize(
    ("low", "high", "number"), [(0.1, 0.4, 0.2), (0.0, 1.0, 0.5), (1000.0, 1e6, 30000.0), (0.301, 0.302, 0.3015)]
)
def test_numbers_between_are_short(low: float, high: float, number: float) -> None:
    assert number_between(low, high) == pytest.approx(number)
    assert low < number_between(low, high) < high
