"""What every model family keeps to. A new family joins by one line in `CASES`."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

from tunecli.families import FAMILIES
from tunecli.families.base import Blueprint, DataSignature, Setting
from tunecli.families.compiling import compile_model, shared_hyperparameters
from tunecli.families.embeddings import EMBEDDING_HYPERPARAMETERS
from tunecli.families.layers import OUTPUT_ACTIVATIONS
from tunecli.families.members import ENSEMBLE_HEADS
from tunecli.families.summary import describe_layers
from tunecli.preprocessing.inputs import route
from tunecli.scripting import literal
from tunecli.spec.experiment import Task
from tunecli.spec.space import Kind, Value, Values

TABLE, IMAGE = (3,), (8, 8, 1)


@dataclass(frozen=True)
class Case:
    family: str
    shapes: tuple[tuple[int, ...], ...]
    inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    has_script: bool = True

    def signature(self, task: Task, shape: tuple[int, ...], outputs: int) -> DataSignature:
        return DataSignature(task, shape, outputs, inputs=self.inputs)


CASES = [
    Case("linear", (TABLE, IMAGE)),
    Case("mlp", (TABLE, IMAGE)),
    Case("wide_deep", (TABLE,), {"wide": (0, 1), "deep": (1, 2)}, has_script=False),
    Case("cnn", (IMAGE,)),
]

SETTINGS = [
    pytest.param(
        FAMILIES.load(case.family), case.signature(task, shape, outputs), id=f"{case.family}-{shape}-{task}-{outputs}"
    )
    for case in CASES
    for shape in case.shapes
    for task, outputs in [
        *[(Task.REGRESSION, 1), (Task.BINARY, 1), (Task.MULTICLASS, 4)],
        *([(Task.REGRESSION, 3), (Task.MULTILABEL, 3)] if shape == case.shapes[-1] else []),
    ]
]
SCRIPTED = [
    each for each in SETTINGS if any(case.has_script and each.id.startswith(f"{case.family}-") for case in CASES)
]
FAMILY_NAMES = [case.family for case in CASES]
NOT_WRITTEN = {each.name for each in (*EMBEDDING_HYPERPARAMETERS, ENSEMBLE_HEADS)}
"""What scripts have only as it is by default."""


class RecordingValues(dict[str, Any]):
    """Remembers which values were read."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)


def defaults(family: Any, task: Task) -> Values:
    values: Values = {}
    for each in (*family.hyperparameters, *shared_hyperparameters(task)):
        if each.name not in values and each.applies_to(values):
            values[each.name] = each.default
    return values


def data(signature: DataSignature, rows: int = 12) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    inputs: Any = random.standard_normal((rows, *signature.shape)).astype("float32")
    if signature.inputs:
        inputs = route(inputs, signature)
    if signature.task is Task.REGRESSION:
        return inputs, random.standard_normal((rows, signature.outputs)).astype("float32")
    if signature.task is Task.MULTILABEL:
        return inputs, random.integers(0, 2, (rows, signature.outputs)).astype("float32")
    classes = random.integers(0, max(2, signature.outputs), rows)
    return inputs, classes.reshape(-1, 1).astype("float32" if signature.task is Task.BINARY else "int32")


def test_every_registered_family_is_in_the_suite() -> None:
    own = {"custom"}  # builds nothing without a user's file: tests/training/test_own_models.py
    assert set(FAMILY_NAMES) == set(FAMILIES.names) - own


@pytest.mark.parametrize(("family", "signature"), SETTINGS)
def test_trains_saves_and_predicts_the_same_after_reloading(
    family: Any, signature: DataSignature, tmp_path: Path
) -> None:
    values = defaults(family, signature.task)
    model = family.build(signature, values)
    compile_model(model, signature.task, values)
    inputs, targets = data(signature)
    history = model.fit(inputs, targets, batch_size=6, epochs=1, verbose=0).history

    assert all(np.isfinite(figures).all() for figures in history.values())
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(reloaded.predict(inputs, verbose=0), model.predict(inputs, verbose=0))


@pytest.mark.parametrize(("family", "signature"), SETTINGS)
def test_predicts_one_row_an_output(family: Any, signature: DataSignature) -> None:
    model = family.build(signature, defaults(family, signature.task))
    predictions = np.asarray(model(data(signature)[0]))

    assert predictions.shape == (12, signature.outputs)
    assert predictions.dtype == np.float32
    if signature.task is Task.MULTICLASS:
        np.testing.assert_allclose(predictions.sum(axis=1), 1, rtol=1e-5)
    if signature.task in (Task.BINARY, Task.MULTILABEL):
        assert ((predictions > 0) & (predictions < 1)).all()


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_every_default_is_legal(name: str) -> None:
    faults = {each.name: each.fault(each.default) for each in FAMILIES.load(name).hyperparameters}

    assert not any(faults.values()), faults


@pytest.mark.parametrize(("family", "signature"), SETTINGS)
def test_reads_every_hyperparameter_that_it_declares_and_no_other(family: Any, signature: DataSignature) -> None:
    values = RecordingValues(defaults(family, signature.task))
    family.build(signature, values)

    assert values.read == {each.name for each in family.hyperparameters if each.applies_to(values)}


@pytest.mark.parametrize("case", CASES, ids=FAMILY_NAMES)
def test_refuses_the_data_that_it_cannot_build_for(case: Case) -> None:
    family = FAMILIES.load(case.family)

    assert (family.fault(None) is None) == (TABLE in case.shapes)
    assert (family.fault(IMAGE) is None) == (IMAGE in case.shapes)


@pytest.mark.parametrize("case", CASES, ids=FAMILY_NAMES)
def test_the_same_seed_gives_the_same_weights(case: Case) -> None:
    family, signature = FAMILIES.load(case.family), case.signature(Task.REGRESSION, case.shapes[-1], 1)

    def weights() -> list[Any]:
        keras.utils.set_random_seed(3)
        return family.build(signature, defaults(family, signature.task)).get_weights()

    for first, second in zip(weights(), weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("case", CASES, ids=FAMILY_NAMES)
def test_layers_have_the_same_names_in_every_model_and_all_parameters_are_counted(case: Case) -> None:
    family, signature = FAMILIES.load(case.family), case.signature(Task.REGRESSION, case.shapes[-1], 1)
    first, second = (family.build(signature, defaults(family, signature.task)) for _ in range(2))

    assert describe_layers(first) == describe_layers(second)
    assert sum(layer.parameters for layer in describe_layers(first)) == first.count_params()
    assert family.summary


def possible(each: Any) -> tuple[Value, ...]:
    """Some legal values of a hyperparameter, its default first."""
    if each.name in NOT_WRITTEN:
        return (each.default,)
    if each.kind is Kind.CHOICE:
        return (each.default, *(value for value in each.values if value != each.default))
    if each.kind is Kind.FLOAT:
        return (each.default, 0.25)
    return (each.default, 3, 2, *([[3, 2]] if each.layer_count else []))


def draw(family: Any, task: Task, rng: random.Random) -> Values:
    values: Values = {each.name: rng.choice(possible(each)) for each in family.hyperparameters}
    values["output_activation"] = rng.choice(["auto", *OUTPUT_ACTIVATIONS[task]])
    return values


def run_script(family: Any, signature: DataSignature, settings: dict[str, Setting], values: Values) -> Any:
    blueprint = Blueprint(signature.task, signature.outputs, len(signature.shape) == 3, "float32", settings)
    names: dict[str, Any] = {"keras": keras, "shape": signature.shape, **values}
    keras.utils.set_random_seed(3)
    exec("\n".join(family.script(blueprint)), names)
    return names["model"]


@pytest.mark.parametrize(("family", "signature"), SCRIPTED)
def test_its_script_builds_the_same_models(family: Any, signature: DataSignature) -> None:
    rng = random.Random(0)
    searched = {each.name: Setting(each.name, possible(each)) for each in family.hyperparameters}
    for _ in range(6):
        values = draw(family, signature.task, rng)
        fixed = {name: Setting(literal(value), (value,)) for name, value in values.items()}
        keras.utils.set_random_seed(3)
        model = family.build(signature, values)
        for scripted in (run_script(family, signature, settings, values) for settings in (searched, fixed)):
            assert scripted.get_config() == model.get_config(), values
            for ours, theirs in zip(model.get_weights(), scripted.get_weights(), strict=True):
                np.testing.assert_array_equal(ours, theirs)
