"""The plan as it is kept: exact in JSON, and clear about what has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunecli.plan import Plan, derive_seed
from tunecli.plan.smoke import smoke

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
    st.sampled_from(["1", "1.0", "true", "null"]),
    st.lists(st.integers(1, 500), min_size=1, max_size=3),
)
SPACE: dict[str, Any] = {
    "optimizer": ["adam", "sgd"],
    "learning_rate": {"min": 0.001, "max": 1, "log": True},
    "momentum": {"min": 0, "max": 0.9, "step": 0.1, "default": 0.5},
    "batch_size": [16, "full"],
    "nesterov": {"type": "bool"},
}

Make = Callable[..., Plan]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(values=st.dictionaries(st.text(min_size=1, max_size=4), VALUES, max_size=5))
def test_fixed_values_keep_their_types_in_json(make_plan: Make, values: dict[str, Any]) -> None:
    plan = make_plan().model_copy(update={"fixed": values})
    assert repr(Plan.model_validate_json(plan.model_dump_json()).fixed) == repr(values)
    assert repr(Plan.model_validate(json.loads(plan.model_dump_json())).fixed) == repr(values)


@pytest.mark.parametrize("tuner", ["random", "grid", "bayesian", "hyperband"])
def test_a_plan_survives_json(tuner: str, make_plan: Make) -> None:
    plan = make_plan(
        search_space=SPACE, tuner=tuner, training={"epochs": 3, "early_stopping": {}}, limits={"max_time": "1h"}
    )
    assert repr(Plan.model_validate_json(plan.model_dump_json())) == repr(plan)
    assert repr(Plan.model_validate(json.loads(plan.model_dump_json()))) == repr(plan)


@pytest.mark.parametrize(
    ("before", "after", "differences"),
    [
        ({"seed": 1}, {"seed": 2}, ["seed: 1 → 2"]),
        ({}, {"objective": "val_mae"}, ["objective.metric: val_rmse → val_mae"]),
        ({}, {"search_space": {"l2": [0, 0.1]}}, ["search_space.l2: not given → [0.0, 0.1]"]),
        (
            {"search_space": {"l2": 0.1}},
            {"search_space": {"l2": {"min": 0.1, "max": 1, "log": True}}},
            ["search_space.l2: 0.1 → float 0.1 … 1.0 log"],
        ),
        (
            {"search_space": {"learning_rate": {"min": 0.10001, "max": 1}}},
            {"search_space": {"learning_rate": {"min": 0.10002, "max": 1}}},
            ["search_space.learning_rate: float 0.10001 … 1.0 → float 0.10002 … 1.0"],
        ),
        (
            {"search_space": {"optimizer": ["adam", "sgd"], "momentum": [0, 0.5]}},
            {"search_space": {"optimizer": ["rmsprop", "sgd"], "momentum": [0, 0.5]}},
            [
                'search_space.optimizer: ["adam", "sgd"] → ["rmsprop", "sgd"]',
                'search_space.momentum: [0.0, 0.5] when optimizer is in ["sgd"] → [0.0, 0.5]',
            ],
        ),
        ({}, {"training": {"epochs": 3}}, ["training.epochs: 10 → 3"]),
        (
            {},
            {"training": {"early_stopping": {"patience": 2}}},
            [
                "training.early_stopping.monitor: not given → val_rmse",
                "training.early_stopping.patience: not given → 2",
                "training.early_stopping.min_delta: not given → 0.0",
                "training.early_stopping.restore_best_weights: not given → True",
            ],
        ),
        (
            {"tuner": {"name": "random", "max_trials": 5}},
            {"tuner": {"name": "random", "max_trials": 4}},
            ["tuner.max_trials: 5 → 4, but it can only be raised"],
        ),
        (
            {"tuner": "grid"},
            {"tuner": {"name": "grid", "max_trials": 4}},
            ["tuner.max_trials: all → 4, but it can only be raised"],
        ),
        ({"tuner": "random"}, {"tuner": "grid"}, ["tuner.name: random → grid"]),
    ],
)
def test_differences_are_readable(
    before: dict[str, Any], after: dict[str, Any], differences: list[str], make_plan: Make
) -> None:
    assert make_plan(**before).differences(make_plan(**after)) == differences


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"limits": {"max_time": "1h", "retries": 0}}),
        ({}, {"name": "other"}),
        ({}, {"baselines": False}),
        ({"tuner": {"name": "random", "max_trials": 5}}, {"tuner": {"name": "random", "max_trials": 50}}),
        ({"tuner": {"name": "grid", "max_trials": 5}}, {"tuner": "grid"}),
    ],
)
def test_what_a_resume_may_change_is_no_difference(
    before: dict[str, Any], after: dict[str, Any], make_plan: Make
) -> None:
    assert make_plan(**before).differences(make_plan(**after)) == []


def test_more_trials_keep_the_initial_points_of_the_study(make_plan: Make) -> None:
    space = {"l2": {"min": 0, "max": 1}, "learning_rate": {"min": 0, "max": 1}}
    few, more, most = (
        make_plan(search_space=space, tuner={"name": "bayesian", "max_trials": count}) for count in (9, 15, 30)
    )
    assert few.tuner != more.tuner
    assert few.differences(more) == []
    continued = few.with_limits_of(more)
    assert (continued.limit, continued.tuner.model_dump()["num_initial_points"]) == (15, 3)
    assert continued.differences(most) == []


def test_a_trial_of_scipy_has_no_values_of_steps(make_plan: Make) -> None:
    plan = make_plan(search_space={"l2": [0, 0.1]}, training={"engine": "scipy", "max_iterations": 9})
    assert plan.complete({"l2": 0.1}) == {
        "l2": 0.1,
        "output_activation": "auto",
        "loss": "mse",
        "normalization": "standard",
        "target_scaling": "none",
    }
    assert plan.epoch_count == 18


def test_another_method_is_another_study(make_plan: Make) -> None:
    before, after = (make_plan(training={"engine": "scipy", "method": method}) for method in ("CG", "TNC"))
    assert before.differences(after) == ["training.method: CG → TNC"]
    assert Plan.model_validate_json(before.model_dump_json()) == before


def test_a_plan_from_before_there_were_methods_is_read(make_plan: Make) -> None:
    document = make_plan().model_dump(mode="json")
    del document["training"]["method"]
    assert Plan.model_validate(document) == make_plan()


def test_a_resume_may_leave_out_baselines(make_plan: Make) -> None:
    assert make_plan().with_limits_of(make_plan(baselines=False)).baselines is False


def test_a_smoke_plan_has_no_baselines(make_plan: Make) -> None:
    assert make_plan().baselines
    assert not smoke(make_plan()).baselines


def test_a_plan_from_before_there_were_baselines_can_be_read(make_plan: Make) -> None:
    plan = make_plan()
    old = Plan.model_validate_json(plan.model_dump_json(exclude={"baselines"}))
    assert old.differences(plan) == []


def test_seeds_are_derived_by_name() -> None:
    assert derive_seed(0, "trial", "1") == derive_seed(0, "trial", "1")
    assert len({derive_seed(root, "trial", str(index)) for root in range(3) for index in range(50)}) == 150
    assert all(0 < derive_seed(root) < 2**31 for root in range(100))


def test_hyperband_counts_what_its_brackets_come_to(make_plan: Make) -> None:
    space = {"learning_rate": {"min": 0, "max": 1}}
    plan = make_plan(search_space=space, tuner={"name": "hyperband", "max_epochs": 4, "factor": 2, "iterations": 2})
    assert plan.limit == 2
    assert (plan.trial_count, plan.epoch_count) == (2 * (4 + 2 + 1 + 3 + 2 + 3), 2 * (4 + 2 + 2 + 6 + 4 + 12))


def test_a_small_space_ends_a_random_search(make_plan: Make) -> None:
    assert make_plan(search_space={"l2": [0, 0.1, 1]}, tuner="random").trial_count == 3
