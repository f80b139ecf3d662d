"""`tunecli validate` and `tunecli schema`."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tunecli.cli.main import run
from tunecli.spec.yaml12 import compose, plain

GOOD = "dataset: advertising\nmodel: linear\nsearch_space: {l2: [0, 0.1]}\ntuner: {name: random, max_trials: 5}\n"


@pytest.fixture
def good() -> str:
    Path("good.yaml").write_text(GOOD)
    return "good.yaml"


def test_validate_says_what_a_spec_comes_to(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", good]) == 0
    out, err = capsys.readouterr()
    assert out == "good.yaml: fine — linear on advertising, 1 parameter searched, random, 2 trials, 20 epochs\n"
    assert err == "note: the space has only 2 configurations: tuner: grid tries each of them once\n"


def test_validate_reads_overrides(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", good, "-S", "training.epochs=1", "--set", "tuner=grid"]) == 0
    assert "grid, 2 trials, 2 epochs" in capsys.readouterr().out


def test_validate_prints_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.yaml").write_text("dataset: advertising\nmodel: linear\nseed: x\nsead: 1\n")
    assert run(["validate", "bad.yaml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "bad.yaml:3:7: seed: 'x' is not a whole number\n"
        "bad.yaml:4:1: sead: unknown key 'sead'\nhint: did you mean 'seed'?\n"
    )


def test_validate_json_holds_the_plan(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", good, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["valid"] is True
    assert document["plan"]["space"]["parameters"][0]["name"] == "l2"


def test_validate_json_holds_the_problems(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", good, "--json", "-S", "model=linaer"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "schema_version": 1,
        "valid": False,
        "problems": [
            {
                "where": "--set model=linaer",
                "what": "unknown family 'linaer'",
                "hint": "did you mean 'linear'?",
            }
        ],
    }


def test_the_schema_accepts_every_example(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    for path in configs.rglob("*.yaml"):
        root, _ = compose(path.read_text(), source=str(path))
        assert root is not None
        jsonschema.validate(plain(root), schema)


def test_the_schema_is_written_to_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "-o", "spec.schema.json"]) == 0
    assert json.loads(Path("spec.schema.json").read_text())["title"] == "tunecli spec"
    assert capsys.readouterr().out == ""


def test_a_schema_that_cannot_be_written_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "-o", "none/spec.json"]) == 2
    assert capsys.readouterr().err == "none/spec.json: cannot be written: No such file or directory\n"
