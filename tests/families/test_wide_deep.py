from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tunecli.families.base import DataSignature
from tunecli.families.summary import LayerSummary, describe_layers
from tunecli.families.wide_deep import FAMILY
from tunecli.spec.experiment import Task

SIGNATURE = DataSignature(Task.REGRESSION, (8,), 1, inputs={"wide": (0, 1, 2, 3, 4), "deep": (2, 3, 4, 5, 6, 7)})
DEFAULTS = {each.name: each.default for each in FAMILY.hyperparameters}


def build(signature: DataSignature = SIGNATURE, **values: Any) -> keras.Model:
    return FAMILY.build(signature, DEFAULTS | values)


def test_the_classic_example_has_the_parameters_of_the_textbook() -> None:
    assert describe_layers(build(units=30)) == [
        LayerSummary("hidden_1", "Dense", (30,), 210),
        LayerSummary("hidden_2", "Dense", (30,), 930),
        LayerSummary("wide_and_deep", "Concatenate", (35,), 0),
        LayerSummary("output", "Dense", (1,), 36),
    ]


def test_the_wide_path_is_linear_and_the_deep_one_is_not() -> None:
    model = build(units=4)
    rows = np.random.default_rng(0).normal(size=(3, 1, 1)).astype("float32")
    wide, deep = np.ones((3, 1, 5), "float32") * rows, np.ones((3, 1, 6), "float32") * rows

    def second_difference(**changed: Any) -> float:
        inputs = {"wide": np.zeros((3, 1, 5), "float32"), "deep": np.zeros((3, 1, 6), "float32"), **changed}
        first, second, third = (float(model({name: x[row] for name, x in inputs.items()})[0, 0]) for row in range(3))
        a, b, c = rows[:, 0, 0]
        return abs((second - first) / (b - a) - (third - second) / (c - b))

    assert second_difference(wide=wide) < 1e-4
    assert second_difference(deep=deep) > 1e-3


def test_all_features_go_both_ways_where_nothing_is_said() -> None:
    model = build(DataSignature(Task.REGRESSION, (8,), 1))
    assert {each.name: each.shape for each in model.inputs} == {"wide": (None, 8), "deep": (None, 8)}
