"""What is found out of a user's own code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.training.own_code import DENSE, FITTING, Study
from tunecli.spec.space import Condition, Kind, Parameter

COMPILED = """
    import keras

    def compiled():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile(optimizer="sgd", loss="mse")
        return model

    def build_model(hp):
"""


def found(folder: Path, body: str, **changes: Any) -> dict[str, Parameter]:
    lines = "".join(f"        {line}\n" for line in [*body.strip().splitlines(), "return compiled()"])
    return {each.name: each for each in Study(folder, COMPILED + lines, **changes).discovered().parameters}


def test_every_kind_is_told_in_our_terms(tmp_path: Path) -> None:
    space = found(
        tmp_path,
        """
hp.Int("whole", 1, 9), hp.Int("stepped", 16, 64, step=16, default=32), hp.Int("powers", 2, 16, step=2, sampling="log")
hp.Float("share", 0, 0.5, step=0.1), hp.Float("rate", 1e-4, 1e-2, sampling="log"), hp.Int("one", 3, 3)
hp.Choice("name", ["b", "a"], default="a"), hp.Boolean("flag", default=True), hp.Fixed("seed", 7)
""",
    )
    assert list(space.values()) == [
        Parameter(name="whole", kind=Kind.INT, min=1, max=9),
        Parameter(name="stepped", kind=Kind.INT, min=16, max=64, step=16, default=32),
        Parameter(name="powers", kind=Kind.CHOICE, values=(2, 4, 8, 16)),
        Parameter(name="share", kind=Kind.FLOAT, min=0.0, max=0.5, step=0.1),
        Parameter(name="rate", kind=Kind.FLOAT, min=1e-4, max=1e-2, log=True),
        Parameter(name="one", kind=Kind.CHOICE, values=(3,)),
        Parameter(name="name", kind=Kind.CHOICE, values=("b", "a"), default="a"),
        Parameter(name="flag", kind=Kind.CHOICE, values=(False, True), default=True),
        Parameter(name="seed", kind=Kind.CHOICE, values=(7,)),
    ]


def test_scopes_within_scopes_are_found_with_their_conditions(tmp_path: Path) -> None:
    body = """
kind = hp.Choice("kind", ["plain", "deep"])
with hp.conditional_scope("kind", ["deep"]):
    if kind == "deep":
        hp.Boolean("norm")
        with hp.conditional_scope("norm", [True]):
            hp.Float("epsilon", 0.1, 0.2)
"""
    space = found(tmp_path, body)
    deep, norm = Condition(parameter="kind", values=("deep",)), Condition(parameter="norm", values=(True,))
    assert space["norm"].when == (deep,)
    assert space["epsilon"].when == (deep, norm)


def test_what_a_loop_declares_is_found_up_to_its_last_round(tmp_path: Path) -> None:
    space = found(tmp_path, 'for i in range(hp.Int("layers", 1, 4)): hp.Int(f"units_{i}", 8, 16)')
    assert set(space) == {"layers", "units_0", "units_1", "units_2", "units_3"}


def test_one_name_in_two_branches_is_one_parameter(tmp_path: Path) -> None:
    body = """
hp.Choice("kind", ["a", "b", "c"])
with hp.conditional_scope("kind", ["a"]):
    hp.Float("rate", 0.1, 0.2)
with hp.conditional_scope("kind", ["b"]):
    hp.Float("rate", 0.1, 0.2)
"""
    assert found(tmp_path, body)["rate"].when == (Condition(parameter="kind", values=("a", "b")),)


def test_fit_is_called_too_and_nothing_is_trained(tmp_path: Path) -> None:
    code = FITTING.replace("assert history", "raise AssertionError('trained'); assert history")
    names = [each.name for each in Study(tmp_path, code).discovered().parameters]
    assert names == ["units", "scale", "batch_size"]


def test_a_combination_that_cannot_be_built_is_a_note(tmp_path: Path) -> None:
    study = Study(
        tmp_path, DENSE.replace("        model =", "        assert hp.Int('deep', 1, 9) < 9\n        model =")
    )
    (note,) = study.discovered().notes
    assert "with deep=9" in note
    assert "AssertionError" in note


STARTS = """
    import keras
    from keras.layers import Dense

    def build_model(hp):
        first, second = hp.Choice("first", ["he_normal", "zeros"]), hp.Choice("second", ["he_normal", "ones"])
        model = keras.Sequential(
            [
                Dense(hp.Int("units", 2, 8), "ACTIVATION", kernel_initializer=first, name="a"),
                keras.layers.Dropout(0.1),
                Dense(2, kernel_initializer=second, name="b"),
                Dense(1, kernel_initializer="zeros", name="c"),
            ]
        )
        model.compile(optimizer="sgd", loss="mse")
        return model
"""


def test_kernels_that_begin_constant_are_a_note(tmp_path: Path) -> None:
    """The walk tries each value beside the defaults of the others; an output that begins at zero does no harm."""
    (tmp_path / "tanh").mkdir()
    (note,) = Study(tmp_path / "tanh", STARTS.replace("ACTIVATION", "tanh")).discovered().notes
    assert note.startswith("b and c begin with constant kernels: all units of b get equal gradients and stay alike")
    dead, alike = sorted(Study(tmp_path, STARTS.replace("ACTIVATION", "relu")).discovered().notes)
    assert dead.startswith("a begins with a kernel of zeros, at which relu has no gradient: it never learns; leave")
    assert alike == note


PROBLEMS = [
    pytest.param("x = = 1", "mine.py:1", "cannot be imported: SyntaxError", id="no Python"),
    pytest.param("import keras\n\nlayer.Dense(1)", "mine.py:3", "NameError: name 'layer' is not defined", id="raises"),
    pytest.param("import helpers", "mine.py:1", "ModuleNotFoundError: No module named 'helpers'", id="helper module"),
    pytest.param("import sys; sys.exit(3)", "mine.py:1", "SystemExit: 3", id="exits"),
    pytest.param("def build(hp): ...", "mine.py", "defines no build_model, and no HyperModel", id="no such function"),
    pytest.param(
        "build_model = 3", "mine.py", "build_model is a value of type int, neither a function", id="no function"
    ),
    pytest.param("def build_model(hp):\n    1 / 0", "mine.py:2", "build_model raises: ZeroDivisionError", id="build"),
    pytest.param("def build_model(hp): ...", "mine.py", "build_model returns None, not a keras.Model", id="None"),
    pytest.param(
        "import keras\ndef build_model(hp): return keras.Sequential()",
        "mine.py",
        "build_model returns a model that is not compiled",
        id="not compiled",
    ),
    pytest.param(
        "def build_model(hp): hp.Int('x', 1, 9, sampling='reverse_log'); import m",
        "mine.py:1",
        "No module named 'm'",
        id="import in build",
    ),
]


@pytest.mark.parametrize(("code", "where", "what"), PROBLEMS)
def test_a_problem_names_the_line_and_what_is_wrong(code: str, where: str, what: str, tmp_path: Path) -> None:
    problem = Study(tmp_path, code).discover()["problem"]
    assert problem["where"].endswith(where)
    assert what in problem["what"]


def test_sampling_from_the_upper_end_is_refused(tmp_path: Path) -> None:
    study = Study(tmp_path, DENSE.replace('sampling="log"', 'sampling="reverse_log"'))
    assert "'rate' has sampling='reverse_log', which is not supported" in study.discover()["problem"]["what"]


def test_a_callback_is_tried_before_any_trial(tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text("import keras\nclass Told(keras.callbacks.Callback): ...\nclass Other: ...\n")

    def problem(name: str, **args: Any) -> str:
        callbacks = [{"path": "told.py", "class": name, "args": args}]
        return str(Study(tmp_path, training={"callbacks": callbacks}).discover().get("problem"))

    assert problem("Told") == "None"
    assert "Told(patience=3) raises: TypeError" in problem("Told", patience=3)
    assert "Other is no keras.callbacks.Callback" in problem("Other")
    assert "defines no 'Tld'" in problem("Tld")
    assert "did you mean 'Told'?" in problem("Tld")
