"""Beginning with the first weights of another model."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

from tests.training.own_code import Study
from tunecli.errors import StudyError
from tunecli.families.base import DataSignature
from tunecli.families.transfer import transfer, weighted_layers
from tunecli.plan import Plan
from tunecli.preprocessing.preprocessor import Preprocessor
from tunecli.search.discovery import copy_sources
from tunecli.spec.experiment import Task
from tunecli.spec.load import load
from tunecli.training.engines import ENGINES, Job
from tunecli.training.models import build

MakePlan = Callable[..., Plan]


def dense(*widths: int, inputs: int = 3) -> Any:
    layers = [keras.layers.Dense(width, name=f"dense_{number}") for number, width in enumerate(widths)]
    return keras.Sequential([keras.Input((inputs,)), *layers])


def are_equal(one: Any, other: Any) -> bool:
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(left, right) for left, right in pairs)


def copied(model: Any, source: Any) -> list[bool]:
    return [are_equal(*pair) for pair in zip(weighted_layers(model), weighted_layers(source), strict=False)]


def test_so_many_of_the_first_layers_are_copied_to_the_bit() -> None:
    model, source = dense(8, 8, 1), dense(8, 8, 1)
    transfer(model, source, {"layers": 1, "freeze": False})
    assert copied(model, source) == [True, False, False]
    assert model.layers[0].trainable


def test_all_are_those_that_match_without_the_output() -> None:
    model, source = dense(8, 8, 4, 1), dense(8, 8, 5, 1)
    transfer(model, source, {"layers": "all", "freeze": True})
    assert copied(model, source)[:2] == [True, True]
    assert [layer.trainable for layer in model.layers] == [False, False, True, True]
    same, other = dense(8, 1), dense(8, 1)
    transfer(same, other, {"layers": "all", "freeze": False})
    assert copied(same, other) == [True, False]


def test_layers_that_do_not_fit_are_named_with_their_shapes() -> None:
    with pytest.raises(StudyError) as caught:
        transfer(dense(8, 1), dense(9, 1), {"layers": 1, "freeze": False})
    assert "dense_0 [(3, 8), (8,)] cannot take the weights of dense_0 [(3, 9), (9,)]" in str(caught.value)
    with pytest.raises(StudyError, match="3 layers cannot be copied: the model has 2 with weights, init_from 3"):
        transfer(dense(8, 1), dense(8, 8, 1), {"layers": 3, "freeze": False})


@pytest.mark.parametrize("engine", ["keras", "graph", "fused"])
def test_frozen_layers_never_change_and_no_program_mixes_them_up(
    engine: str, tmp_path: Path, make_plan: MakePlan
) -> None:
    source = dense(4, 4, 1)
    source.save(tmp_path / "trained.keras")
    plan = make_plan(
        model={"family": "mlp", "init_from": "trained.keras", "layers": [1, 2], "freeze": [False, True], "units": 4},
        training={"epochs": 1},
    )
    copy_sources(load(tmp_path / "spec.yaml"), plan, tmp_path, tmp_path / "sources")
    x, y = np.random.default_rng(1).normal(size=(32, 3)).astype("float32"), np.ones((32, 1), "float32")

    def trained(**values: Any) -> list[bool]:
        signature = DataSignature(Task.REGRESSION, (3,), 1)
        built = build(plan, plan.complete(values), signature, 5, tmp_path / "sources")
        assert copied(built.model, source)[: values["layers"]] == [True] * values["layers"]
        fitted = ENGINES.load(engine).fit(Job(built.model, (x, y), None, 8, 0, 1, seed=5))
        return copied(fitted.model, source)

    assert trained(layers=2, freeze=True) == [True, True, False]
    assert trained(layers=1, freeze=True) == [True, False, False]
    assert trained(layers=2, freeze=False) == [False, False, False]
    assert trained(layers=2, freeze=True) == [True, True, False]


def test_a_custom_model_begins_with_another_ones_weights(tmp_path: Path) -> None:
    source = dense(4, 1)
    source.save(tmp_path / "trained.keras")
    study = Study(tmp_path, model={"init_from": "trained.keras", "layers": 1, "freeze": True})
    plan = study.whole_plan()
    signature = DataSignature(Task.REGRESSION, (3,), 1)
    built = build(plan, plan.complete({"units": 4, "rate": 1e-4}), signature, 5, study.sources)
    built.complete((np.zeros((2, 3), "float32"), np.zeros((2, 1), "float32")), Preprocessor())
    assert copied(built.model, source) == [True, False]
    assert not weighted_layers(built.model)[0].trainable


def test_a_file_that_is_no_model_is_named(tmp_path: Path, make_plan: MakePlan) -> None:
    (tmp_path / "trained.keras").write_bytes(b"no model")
    plan = make_plan(model={"family": "mlp", "init_from": "trained.keras"})
    copy_sources(load(tmp_path / "spec.yaml"), plan, tmp_path, tmp_path / "sources")
    with pytest.raises(StudyError, match="is no model that Keras can read"):
        build(plan, plan.complete({}), DataSignature(Task.REGRESSION, (3,), 1), 5, tmp_path / "sources")
