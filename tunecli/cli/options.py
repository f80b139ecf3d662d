"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunsOption = Annotated[
    Path, typer.Option("--runs", envvar="TUNECLI_RUNS", help="Folder that holds the studies.", show_default=True)
]
RunArgument = Annotated[str | None, typer.Argument(metavar="RUN", help="A study; default: the newest.")]
SpecArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="The experiment, a YAML file.")]
SetOption = Annotated[
    list[str] | None, typer.Option("-S", "--set", metavar="A.B=VALUE", help="Override a value of the spec; repeatable.")
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Never download; say what is missing.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout.")]

DEFAULT_RUNS = Path("runs")
