"""One attempt of one trial, on real arrays and tiny models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tunecli.plan import Plan
from tunecli.study.trial import Program
from tunecli.training.run_trial import TrialRequest, TrialResult, run_trial

MLP = {"family": "mlp", "units": 4, "hidden_layers": 1, "dropout": 0.2, "batch_normalization": True}


def run(
    plan: Plan,
    end: int,
    *,
    start: int = 0,
    into: Path | None = None,
    out_of: Path | None = None,
    engine: str = "graph",
    **values: object,
) -> TrialResult:
    request = TrialRequest(
        plan=plan,
        values=plan.complete(values),  # type: ignore[arg-type]
        engine=engine,
        seed=7,
        start_epoch=start,
        end_epoch=end,
        state_in=out_of,
        state_out=into,
    )
    return TrialResult.model_validate(run_trial(request.model_dump(mode="json"), lambda message: None))


def curve(*results: TrialResult) -> list[tuple[int, dict[str, float]]]:
    assert all(result.measurements for result in results), results
    return [(each.epoch, each.metrics) for result in results for each in result.measurements]


@pytest.fixture
def plan(make_plan: Callable[..., Plan]) -> Plan:
    return make_plan(model=MLP)


def test_every_epoch_is_measured_in_the_targets_units(plan: Plan) -> None:
    result = run(plan, 2)
    assert [each.epoch for each in result.measurements] == [1, 2]
    names = {"loss", "mse", "rmse", "mae", "r2"}
    assert set(result.measurements[0].metrics) == names | {f"val_{name}" for name in names}
    metrics = result.measurements[1].metrics
    assert metrics["val_rmse"] == pytest.approx(metrics["val_mse"] ** 0.5, rel=1e-5)
    assert result.layers is not None
    assert result.layers[-1]["name"] == "output"


def test_messages_are_sent_as_epochs_end(plan: Plan) -> None:
    request = TrialRequest(plan=plan, values=plan.complete({}), engine="keras", seed=7, start_epoch=0, end_epoch=2)
    messages: list[dict[str, object]] = []
    result = run_trial(request.model_dump(mode="json"), messages.append)
    assert [message["measurement"] for message in messages] == result["measurements"]


def test_the_same_seed_gives_the_same_bits_whatever_ran_before(plan: Plan) -> None:
    first = curve(run(plan, 3))
    run(plan, 1, learning_rate=0.5)
    assert curve(run(plan, 3)) == first


@pytest.mark.parametrize(
    ("engine", "optimizer"), [("keras", "nadam"), ("graph", "nadam"), ("graph", "rmsprop"), ("fused", "nadam")]
)
def test_a_training_cut_in_two_goes_on_as_if_it_had_not_been(
    plan: Plan, tmp_path: Path, engine: str, optimizer: str
) -> None:
    values = {"optimizer": optimizer, "learning_rate": 0.01}
    whole = run(plan, 5, engine=engine, **values)
    state = tmp_path / "state.npz"
    first = run(plan, 2, into=state, engine=engine, **values)
    second = run(plan, 5, start=2, out_of=state, engine=engine, **values)
    assert curve(first, second) == curve(whole)


def test_a_promoted_trial_compiles_nothing(plan: Plan, tmp_path: Path) -> None:
    state = tmp_path / "state.npz"
    run(plan, 1, into=state, learning_rate=0.02)
    assert run(plan, 2, start=1, out_of=state, learning_rate=0.02).program is Program.REUSED


@pytest.mark.parametrize("engine", ["keras", "graph"])
def test_early_stopping_is_remembered_across_the_cut(
    make_plan: Callable[..., Plan], tmp_path: Path, engine: str
) -> None:
    stopping = {"patience": 2, "monitor": "val_r2", "min_delta": 0.5}
    plan = make_plan(model=MLP, training={"early_stopping": stopping})
    whole = run(plan, 20, engine=engine)
    assert len(whole.measurements) < 20, "the case is meant to stop early"
    state = tmp_path / "state.npz"
    first = run(plan, len(whole.measurements) - 1, into=state, engine=engine)
    second = run(plan, 20, start=len(whole.measurements) - 1, out_of=state, engine=engine)
    assert curve(first, second) == curve(whole)


def test_a_stopped_training_stays_stopped(make_plan: Callable[..., Plan], tmp_path: Path) -> None:
    plan = make_plan(model=MLP, training={"early_stopping": {"patience": 1, "min_delta": 1e9}})
    state, later = tmp_path / "state.npz", tmp_path / "later.npz"
    first = run(plan, 10, into=state)
    assert len(first.measurements) == 2
    second = run(plan, 20, start=10, out_of=state, into=later)
    assert second.measurements == []
    assert second.cause == ""
    assert later.exists()


def test_a_loss_that_is_no_number_fails_at_its_epoch(make_plan: Callable[..., Plan]) -> None:
    result = run(make_plan(model={"family": "linear", "optimizer": "sgd", "learning_rate": 1e20}), 5)
    assert result.cause.startswith(("loss is nan in epoch", "loss is inf in epoch"))
    assert result.measurements


def test_an_exception_is_a_cause_with_its_traceback(plan: Plan) -> None:
    result = run(plan, 1, activation="no-such-activation")
    assert "no-such-activation" in result.cause
    assert "Traceback" in result.details


def test_without_a_validation_part_there_are_no_val_metrics(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(dataset={"name": "advertising", "validation": 0}, objective="rmse")
    assert set(run(plan, 1).measurements[0].metrics) == {"loss", "mse", "rmse", "mae", "r2"}
