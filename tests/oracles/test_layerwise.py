"""Every tuner over a space that has one parameter for each layer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.oracles.simulation import TUNERS, answers, replay, simulate
from tunecli.oracles import make_oracle
from tunecli.plan import Plan

SPACE = {
    "hidden_layers": {"min": 1, "max": 4},
    "units": {"min": 2, "max": 64, "log": True, "per": "hidden_layers"},
    "learning_rate": {"min": 1e-4, "max": 1e-2, "log": True},
}


@pytest.mark.parametrize("name", TUNERS)
def test_widths_are_suggested_for_layers_that_are_there_alone(name: str, make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(model="mlp", search_space=SPACE).model_copy(update={"tuner": TUNERS[name]})
    run = simulate(make_oracle(plan), plan, slots=2, most=12 if name == "bayesian" else 40)
    for values in run.values:
        count = values["hidden_layers"]
        assert isinstance(count, int)
        assert {each for each in values if each.startswith("units")} == {f"units_{k}" for k in range(1, count + 1)}
        assert plan.space.faults(values) == []
    if name != "grid":  # which varies the last first
        assert len({values["hidden_layers"] for values in run.values}) > 1
    assert replay(make_oracle(plan), run.calls) == answers(run)
