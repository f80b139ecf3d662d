"""`tunecli doctor`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_light_commands import HEAVY, SCRIPT
from tunecli.tools import doctor
from tunecli.tools.doctor import Check, Status

Cli = Callable[..., tuple[int, str, str]]

FINE = Check("memory", Status.OK, "25.3 GB, 24.7 GB available")
WARNING = Check("byte code", Status.WARNING, "tensorflow not compiled", "python -m compileall -q tensorflow")
PROBLEM = Check("worker", Status.PROBLEM, "does not start: " + "ImportError: [no markup] " * 5, "install it anew")


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the checks come out as given."""

    def come_out(*checks: Check) -> None:
        monkeypatch.setattr(doctor, "examine", lambda runs: iter(checks))

    return come_out


@pytest.mark.parametrize(
    ("checks", "code", "said"),
    [
        ([FINE], 0, "no problems, no warnings"),
        ([FINE, WARNING], 0, "no problems, 1 warning"),
        ([PROBLEM, WARNING, PROBLEM], 1, "2 problems, 1 warning"),
    ],
)
def test_only_problems_count(checks: list[Check], code: int, said: str, find: Callable[..., None], cli: Cli) -> None:
    find(*checks)
    for arguments in (["doctor"], ["doctor", "--json"]):
        assert cli(*arguments)[::2] == (code, f"{said}\n")


def test_each_check_has_its_line_and_its_hint_below(
    find: Callable[..., None], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    find(FINE, WARNING, PROBLEM)
    lines = [line.rstrip() for line in cli("doctor")[1].splitlines()]
    assert lines[:3] == [
        "ok       memory: 25.3 GB, 24.7 GB available",
        "warning  byte code: tensorflow not compiled",
        "         hint: python -m compileall -q tensorflow",
    ]
    assert lines[3].startswith("problem  worker: does not start: ImportError: [no markup]")
    assert lines[-1] == "         hint: install it anew"
    assert all(len(line) <= 80 for line in lines)


def test_the_json_document_holds_every_check(find: Callable[..., None], cli: Cli) -> None:
    find(FINE, WARNING)
    assert json.loads(cli("doctor", "--json")[1]) == {
        "schema_version": 1,
        "checks": [
            {"name": "memory", "status": "ok", "found": "25.3 GB, 24.7 GB available", "hint": ""},
            {
                "name": "byte code",
                "status": "warning",
                "found": "tensorflow not compiled",
                "hint": "python -m compileall -q tensorflow",
            },
        ],
    }


def test_a_real_machine_is_examined_without_importing_anything_heavy() -> None:
    arguments = ["doctor", "--json", "--runs", "studies"]
    command = [sys.executable, "-c", SCRIPT, json.dumps(arguments), json.dumps(HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    checks = json.loads(done.stdout)["checks"]
    by_name = {each["name"]: each for each in checks}
    assert {"Python", "packages", "processors", "memory", "worker", "devices", "runs folder", "disk"} <= set(by_name)
    assert by_name["worker"]["status"] == "ok", by_name["worker"]
    assert "studies, to be made in" in by_name["runs folder"]["found"]
    found = json.loads(done.stderr.splitlines()[-1])
    assert found == {"code": int(any(each["status"] == "problem" for each in checks)), "loaded": []}
    assert list(Path().iterdir()) == []
