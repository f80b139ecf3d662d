"""A trace in short, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunecli.reports.text import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_SHOWN = 24
"""So many parameters or layers are listed; the CSV has all of them."""


def trace_view(document: Mapping[str, Any]) -> RenderableType:
    """Returns where each parameter began and ended, with least squares beside it, and what the loss came to."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    rows = document["parameters"] or [{**each, "name": f"norm of {each['name']}"} for each in document["layers"]]
    best = document["least_squares"]
    columns = ["", "start", "end", *(["least squares"] if best else [])]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for index, name in enumerate(columns):
        table.add_column(name, justify="right" if index else "left", no_wrap=True)
    for each in rows[:MOST_SHOWN]:
        table.add_row(Text(each["name"]), *(_number(each.get(key.replace(" ", "_"))) for key in columns[1:]))
    table.add_row(
        Text(f"loss ({document['loss']['name']}), all training rows"),
        _number(document["loss"]["start"]),
        _number(document["loss"]["end"]),
        *([Text("")] if best else []),
    )
    if document["rmse"]["start"] is not None:
        of_best = [_number(best["rmse"])] if best else []
        table.add_row(
            Text("RMSE, all training rows"), *(_number(document["rmse"][key]) for key in columns[1:3]), *of_best
        )
    more = [Text(f"and {len(rows) - MOST_SHOWN} more, in the CSV")] if len(rows) > MOST_SHOWN else []
    return Group(Text(_heading(document)), table, *more)


def _heading(document: Mapping[str, Any]) -> str:
    """Returns what was trained, in a line."""
    name = document["study"] if document["trial"] is None else f"{document['study']}, trial {document['trial']}"
    per_epoch = -(-document["rows"] // document["batch_size"])
    return (
        f"{name}: {document['family']} on {document['dataset']}; {counted(document['rows'], 'row')}, "
        f"{counted(document['epochs'], 'epoch')} of {counted(per_epoch, 'update')}: {document['updates']:,} in all"
    )


def _number(value: float | None) -> Any:
    from rich.text import Text

    return Text("–" if value is None else f"{value:.7g}")
