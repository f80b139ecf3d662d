"""Models of ours, rewritten in Keras' own layers: the same predictions, and no class of ours left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tunecli.families import FAMILIES
from tunecli.families.base import DataSignature
from tunecli.families.compiling import scaled
from tunecli.preprocessing.inputs import route
from tunecli.spec.experiment import Task
from tunecli.training.exports.plain import foreign_classes, plain
from tunecli.training.fitted_layers import fit_layers

ROWS = 20

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "bins": {"numeric_embedding": "piecewise_linear", "embedding_bins": 4, "embedding_width": 0},
    "wide bins": {"numeric_embedding": "piecewise_linear", "embedding_bins": 4, "embedding_width": 3},
    "waves": {"numeric_embedding": "periodic", "embedding_frequencies": 3, "embedding_width": 2},
    "members": {"ensemble_heads": 3, "hidden_layers": 2},
    "members without hidden layers": {"ensemble_heads": 3, "hidden_layers": 0},
    "narrow members": {"ensemble_heads": 4, "hidden_layers": 2, "units": 1},
    "normalised members of bins": {
        "ensemble_heads": 2,
        "batch_normalization": True,
        "numeric_embedding": "piecewise_linear",
        "embedding_bins": 3,
        "embedding_width": 2,
    },
    "scaled": {"target_scaling": "standard"},
    "scaled members": {"target_scaling": "minmax", "ensemble_heads": 2},
}


def built(family: str, signature: DataSignature, values: dict[str, Any]) -> tuple[keras.Model, Any]:
    """A model with weights that are all different, and inputs."""
    defaults = {each.name: each.default for each in FAMILIES.load(family).hyperparameters}
    if values.get("numeric_embedding") == "piecewise_linear":
        defaults["embedding_bins"] = 4
    complete = defaults | {"target_scaling": "none", "units": 5} | values
    random = np.random.default_rng(0)
    model = scaled(FAMILIES.load(family).build(signature, complete), complete)
    inputs: Any = random.normal(size=(ROWS, 4)).astype("float32")
    inputs[:, 3] = inputs[:, 3] > 0  # an indicator
    if signature.inputs:
        inputs = route(inputs, signature)
    for weight in model.trainable_variables:
        weight.assign(random.normal(size=weight.shape))
    fit_layers(model, (inputs, random.normal(50, 10, size=(ROWS, 1)).astype("float32")))
    return model, inputs


@pytest.mark.parametrize(("task", "outputs"), [(Task.REGRESSION, 1), (Task.MULTICLASS, 3)])
@pytest.mark.parametrize("name", CASES)
def test_a_perceptron(name: str, task: Task, outputs: int, tmp_path: Path) -> None:
    if task is Task.MULTICLASS and "scaled" in name:
        pytest.skip("classes have no scale")
    model, inputs = built("mlp", DataSignature(task, (4,), outputs, numeric=3), CASES[name])
    rewritten = plain(model)

    assert foreign_classes(rewritten) == ()
    expected = model.predict(inputs, verbose=0)
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(rewritten.predict(inputs, verbose=0), expected, rtol=2e-5, atol=1e-6)
    rewritten.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(inputs, verbose=0), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("heads", [0, 3])
@pytest.mark.parametrize("aux_weight", [0.0, 0.2])
def test_wide_and_deep_keeps_its_inputs_and_the_main_output_alone(heads: int, aux_weight: float) -> None:
    signature = DataSignature(Task.REGRESSION, (4,), 1, numeric=3, inputs={"wide": (0, 3), "deep": (1, 2, 3)})
    values = {"aux_weight": aux_weight, "ensemble_heads": heads, "target_scaling": "standard"}
    model, inputs = built("wide_deep", signature, values)
    rewritten = plain(model)

    expected = model.predict(inputs, verbose=0)
    expected = expected["main"] if aux_weight else expected
    assert foreign_classes(rewritten) == ()
    np.testing.assert_allclose(rewritten.predict(inputs, verbose=0), expected, rtol=2e-5)


def test_a_model_of_keras_own_layers_is_left_as_it_is() -> None:
    model, _ = built("mlp", DataSignature(Task.REGRESSION, (4,), 1, numeric=3), {})
    assert plain(model) is model


def test_with_layers_only_what_would_become_operations_stays_ours() -> None:
    values = CASES["wide bins"] | {"target_scaling": "standard"}
    model, inputs = built("mlp", DataSignature(Task.REGRESSION, (4,), 1, numeric=3), values)
    rewritten = plain(model, only_layers=True)
    assert foreign_classes(rewritten) == ("Features", "PiecewiseLinearEncoding")
    assert all(isinstance(each, keras.layers.Layer) for each in rewritten.operations)
    expected = model.predict(inputs, verbose=0)
    np.testing.assert_allclose(rewritten.predict(inputs, verbose=0), expected, rtol=2e-5)


def test_a_users_own_layers_stay_and_are_named() -> None:
    class Doubled(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs * 2

    inputs = keras.Input((2,))
    inner = keras.Sequential([keras.Input((2,)), Doubled(), keras.layers.Dense(1)])
    model = keras.Model(inputs, inner(inputs))
    assert plain(model) is model
    assert foreign_classes(model) == ("Doubled",)
