from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tunecli.errors import StudyError
from tunecli.families.base import DataSignature
from tunecli.families.embeddings import adapt_embeddings
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


TABLE_OF_NUMBERS = DataSignature(Task.REGRESSION, (3,), 1, ("a", "b", "c"), numeric=3)
MIXED = DataSignature(Task.REGRESSION, (5,), 1, ("a", "b", "a", "kind", "kind"), numeric=2)
ROWS = np.random.default_rng(0).normal(size=(40, 5)).astype("float32")


def test_numbers_are_embedded_and_indicators_go_by() -> None:
    values = {"numeric_embedding": "piecewise_linear", "embedding_bins": 4, "embedding_width": 0}
    model = build(MIXED, **values, hidden_layers=1, units=6)
    adapt_embeddings(model, ROWS)

    assert [(layer.name, *layer.output.shape[1:]) for layer in model.layers[1:]] == [
        ("numbers", 2),
        ("encoding", 2, 4),
        ("embedding", 8),
        ("indicators", 3),
        ("embedded", 11),
        ("hidden_1", 6),
        ("output", 1),
    ]
    seen = np.asarray(keras.Function(model.input, model.get_layer("embedded").output)(ROWS))
    np.testing.assert_array_equal(seen[:, 8:], ROWS[:, 2:])
    assert (seen[:, :8].reshape(-1, 2, 4).max(axis=(0, 2)) == 1).all(), "the largest number fills its last bin"


def test_a_linear_layer_and_relu_may_stand_behind_an_embedding() -> None:
    model = build(
        TABLE_OF_NUMBERS, numeric_embedding="periodic", embedding_frequencies=5, embedding_width=7, l2=0.5, units=4
    )

    assert [(layer.name, *layer.output.shape[1:]) for layer in model.layers[1:4]] == [
        ("encoding", 3, 10),
        ("embedding_dense", 3, 7),
        ("embedding", 21),
    ]
    assert model.get_layer("embedding_dense").activation is keras.activations.relu
    assert len(model.losses) == 4, "its kernels are penalised as all are"


def test_without_numbers_there_is_nothing_to_embed() -> None:
    assert names(build(TABLE, numeric_embedding="periodic", hidden_layers=0)) == ["output"]


@pytest.mark.parametrize("heads", [0, 1])
def test_one_head_is_a_network_as_any_other(heads: int) -> None:
    keras.utils.set_random_seed(2)
    plain = build(TABLE)
    keras.utils.set_random_seed(2)
    single = build(TABLE, ensemble_heads=heads)

    assert single.get_config() == plain.get_config()
    assert all((ours == theirs).all() for ours, theirs in zip(single.get_weights(), plain.get_weights(), strict=True))


def test_members_are_networks_that_share_kernels() -> None:
    model = build(TABLE, ensemble_heads=3, units=[6, 4], activation="tanh", dropout=0.5)
    for variable in model.weights:
        variable.assign(np.random.default_rng(1).normal(size=variable.shape))
    members, first, second, last = (model.get_layer(name) for name in ("members", "hidden_1", "hidden_2", "output"))

    def member(index: int) -> Any:
        """The plain network that a member is, its own weights multiplied into the kernels."""
        signs = np.asarray(members.adapter)[index][:, np.newaxis]
        inner = np.asarray(second.adapter_in)[index][:, np.newaxis]
        kernels = [
            signs * np.asarray(first.kernel) * np.asarray(first.adapter_out)[index],
            inner * np.asarray(second.kernel) * np.asarray(second.adapter_out)[index],
            np.asarray(last.kernel)[index],
        ]
        biases = [np.asarray(layer.bias)[index] for layer in (first, second, last)]
        plain = build(TABLE, units=[6, 4], activation="tanh", dropout=0.5)
        plain.set_weights([each for pair in zip(kernels, biases, strict=True) for each in pair])
        return plain.predict(ROWS[:, :3], verbose=0)

    mean = np.mean([member(index) for index in range(3)], axis=0)
    np.testing.assert_allclose(model.predict(ROWS[:, :3], verbose=0), mean, rtol=1e-4, atol=1e-4)


def test_the_mean_of_members_is_one_prediction_a_row_for_every_task() -> None:
    for task, outputs in [(Task.REGRESSION, 1), (Task.BINARY, 1), (Task.MULTICLASS, 4)]:
        model = build(DataSignature(task, (3,), outputs), ensemble_heads=2, hidden_layers=0)
        predicted = model.predict(ROWS[:, :3], verbose=0)
        assert predicted.shape == (40, outputs)
        if task is Task.MULTICLASS:
            np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=1e-5)
