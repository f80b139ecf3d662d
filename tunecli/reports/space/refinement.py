"""The view of `tunecli refine`: what the next search does otherwise, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

Change = tuple[str, str, str, Iterable[str]]
"""A parameter, what was searched, what will be, and the findings that ask for it."""


def refinement_table(changes: Iterable[Change]) -> RenderableType:
    """Returns the table of changes; what comes from a spec is shown as it is, without markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("parameter", "was", "becomes", "why"):
        table.add_column(column, overflow="fold")
    for name, before, after, why in changes:
        reasons = "\n".join(each.removeprefix(f"{name}: ") for each in why)
        table.add_row(*(Text(cell) for cell in (name, before, after, reasons)))
    return table
