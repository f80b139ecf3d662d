"""Which engine trains a trial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.own_code import Study
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


def test_code_of_ones_own_is_trained_by_keras_unless_named(tmp_path: Path) -> None:
    plan = Study(tmp_path).plan()
    assert choose_engine(plan, {"batch_size": 32}, 100, 3_600)[1] == "auto: keras, which trains any model of one's own"
    named = Study(tmp_path, training={"engine": "graph"}).plan()
    assert choose_engine(named, {"batch_size": 32}, 100, 3_600) == ("graph", "named in the spec")
    told = [{"path": "mine.py", "class": "A"}]
    called = Study(tmp_path, model={"family": "mlp", "path": None}, training={"callbacks": told}).plan()
    assert choose_engine(called, called.complete({}), 100, 3_600)[0] == "keras"


def test_rows_that_should_not_be_copied_are_read_in_batches(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan()
    name, reason = choose_engine(plan, plan.complete({}), 10**8, 5 * 2**29)
    assert (name, reason) == ("keras", "auto: keras, 2.5 GiB of rows are not to be held in memory twice")
