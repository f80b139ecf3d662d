"""`tunecli doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, RunsOption

if TYPE_CHECKING:
    from rich.table import Table

    from tunecli.tools.doctor import Check

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def doctor(runs: RunsOption = DEFAULT_RUNS, as_json: JsonOption = False) -> None:
    """Check whether a search can run well on this machine, and say what to do about each problem."""
    from dataclasses import asdict

    from tunecli.tools.doctor import Status, examine

    with output.busy("looking at the machine, and starting a worker"):
        checks = list(examine(runs))
    problems, warnings = (sum(each.status is status for each in checks) for status in (Status.PROBLEM, Status.WARNING))
    if as_json:
        output.json({"checks": [asdict(each) for each in checks]})
    else:
        output.print(_table(checks))
    output.say(f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}")
    if problems:
        raise typer.Exit(1)


def _table(checks: list[Check]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in checks:
        told = Text.assemble((each.name, "bold"), f": {each.found}")
        if each.hint:
            told.append(f"\nhint: {each.hint}")
        table.add_row(Text(each.status, _STYLES[each.status]), told)
    return table


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'s' * (number != 1)}"
