"""A spec that leaves values open is refused, with a way to fix all of them that works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tunecli.errors import SpecError
from tunecli.plan import resolve
from tunecli.spec.load import load
from tunecli.spec.space import Condition, Kind, Parameter, SearchSpace
from tunecli.tools.trace.fixed import proposed, require_fixed

RUNS = Path("runs")


def refusal(text: str) -> str:
    Path("a.yaml").write_text(text)
    file = load(Path("a.yaml"))
    with pytest.raises(SpecError) as error:
        require_fixed(file, resolve(file), [], RUNS)
    return str(error.value)


def test_nothing_open_is_fine() -> None:
    Path("a.yaml").write_text("dataset: advertising\nmodel: linear\nsearch_space: {optimizer: sgd}\n")
    file = load(Path("a.yaml"))
    require_fixed(file, resolve(file), [], RUNS)


def test_what_is_open_stands_at_its_line_and_the_command_that_fixes_it_works() -> None:
    found = refusal(
        "dataset: advertising\n"
        "model: {family: mlp, dropout: {min: 0, max: 0.5, step: 0.1}}\n"
        "search_space:\n"
        "  optimizer: [adam, sgd]\n"
        "  momentum: {min: 0, max: 0.9, when: {optimizer: sgd}}\n"
        "  learning_rate: {min: 1e-4, max: 1e-2, log: true}\n"
        "  units: {layers: [[32], [16, 8]]}\n"
        "  l2: {min: 0, max: 1, default: 0.25}\n"
    )
    assert "a.yaml:4:14: search_space.optimizer: is searched in adam, sgd\n" in found
    assert "model.dropout: is searched in 0 … 0.5 (step 0.1)\n" in found
    command = re.search(r"hint: fix them: tunecli trace a.yaml (.*)", found)
    assert command is not None
    options = [each for each in shlex.split(command.group(1)) if each != "-S"]
    assert options == [
        "model.dropout=0.3",
        "search_space.optimizer=sgd",  # with which momentum is read, too
        "search_space.momentum=0.45",
        "search_space.learning_rate=0.001",
        "search_space.units={layers: [32]}",
        "search_space.l2=0.25",
    ]
    plan = resolve(load(Path("a.yaml"), options))
    assert not len(plan.space)
    assert plan.fixed["units"] == [32]


def test_where_no_options_will_do_the_lines_are_shown() -> None:
    """Either of the two parameters is not read, whatever the optimizer."""
    text = (
        "dataset: advertising\n"
        "model: linear\n"
        "search_space:\n"
        "  optimizer: [adam, sgd]\n"
        "  momentum: {min: 0, max: 0.9, when: {optimizer: sgd}}\n"
        "  beta_1: {min: 0.8, max: 0.9, when: {optimizer: adam}}\n"
    )
    found = refusal(text)
    lines = found.split("in a copy of it:\n")[1]
    assert yaml.safe_load(lines) == {"search_space": {"optimizer": "adam", "beta_1": 0.85}}
    Path("b.yaml").write_text(text.split("search_space", maxsplit=1)[0] + lines)
    assert not len(resolve(load(Path("b.yaml"))).space)


@pytest.mark.parametrize("tuner", ["bayesian", "{name: hyperband, max_epochs: 9}"])
def test_tuners_that_have_nothing_left_to_search_give_way(tuner: str) -> None:
    space = "{learning_rate: {min: 0.1, max: 0.2}}"
    found = refusal(f"dataset: advertising\nmodel: linear\nsearch_space: {space}\ntuner: {tuner}\n")
    assert found.endswith("tunecli trace a.yaml -S search_space.learning_rate=0.15 -S tuner=random")


def test_middles_are_within_their_ranges() -> None:
    space = SearchSpace(
        parameters=(
            Parameter(name="odd", kind=Kind.INT, min=1, max=4),
            Parameter(name="wide", kind=Kind.INT, min=1, max=10_000, log=True),
            Parameter(name="narrow", kind=Kind.FLOAT, min=0.12345, max=0.12346),
            Parameter(name="kind", kind=Kind.CHOICE, values=("a", "b")),
            Parameter(name="never", kind=Kind.INT, min=0, max=1, when=(Condition(parameter="odd", values=(1,)),)),
        )
    )
    values = proposed(space)
    assert values == {"odd": 2, "wide": 100, "narrow": pytest.approx(0.123455), "kind": "a"}
    assert not space.faults(values)
