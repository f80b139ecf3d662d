"""`tunecli init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunecli.cli.console import output
from tunecli.cli.files import write_text
from tunecli.cli.options import JsonOption
from tunecli.errors import UsageError


def init(
    dataset: Annotated[
        str,
        typer.Argument(metavar="[DATASET]", help="advertising, california, fashion or csv; see `tunecli datasets`."),
    ] = "advertising",
    csv_path: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Your table, for csv: CSV, Parquet or Feather.")
    ] = None,
    output_path: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write, - for stdout; default: named by the data.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if there is one.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented spec to start from."""
    from tunecli.datasets.formats import is_table
    from tunecli.tools.init import draft, draft_csv

    if csv_path is None and is_table(Path(dataset)):
        dataset, csv_path = "csv", Path(dataset)
    if csv_path is not None and dataset.lower() not in ("csv", "table"):
        raise UsageError(f"{dataset} takes no file", where=str(csv_path), hint=f"run `tunecli init csv {csv_path}`")
    is_file = str(output_path) != "-"
    folder = output_path.parent if output_path is not None and is_file else Path()
    drafted = draft_csv(csv_path, folder) if csv_path is not None else draft(dataset)
    if not is_file:
        if as_json:
            output.json({"path": None, "text": drafted.text})
        else:
            output.result(drafted.text.rstrip("\n"))
        output.say(f"next: save it as {drafted.fname}, then tunecli search {drafted.fname}")
        return
    path = output_path or Path(drafted.fname)
    write_text(path, drafted.text, force=force)
    if as_json:
        output.json({"path": str(path), "text": drafted.text})
    output.say(f"wrote {path}; next: look it through, then tunecli search {path}")
