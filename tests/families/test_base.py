from __future__ import annotations

import math

import pytest

from tunecli.families.base import Hyperparameter, boolean
from tunecli.spec.space import Kind, Value

WIDTH = Hyperparameter("units", Kind.INT, 64, "Width.", min=1, max=512, layer_count="hidden_layers")
SHARE = Hyperparameter("dropout", Kind.FLOAT, 0.0, "Share.", min=0.0, below=1.0)
ROWS = Hyperparameter("batch_size", Kind.INT, 32, "Rows.", min=1, words=("full",))


@pytest.mark.parametrize(
    ("hyperparameter", "value"),
    [(WIDTH, 1), (WIDTH, 512), (WIDTH, [300, 100]), (SHARE, 0.0), (SHARE, 0.99), (SHARE, 0), (ROWS, "full")],
)
def test_accepts_what_is_in_range(hyperparameter: Hyperparameter, value: Value) -> None:
    assert hyperparameter.fault(value) is None


@pytest.mark.parametrize(
    ("hyperparameter", "value", "fault"),
    [
        (WIDTH, 0, "0 is below 1"),
        (WIDTH, 513, "513 is above 512"),
        (WIDTH, 1.5, "1.5 is not a whole number"),
        (WIDTH, True, "true is not a number"),
        (WIDTH, [64, 0], "0 is below 1"),
        (WIDTH, [], "is an empty list"),
        (SHARE, 1.0, "1 is not below 1"),
        (SHARE, [0.5], "takes one value, not a list"),
        (SHARE, math.nan, "nan is not finite"),
        (SHARE, None, "null is not a number"),
        (ROWS, "all", "'all' is not a number"),
        (boolean("nesterov", "Look ahead."), 1, "1 is not one of false, true"),
    ],
)
def test_says_what_is_wrong(hyperparameter: Hyperparameter, value: Value, fault: str) -> None:
    assert hyperparameter.fault(value) == fault


def test_applies_beside_the_values_that_it_names_only() -> None:
    momentum = Hyperparameter("momentum", Kind.FLOAT, 0.0, "…", applies={"optimizer": ("sgd",)})

    assert momentum.applies_to({"optimizer": "sgd"})
    assert not momentum.applies_to({"optimizer": "adam"})
    assert not momentum.applies_to({})
