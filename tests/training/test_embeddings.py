"""Embeddings and members in the life of a trial: what they are fitted to, on which engine, and what goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.test_run_trial import curve, run
from tunecli.families.base import DataSignature
from tunecli.families.compiling import compile_model, shared_hyperparameters
from tunecli.families.embeddings import adapt_embeddings
from tunecli.families.keras_classes import bin_edges
from tunecli.families.mlp import FAMILY as MLP
from tunecli.plan import Plan
from tunecli.spec.experiment import Task
from tunecli.study.trial import Program
from tunecli.training.data import search_parts
from tunecli.training.engines import ENGINES, Job
from tunecli.training.engines.fused import FusedEngine
from tunecli.training.engines.scipy_minimize import Objective, twin
from tunecli.training.estimate import disk_bytes
from tunecli.training.runtime import seed_everything
from tunecli.training.state import load_state

BINS = {"numeric_embedding": "piecewise_linear", "embedding_bins": 4, "embedding_width": 3}
WAVES = {"numeric_embedding": "periodic", "embedding_frequencies": 3, "embedding_sigma": 0.5, "embedding_width": 0}
HEADS = {"ensemble_heads": 3, "dropout": 0.2, "batch_normalization": True}
BOTH = BINS | HEADS
SMALL = {"family": "mlp", "units": 4, "hidden_layers": 2}


@pytest.fixture
def double() -> Iterator[None]:
    """Counts in float64, so that engines differ by rounding alone."""
    import keras

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def plan(make_plan: Callable[..., Plan]) -> Plan:
    return make_plan(model=SMALL | BOTH)


def edges_of(variables: Any) -> Any:
    """The edges among the variables of a model of Advertising's three numbers."""
    return next(each for each in variables if each.shape == (3, BINS["embedding_bins"] + 1))


def test_edges_are_quantiles_of_the_training_rows_alone(plan: Plan, tmp_path: Path) -> None:
    assert run(plan, 1, into=tmp_path / "state.npz").cause == ""
    train, validation = (part[0] for part in search_parts(plan.dataset).parts)
    ours = edges_of(load_state(tmp_path / "state.npz").variables)
    np.testing.assert_array_equal(ours, [bin_edges(column, 4) for column in train.T])
    assert (ours != [bin_edges(column, 4) for column in np.concatenate([train, validation]).T]).any()


@pytest.mark.parametrize(("engine", "values"), [("keras", BOTH), ("graph", WAVES | HEADS), ("fused", BOTH)], ids=str)
def test_a_training_cut_in_two_goes_on_as_if_it_had_not_been(
    make_plan: Callable[..., Plan], tmp_path: Path, engine: str, values: dict[str, Any]
) -> None:
    plan = make_plan(model=SMALL | values | {"optimizer": "adamw"})
    state = tmp_path / "state.npz"
    first = run(plan, 1, into=state, engine=engine)
    second = run(plan, 3, start=1, out_of=state, engine=engine)
    assert curve(first, second) == curve(run(plan, 3, engine=engine))


def test_the_disk_is_estimated_without_rows(plan: Plan, make_plan: Callable[..., Plan]) -> None:
    embedding = {"numeric_embedding": ["none", "piecewise_linear"], "embedding_bins": [4], "embedding_width": [3]}
    assert disk_bytes(plan) > disk_bytes(make_plan(model=SMALL))
    searched = make_plan(model=SMALL | HEADS, search_space=embedding)
    assert disk_bytes(searched) > disk_bytes(make_plan(model=SMALL | HEADS)), "the larger of two choices is meant"


def arrays(task: Task, dtype: str = "float32", seed: int = 5) -> tuple[Any, Any]:
    """Rows of four features, the last of which is an indicator."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(70, 4))
    x[:, 3] = x[:, 3] > 0
    signal = x[:, :1] * x[:, 1:2] + x[:, 2:3]
    targets = {
        Task.REGRESSION: signal.astype(dtype),
        Task.BINARY: (signal > 0).astype(dtype),
        Task.MULTICLASS: np.digitize(signal[:, 0], [-0.5, 0.5]).astype("int32"),
        Task.MULTILABEL: np.concatenate([signal > 0, signal > 1, x[:, :1] > 0], axis=1).astype(dtype),
    }
    return x.astype(dtype), targets[task]


def build(data: Any, task: Task = Task.REGRESSION, seed: int = 3, **values: Any) -> Any:
    """A compiled model, its bins fitted to the data."""
    everything = {"units": 5, "activation": "tanh", **values}
    for each in (*MLP.hyperparameters, *shared_hyperparameters(task)):
        if each.name not in everything and each.applies_to(everything):
            everything[each.name] = each.default
    seed_everything(seed)
    signature = DataSignature(
        task, (4,), 3 if task in (Task.MULTICLASS, Task.MULTILABEL) else 1, ("a", "b", "c", "kind"), 3
    )
    model = MLP.build(signature, everything)
    compile_model(model, task, everything)
    adapt_embeddings(model, data[0])
    return model


def train(engine: Any, model: Any, data: Any, seed: int = 11) -> tuple[Any, Any]:
    import keras

    history = keras.callbacks.History()
    member = ENGINES.load(engine) if isinstance(engine, str) else engine
    return member.fit(Job(model, data, data[:2], 16, 0, 2, seed, callbacks=[history])), history.history


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    ("task", "values", "engines"),
    [
        (Task.REGRESSION, BOTH | {"dropout": 0.0, "l2": 0.01}, ("graph", "fused")),
        (Task.BINARY, WAVES | {"ensemble_heads": 2}, ("graph",)),
        (Task.MULTICLASS, BOTH | {"dropout": 0.0}, ("graph", "fused")),
    ],
    ids=str,
)
def test_engines_give_what_fit_gives_with_weighted_rows(
    task: Task, values: dict[str, Any], engines: tuple[str, ...]
) -> None:
    data = (*arrays(task, "float64"), np.random.default_rng(1).uniform(0.5, 2, size=70))
    theirs, their_history = train("keras", build(data, task, **values), data)
    for engine in engines:
        ours, history = train(engine, build(data, task, **values), data)
        for mine, other in zip(ours.model.get_weights(), theirs.model.get_weights(), strict=True):
            np.testing.assert_allclose(mine, other, rtol=0, atol=1e-8)
        assert history.keys() == their_history.keys()
        for name, figures in their_history.items():
            np.testing.assert_allclose(history[name], figures, rtol=1e-8, err_msg=name)


@pytest.mark.parametrize(
    ("use_xla", "values", "others"),
    [(True, BOTH, BOTH), (False, WAVES, WAVES | {"embedding_sigma": 2.0})],
    ids=["edges", "frequencies"],
)
def test_a_program_for_other_edges_and_frequencies_gives_the_bits_of_a_fresh_one(
    use_xla: bool, values: dict[str, Any], others: dict[str, Any]
) -> None:
    first, second = arrays(Task.REGRESSION, seed=5), arrays(Task.REGRESSION, seed=6)
    engine = FusedEngine(use_xla=use_xla)
    train(engine, build(first, **values), first)
    reused, history = train(engine, build(second, **others), second)
    fresh, fresh_history = train(FusedEngine(use_xla=use_xla), build(second, **others), second)
    assert (reused.program, fresh.program) == (Program.REUSED, Program.COMPILED)
    assert history == fresh_history
    assert all(map(np.array_equal, reused.model.get_weights(), fresh.model.get_weights()))


@pytest.mark.parametrize("change", [{"embedding_bins": 5}, {"embedding_width": 4}, {"ensemble_heads": 2}], ids=str)
def test_another_width_makes_a_new_program(change: dict[str, Any]) -> None:
    engine, data = FusedEngine(use_xla=False), arrays(Task.REGRESSION)
    train(engine, build(data, **BOTH), data)
    assert train(engine, build(data, **BOTH | change), data)[0].program is Program.COMPILED


def test_half_precision_gives_nearly_what_single_gives() -> None:
    import keras

    data = arrays(Task.REGRESSION)
    values = BOTH | {"dropout": 0.0}
    whole = train("graph", build(data, **values), data)[1]
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(data, **values)
        half = train("graph", model, data)[1]
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("hidden_1").compute_dtype == "bfloat16"
    assert model.get_layer("encoding").compute_dtype == model.predict(data[0], verbose=0).dtype == "float32"
    np.testing.assert_allclose(half["val_loss"], whole["val_loss"], rtol=0.05)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    "values", [BINS | {"embedding_width": 0, "ensemble_heads": 3}, WAVES], ids=["bins and heads", "waves"]
)
def test_scipy_has_exact_derivatives_of_them(values: dict[str, Any]) -> None:
    data = arrays(Task.REGRESSION)
    model = build(data, **values, l2=0.1)
    copy = twin(model, 70)
    assert type(copy) is type(model)
    objective = Objective(copy, data)
    rng = np.random.default_rng(2)
    weights = objective.weights() + rng.normal(scale=0.1, size=objective.weights().shape)
    direction = rng.normal(size=weights.shape)
    _, gradient = objective.loss_and_gradient(weights)
    beyond, before = (objective.loss_and_gradient(weights + step * direction) for step in (1e-5, -1e-5))
    assert (beyond[0] - before[0]) / 2e-5 == pytest.approx(gradient @ direction, rel=1e-5)
    product = objective.product(weights, direction)
    np.testing.assert_allclose(product, (beyond[1] - before[1]) / 2e-5, rtol=1e-3, atol=1e-4 * abs(product).max())
