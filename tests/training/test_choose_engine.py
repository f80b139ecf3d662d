"""Which engine trains a trial."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tunecli.plan import Plan
from tunecli.training.engines import choose_engine


@pytest.mark.parametrize(
    ("rows", "epochs", "engine"),
    [(120, 30, "graph"), (13_000, 10, "graph"), (13_000, 30, "fused"), (48_000, 10, "fused")],
)
def test_compiling_must_pay(rows: int, epochs: int, engine: str, make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(training={"epochs": epochs, "batch_size": 32})
    name, reason = choose_engine(plan, plan.complete({}), rows, rows * 36)
    assert name == engine
    assert reason.startswith(f"auto: {engine}, ")


def test_every_rung_of_hyperband_is_weighed_by_the_longest_training(make_plan: Callable[..., Plan]) -> None:
    space = {"learning_rate": {"min": 0.01, "max": 0.1}}
    plan = make_plan(tuner={"name": "hyperband", "max_epochs": 30}, training={"epochs": 2}, search_space=space)
    assert choose_engine(plan, plan.complete({"learning_rate": 0.1}), 13_000, 468_000)[0] == "fused"


@pytest.mark.parametrize("engine", ["keras", "graph", "fused"])
def test_the_spec_has_the_last_word(engine: str, make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(training={"engine": engine})
    assert choose_engine(plan, plan.complete({}), 100, 3_600) == (engine, "named in the spec")


def test_rows_that_should_not_be_copied_are_read_in_batches(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan()
    name, reason = choose_engine(plan, plan.complete({}), 10**8, 5 * 2**29)
    assert (name, reason) == ("keras", "auto: keras, 2.5 GiB of rows are not to be held in memory twice")
