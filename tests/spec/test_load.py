"""Reading a spec: what is accepted, and the whole message for what is not."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunecli.errors import SpecError
from tunecli.spec.experiment import ExperimentSpec
from tunecli.spec.load import load

HEAD = "dataset: advertising\nmodel: mlp\n"


def read(text: str, *overrides: str) -> ExperimentSpec:
    path = Path("a.yaml")
    path.write_text(text)
    return load(path, overrides).spec


def problems(text: str, *overrides: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(text, *overrides)
    assert caught.value.exit_code == 2
    return [str(problem) for problem in caught.value.problems]


def parameter(text: str) -> str:
    """A spec whose fourth line declares a parameter."""
    return f"{HEAD}search_space:\n  x: {text}\n"


def test_the_whole_form() -> None:
    spec = read(
        """
name: all
seed: 7
dataset: {name: csv, path: a.csv, target: y, task: binary, features: [a, b], validation: 0.1, test: 0, max_rows: 9}
model: {family: mlp, activation: relu, units: {layers: [[300, 100], [50]]}}
objective: {metric: val_accuracy, direction: max}
search_space:
  learning_rate: {min: 1e-4, max: 1e-2, log: true, default: 1e-3}
  optimizer: [adam, sgd]
  momentum: {low: 0, high: 1, when: {optimizer: sgd}}
tuner: {name: BayesianOptimization, max_trials: 9, alpha: 1e-4, beta: 1, num_initial_points: 4}
training: {epochs: 3, batch_size: full, shuffle: false, early_stopping: {patience: 2}}
limits: {workers: 1, threads: 2, max_time: 1h30m, trial_time: 90, retries: 0, max_failures: 3}
baselines: false
"""
    )
    assert spec.objective is not None
    assert spec.objective.goal == "maximize"
    assert spec.tuner.name == "bayesian"
    assert spec.limits.max_time == 5400
    assert spec.limits.trial_time == 90
    assert spec.baselines is False
    assert list(spec.parameters) == ["activation", "units", "learning_rate", "optimizer", "momentum"]
    assert spec.parameters["momentum"].min == 0


def test_a_spec_knows_its_text_and_path() -> None:
    Path("a.yaml").write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    file = load(Path("a.yaml"))
    assert (file.path, file.text) == (Path("a.yaml"), HEAD)


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800), ("30", 30)]
)
def test_durations(written: str, seconds: float) -> None:
    assert read(f"{HEAD}limits: {{max_time: {written}}}").limits.max_time == seconds


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{low: 1, high: 2}", {"min": 1, "max": 2}),
        ("{lower: 1, upper: 2}", {"min": 1, "max": 2}),
        ("{min_value: 1, max_value: 2, sampling: log}", {"min": 1, "max": 2, "log": True}),
        ("{min_value: 1, max_value: 2, sampling: linear}", {"min": 1, "max": 2, "log": False}),
        ("{distribution: log_uniform_values, min: 1, max: 2}", {"min": 1, "max": 2, "log": True}),
        ("{distribution: int_uniform, min: 1, max: 2}", {"min": 1, "max": 2, "type": "int"}),
        ("{distribution: categorical, values: [a, b]}", {"values": ["a", "b"]}),
        ("{choices: [a, b]}", {"values": ["a", "b"]}),
        ("[a, b]", {"values": ["a", "b"]}),
        ("[[300, 100], [50]]", {"layers": [[300, 100], [50]]}),
        ("relu", {"value": "relu"}),
        ("null", {"value": None}),
        ("{type: bool}", {"type": "bool"}),
    ],
)
def test_spellings_of_a_parameter(written: str, meant: dict[str, Any]) -> None:
    found = read(parameter(written)).search_space["x"]
    assert {name: getattr(found, name) for name in found.model_fields_set} == meant


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("RandomSearch", "random"),
        ("random_search", "random"),
        ("Hyperband", "hyperband"),
        ("BAYESIAN", "bayesian"),
        ("bayesian-optimization", "bayesian"),
        ("grid search", "grid"),
    ],
)
def test_spellings_of_a_tuner(written: str, name: str) -> None:
    assert read(f"{HEAD}tuner: {written}").tuner.name == name


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a.yaml: is empty\nhint: see `configs/` for examples, and `tunecli schema`"),
        ("# only a comment\n", "a.yaml: is empty\nhint: see `configs/` for examples, and `tunecli schema`"),
        ("- a\n", "a.yaml:1:1: holds no block of keys\nhint: see `configs/` for examples, and `tunecli schema`"),
        ("a: [1\n", "a.yaml:2:1: the [ … ] begun in line 1, column 4 is not closed, or lacks a comma"),
        (
            f"{HEAD}model: cnn\n",
            "a.yaml:3:1: the key 'model' stands here twice\nhint: the first is in line 2, column 1: drop one of them",
        ),
        (
            "dataset: advertising\n",
            "a.yaml:1:1: the key 'model' is missing\n"
            "hint: write model: …, the model family: its name, or a block with fixed hyperparameters",
        ),
        (
            "dataset:\n  test: 0.1\nmodel: mlp\n",
            "a.yaml:1:1: dataset: the key 'name' is missing\nhint: write name: …, advertising, california_housing, "
            "fashion_mnist, csv, npz, image_folder or python; see `tunecli datasets`",
        ),
        (f"{HEAD}sead: 1\n", "a.yaml:3:1: sead: unknown key 'sead'\nhint: did you mean 'seed'?"),
        (f"{HEAD}epochs: 1\n", "a.yaml:3:1: epochs: unknown key 'epochs'\nhint: epochs stands below training:"),
        (
            f"{HEAD}training:\n  early_stopping: {{patiense: 3}}\n",
            "a.yaml:4:20: training.early_stopping.patiense: unknown key 'patiense'\nhint: did you mean 'patience'?",
        ),
        (
            f"{HEAD}tuner: {{name: random, max_trails: 3}}\n",
            "a.yaml:3:23: tuner.max_trails: unknown key 'max_trails'\nhint: did you mean 'max_trials'?",
        ),
        (f"{HEAD}tuner: randm\n", "a.yaml:3:8: tuner: unknown tuner 'randm'\nhint: did you mean 'random'?"),
        (
            f"{HEAD}tuner: {{name: tpe}}\n",
            "a.yaml:3:8: tuner: unknown tuner 'tpe'\nhint: known: random, hyperband, bayesian, grid",
        ),
        (
            f"{HEAD}tuner: {{max_trials: 3}}\n",
            "a.yaml:3:8: tuner: the key 'name' is missing\nhint: write name: …, random, hyperband, bayesian, grid",
        ),
        (
            f"{HEAD}tuner:\n  name: hyperband\n  max_trials: 3\n",
            "a.yaml:5:3: tuner.max_trials: unknown key 'max_trials'\n"
            "hint: more trials come from more iterations: write iterations: 2",
        ),
        (f"{HEAD}seed: abc\n", "a.yaml:3:7: seed: 'abc' is not a whole number"),
        (f"{HEAD}seed: '3'\n", "a.yaml:3:7: seed: '3' is not a whole number\nhint: drop the quotes"),
        (f"{HEAD}seed: 1e3\n", "a.yaml:3:7: seed: 1000.0 is not a whole number\nhint: write 1000"),
        (
            f"{HEAD}seed: -1\n",
            "a.yaml:3:7: seed: -1 is below 0\nhint: decides every random draw; 0 is a seed like any other",
        ),
        (f"{HEAD}seed: .inf\n", "a.yaml:3:7: '.inf' is not a finite number"),
        (
            f"{HEAD}name: a b\n",
            "a.yaml:3:7: name: 'a b' cannot name a folder\n"
            "hint: begin with a letter; use letters, digits, '.', '_', '-'",
        ),
        (f"{HEAD}name: 12\n", "a.yaml:3:7: name: 12 is not a text\nhint: put it in quotes"),
        (f"{HEAD}training:\n", "a.yaml:3:10: training: is empty\nhint: write its keys below, or drop it"),
        (f"{HEAD}training: 3\n", "a.yaml:3:11: training: 3 is not a block of keys"),
        (
            f"{HEAD}training: {{shuffle: yes}}\n",
            "a.yaml:3:21: training.shuffle: 'yes' is not true or false\nhint: write true",
        ),
        (
            f"{HEAD}training: {{batch_size: all}}\n",
            "a.yaml:3:24: training.batch_size: 'all' is not a number of rows\n"
            "hint: write a whole number above 0, or full",
        ),
        *[
            (
                f"{HEAD}training: {{engine: scipy, {name}: {value}}}\n",
                f"a.yaml:3:{29 + len(name)}: training.{name}: is not read by engine: scipy, which takes all rows at "
                f"once\nhint: {hint}",
            )
            for name, value, hint in (
                ("epochs", "5", "write max_iterations instead"),
                ("batch_size", "full", "drop it"),
                ("shuffle", "false", "drop it"),
            )
        ],
        (
            f"{HEAD}training: {{engine: scipy, precision: mixed_bfloat16}}\n",
            "a.yaml:3:38: training.precision: engine: scipy computes in double precision\nhint: drop it",
        ),
        (
            f"{HEAD}training: {{engine: scipy, max_iterations: 0}}\n",
            "a.yaml:3:43: training.max_iterations: 0 is below 1",
        ),
        (
            f"{HEAD}training: {{engine: scipy, method: LBFGS}}\n",
            "a.yaml:3:35: training.method: 'LBFGS' is not one of L-BFGS-B, TNC, CG, BFGS, Newton-CG, trust-ncg",
        ),
        *[
            (
                f"{HEAD}training: {{{name}: {value}}}\n",
                f"a.yaml:3:{14 + len(name)}: training.{name}: is read by engine: scipy alone\n"
                "hint: write engine: scipy beside it, or drop it",
            )
            for name, value in (("method", "TNC"), ("max_iterations", "5"))
        ],
        (
            f"{HEAD}limits: {{max_time: 3 weeks}}\n",
            "a.yaml:3:20: limits.max_time: '3 weeks' is not a duration\nhint: write it as 90s, 10m or 1h30m",
        ),
        (
            f"{HEAD}limits: {{max_time: 0s}}\n",
            "a.yaml:3:20: limits.max_time: '0s' is not above 0\n"
            "hint: stop the search after this time, over all resumes",
        ),
        (
            f"{HEAD}objective: {{metric: val_rmse, direction: down}}\n",
            "a.yaml:3:42: objective.direction: 'down' is not one of minimize, maximize",
        ),
        (
            f"{HEAD}objective: {{metric: val_rmse, direction: min, goal: minimize}}\n",
            "a.yaml:3:42: objective.direction: means the same as goal, which is given too\nhint: keep one of the two",
        ),
        (
            "dataset: {name: csv, task: regresion}\nmodel: mlp\n",
            "a.yaml:1:28: dataset.task: 'regresion' is not one of regression, binary, multiclass\n"
            "hint: did you mean 'regression'?",
        ),
        (
            "dataset: {name: csv, validation: 0.5, test: 0.5}\nmodel: mlp\n",
            "a.yaml:1:34: dataset.validation: validation and test leave no rows to train on\n"
            "hint: their sum must be below 1",
        ),
        (
            "dataset: {name: csv, features: []}\nmodel: mlp\n",
            "a.yaml:1:32: dataset.features: is an empty list\nhint: list one or more, or drop the key",
        ),
    ],
)
def test_what_is_wrong_with_a_file(text: str, problem: str) -> None:
    assert problems(text)[0].startswith(problem)
    if "\nhint" in problem:
        assert problems(text)[0] == problem


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (
            "{min: 0.1, max: 0.01}",
            "a.yaml:4:12: search_space.x.min: 0.1 is not below max (0.01)\n"
            "hint: swap the two, or write a single value to fix it; see `tunecli schema`",
        ),
        (
            "{low: 3, high: 1}",
            "a.yaml:4:12: search_space.x.low: 3 is not below max (1)\n"
            "hint: swap the two, or write a single value to fix it; see `tunecli schema`",
        ),
        (
            "{min: 0, max: 1, log: true}",
            "a.yaml:4:12: search_space.x.min: 0 cannot be searched by magnitude\nhint: raise min above 0, or drop log",
        ),
        (
            "{min: 0, max: 1, step: 2}",
            "a.yaml:4:29: search_space.x.step: 2 is larger than the range (1)\nhint: lower the step",
        ),
        (
            "{min: 0, max: 1, step: 0}",
            "a.yaml:4:29: search_space.x.step: 0 is not above 0\nhint: write the distance of neighbouring values",
        ),
        (
            "{min: 1, max: 9, step: 2, log: true}",
            "a.yaml:4:29: search_space.x.step: does not go with log\nhint: drop one of them, or list the values",
        ),
        ("{min: 1}", "a.yaml:4:12: search_space.x.min: max is missing\nhint: a range has both bounds, inclusive"),
        ("{min: a, max: 2}", "a.yaml:4:12: search_space.x.min: 'a' is not a number"),
        ("{min: '1', max: 2}", "a.yaml:4:12: search_space.x.min: '1' is not a number\nhint: drop the quotes"),
        (
            "{type: int, min: 1, max: 1e3}",
            "a.yaml:4:31: search_space.x.max: 1000.0 is not a whole number\nhint: write 1000",
        ),
        (
            "{type: floot, min: 1, max: 3}",
            "a.yaml:4:13: search_space.x.type: 'floot' is not one of float, int, bool, choice, fixed\n"
            "hint: did you mean 'float'?",
        ),
        (
            "{type: choice, min: 1, max: 3}",
            "a.yaml:4:13: search_space.x.type: choice does not go with min\nhint: drop type, or write float or int",
        ),
        (
            "{min: 1, max: 3, values: [1]}",
            "a.yaml:4:31: search_space.x.values: stands beside min\n"
            "hint: give a range, values or one value, not two of them",
        ),
        (
            "{}",
            "a.yaml:4:6: search_space.x: has neither a range nor values\n"
            "hint: write {min: …, max: …}, a list of values, or one value",
        ),
        (
            "{values: [a], step: 1}",
            "a.yaml:4:26: search_space.x.step: needs min and max\nhint: drop step, or write a range",
        ),
        (
            "{value: 1, default: 1}",
            "a.yaml:4:26: search_space.x.default: stands beside value\n"
            "hint: a fixed parameter needs no default: drop it",
        ),
        ("[]", "a.yaml:4:6: search_space.x: lists no value\nhint: list the values to choose from"),
        ("[a, b, a]", "a.yaml:4:13: search_space.x[2]: 'a' is listed twice\nhint: drop one of them"),
        ("[1, 1.0]", "a.yaml:4:10: search_space.x[1]: 1.0 is listed twice\nhint: drop one of them"),
        ("[[3], [3]]", "a.yaml:4:12: search_space.x[1]: [3] is listed twice\nhint: drop one of them"),
        (
            "[{a: 1}]",
            "a.yaml:4:7: search_space.x[0]: a block of keys is not a value\n"
            "hint: write a number, a text, true, false or null",
        ),
        (
            "{layers: [3, [4]]}",
            "a.yaml:4:19: search_space.x.layers[1]: [4] is not a whole number\n"
            "hint: write one width a layer, or a list of such lists",
        ),
        (
            "{layers: 3}",
            "a.yaml:4:15: search_space.x.layers: 3 is not a list\nhint: write one width a layer: [300, 100]",
        ),
        ("{mim: 1, max: 3}", "a.yaml:4:7: search_space.x.mim: unknown key 'mim'\nhint: did you mean 'min'?"),
        (
            "{low: 1, min: 2, max: 3}",
            "a.yaml:4:12: search_space.x.low: means the same as min, which is given too\nhint: keep one of the two",
        ),
        (
            "{min: 1, max: 2, log: true, sampling: linear}",
            "a.yaml:4:44: search_space.x.sampling: says the same as log, which is given too\nhint: keep one of the two",
        ),
        (
            "{min: 1, max: 2, sampling: reverse_log}",
            "a.yaml:4:33: search_space.x.sampling: 'reverse_log' is not known\nhint: known: linear, log",
        ),
        (
            "{distribution: log_uniform, min: -9.21034, max: -2.302585}",
            "a.yaml:4:21: search_space.x.distribution: log_uniform gives exponents; bounds are values here\n"
            "hint: write {min: 0.0001, max: 0.1, log: true}",
        ),
        (
            "{distribution: log_uniform, min: a}",
            "a.yaml:4:21: search_space.x.distribution: log_uniform gives exponents; bounds are values here\n"
            "hint: write {min: …, max: …, log: true} with the values themselves",
        ),
        (
            "{distribution: unifrom, min: 1, max: 2}",
            "a.yaml:4:21: search_space.x.distribution: 'unifrom' is not known\nhint: did you mean 'uniform'?",
        ),
        (
            "{values: [1, 2], when: {y: 1}}\n  yy: [1]",
            "a.yaml:4:30: search_space.x.when.y: no parameter is called 'y'\nhint: did you mean 'yy'?",
        ),
        (
            "{values: [1, 2], when: {y: 1}}\n  y: [1]",
            "a.yaml:4:30: search_space.x.when.y: 'y' is declared later\nhint: move y above x",
        ),
        (
            "{values: [1, 2], when: {x: 1}}",
            "a.yaml:4:30: search_space.x.when.x: the conditions go in a circle: x → x\nhint: drop one of them",
        ),
        (
            "{values: [1], when: {y: 1}}\n  y: {values: [1], when: {x: 1}}",
            "a.yaml:4:27: search_space.x.when.y: the conditions go in a circle: x → y → x\nhint: drop one of them",
        ),
        (
            "{values: [1], when: {y: []}}\n  y: [1]",
            "a.yaml:4:30: search_space.x.when.y: lists no value\n"
            "hint: list the values under which this parameter is searched",
        ),
    ],
)
def test_what_is_wrong_with_a_parameter(written: str, problem: str) -> None:
    found = [each for each in problems(parameter(written)) if each.startswith(problem.partition(": ")[0])]
    assert problem in found


def test_one_mistake_is_one_problem() -> None:
    for written in ("{min: a, max: 2}", "[{a: 1}]", "{values: 3}", "{layers: x}", "{values: [1], when: {x: {}}}"):
        assert len(problems(parameter(written))) == (2 if "when" in written else 1)


def test_a_parameter_in_two_blocks() -> None:
    text = "dataset: csv\nmodel: {family: mlp, units: 3}\nsearch_space:\n  units: [1, 2]\n  batch_size: [8]\n"
    assert problems(f"{text}training: {{batch_size: 16}}\n") == [
        "a.yaml:4:3: search_space.units: stands in model: too\nhint: keep one of the two",
        "a.yaml:6:12: training.batch_size: stands in search_space: too\nhint: keep one of the two",
    ]


def test_a_condition_may_name_the_batch_size_of_the_training() -> None:
    text = f"{HEAD}search_space:\n  x: {{values: [1, 2], when: {{batch_size: 16}}}}\ntraining: {{batch_size: 16}}\n"
    assert read(text).search_space["x"].when == {"batch_size": 16}


def test_a_condition_across_blocks_says_where_to_move_it() -> None:
    text = "dataset: csv\nmodel: {family: mlp, a: {values: [1, 2], when: {b: 1}}}\nsearch_space: {b: [1, 2]}\n"
    assert problems(text) == [
        "a.yaml:2:49: model.a.when.b: 'b' is declared later\nhint: move a to search_space:, below b"
    ]


def test_all_problems_are_found_at_once_from_top_to_bottom() -> None:
    text = """\
seed: -1
dataset: {nam: x}
model: {family: mlp, units: 64}
search_space:
  units: [64, 128]
  momentum: {min: 0, max: 1, when: {optimzer: sgd}}
  learning_rate:
    min: 1
    max: 0.1
    stap: 1
tuner: {name: hyperband, factor: 1}
limits:
  trial_time: soon
seed: 1
"""
    assert [each.partition("\n")[0] for each in problems(text)] == [
        "a.yaml:14:1: the key 'seed' stands here twice",
        "a.yaml:1:7: seed: -1 is below 0",
        "a.yaml:2:1: dataset: the key 'name' is missing",
        "a.yaml:2:11: dataset.nam: unknown key 'nam'",
        "a.yaml:5:3: search_space.units: stands in model: too",
        "a.yaml:6:37: search_space.momentum.when.optimzer: no parameter is called 'optimzer'",
        "a.yaml:10:5: search_space.learning_rate.stap: unknown key 'stap'",
        "a.yaml:11:34: tuner.factor: 1 is below 2",
        "a.yaml:13:15: limits.trial_time: 'soon' is not a duration",
    ]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("workers: 0", "limits.workers: 0 is not a number of workers"),
        ("workers: many", "limits.workers: 'many' is not a number of workers"),
        ("trial_memory: much", "limits.trial_memory: 'much' is not a size"),
        ("trial_memory: 0", "limits.trial_memory: 0 is not above 0"),
        ("executor: dask", "limits.executor: needs the cluster's address"),
        ("address: local", "limits.address: is read by executor: dask alone"),
    ],
)
def test_limits_that_cannot_be_kept_are_refused(written: str, problem: str) -> None:
    (found,) = problems(f"{HEAD}limits: {{{written}}}\n")
    assert found.partition("\n")[0].partition(" ")[2] == problem


@pytest.mark.parametrize(
    ("written", "size"), [("2GiB", 2**31), ("500MB", 5 * 10**8), ("1.5 G", 15 * 10**8), ("64k", 64_000), ("1000", 1000)]
)
def test_sizes_are_bytes(written: str, size: int) -> None:
    assert read(f"{HEAD}limits: {{trial_memory: {written}}}\n").limits.trial_memory == size


def test_a_value_that_cannot_be_read_is_one_problem() -> None:
    assert problems(f"{HEAD}seed: !foo 1\n") == ["a.yaml:3:7: the tag !foo is not known here\nhint: drop it"]


def test_a_problem_in_a_merged_block_points_at_the_anchor() -> None:
    text = f"{HEAD}search_space:\n  a: &wide {{min: 3, max: 1}}\n  b: {{<<: *wide, max: 9}}\n"
    assert [each.partition("\n")[0] for each in problems(text)] == [
        "a.yaml:4:18: search_space.a.min: 3 is not below max (1)"
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("none.yaml", "none.yaml: does not exist\nhint: name a YAML file"),
        ("folder", "folder: is a folder\nhint: name a YAML file"),
        ("latin.yaml", "latin.yaml: is not UTF-8: byte 6 is 0xe9\nhint: save it as UTF-8"),
    ],
)
def test_files_that_cannot_be_read(name: str, problem: str) -> None:
    Path("folder").mkdir()
    Path("latin.yaml").write_bytes(b"name: \xe9")
    with pytest.raises(SpecError) as caught:
        load(Path(name))
    assert str(caught.value) == problem


def test_a_problem_of_the_plan_points_at_what_was_written() -> None:
    path = Path("a.yaml")
    path.write_text(f"{HEAD}tuner: random\nsearch_space:\n  units:\n    low: 1\n    high: 3\n  size: [1, 2]\n")
    file = load(path)
    assert [
        file.problem(loc, "x").where
        for loc in (
            ("search_space", "units"),
            ("search_space", "units", "max"),
            ("search_space", "size", "values", 1),
            ("tuner", "max_trials"),
            ("model", "family"),
            ("objective", "metric"),
        )
    ] == [
        "a.yaml:5:3: search_space.units",
        "a.yaml:7:11: search_space.units.high",
        "a.yaml:8:13: search_space.size[1]",
        "a.yaml:3:8: tuner",
        "a.yaml:2:8: model",
        "a.yaml:1:1: objective.metric",
    ]
    assert file.problem(("search_space", "size"), "x", at_key=True).where == "a.yaml:8:3: search_space.size"


BLOCKS = ("name", "seed", "dataset", "model", "objective", "search_space", "tuner", "training", "limits", "sead")
INSIDE = ("name", "family", "metric", "goal", "direction", "units", "when", "batch_size", "max_time", "max_trials")
PARAMETER = ("min", "max", "low", "log", "step", "values", "value", "layers", "type", "distribution", "sampling")
KEYS = st.sampled_from((*BLOCKS, *INSIDE, *PARAMETER))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", "1", "log_uniform", "full", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(KEYS, JSON, max_size=6), st.lists(st.tuples(st.lists(KEYS, min_size=1, max_size=3), JSON)))
def test_whatever_is_written_is_valid_or_a_problem(
    data: dict[str, Any], overrides: list[tuple[list[str], Any]]
) -> None:
    written = [f"{'.'.join(keys)}={json.dumps(value)}" for keys, value in overrides]
    with contextlib.suppress(SpecError):
        read(yaml.safe_dump(data, sort_keys=False), *written)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(alphabet="ab:-[]{}#&*!|>'\"%@`,? \n\t<0.~", max_size=30))
def test_whatever_is_typed_is_read_or_a_problem(text: str) -> None:
    with contextlib.suppress(SpecError):
        read(text)
