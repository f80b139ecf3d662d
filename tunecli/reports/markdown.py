"""Text from data in Markdown: names of columns, classes and files, which may hold anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LONGEST = 200


def escaped(text: object) -> str:
    """Returns a text that shows as itself in Markdown, in one line: no markup, no HTML, no new row of a table.

    Args:
        text: Anything; beyond 200 characters it is cut off.
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())
    short = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
    entities = "".join(_ENTITIES.get(char, char) for char in short)
    return _SPECIAL.sub(r"\\\1", entities)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a Markdown table of cells that are escaped already; all columns but the first hold figures."""
    first, *others = header
    lines = [f"| {first} | {' | '.join(others)} |", f"|---|{'---:|' * len(others)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])
