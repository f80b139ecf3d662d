"""The entry point: errors, switches and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tunecli import __version__
from tunecli.cli import main
from tunecli.errors import DataError, Interrupted, Problem, SpecError

Cli = Callable[..., tuple[int, str, str]]


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def app(**_: object) -> None:
        raise error

    monkeypatch.setattr(main, "app", app)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("is torn", where="a.csv", hint="get it again"), 3, "a.csv: is torn\nhint: get it again\n"),
        (SpecError([Problem("one", "a:1:1"), Problem("two", "a:2:1")]), 2, "a:1:1: one\na:2:1: two\n"),
        (Interrupted("stopped"), 130, "stopped\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            OSError(28, "No space left on device", "runs/a"),
            1,
            "runs/a: no space left on device\n"
            "hint: make room or see to the permissions, then run the same command again\n",
        ),
        (ValueError("odd"), 1, "unexpected ValueError: odd\nhint: add --debug to see where it came from\n"),
    ],
)
def test_errors_are_printed_once_with_their_exit_code(
    error: BaseException, code: int, message: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(error, monkeypatch)
    assert cli("list") == (code, "", message)


def test_debug_shows_where_an_error_came_from(cli: Cli) -> None:
    with pytest.raises(Exception, match="does not exist"):
        cli("validate", "nothing.yaml", "--debug")


def test_the_version(cli: Cli) -> None:
    assert cli("--version") == (0, f"tunecli {__version__}\n", "")


def test_an_unknown_command_gets_a_suggestion(cli: Cli) -> None:
    code, out, err = cli("serach")
    assert (code, out) == (2, "")
    assert "Did you mean 'search'?" in err


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m tunecli schema | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{", "")


def test_starting_up_is_quick() -> None:
    import time

    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "tunecli", "--help"], capture_output=True, check=True)
    assert time.monotonic() - began < 5, "generous: it takes half a second"


def test_an_output_that_cannot_show_every_sign_is_no_error() -> None:
    script = "from tunecli.cli.console import output\nfrom tunecli.cli import main\n"
    script += "main.app = lambda **_: output.result('a – b ▁')\nmain.main([])"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "a ? b ?\n"
