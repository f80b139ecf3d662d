"""Advice after a search and in `show`, and the spec of the next one."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_light_commands import HEAVY, SCRIPT
from tests.studies import write_random_study
from tunecli.cli.advice import MOST_SAID, read_advice, say_advice
from tunecli.spec.space import Values

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]

SPEC = """\
# the first try
name: sales
dataset: advertising
model: linear
search_space:
  learning_rate: {min: 1e-4, max: 1e-1, log: true}  # by magnitude
  batch_size: [16, 32]
tuner: {name: random, max_trials: 2}
training: {epochs: 1}
baselines: false
"""


def hollow(values: Values, dice: random.Random) -> float:
    """Best in the middle of the learning rates."""
    return abs(math.log10(values["learning_rate"]) + 2.5) + dice.gauss(0, 0.1)  # type: ignore[arg-type]


@pytest.fixture
def spec() -> Path:
    path = Path("sales.yaml")
    path.write_text(SPEC)
    return path


def test_the_next_spec_is_written_shown_and_searched(cli: Cli, spec: Path) -> None:
    write_random_study(spec, hollow)
    code, out, err = cli("refine", "-o", "next.yaml")
    assert code == 0
    assert "0.0001 … 0.1 (log)" in out
    assert "the best 15 of 60 trials lie within" in " ".join(out.split())
    assert err.endswith("wrote next.yaml; next: tunecli search next.yaml\n")
    text = Path("next.yaml").read_text()
    assert text.startswith("# the first try\nname: sales-2\n")
    assert "# by magnitude" in text
    assert cli("validate", "next.yaml")[0] == 0
    code, out, err = cli("search", "next.yaml", "--quiet")
    assert code == 0
    assert Path("runs/sales-2/journal.jsonl").exists()


def test_a_spec_is_not_overwritten_unasked(cli: Cli, spec: Path) -> None:
    write_random_study(spec, hollow)
    Path("next.yaml").write_text("mine")
    code, out, err = cli("refine", "sales", "-o", "next.yaml")
    assert (code, out) == (2, "")
    assert err == ("next.yaml: is there already\nhint: write to another file with -o, or overwrite it with --force\n")
    assert Path("next.yaml").read_text() == "mine"
    assert cli("refine", "sales", "-o", "next.yaml", "--force")[0] == 0
    assert "name: sales-2" in Path("next.yaml").read_text()
    assert cli("refine", "sales")[2].endswith("wrote sales-2.yaml; next: tunecli search sales-2.yaml\n")


def test_a_spec_goes_to_stdout_or_into_json(cli: Cli, cli_json: CliJson, spec: Path) -> None:
    write_random_study(spec, hollow)
    code, out, err = cli("refine", "-o", "-")
    assert code == 0
    assert out.startswith("# the first try\nname: sales-2\n")
    assert err.endswith("save it; next: tunecli search FILE\n")
    document = cli_json("refine", "-o", "-")
    assert (document["path"], document["name"], document["text"]) == (None, "sales-2", out)
    (change,) = document["changes"]
    assert (change["parameter"], change["before"]) == ("learning_rate", "0.0001 … 0.1 (log)")
    assert change["why"][0].startswith("learning_rate: the best 15 of 60 trials")
    assert document["left"] == document["restored"] == []


def test_overrides_of_the_search_are_kept_and_said(cli: Cli, spec: Path) -> None:
    write_random_study(spec, hollow, overrides=["seed=5", "training.epochs=2"])
    _, _, err = cli("refine", "-o", "next.yaml")
    assert "than its spec.yaml says, and that is kept: seed: 0 → 5; training.epochs: 1 → 2\n" in err
    assert "training: {epochs: 2}\n" in Path("next.yaml").read_text()


def test_nothing_to_change_is_no_error_and_no_file(cli: Cli, cli_json: CliJson, spec: Path) -> None:
    write_random_study(spec, hollow, trials=5)
    code, out, err = cli("refine", "-o", "next.yaml")
    assert (code, out) == (0, "")
    assert err == (
        "nothing to change in sales, and nothing written: too few trials to say (5 completed; ranges are judged from "
        "10 on)\n"
    )
    assert not Path("next.yaml").exists()
    document = cli_json("refine", "-o", "next.yaml")
    assert (document["path"], document["text"], document["changes"]) == (None, None, [])


def test_places_that_cannot_be_written_and_studies_that_are_not_there(cli: Cli, spec: Path) -> None:
    assert cli("refine")[0] == 2
    write_random_study(spec, hollow)
    code, _, err = cli("refine", "-o", "nowhere/next.yaml")
    assert code == 2
    assert err.startswith("nowhere/next.yaml: its folder does not exist\nhint: make it: mkdir -p nowhere")
    code, _, err = cli("refine", "slaes")
    assert (code, err) == (2, "runs: no study is called 'slaes'\nhint: did you mean 'sales'?\n")


def test_a_damaged_spec_is_said_at_its_line(cli: Cli, spec: Path) -> None:
    run = write_random_study(spec, hollow)
    run.layout.spec.write_text(SPEC.replace("model: linear", "modle: linear"))
    code, _, err = cli("refine", "-o", "next.yaml")
    assert code == 2
    assert "runs/sales/spec.yaml:4:1: modle" in err


def test_show_says_the_advice(cli: Cli, cli_json: CliJson, spec: Path) -> None:
    write_random_study(spec, hollow)
    code, _, err = cli("show", "sales")
    assert code == 0
    assert "note: learning_rate: the best 15 of 60 trials lie within" in err
    assert err.endswith("note: tunecli refine sales writes the spec of the next search\n")
    (told,) = [each for each in cli_json("show", "sales")["advice"] if each["kind"] == "narrow"]
    assert told["parameters"] == ["learning_rate"]
    assert told["line"].startswith("learning_rate: {min: ")


def test_a_search_ends_with_what_it_has_shown_and_says_the_rest_before(cli: Cli, spec: Path) -> None:
    text = SPEC.replace("  learning_rate: {min: 1e-4, max: 1e-1, log: true}  # by magnitude\n", "")
    spec.write_text(text.replace("tuner: {name: random, max_trials: 2}", "tuner: grid"))
    _, _, err = cli("search", spec)
    assert err.count("note: batch_size is searched at the default learning rate") == 1
    _, _, err = cli("show")
    assert "note: batch_size is searched at the default learning rate" in err


@pytest.mark.parametrize("command", ["refine", "show"])
def test_nothing_heavy_is_imported(command: str, spec: Path) -> None:
    write_random_study(spec, hollow)
    arguments = [sys.executable, "-c", SCRIPT, json.dumps([command, "sales"]), json.dumps([*HEAVY, "scipy", "optuna"])]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert json.loads(done.stderr.splitlines()[-1]) == {"code": 0, "loaded": []}


def test_a_search_says_a_few_lines_and_where_the_others_are(capsys: pytest.CaptureFixture[str], spec: Path) -> None:
    run = write_random_study(spec, hollow)
    told = read_advice(run, run.snapshot())
    capsys.readouterr()
    say_advice(run, (*told, *told[:1] * 5), most=MOST_SAID)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == MOST_SAID + 2
    assert lines[MOST_SAID] == f"note: and {len(told) + 1} more: tunecli show sales"
