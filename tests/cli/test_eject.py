from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., tuple[int, str, str]]


def test_a_script_is_named_by_the_study_and_not_overwritten(cli: Cli, write_spec: Callable[..., Path]) -> None:
    spec = write_spec()
    code, out, err = cli("eject", spec)
    assert (code, out) == (0, "")
    assert err == "wrote linear.py; next: python linear.py\n"
    text = Path("linear.py").read_text()
    assert text.startswith('"""Random search for the best linear on advertising.')
    Path("linear.py").write_text("mine")
    code, _, err = cli("eject", spec)
    assert code == 2
    assert err.startswith("linear.py: is there already\nhint: ")
    assert Path("linear.py").read_text() == "mine"
    assert cli("eject", spec, "--force")[0] == 0
    assert Path("linear.py").read_text() == text


def test_a_script_goes_to_stdout_or_into_json(
    cli: Cli, cli_json: Callable[..., Any], write_spec: Callable[..., Path]
) -> None:
    spec = write_spec()
    code, out, err = cli("eject", spec, "-o", "-")
    assert (code, err) == (0, "")
    assert out.endswith('if __name__ == "__main__":\n    main()\n')
    assert not Path("linear.py").exists()
    document = cli_json("eject", spec, "-o", "-")
    assert (document["path"], document["text"]) == (None, out)
    document = cli_json("eject", spec, "-o", "other.py")
    assert document["path"] == "other.py"
    assert Path("other.py").read_text() == document["text"] == out.replace("linear.py", "other.py")


def test_values_may_be_overridden(cli: Cli, write_spec: Callable[..., Path]) -> None:
    _, out, _ = cli("eject", write_spec(), "-o", "-", "-S", "training.epochs=7", "-S", "tuner.max_trials=3")
    assert "EPOCHS = 7" in out
    assert "max_trials=3" in out


def test_a_wrong_spec_is_reported_as_by_validate(cli: Cli, write_spec: Callable[..., Path]) -> None:
    spec = write_spec(model={"family": "linear", "units": 3, "optimizer": "sdg"})
    expected = cli("validate", spec)
    assert expected[0] == 2
    assert cli("eject", spec) == expected


def test_a_place_that_cannot_be_written_is_said(cli: Cli, write_spec: Callable[..., Path]) -> None:
    code, _, err = cli("eject", write_spec(), "-o", "nowhere/script.py")
    assert code == 2
    assert err == "nowhere/script.py: cannot be written: no such file or directory\n"


def test_json_is_one_document(cli: Cli, write_spec: Callable[..., Path]) -> None:
    _, out, _ = cli("eject", write_spec(), "--json")
    assert json.loads(out)["schema_version"] == 1
