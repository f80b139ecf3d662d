from __future__ import annotations

from typing import Any

import keras
import pytest

from tunecli.errors import StudyError
from tunecli.families.base import DataSignature
from tunecli.families.mlp import FAMILY
from tunecli.families.summary import LayerSummary, describe_layers
from tunecli.spec.experiment import Task

TABLE = DataSignature(Task.REGRESSION, (3,), 1)
DEFAULTS = {each.name: each.default for each in FAMILY.hyperparameters}


def build(signature: DataSignature = TABLE, **values: Any) -> keras.Model:
    return FAMILY.build(signature, DEFAULTS | values)


def names(model: keras.Model) -> list[str]:
    return [layer.name for layer in describe_layers(model)]


def test_300_100_on_fashion_mnist_has_the_parameters_of_the_textbook() -> None:
    model = build(DataSignature(Task.MULTICLASS, (28, 28), 10), units=[300, 100])

    assert describe_layers(model) == [
        LayerSummary("flatten", "Flatten", (784,), 0),
        LayerSummary("hidden_1", "Dense", (300,), 235_500),
        LayerSummary("hidden_2", "Dense", (100,), 30_100),
        LayerSummary("output", "Dense", (10,), 1_010),
    ]
    assert model.count_params() == 266_610


def test_one_width_goes_for_every_layer() -> None:
    assert [layer.units for layer in build(hidden_layers=3, units=5).layers[1:]] == [5, 5, 5, 1]


def test_a_list_of_widths_sets_the_number_of_layers_too() -> None:
    assert [layer.units for layer in build(hidden_layers=1, units=[7, 6, 5]).layers[1:]] == [7, 6, 5, 1]


def test_no_hidden_layers_is_the_linear_model() -> None:
    assert names(build(hidden_layers=0)) == ["output"]


def test_normalisation_stands_between_a_layer_without_bias_and_its_activation() -> None:
    model = build(hidden_layers=1, batch_normalization=True, dropout=0.5)

    assert names(model) == ["hidden_1", "hidden_1_normalization", "hidden_1_activation", "hidden_1_dropout", "output"]
    assert not model.get_layer("hidden_1").use_bias


def test_the_penalty_is_on_every_kernel() -> None:
    penalties = [layer.kernel_regularizer for layer in build(hidden_layers=2, l2=0.01).layers[1:]]

    assert [round(float(penalty.l2), 6) for penalty in penalties] == [0.01] * 3


def test_selu_starts_from_the_weights_that_it_needs() -> None:
    model = build(hidden_layers=1, activation="selu")

    assert isinstance(model.get_layer("hidden_1").kernel_initializer, keras.initializers.LecunNormal)


def test_dropout_draws_from_the_global_seed() -> None:
    inputs = keras.ops.ones((4, 3))

    def dropped() -> list[Any]:
        keras.utils.set_random_seed(1)
        return build(dropout=0.5)(inputs, training=True).numpy().tolist()

    assert dropped() == dropped()


@pytest.mark.parametrize(
    ("task", "activation"), [(Task.REGRESSION, "linear"), (Task.BINARY, "sigmoid"), (Task.MULTICLASS, "softmax")]
)
def test_the_output_activation_follows_the_task(task: Task, activation: str) -> None:
    output = build(DataSignature(task, (3,), 1)).get_layer("output")

    assert output.activation.__name__ == activation


def test_a_regression_may_end_in_softplus() -> None:
    assert build(output_activation="softplus").get_layer("output").activation.__name__ == "softplus"


def test_classes_need_probabilities() -> None:
    with pytest.raises(StudyError, match="a multiclass model cannot end in linear"):
        build(DataSignature(Task.MULTICLASS, (3,), 4), output_activation="linear")


def test_the_output_stays_exact_under_mixed_precision() -> None:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy(policy)

    assert model.get_layer("hidden_1").compute_dtype == "bfloat16"
    assert model.get_layer("output").compute_dtype == "float32"
