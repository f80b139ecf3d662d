"""What views on a terminal are made of: tables, facts and titles, in which names and values stand as they are.

    grid = table(["rank", "trial"], rows, right=2)
    Fitting(wide=grid, compact=…)             # drawn by the width of the terminal

Rich takes `[red]` in a plain string for markup; here, every string is text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table
    from rich.text import Text


@dataclass(frozen=True)
class Fitting:
    """Draws `wide` where it fits without wrapping a value, else `compact`."""

    wide: RenderableType
    compact: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Chooses by the width of the console."""
        from rich.measure import Measurement

        needed = Measurement.get(console, options.update(max_width=10_000), self.wide).maximum
        yield self.wide if needed <= options.max_width else self.compact


def table(
    columns: Sequence[str], rows: Iterable[Iterable[RenderableType]] = (), *, left: int = 0, right: int = 0
) -> Table:
    """Returns a table; the columns from `left` up to `right` hold figures."""
    from rich import box
    from rich.table import Table

    found = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        found.add_column(text(name), justify="right" if left <= index < right else "left", overflow="fold")
    for row in rows:
        add(found, row)
    return found


def facts(pairs: Mapping[str, str]) -> Table:
    """Returns names in bold, each beside what there is to say."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for row in pairs.items():
        add(grid, row)
    return grid


def titled(title: str, part: RenderableType) -> list[RenderableType]:
    """Returns a part below its title."""
    from rich.text import Text

    return [Text(f"\n{title}", style="bold"), part]


def add(grid: Table, cells: Iterable[RenderableType]) -> None:
    """Adds a row."""
    grid.add_row(*(text(cell) if isinstance(cell, str) else cell for cell in cells))


def text(content: str) -> Text:
    """Returns text that Rich draws as it is: `[red]` in a name is no markup."""
    from rich.text import Text

    return Text(content)
