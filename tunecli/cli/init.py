"""`tunecli init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunecli.cli.console import output
from tunecli.cli.files import write_text
from tunecli.cli.options import JsonOption
from tunecli.errors import UsageError

if TYPE_CHECKING:
    from tunecli.tools.init import Draft


def init(
    dataset: Annotated[
        str,
        typer.Argument(metavar="[DATASET]", help="advertising, california, fashion; or the path of your data."),
    ] = "advertising",
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="Your data, after csv, npz or image_folder.")
    ] = None,
    output_path: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write, - for stdout; default: named by the data.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if there is one.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented spec to start from."""
    is_file = str(output_path) != "-"
    drafted = _drafted(dataset, path, output_path.parent if output_path is not None and is_file else Path())
    if not is_file:
        if as_json:
            output.json({"path": None, "text": drafted.text})
        else:
            output.result(drafted.text.rstrip("\n"))
        output.say(f"next: save it as {drafted.fname}, then tunecli search {drafted.fname}")
        return
    written = output_path or Path(drafted.fname)
    write_text(written, drafted.text, force=force)
    if as_json:
        output.json({"path": str(written), "text": drafted.text})
    output.say(f"wrote {written}; next: look it through, then tunecli search {written}")


def _drafted(dataset: str, path: Path | None, folder: Path) -> Draft:
    """Drafts a spec for a data set by its name, or for the user's data by their path.

    Raises:
        UsageError: There is no such data set, or it takes no path.
        DataError: The data are missing or damaged.
    """
    from tunecli.datasets import DATASETS
    from tunecli.datasets.formats import is_table
    from tunecli.tools.init import draft, draft_csv
    from tunecli.tools.init_own import draft_own, kind_of

    if path is None:
        path = Path(dataset)
        if is_table(path):
            return draft_csv(path, folder)
        kind = None if DATASETS.knows(dataset) else kind_of(path)
        return draft(dataset) if kind is None else draft_own(kind, path, folder)
    name = DATASETS.canonical(dataset)
    if not DATASETS.load(name).card.is_yours:
        hint = f"run `tunecli init {kind_of(path) or 'csv'} {path}`"
        raise UsageError(f"{dataset} takes no file", where=str(path), hint=hint)
    return draft_csv(path, folder) if name == "csv" else draft_own(name, path, folder)
