"""From a spec to a plan: defaults, and whatever has no meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunecli.errors import SpecError
from tunecli.plan import Plan, resolve
from tunecli.spec.load import load
from tunecli.spec.tuners import BayesianTuner, HyperbandTuner
from tunecli.study.objective import Goal

HEAD = "dataset: advertising\nmodel: mlp\n"
SPACE = "search_space: {learning_rate: {min: 0.001, max: 0.1, log: true}}\n"


def plan_of(text: str, *overrides: str, name: str = "a.yaml") -> Plan:
    path = Path(name)
    path.write_text(text)
    return resolve(load(path, overrides))


def problems(text: str, *overrides: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        plan_of(text, *overrides)
    return [str(problem) for problem in caught.value.problems]


def test_what_a_short_spec_comes_to() -> None:
    plan = plan_of(HEAD)
    assert (plan.name, plan.seed, plan.family, plan.task) == ("a", 0, "mlp", "regression")
    assert (plan.dataset.name, plan.dataset.validation, plan.dataset.test) == ("advertising", 0.2, 0.2)
    assert (plan.objective.metric, plan.objective.goal) == ("val_rmse", Goal.MINIMIZE)
    assert (plan.training.epochs, plan.training.early_stopping) == (10, None)
    assert plan.trial_count == 1


def test_what_a_short_spec_for_scipy_comes_to() -> None:
    training = plan_of(f"{HEAD}training: {{engine: scipy}}\n").training
    assert (training.engine, training.method, training.epochs) == ("scipy", "L-BFGS-B", 500)
    training = plan_of(f"{HEAD}training: {{engine: scipy, method: TNC, max_iterations: 7}}\n").training
    assert (training.method, training.epochs) == ("TNC", 7)
    assert plan_of(HEAD).training.method is None


def test_scipy_trains_what_has_dropout_and_normalisation_off() -> None:
    text = "dataset: advertising\nmodel: {family: mlp, dropout: 0, batch_normalization: false}\n"
    assert plan_of(f"{text}training: {{engine: scipy}}\n").fixed == {"dropout": 0.0, "batch_normalization": False}


def test_names_are_canonical() -> None:
    plan = plan_of("dataset: Advertising\nmodel: MLP\ntuner: RandomSearch\n")
    assert (plan.dataset.name, plan.family, plan.tuner.name) == ("advertising", "mlp", "random")


@pytest.mark.parametrize(
    ("file", "name"), [("my study.yaml", "my-study"), ("_x.yaml", "x"), ("….yaml", "study"), ("a.b.yaml", "a.b")]
)
def test_the_name_is_that_of_the_file(file: str, name: str) -> None:
    assert plan_of(HEAD, name=file).name == name


def test_paths_are_relative_to_the_file() -> None:
    Path("specs").mkdir()
    Path("specs/data.csv").write_text("a,b\n1,2\n2,4\n3,5\n4,9\n5,2\n")
    plan = plan_of("dataset: {name: csv, path: data.csv, target: b}\nmodel: linear\n", name="specs/a.yaml")
    assert plan.dataset.options.path == str(Path("specs/data.csv").resolve())


def test_early_stopping_watches_the_objective() -> None:
    stopping = plan_of(f"{HEAD}objective: val_mae\ntraining: {{early_stopping: {{}}}}\n").training.early_stopping
    assert stopping is not None
    assert (stopping.monitor, stopping.patience, stopping.restore_best_weights) == ("val_mae", 5, True)


def test_a_training_objective_needs_no_validation_part() -> None:
    plan = plan_of("dataset: {name: advertising, validation: 0, test: 0}\nmodel: mlp\nobjective: rmse\n")
    assert (plan.dataset.validation, plan.dataset.test, plan.objective.metric) == (0, 0, "rmse")


def test_hyperband_trains_as_long_as_the_training_says() -> None:
    tuner = plan_of(f"{HEAD}{SPACE}tuner: hyperband\ntraining: {{epochs: 9}}\n").tuner
    assert isinstance(tuner, HyperbandTuner)
    assert tuner.max_epochs == 9


def test_bayesian_begins_with_a_third_of_its_trials_at_most() -> None:
    plan = plan_of(f"{HEAD}{SPACE}tuner: {{name: bayesian, max_trials: 30}}\n")
    assert isinstance(plan.tuner, BayesianTuner)
    assert plan.tuner.num_initial_points == 3
    assert plan.derived == ("num_initial_points",)


def test_an_option_that_is_given_is_not_derived() -> None:
    assert plan_of(f"{HEAD}{SPACE}tuner: {{name: bayesian, num_initial_points: 4}}\n").derived == ()


def test_overrides_are_bound() -> None:
    plan = plan_of(f"{HEAD}tuner: random\n", "tuner.max_trials=3", "search_space.units=[8, 16]", "model.dropout=0")
    assert (plan.trial_count, len(plan.space)) == (2, 1)
    assert repr(plan.fixed) == "{'dropout': 0.0}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "dataset: advertisng\nmodel: mlp\n",
            "a.yaml:1:10: dataset: unknown dataset 'advertisng'\nhint: did you mean 'advertising'?",
        ),
        (
            "dataset: advertising\nmodel: {family: mpl}\n",
            "a.yaml:2:17: model.family: unknown family 'mpl'\nhint: did you mean 'mlp'?",
        ),
        ("dataset: advertising\nmodel: cnn\n", "a.yaml:2:8: model: "),
        ("dataset: {name: advertising, path: x.csv}\nmodel: mlp\n", "a.yaml:1:36: dataset.path: "),
        (
            "dataset: {name: fashion_mnist, test: 0.1}\nmodel: mlp\n",
            "a.yaml:1:32: dataset.test: fashion_mnist has a test part of its own\nhint: drop test",
        ),
        (
            "dataset: {name: advertising, validation: 0.9}\nmodel: mlp\n",
            "a.yaml:1:42: dataset.validation: 0.9 leaves no rows to train on beside test, which is 0.2 by default\n"
            "hint: lower it, or write test: 0",
        ),
        (
            f"{HEAD}objective: val_rsme\n",
            "a.yaml:3:12: objective: unknown metric 'val_rsme'\nhint: did you mean 'val_rmse'?",
        ),
        (
            f"{HEAD}objective: {{metric: val_accuracy}}\n",
            "a.yaml:3:21: objective.metric: a regression task does not produce val_accuracy\n"
            "hint: it has loss, mse, rmse, mae, r2, val_loss, val_mse, val_rmse, val_mae, val_r2",
        ),
        (
            "dataset: {name: advertising, validation: 0}\nmodel: mlp\nobjective: val_mae\n",
            "a.yaml:3:12: objective: val_mae needs a validation part\n"
            "hint: raise dataset.validation, or write objective: mae",
        ),
        (
            "dataset: {name: advertising, validation: 0}\nmodel: mlp\n",
            "a.yaml:1:1: objective: val_rmse needs a validation part\n"
            "hint: raise dataset.validation, or write objective: rmse",
        ),
        (
            f"{HEAD}objective: {{metric: val_r2, direction: min}}\n",
            "a.yaml:3:40: objective.direction: val_r2 is better when higher\nhint: write maximize, or drop goal",
        ),
        *[
            (
                f"{HEAD}objective: val_loss\nsearch_space: {{{space}}}\n",
                f"a.yaml:3:12: objective: val_loss cannot decide while {name} is searched\n"
                f"hint: its scale differs between trials: choose another metric, or fix {name}",
            )
            for name, space in (
                ("loss", "loss: [mse, mae]"),
                ("l2", "l2: [0, 0.1]"),
                ("huber_delta", "loss: huber, huber_delta: [1, 2]"),
            )
        ],
        (
            f"{HEAD}training: {{early_stopping: {{monitor: val_rsme}}}}\n",
            "a.yaml:3:38: training.early_stopping.monitor: there is no metric 'val_rsme'\n"
            "hint: did you mean 'val_rmse'?",
        ),
        (
            f"{HEAD}tuner: bayesian\n",
            "a.yaml:3:8: tuner: bayesian has nothing to search\nhint: give a range or a list to a parameter",
        ),
        (
            f"{HEAD}tuner: hyperband\nsearch_space: {{units: [8, 16]}}\n",
            "a.yaml:3:8: tuner: hyperband starts 22 different configurations; this space has 2\n"
            "hint: write tuner: grid, widen the space, or lower max_epochs or iterations",
        ),
        (
            f"{HEAD}search_space: {{unit: [8, 16]}}\n",
            "a.yaml:3:16: search_space.unit: 'unit' is read by nothing in mlp\nhint: did you mean 'units'?",
        ),
        (
            "dataset: fashion_mnist\nmodel: mlp\nsearch_space: {numeric_embedding: [none, periodic]}\n",
            "a.yaml:3:35: search_space.numeric_embedding: numeric_embedding is for the columns of a table, and "
            "fashion_mnist has images\nhint: drop numeric_embedding",
        ),
        (
            "dataset: advertising\nmodel: {family: mlp, numeric_embedding: periodic, embedding_bins: 5}\n",
            "a.yaml:2:51: model.embedding_bins: embedding_bins is not read when numeric_embedding is periodic\n"
            "hint: it is read when numeric_embedding is piecewise_linear",
        ),
        (
            "dataset: fashion_mnist\nmodel: cnn\ntraining: {engine: scipy}\n",
            "a.yaml:3:20: training.engine: scipy trains linear and mlp alone, not cnn\n"
            "hint: write engine: auto, or choose another family",
        ),
        (
            f"{HEAD}search_space: {{l2: {{min: 0, max: 1}}}}\ntuner: hyperband\ntraining: {{engine: scipy}}\n",
            "a.yaml:4:8: tuner: hyperband goes on from where a trial has ended, which engine: scipy cannot\n"
            "hint: write tuner: random, bayesian or grid",
        ),
        *[
            (
                f"{HEAD}training: {{engine: scipy}}\nsearch_space: {{{name}: {space}}}\n",
                f"a.yaml:4:{18 + len(name)}: search_space.{name}: engine: scipy needs a loss that is the same at every "
                f"look, without {name}\nhint: drop {name}, or write engine: auto",
            )
            for name, space in (
                ("dropout", "0.1"),
                ("dropout", "[0, 0.1]"),
                ("dropout", "{min: 0, max: 0.5}"),
                ("batch_normalization", "true"),
                ("batch_normalization", "{type: bool}"),
            )
        ],
        (
            "dataset: advertising\nmodel: {family: mlp, dropout: 0.5}\ntraining: {engine: scipy}\n",
            "a.yaml:2:31: model.dropout: engine: scipy needs a loss that is the same at every look, without dropout\n"
            "hint: drop dropout, or write engine: auto",
        ),
        *[
            (
                f"{HEAD}training: {{engine: scipy}}\nsearch_space: {{{name}: {space}}}\n",
                f"a.yaml:4:16: search_space.{name}: '{name}' is not read by engine: scipy, which takes no steps\n"
                "hint: drop it, or write engine: auto",
            )
            for name, space in (
                ("optimizer", "[adam, sgd]"),
                ("learning_rate", "{min: 0.001, max: 0.1, log: true}"),
                ("momentum", "0.9"),
                ("batch_size", "full"),
            )
        ],
        (
            "dataset: advertising\nmodel: {family: mlp, optimizer: sgd}\ntraining: {engine: scipy}\n",
            "a.yaml:2:22: model.optimizer: 'optimizer' is not read by engine: scipy, which takes no steps\n"
            "hint: drop it, or write engine: auto",
        ),
    ],
)
def test_what_has_no_meaning(text: str, problem: str) -> None:
    (found,) = problems(text)
    assert found.startswith(problem)
    if "\n" in problem:
        assert found == problem


def test_a_problem_of_an_override_points_at_it() -> None:
    assert problems(HEAD, "search_space.units=[0, 1]") == [
        "--set search_space.units=[0, 1]: search_space.units[0]: 0 is below 1\n"
        "hint: units: units of every hidden layer, or layer by layer"
    ]


def test_all_problems_are_reported_at_once() -> None:
    text = f"{HEAD}objective: val_accuracy\nsearch_space: {{unit: 3, dropout: 2}}\n"
    assert len(problems(text)) == 3


def test_layers_set_the_number_of_layers() -> None:
    plan = plan_of("dataset: advertising\nmodel: {family: mlp, units: {layers: [30, 20, 10]}}\n")
    assert plan.complete({})["hidden_layers"] == 3


@pytest.mark.parametrize(("optimizer", "is_read"), [("sgd", True), ("adam", False)])
def test_a_fixed_value_that_is_not_read_is_no_value_of_a_trial(optimizer: str, is_read: bool) -> None:
    plan = plan_of(f"{HEAD}search_space: {{optimizer: [adam, sgd], momentum: 0.5}}\n")
    assert ("momentum" in plan.complete({"optimizer": optimizer})) is is_read


def test_every_example_resolves(configs: Path) -> None:
    for path in sorted(configs.rglob("*.yaml")):
        assert resolve(load(path)).trial_count > 0
