"""`tunecli datasets`: what there is, and fetching it ahead of time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunecli.cli.console import output
from tunecli.cli.options import JsonOption, OfflineOption

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(name="datasets", invoke_without_command=True)


@app.callback()
def datasets(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the data sets, or fetch one."""
    if context.invoked_subcommand is not None:
        return
    documents = _documents()
    if as_json:
        output.json({"datasets": documents})
        return
    output.print(_table(documents))
    output.say("next: tunecli init NAME writes a spec; tunecli datasets fetch NAME downloads ahead of time")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="The data set.")],
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Download a data set, unless it is on this machine; check it and print where it is."""
    from tunecli.datasets import DATASETS

    if offline:
        os.environ["TUNECLI_OFFLINE"] = "1"
    name = DATASETS.canonical(name)
    dataset = DATASETS.load(name)
    was_there = dataset.find() is not None
    path = dataset.fetch()
    if as_json:
        output.json({"name": name, "path": str(path), "downloaded": not was_there})
    else:
        output.result(str(path))
    output.say(f"{name} {'was already there' if was_there else 'was downloaded'}, and is undamaged")


def _documents() -> list[dict[str, Any]]:
    from tunecli.datasets import DATASETS

    members = {name: DATASETS.load(name) for name in DATASETS.names}
    return [
        {
            "name": name,
            "title": each.card.title,
            "shape": each.card.shape,
            "task": each.card.task,
            "source": each.card.source,
            "licence": each.card.licence,
            "path": str(path) if (path := each.find()) is not None else None,
        }
        for name, each in members.items()
    ]


def _table(documents: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    from tunecli.datasets import DATASETS

    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    for title in ("name", "what", "task", "source and licence", "where"):
        table.add_column(title, overflow="fold")
    yours = {name for name in DATASETS.names if DATASETS.load(name).card.is_yours}
    for each in documents:
        where = "in the spec" if each["name"] in yours else each["path"] or "to be downloaded"
        what, origin = f"{each['title']}\n{each['shape']}", f"{each['source']}\n{each['licence']}"
        table.add_row(each["name"], what, each["task"] or "as the target", origin, where)
    return table
