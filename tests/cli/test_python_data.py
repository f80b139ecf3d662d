"""Functions of one's own that return data, from the command line."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunecli.cli.main import run
from tunecli.datasets.python_function import _call
from tunecli.training.data import load

Cli = Callable[..., tuple[int, str, str]]

TABLE = """
    from pathlib import Path
    import numpy as np

    def table(rows=40, names=("a", "b")):
        print("called")
        with (Path(__file__).parent / "calls.txt").open("a") as calls:
            calls.write("called\\n")
        x = np.random.default_rng(0).normal(size=(rows, 2))
        return {"x": x, "y": x.sum(axis=1), "feature_names": names, "sample_weight": np.ones(rows)}
"""


def write(code: str = TABLE, function: str = "table", **changes: Any) -> str:
    Path("mine").mkdir(exist_ok=True)
    Path("mine/data.py").write_text(textwrap.dedent(code))
    dataset = {"name": "python", "path": f"mine/data.py:{function}", **changes.pop("dataset", {})}
    document = {
        "name": "own",
        "dataset": dataset,
        "model": "linear",
        "search_space": {"learning_rate": [0.001, 0.01]},
        "tuner": "grid",
        "training": {"epochs": 1},
        "limits": {"workers": 1},
        "baselines": False,
        **changes,
    }
    Path("own.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return "own.yaml"


@pytest.fixture(autouse=True)
def afresh() -> None:
    forget()


def forget() -> None:
    """Forgets what this process has loaded, as another command would not know it."""
    load.cache_clear()
    _call.cache_clear()


def calls() -> int:
    return len(Path("mine/calls.txt").read_text().split())


def test_a_function_is_called_once_for_a_search_and_once_to_retrain(cli: Cli) -> None:
    spec = write(dataset={"args": {"rows": 50, "names": ["left", "right"]}})
    code, out, err = cli("search", spec, "--quiet", "--json")
    assert code == 0, err
    assert json.loads(out)["trials"]
    assert calls() == 1
    data = json.loads(Path("runs/own/data.json").read_text())
    assert data["numeric"]["shape"] == [50, 2]
    assert data["weights"]["shape"] == [50]

    Path("mine/data.py").unlink()
    forget()
    code, out, err = cli("retrain", "--full", "--json")
    assert code == 0, err
    assert json.loads(out)["dataset"]["rows"] == {"train": 30, "validation": 10, "test": 10}
    assert calls() == 2
    assert [path.name for path in Path("runs/own/sources").rglob("*.py")] == ["data.py"]


def test_a_changed_file_or_argument_is_refused_when_a_study_goes_on(cli: Cli) -> None:
    assert cli("search", write(), "--quiet")[0] == 0
    forget()
    assert cli("search", write(), "--quiet")[0] == 0, "the same again goes on"
    code, _, err = cli("search", write(TABLE.replace("normal", "uniform")), "--quiet")
    assert code == 2
    assert "was begun with another spec: dataset.options.sha256" in err
    assert "--fresh" in err
    code, _, err = cli("search", write(dataset={"args": {"rows": 30}}), "--quiet")
    assert (code, "dataset.options.args: not given → " in err) == (2, True)
    code, _, err = cli("search", write(TABLE.replace("def table", "def other"), "other"), "--quiet")
    assert (code, "dataset.options.function: table → other" in err) == (2, True)


def test_data_that_come_out_otherwise_are_refused(cli: Cli) -> None:
    code = TABLE.replace("default_rng(0)", "default_rng()")
    assert cli("search", write(code), "--quiet")[0] == 0
    forget()
    found, _, err = cli("search", write(code), "--quiet")
    assert (found, "was begun on other data: numeric, target differ" in err) == (2, True)


def test_slots_and_a_custom_model_read_the_same_data(cli: Cli) -> None:
    model = """
        import keras

        def build_model(hp):
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("units", 1, 2))])
            model.add(keras.layers.Dense(1))
            model.compile("sgd", "mse")
            return model
    """
    Path("model.py").write_text(textwrap.dedent(model))
    spec = write(
        model={"family": "custom", "path": "model.py"}, search_space={}, limits={"workers": 1, "trial_time": "9m"}
    )
    code, _, err = cli("search", spec, "--quiet", "--json")
    assert code == 0, err
    assert sorted(path.name for path in Path("runs/own/sources").rglob("*.py")) == ["data.py", "model.py"]


FORMS = """
    import numpy as np

    X = np.arange(24.0).reshape(12, 2)

    def pair():
        return X, X[:, 0] > 9

    def keras_like():
        images = np.zeros((12, 4, 4), "uint8")
        return (images, np.arange(12) % 3), (images[:3], np.arange(3))

    def lists():
        return [[1, 2], [3, 4], [5, 6]], ["a", "b", "a"]

    class Frame:  # as much of a data frame as is asked for
        columns = ["left", "right"]

        def to_numpy(self):
            return X

        def __array__(self, dtype=None, copy=None):
            return X

    def frame():
        return Frame(), X[:, 0]
"""


@pytest.mark.parametrize(
    ("function", "task", "features"),
    [
        ("pair", "binary", ["x1"]),
        ("keras_like", "multiclass", None),
        ("lists", "binary", ["x1"]),
        ("frame", "regression", ["right"]),
    ],
)
def test_a_function_may_return_any_of_these(
    function: str, task: str, features: list[str] | None, cli_json: Callable[..., Any]
) -> None:
    spec = write(FORMS, function, dataset={} if features is None else {"features": features})
    assert cli_json("validate", spec)["plan"]["task"] == task


WRONG = """
    import os
    import numpy as np

    x = np.ones((4, 2))

    def raises():
        return x[9]

    def lost():
        return np.loadtxt("nowhere.csv")

    def leaves():
        raise SystemExit(0)

    def dies():
        os._exit(7)

    def nothing():
        pass

    def misspelt():
        return {"x": x, "Y": x[:, 0]}

    def half():
        return {"x": x}

    def ragged():
        return [[1], [1, 2]], [1, 2]

    def objects():
        return np.array([["a", 1], [None, 2]], dtype=object), [1, 2]

    def short():
        return x, np.arange(3)

    number = 3
"""


@pytest.mark.parametrize(
    ("function", "code", "message"),
    [
        ("raises", 2, "data.py:8: raises raises: IndexError"),
        ("lost", 3, "data.py:11: lost raises: FileNotFoundError: nowhere.csv not found"),
        ("leaves", 2, "data.py:14: leaves raises: SystemExit: 0"),
        ("dies", 2, "the process that calls dies ended with exit code 7"),
        ("nothing", 2, "nothing returns None"),
        ("misspelt", 2, "did you mean 'y'?"),
        ("half", 2, "half returns no y"),
        ("ragged", 3, "x is no array"),
        ("objects", 3, "x holds Python objects: NoneType, int, str"),
        ("short", 3, "y has 3 rows, x has 4"),
        ("number", 2, "number is no function"),
        ("rases", 2, "did you mean 'raises'?"),
    ],
)
def test_what_is_wrong_in_a_function_is_said(function: str, code: int, message: str, cli: Cli) -> None:
    found, _, err = cli("search", write(WRONG, function), "--quiet")
    assert (found, message in err) == (code, True), err
    assert str(Path("mine/data.py").resolve()) in err
    assert not Path("runs/own").exists()


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"path": "mine/none.py:load"}, "mine/none.py cannot be read"),
        ({"path": "mine/data.csv"}, "is no function in a Python file"),
        ({"path": "mine/data.py:load()"}, "is no function in a Python file"),
        ({"path": None}, "python needs a file and a function"),
        ({"target": "y"}, "python takes no target"),
        ({"args": [1]}, "[1] is not a block of keys"),
    ],
)
def test_what_is_wrong_in_the_spec_is_said_at_its_line(dataset: dict[str, Any], message: str, cli: Cli) -> None:
    code, _, err = cli("validate", write(dataset=dataset))
    assert code == 2
    assert err.startswith("own.yaml:")
    assert message in err


def test_it_is_not_ejected(cli: Cli) -> None:
    code, _, err = cli("eject", write(), "-o", "-")
    assert (code, "an ejected script reads no python" in err) == (2, True)


def test_what_a_function_prints_is_no_result(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", write(), "--json"]) == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out)["valid"]
    assert "called" in printed.err
