"""Learning rates, epoch by epoch: the curves, and trainings that follow them in every engine and over every cut."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

from tests.training.test_run_trial import curve, run
from tunecli.plan import Plan
from tunecli.study.objective import Goal, Objective
from tunecli.study.trial import Measurement, Program
from tunecli.training.run_trial import TrialResult
from tunecli.training.schedule import Curve, Plateau, Recorded, rates_again, rates_of

MakePlan = Callable[..., Plan]
MLP = {"family": "mlp", "units": 4, "hidden_layers": 1}
SPACE = {
    "schedule": ["constant", "cosine", "exponential", "plateau"],
    "learning_rate": {"min": 1e-4, "max": 1.0, "log": True},
    "warmup_epochs": [0, 2],
    "plateau_patience": [1, 5],
    "decay_rate": [0.5, 0.9],
}
PLATEAU = {"schedule": "plateau", "plateau_patience": 1, "learning_rate": 0.3}
MINIMIZE = Objective(metric="val_loss", goal=Goal.MINIMIZE)


@pytest.fixture
def plan(make_plan: MakePlan) -> Plan:
    return make_plan(model=MLP, search_space=SPACE, training={"epochs": 6})


def rates(result: TrialResult) -> list[float]:
    return [each.metrics["learning_rate"] for each in result.measurements]


def test_cosine_equals_that_of_keras() -> None:
    import keras

    theirs = keras.optimizers.schedules.CosineDecay(0.2, decay_steps=10, alpha=0.1)
    ours = Curve("cosine", 0.2, 0, 10, final_fraction=0.1)
    assert [ours.rate(epoch) for epoch in range(10)] == pytest.approx([float(theirs(epoch)) for epoch in range(10)])


def test_exponential_equals_that_of_keras() -> None:
    import keras

    theirs = keras.optimizers.schedules.ExponentialDecay(0.2, decay_steps=1, decay_rate=0.9)
    ours = Curve("exponential", 0.2, 0, 10, decay_rate=0.9)
    assert [ours.rate(epoch) for epoch in range(10)] == pytest.approx([float(theirs(epoch)) for epoch in range(10)])


@pytest.mark.parametrize("kind", ["constant", "cosine", "exponential"])
def test_warming_up_leads_to_the_full_rate_from_which_it_falls(kind: str) -> None:
    found = [Curve(kind, 0.4, 3, 9, decay_rate=0.5).rate(epoch) for epoch in range(9)]
    assert found[:4] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert all(late <= early for early, late in pairwise(found[3:]))
    assert all(found)


def test_beyond_its_end_a_schedule_stays_where_it_is() -> None:
    ours = Curve("cosine", 0.2, 0, 5)
    assert ours.rate(50) == ours.rate(4) > 0


def test_a_plateau_lowers_the_rate_after_epochs_without_gain() -> None:
    ours = Plateau(Curve("plateau", 0.8, 0, 99), MINIMIZE, factor=0.5, patience=2)
    found = []
    for epoch, score in enumerate([3, 2, 2, 2.5, 1, float("nan"), 1, 5, 5]):
        found.append(ours.rate(epoch))
        ours.observe(epoch, {"val_loss": score})
    assert found == [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2]
    assert ours.rate(9) == 0.1


def test_a_plateau_is_patient_while_it_warms_up() -> None:
    ours = Plateau(Curve("plateau", 0.8, 3, 99), MINIMIZE, factor=0.5, patience=1)
    for epoch in range(3):
        ours.observe(epoch, {"val_loss": float(epoch)})
    assert ours.rate(3) == 0.8


def test_what_a_plateau_remembers_survives_json() -> None:
    warm = Curve("plateau", 0.8, 0, 99)
    scores = [3, 2, 2, 2.5, 1, 4, 5, 5, 5, 0]
    whole, first, second = (Plateau(warm, MINIMIZE, factor=0.5, patience=2) for _ in range(3))
    for epoch, score in enumerate(scores):
        whole.observe(epoch, {"val_loss": score})
        (first if epoch < 3 else second).observe(epoch, {"val_loss": score})
        if epoch == 2:
            second.restore(json.loads(json.dumps(first.state())))
    assert second.state() == whole.state()
    assert second.rate(10) == whole.rate(10) < 0.8


def test_a_constant_rate_is_no_schedule_and_is_not_measured(plan: Plan) -> None:
    assert rates_of(plan, plan.complete({})) is None
    assert "learning_rate" not in run(plan, 1).measurements[0].metrics


@pytest.mark.parametrize("engine", ["keras", "graph", "fused"])
def test_every_engine_trains_at_the_rates_that_are_measured(plan: Plan, engine: str) -> None:
    values: dict[str, Any] = {"schedule": "exponential", "decay_rate": 0.5, "learning_rate": 0.1}
    result = run(plan, 4, engine=engine, **values)
    assert rates(result) == pytest.approx([0.1, 0.05, 0.025, 0.0125])
    constant = run(plan, 4, engine=engine, learning_rate=0.1)
    losses = [[each.metrics["loss"] for each in found.measurements] for found in (result, constant)]
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]


def test_a_rate_of_nothing_leaves_the_weights_as_they_are(plan: Plan) -> None:
    result = run(plan, 3, schedule="exponential", learning_rate=1e-4, decay_rate=0.5)
    assert len({each.metrics["val_loss"] for each in result.measurements}) == 3
    still = run(plan, 3, schedule="exponential", decay_rate=0.0)  # the first epoch is at the full rate
    assert len({each.metrics["val_loss"] for each in still.measurements}) == 1


def test_a_program_is_used_again_with_another_schedule(plan: Plan) -> None:
    run(plan, 2, schedule="cosine", engine="fused")
    again = run(plan, 2, schedule="exponential", decay_rate=0.5, learning_rate=0.01, engine="fused")
    assert again.program is Program.REUSED
    assert rates(again) == pytest.approx([0.01, 0.005])


@pytest.mark.parametrize("engine", ["keras", "graph", "fused"])
@pytest.mark.parametrize("values", [PLATEAU, {"schedule": "cosine", "warmup_epochs": 2}], ids=["plateau", "cosine"])
def test_a_training_cut_in_two_goes_on_as_if_it_had_not_been(
    plan: Plan, tmp_path: Path, engine: str, values: dict[str, Any]
) -> None:
    state = tmp_path / "state.npz"
    whole = run(plan, 6, engine=engine, **values)
    first = run(plan, 3, into=state, engine=engine, **values)
    second = run(plan, 6, start=3, out_of=state, engine=engine, **values)
    assert curve(first, second) == curve(whole)
    assert len(set(rates(whole))) > 1


def test_a_plateau_of_a_training_that_cannot_gain_falls_in_every_epoch(plan: Plan) -> None:
    found = rates(run(plan, 6, **PLATEAU | {"learning_rate": 1.0}))
    assert found[-1] < found[0]


def test_hyperband_follows_one_curve_over_all_rungs(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(model=MLP, search_space=SPACE, tuner={"name": "hyperband", "max_epochs": 9})
    state = tmp_path / "state.npz"
    parent = run(plan, 3, into=state, schedule="cosine", learning_rate=0.1)
    child = run(plan, 9, start=3, out_of=state, schedule="cosine", learning_rate=0.1)
    expected = [Curve("cosine", 0.1, 0, 9).rate(epoch) for epoch in range(9)]
    assert rates(parent) + rates(child) == pytest.approx(expected)


def test_training_again_repeats_the_rates_of_a_plateau_that_it_cannot_see(plan: Plan) -> None:
    measured = [Measurement(epoch=each + 1, metrics={"learning_rate": 0.5**each}) for each in range(3)]
    again = rates_again(plan, plan.complete(PLATEAU), lambda: measured)
    assert isinstance(again, Recorded)
    assert [again.rate(epoch) for epoch in range(5)] == [1, 0.5, 0.25, 0.25, 0.25]
    assert isinstance(rates_again(plan, plan.complete({"schedule": "cosine"}), list), Curve)
