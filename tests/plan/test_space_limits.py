from __future__ import annotations

from collections.abc import Callable

from tunecli.plan import Plan
from tunecli.plan.space_limits import space_limits
from tunecli.reports.space.ranges import Limits


def test_limits_are_those_of_the_family(make_plan: Callable[..., Plan]) -> None:
    limits = space_limits(make_plan(model="mlp"))
    assert limits["dropout"] == Limits(min=0.0, below=1.0)
    assert limits["hidden_layers"] == Limits(min=0)
    assert limits["units"] == Limits(min=1, counter="hidden_layers")
    assert limits["learning_rate"] == Limits(above=0.0), "at 0 nothing is learnt"
    assert "learning_rate" not in space_limits(make_plan(model="linear", training={"engine": "scipy"}))


def test_what_counts_layers_that_have_a_value_each_begins_at_one(make_plan: Callable[..., Plan]) -> None:
    space = {
        "hidden_layers": {"min": 1, "max": 3},
        "units": {"min": 8, "max": 32, "log": True, "per": "hidden_layers"},
    }
    assert space_limits(make_plan(model="mlp", search_space=space))["hidden_layers"] == Limits(min=1, max=64)
