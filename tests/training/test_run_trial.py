"""One attempt of one trial, on real arrays and tiny models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunecli.plan import Plan
from tunecli.spec.space import Value
from tunecli.study.trial import Program
from tunecli.training.run_trial import TrialRequest, TrialResult, run_trial
from tunecli.training.state import epoch_of

MLP = {"family": "mlp", "units": 4, "hidden_layers": 1, "dropout": 0.2, "batch_normalization": True}


NOWHERE = Path("/nowhere/state.npz")


def request(plan: Plan, end: int, **changes: Any) -> dict[str, Any]:
    """A payload that keeps no state, unless told otherwise."""
    settings = {"values": plan.complete({}), "engine": "graph", "seed": 7, "start_epoch": 0, "keep_end": False}
    settings |= {"state_out": NOWHERE, "save_every_s": 1e9} | changes
    return TrialRequest(plan=plan, end_epoch=end, **settings).model_dump(mode="json")


def run(
    plan: Plan,
    end: int,
    *,
    start: int = 0,
    into: Path | None = None,
    out_of: Path | None = None,
    engine: str = "graph",
    **values: Value,
) -> TrialResult:
    """Trains epochs from start to end; the state goes into a file if one is named."""
    payload = request(
        plan,
        end,
        values=plan.complete(values),
        engine=engine,
        start_epoch=start,
        state_in=out_of,
        state_out=into or NOWHERE,
        keep_end=into is not None,
    )
    return TrialResult.model_validate(run_trial(payload, lambda message: False))


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
    messages: list[dict[str, Any]] = []
    result = run_trial(request(plan, 2, engine="keras"), lambda message: bool(messages.append(message)))
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


@pytest.mark.parametrize("engine", ["keras", "graph", "fused"])
def test_one_that_is_asked_to_end_saves_its_state_and_goes_on_as_if_it_had_not(
    make_plan: Callable[..., Plan], tmp_path: Path, engine: str
) -> None:
    stopping = {"patience": 5, "min_delta": 0.5, "monitor": "val_r2"}
    plan = make_plan(model=MLP | {"optimizer": "adam"}, training={"early_stopping": stopping})
    whole = run(plan, 30, engine=engine)
    assert 4 < len(whole.measurements) < 30, "the case is meant to stop early"
    parts: list[TrialResult] = []
    for attempt in range(3):
        start, state = 2 * attempt, tmp_path / f"{attempt}.npz"
        before = {"state_in": tmp_path / f"{attempt - 1}.npz"} if attempt else {}
        payload = request(plan, 30, engine=engine, start_epoch=start, state_out=state, **before)
        asked = iter([False, True, False] if attempt < 2 else [False] * 30)
        parts.append(TrialResult.model_validate(run_trial(payload, lambda message, asked=asked: next(asked))))
        assert parts[-1].is_cut == (attempt < 2)
        assert epoch_of(state) == (start + 2 if attempt < 2 else None)
    assert curve(*parts) == curve(whole)


def test_a_long_training_saves_its_state_on_the_way(plan: Plan, tmp_path: Path) -> None:
    state = tmp_path / "state.npz"
    saved = []

    def report(message: dict[str, Any]) -> bool:
        if "saved" in message:
            saved.append((message["saved"], epoch_of(state)))
        return False

    result = run_trial(request(plan, 4, state_out=state, save_every_s=0.0), report)
    assert saved == [(1, 1), (2, 2), (3, 3)], "at the end there is nothing to go on with"
    second = run(plan, 4, start=3, out_of=state)
    assert curve(second) == curve(TrialResult.model_validate(result))[3:]


def test_a_training_that_had_come_to_its_end_is_not_run_again(plan: Plan, tmp_path: Path) -> None:
    state, again = tmp_path / "state.npz", tmp_path / "again.npz"
    run(plan, 3, into=state)
    second = run(plan, 3, start=3, out_of=state, into=again)
    assert (second.measurements, second.cause) == ([], "")
    assert epoch_of(again) == 3


@pytest.mark.parametrize("keep_end", [True, False])
def test_a_state_that_cannot_be_written_is_said(plan: Plan, tmp_path: Path, keep_end: bool) -> None:
    path = tmp_path / "state.npz"
    path.mkdir()
    payload = request(plan, 2, state_out=path, keep_end=keep_end, save_every_s=1e9 if keep_end else 0.0)
    result = run_trial(payload, lambda message: False)
    assert result["unsaved"] == f"{path}: Is a directory"
    assert result["cause"] == ""


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
