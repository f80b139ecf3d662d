"""The view of `tunecli refine`: what the next search does otherwise, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tunecli.reports import terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

Change = tuple[str, str, str, Iterable[str]]
"""A parameter, what was searched, what will be, and the findings that ask for it."""


def refinement_table(changes: Iterable[Change]) -> RenderableType:
    """Returns the table of changes; what comes from a spec is shown as it is, without markup."""
    rows = (
        (name, before, after, "\n".join(each.removeprefix(f"{name}: ") for each in why))
        for name, before, after, why in changes
    )
    return terminal.table(["parameter", "was", "becomes", "why"], rows)
