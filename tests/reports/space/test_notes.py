from __future__ import annotations

from typing import Any

import pytest

from tunecli.reports.space.notes import space_notes
from tunecli.reports.space.ranges import Limits
from tunecli.spec.space import Kind, Parameter, SearchSpace, Value

RATE = Parameter(name="learning_rate", kind=Kind.FLOAT, min=1e-4, max=0.1, log=True)
BATCH_SIZE = Parameter(name="batch_size", kind=Kind.CHOICE, values=(32, 64))
LIMITS = {"learning_rate": Limits(above=0.0), "batch_size": Limits(min=1)}


def notes(*searched: Parameter, is_custom: bool = False, limits: Any = LIMITS, **fixed: Value) -> list[str]:
    space = SearchSpace(parameters=searched)
    return [each.sentence for each in space_notes(space, fixed, limits, is_custom=is_custom)]


def test_a_batch_size_wants_a_learning_rate_of_its_own() -> None:
    assert notes(BATCH_SIZE, learning_rate=0.02) == [
        "batch_size is searched at one learning rate (0.02), but larger batches want a larger rate: search the rate, "
        "too; write learning_rate: {min: 2e-3, max: 0.2, log: true}"
    ]
    assert notes(BATCH_SIZE) == [
        "batch_size is searched at the default learning rate, but larger batches want a larger rate: search the rate, "
        "too; write learning_rate: {min: 1e-4, max: 0.1, log: true}"
    ]


def test_so_does_an_optimizer() -> None:
    optimizer = Parameter(name="optimizer", kind=Kind.CHOICE, values=("adam", "sgd"))
    (note,) = notes(optimizer)
    assert note.startswith("optimizer is searched at the default learning rate, but each optimizer has a rate of its")


def test_a_searched_rate_or_one_that_no_one_knows_is_not_spoken_of() -> None:
    assert notes(BATCH_SIZE, RATE) == []
    assert notes(BATCH_SIZE, is_custom=True) == []
    assert notes(BATCH_SIZE, limits={"batch_size": Limits(min=1)}) == []
    assert notes(RATE) == []


@pytest.mark.parametrize("name", ["kernel_initializer", "Init_initializer"])
def test_kernels_that_begin_alike_stay_alike(name: str) -> None:
    chosen = Parameter(name=name, kind=Kind.CHOICE, values=("glorot_uniform", "zeros", "Ones"))
    (note,) = notes(chosen)
    assert note.startswith(f"{name} may be zeros or Ones: hidden units that begin with equal weights, before and")
    assert note.endswith(f"write {name}: glorot_uniform")
    (fixed,) = notes(**{name: "zeros"})
    assert "; write" not in fixed


def test_biases_and_other_initializers_may_be_anything() -> None:
    bias = Parameter(name="bias_initializer", kind=Kind.CHOICE, values=("zeros", "ones"))
    kernel = Parameter(name="kernel_initializer", kind=Kind.CHOICE, values=("he_normal", "glorot_uniform"))
    assert notes(bias, kernel, activation="zeros") == []
