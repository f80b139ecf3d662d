"""Where output goes: results to stdout, progress and advice to stderr.

    output.say("resuming at trial 7")     # stderr, unless --quiet
    output.note("import took 4.1 s")      # stderr, with --verbose
    output.result("…")                    # stdout, text
    output.print(table)                   # stdout, anything Rich can draw
    output.json({...})                    # stdout, one JSON document with its schema_version

Colour, width and animation follow the terminal, NO_COLOR, TERM and CI.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.cli import github
from tunecli.errors import Problem

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA_VERSION = 1
"""Of every `--json` document: keys are added, never renamed, while it stays."""


@dataclass
class Output:
    """What the command line was told about output."""

    quiet: bool = False
    verbose: bool = False
    debug: bool = False

    def say(self, text: str) -> None:
        """Prints progress or advice to stderr, unless quiet."""
        if not self.quiet:
            sys.stderr.write(f"{_harmless(text)}\n")
            sys.stderr.flush()

    def note(self, text: str) -> None:
        """Prints to stderr what only `--verbose` asks for."""
        if self.verbose:
            self.say(text)

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Shows on a terminal that something is under way that says nothing itself."""
        if not self.is_animated:
            yield
            return
        with self.stderr_console().status(text):
            yield

    def problem(self, problem: Problem) -> None:
        """Prints an error to stderr, quiet or not."""
        sys.stderr.write(f"{_harmless(str(problem))}\n")
        sys.stderr.flush()

    def result(self, text: str) -> None:
        """Prints a result to stdout."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def print(self, renderable: Any) -> None:
        """Draws a Rich renderable on stdout."""
        console = self.stdout_console()
        if not github.is_here():
            console.print(renderable)
            return
        with console.capture() as drawn:
            console.print(renderable)
        self.result(_harmless(drawn.get().removesuffix("\n")))

    def json(self, document: Mapping[str, Any]) -> None:
        """Prints one JSON document to stdout."""
        text = json.dumps({"schema_version": SCHEMA_VERSION, **document}, indent=2, allow_nan=False)
        # the same document, in which GitHub Actions sees no command
        self.result(text.replace("##[", r"\u0023#[") if github.is_here() else text)

    def stdout_console(self) -> Console:
        """Returns a console on stdout; as wide as the terminal, or 120 columns in a pipe."""
        from rich.console import Console

        width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
        return Console(highlight=False, width=width, soft_wrap=False)

    def stderr_console(self) -> Console:
        """Returns a console on stderr."""
        from rich.console import Console

        return Console(highlight=False, stderr=True)

    @property
    def is_animated(self) -> bool:
        """Whether a live view may be drawn on stderr."""
        is_dumb = os.environ.get("TERM", "") in ("", "dumb") or "CI" in os.environ
        return sys.stderr.isatty() and not is_dumb and not self.quiet


def drop_stdout() -> None:
    """Turns stdout away, once its reader has gone: Python would complain about it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _harmless(text: str) -> str:
    """Returns text that GitHub Actions, if this runs there, takes for nothing but text."""
    if not github.is_here():
        return text
    from tunecli.reports.github import unlike_commands

    return unlike_commands(text)


output = Output()
"""The one output of this process; `cli.main` sets its switches."""
