"""Ejected scripts against tunecli itself: the same arrays, the same models, the same trials."""

from __future__ import annotations

import ast
import gc
import importlib.util
import io
import json
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from tunecli.datasets.california_housing import DATASET as CALIFORNIA
from tunecli.errors import StudyError, UsageError
from tunecli.oracles import make_oracle
from tunecli.plan import Plan, resolve
from tunecli.spec.load import load
from tunecli.spec.space import Values
from tunecli.study.trial import Suggestion
from tunecli.tools.eject import eject
from tunecli.training.data import search_parts
from tunecli.training.run_trial import build_model

CONFIGS = Path(__file__).parent.parent.parent / "configs"
WITHOUT_STEPS = ["infrared", "smoke/scipy"]
TWO_INPUTS = ["california_wide_deep", "smoke/wide_deep"]
REFUSED = {
    *WITHOUT_STEPS,
    *TWO_INPUTS,
    "advertising_tv",
    "california_cv",
    "custom_build_model",
    "custom_hypermodel",
    "fashion_mnist",
    "fashion_mnist_cnn",
    "labels",
    "line",
    "python_data",
    "several_targets",
    "smoke/custom",
    "california_embeddings",
    "california_surroundings",
    "smoke/embeddings",
    "smoke/folds",
    "smoke/surroundings",
}
FOUND = sorted(path.relative_to(CONFIGS).with_suffix("").as_posix() for path in CONFIGS.rglob("*.yaml"))
NAMES = [name for name in FOUND if name not in REFUSED]
REAL = ("california", "fashion_mnist", "smoke/random_cnn")
SHIPPED = [name for name in NAMES if not name.startswith(REAL)]

OPTIMIZERS = {
    "optimizer": ["sgd", "adam", "adamw", "rmsprop", "nadam", "adagrad"],
    "momentum": {"min": 0, "max": 0.9},
    "nesterov": [False, True],
    "beta_1": [0.8, 0.9],
    "beta_2": {"min": 0.9, "max": 0.99},
    "rho": [0.8, 0.95],
    "epsilon": {"min": 1e-8, "max": 1e-6, "log": True},
    "weight_decay": [0.0, 0.1],
    "initial_accumulator_value": [0.2],
    "amsgrad": [True],
    "centered": [False, True],
}
RICH = {
    "hidden_layers": {"min": 0, "max": 2},
    "units": {"min": 2, "max": 8, "log": True, "default": 4},
    "activation": ["relu", "selu", "tanh"],
    "kernel_initializer": ["auto", "he_normal", "orthogonal"],
    "dropout": {"min": 0, "max": 0.3, "step": 0.1},
    "batch_normalization": [False, True],
    "l2": {"min": 0, "max": 0.1},
    "learning_rate": {"min": 1e-4, "max": 1e-2, "log": True},
    "batch_size": [16, 32],
    "optimizer": ["adam", "sgd"],
    "momentum": {"min": 0, "max": 0.9, "when": {"optimizer": "sgd"}},
    "loss": ["mse", "mae", "huber"],
    "huber_delta": {"min": 0.5, "max": 2, "step": 0.5},
}
SPACES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "rich": RICH,
    "optimizers": OPTIMIZERS,
    "learning rates of their own": {"optimizer": ["adam", "sgd"]},
    "lists": {"units": {"layers": [[4], [4, 3]]}, "output_activation": ["auto", "softplus"]},
    "a condition that others read through": {
        "activation": ["relu", "selu"],
        "dropout": {"min": 0.1, "max": 0.5, "when": {"activation": "selu"}},
        "units": {"layers": [[4], [4, 3]], "when": {"activation": ["relu"]}},
        "optimizer": {"values": ["sgd", "rmsprop"], "when": {"activation": "relu"}},
        "learning_rate": {"min": 0.1, "max": 0.2, "when": {"activation": "relu"}},
    },
    "one initializer": {"kernel_initializer": "lecun_uniform", "activation": ["relu", "selu"]},
    "an initializer or none": {"kernel_initializer": ["auto", "he_normal"]},
    "two conditions": {
        "activation": ["relu", "tanh"],
        "optimizer": ["adam", "sgd"],
        "momentum": {"min": 0.1, "max": 0.9, "when": {"activation": "relu"}},
        "l2": {"min": 0.1, "max": 0.2, "when": {"optimizer": "sgd", "activation": ["relu"]}},
    },
    "conditions on the batch": {
        "batch_size": [16, "full"],
        "optimizer": ["adam", "sgd"],
        "dropout": {"min": 0.1, "max": 0.2, "when": {"optimizer": "sgd", "batch_size": 16}},
        "l2": {"min": 0.1, "max": 0.2, "when": {"batch_size": ["full"]}},
    },
    "a value for each layer": {
        "hidden_layers": {"min": 1, "max": 3},
        "units": {"min": 2, "max": 8, "log": True, "per": "hidden_layers"},
        "activation": ["relu", "selu"],
        "dropout": {"min": 0.1, "max": 0.2, "when": {"activation": "selu"}},
    },
    "a choice for each of as many layers": {
        "hidden_layers": 2,
        "units": {"values": [4, 8], "default": 8, "per": "hidden_layers"},
    },
    "many steps": {"dropout": {"min": 0.0, "max": 0.9, "step": 0.05}, "l2": {"min": 0, "max": 0.5, "step": 0.25}},
}

TABLE = "size;kind; note ;gone;same;group;y\n" + "".join(
    f"{i % 7}.5;{'abc?'[i % 4]}; {'' if i % 11 == 5 else i / 4};NA;1;{'pqr'[i % 3]};{i % 3}\n".replace(".", ",")
    for i in range(60)
)
"""Texts with gaps, numbers with gaps and decimal commas, a column without a value, one of a single value, classes."""


def resolved(name: str) -> Plan:
    return resolve(load(CONFIGS / f"{name}.yaml"))


def script_of(plan: Plan) -> str:
    return eject(plan, spec="spec.yaml", script="script.py")


def imported(plan: Plan) -> ModuleType:
    """The script of a plan, as a module."""
    path = Path("script.py").resolve()
    path.write_text(script_of(plan))
    spec = importlib.util.spec_from_file_location("script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arrays(module: ModuleType) -> list[tuple[Any, Any]]:
    """The training part, and the validation part if there is one."""
    found = module.arrays(module.DATA) if hasattr(module, "DATA") else module.arrays()
    return list(found) if isinstance(found[0], tuple) else [found]


def check_arrays(plan: Plan) -> None:
    parts = [part for part in search_parts(plan.dataset).parts if len(part[0])]
    for ours, theirs in zip(parts, arrays(imported(plan)), strict=True):
        for mine, other in zip(ours, theirs, strict=True):
            assert mine.dtype == other.dtype
            assert mine.shape == other.shape
            np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-6)


def draw(plan: Plan, rng: random.Random) -> Values:
    """Random values of the active parameters."""
    values: Values = {}
    for parameter in plan.space:
        if parameter.is_active(values):
            values[parameter.name] = rng.choice(list(parameter.grid_values()))
    return values


def in_keras_tuner(plan: Plan, values: Values) -> dict[str, Any]:
    """Values as a script gives them to KerasTuner: what that cannot hold is named by texts."""

    def spelled(name: str, value: Any) -> Any:
        kinds = {type(each) for each in next(each for each in plan.space if each.name == name).values}
        text = "-".join(map(str, value)) if isinstance(value, list) else str(value)
        return text if list in kinds or len(kinds) > 1 else value

    return {name: spelled(name, value) for name, value in values.items()}


def shown(model: Any) -> dict[str, Any]:
    """Everything about how a model is built and compiled."""
    import keras

    return {
        "layers": model.get_config(),
        "optimizer": {**model.optimizer.get_config(), "name": type(model.optimizer).__name__},
        "loss": keras.losses.serialize(keras.losses.get(model.loss)),
        "metrics": [(type(each).__name__, each.name) for each in model._compile_metrics._user_metrics],
    }


def check_models(plan: Plan, draws: int) -> None:
    import keras
    import keras_tuner

    module, signature = imported(plan), search_parts(plan.dataset).signature
    rng = random.Random(0)
    for _ in range(draws):
        values = draw(plan, rng)
        hp = keras_tuner.HyperParameters()
        hp.values = in_keras_tuner(plan, values)
        ours = build_model(plan, plan.complete(values), signature, 5)
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        theirs = module.build_model(hp, signature.shape)
        assert shown(ours) == shown(theirs), values
        for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, other)


@pytest.fixture(scope="module", autouse=True)
def quick_collections() -> Iterator[None]:
    """Clearing Keras' session collects garbage, a quarter of a second for the objects of all imports each time."""
    import keras_tuner  # noqa: F401

    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def csv_plan(tmp_path: Path, make_plan: Callable[..., Plan]) -> Callable[..., Plan]:
    """A plan for a table of texts, gaps and decimal commas."""
    (tmp_path / "table.csv").write_text(TABLE)

    def make(**options: Any) -> Plan:
        dataset = {"name": "csv", "path": "table.csv", "target": "y", **options}
        return make_plan(dataset=dataset, objective="loss" if "validation" in options else "val_loss")

    return make


def test_scripts_are_clean_python_without_tunecli(tmp_path: Path, make_plan: Callable[..., Plan]) -> None:
    plans = [resolved(name) for name in NAMES]
    plans += [make_plan(model="mlp", search_space=space) for space in SPACES.values()]
    folder = tmp_path / "scripts"
    folder.mkdir()
    for number, plan in enumerate(plans):
        path = folder / f"{number}.py"
        path.write_text(script_of(plan))
        found = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        modules = {getattr(node, "module", None) or node.names[0].name for node in found}
        assert {"keras", "keras_tuner"} <= modules
        assert "tunecli" not in {module.partition(".")[0] for module in modules}
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--isolated", "--no-cache", folder], check=True)
    subprocess.run([*ruff, "format", "--isolated", "--no-cache", "--line-length=120", "--check", folder], check=True)


@pytest.mark.parametrize("name", WITHOUT_STEPS)
def test_a_search_without_steps_cannot_be_a_script(name: str) -> None:
    with pytest.raises(UsageError, match="has no engine: scipy"):
        script_of(resolved(name))


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"normalization": ["standard", "none"]}, "normalization"),
        ({"target_scaling": "minmax"}, "target_scaling"),
        ({"schedule": "cosine"}, "schedule"),
        ({"epochs": {"min": 1, "max": 3}}, "epochs"),
        ({"numeric_embedding": ["none", "periodic"]}, "numeric_embedding"),
        ({"ensemble_heads": {"min": 1, "max": 4}}, "ensemble_heads"),
    ],
)
def test_what_a_script_does_not_set_is_refused(
    make_plan: Callable[..., Plan], parameters: dict[str, Any], name: str
) -> None:
    with pytest.raises(UsageError, match=f"does not set {name}") as caught:
        script_of(make_plan(model="mlp", search_space=parameters))
    assert caught.value.exit_code == 2
    assert script_of(make_plan(search_space={"normalization": "standard", "schedule": "constant"}))


def test_weights_to_begin_with_cannot_be_in_a_script(make_plan: Callable[..., Plan]) -> None:
    with pytest.raises(UsageError, match="begins with weights that are drawn") as caught:
        script_of(make_plan(model={"family": "linear", "initial_weights": {"TV": 1}}))
    assert "model.initial_weights" in str(caught.value)


@pytest.mark.parametrize("name", TWO_INPUTS)
def test_a_model_of_two_inputs_cannot_be_a_script(name: str) -> None:
    with pytest.raises(UsageError, match="has no family wide_deep"):
        script_of(resolved(name))


@pytest.mark.parametrize("name", SHIPPED)
def test_arrays_are_those_of_a_search(name: str) -> None:
    check_arrays(resolved(name))


@pytest.mark.parametrize("name", ["california", "smoke/random_cnn"])
def test_arrays_of_real_data_are_those_of_a_search(name: str, real_data: Path) -> None:
    check_arrays(resolved(name))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"task": "regression", "max_rows": 7},
        {"features": ["note"]},
        {"target": "size", "features": ["note", "kind"]},
        {"target": "group", "validation": 0},
    ],
    ids=str,
)
def test_arrays_of_a_table_are_those_of_a_search(options: dict[str, Any], csv_plan: Callable[..., Plan]) -> None:
    check_arrays(csv_plan(**options))


def test_a_packed_file_is_read_like_the_unpacked_one(make_plan: Callable[..., Plan], tmp_path: Path) -> None:
    lines = b"-122.2,37.8,41,880,129,322,126,8.3,452600\n-122.3,37.9,21,7099,1106,2401,1138,8.3,358500\n"
    (tmp_path / "plain").write_bytes(lines)
    with tarfile.open(tmp_path / "packed", "w:gz") as archive:
        member = tarfile.TarInfo(CALIFORNIA.file.member)
        member.size = len(lines)
        archive.addfile(member, io.BytesIO(lines))
    module = imported(make_plan(dataset="california_housing"))
    (plain, target), (packed, other) = (module.load(tmp_path / name) for name in ("plain", "packed"))
    np.testing.assert_array_equal(plain, packed)
    np.testing.assert_array_equal(target, other)
    np.testing.assert_array_equal(target, [4.526, 3.585])


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_models_are_those_of_a_search(space: dict[str, Any], make_plan: Callable[..., Plan]) -> None:
    check_models(make_plan(model="mlp", search_space=space), draws=8)


@pytest.mark.parametrize("target", ["y", "group"])
def test_models_for_classes_are_those_of_a_search(target: str, csv_plan: Callable[..., Plan]) -> None:
    check_models(csv_plan(target=target), draws=1)


def test_models_for_two_classes_are_those_of_a_search(make_plan: Callable[..., Plan], tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text("a,b\n" + "".join(f"{i},{'ny'[i % 2]}\n" for i in range(20)))
    plan = make_plan(dataset={"name": "csv", "path": "two.csv", "target": "b"})
    check_arrays(plan)
    check_models(plan, draws=1)


def test_models_for_images_are_those_of_a_search(real_data: Path) -> None:
    check_models(resolved("smoke/random_cnn"), draws=2)


def test_models_of_mixed_precision_are_those_of_a_search(make_plan: Callable[..., Plan]) -> None:
    import keras

    try:
        check_models(make_plan(model="mlp", training={"precision": "mixed_bfloat16"}), draws=1)
    finally:
        keras.config.set_dtype_policy("float32")


def test_r2_is_summed_in_double_precision_where_it_decides(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(objective="val_r2")
    check_models(plan, draws=1)
    assert imported(plan).r2_score().dtype == "float64"
    assert "r2_score" not in script_of(make_plan())


@pytest.mark.parametrize("name", ["rich", "a value for each layer"])
def test_random_search_tries_the_trials_of_a_search(name: str, make_plan: Callable[..., Plan], tmp_path: Path) -> None:
    import keras_tuner

    space = {each: SPACES[name][each] for each in SPACES[name] if each != "huber_delta"}
    plan = make_plan(model="mlp", search_space=space, tuner={"name": "random", "max_trials": 12})
    module = imported(plan)
    tuner = keras_tuner.RandomSearch(
        module.TunedModel((3,)),
        objective=keras_tuner.Objective("val_rmse", "min"),
        max_trials=12,
        seed=module.SEED,
        directory=tmp_path,
    )
    oracle = make_oracle(plan)
    for slot in range(12):
        suggestion = oracle.ask(slot, limit=12)
        assert isinstance(suggestion, Suggestion)
        values = tuner.oracle.create_trial(f"slot-{slot}").hyperparameters.values
        assert values == pytest.approx(in_keras_tuner(plan, suggestion.values))


def test_conditions_on_the_values_of_layers_cannot_be_a_script(make_plan: Callable[..., Plan]) -> None:
    units = {"min": 2, "max": 8, "per": "hidden_layers", "when": {"optimizer": "sgd"}}
    plan = make_plan(model="mlp", search_space={"optimizer": ["adam", "sgd"], "units": units})
    with pytest.raises(UsageError, match="has no condition on the values of single layers"):
        script_of(plan)


def test_the_batch_is_that_of_the_trial(make_plan: Callable[..., Plan]) -> None:
    def batch(space: Any, values: dict[str, Any]) -> int:
        module = imported(make_plan(search_space={"optimizer": ["adam", "sgd"], "batch_size": space}))
        hp = SimpleNamespace(get=values.__getitem__, values=values)
        model = SimpleNamespace(fit=lambda x, y, *, batch_size, **options: batch_size)
        return int(module.TunedModel((3,)).fit(hp, model, [0] * 9, [0] * 9, epochs=1))

    assert batch([4, 8], {"batch_size": 8}) == 8
    assert batch([4, "full"], {"batch_size": "4"}) == 4
    assert batch([4, "full"], {"batch_size": "full"}) == 9
    assert batch({"values": [4, 8], "when": {"optimizer": "sgd"}}, {}) == 32
    assert "batch_size=len(train[0])" in script_of(make_plan(training={"batch_size": "full"}))


def test_what_the_spec_says_reaches_the_tuner(make_plan: Callable[..., Plan]) -> None:
    tuner = {"name": "bayesian", "max_trials": 7, "alpha": 0.01, "beta": 1.5, "num_initial_points": 3}
    training = {"epochs": 4, "shuffle": False, "early_stopping": {"patience": 2, "min_delta": 0.1}}
    limits = {"threads": 1, "max_time": "1h"}
    plan = make_plan(tuner=tuner, training=training, limits=limits, search_space={"l2": [0.0, 0.1]}, objective="val_r2")
    text = script_of(plan)
    for written in (
        "keras_tuner.BayesianOptimization(",
        'objective=keras_tuner.Objective("val_r2", "max")',
        "max_trials=7",
        "num_initial_points=3",
        "alpha=0.01",
        "beta=1.5",
        "EPOCHS = 4",
        "shuffle=False",
        'monitor="val_r2"',
        'mode="max"',
        "patience=2",
        "min_delta=0.1",
        "restore_best_weights=True",
        "tf.config.threading.set_intra_op_parallelism_threads(1)",
        "does not keep limits.max_time",
        "scikit-learn scipy",
    ):
        assert written in text, written
    tuner = {"name": "hyperband", "max_epochs": 9, "iterations": 2}
    hyperband = script_of(make_plan(tuner=tuner, search_space=RICH, model="mlp"))
    assert all(each in hyperband for each in ("max_epochs=9", "factor=3", "hyperband_iterations=2"))
    assert "EPOCHS" not in hyperband


def test_a_model_that_no_values_can_build_is_refused(csv_plan: Callable[..., Plan]) -> None:
    plan = csv_plan()
    with pytest.raises(StudyError, match="cannot end in relu"):
        script_of(plan.model_copy(update={"fixed": {"output_activation": "relu"}}))


def test_a_script_runs_on_its_own(tmp_path: Path) -> None:
    plan = resolved("smoke/random_linear")
    path = tmp_path / "random_linear.py"
    path.write_text(script_of(plan))
    program = "import runpy, sys; sys.modules['tunecli'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program, path], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    header, *rows = ran.stdout.partition("rank  ")[2].strip().splitlines()
    assert header == "trial  val_rmse  values"
    assert len(rows) == 2
    files = sorted(tmp_path.glob("random_linear_trials/random_linear/trial_*/trial.json"))
    tried = [json.loads(file.read_text())["hyperparameters"]["values"] for file in files]
    oracle = make_oracle(plan)
    for slot, values in enumerate(tried):
        suggestion = oracle.ask(slot, limit=2)
        assert isinstance(suggestion, Suggestion)
        assert values == pytest.approx(suggestion.values)
