"""Markdown that is read as it is, in a terminal of 80 columns, as well as rendered.

Text from data (names of columns, classes, files) may hold anything: `escaped` makes it show as itself.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 80

# an underscore within a word is text
_SPECIAL = re.compile(r"([\\`*{}\[\]()#+!|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LONGEST = 200
_MARKUP_AT_START = re.compile(r"^([-=+]|\d+[.)])")
"""What is plain text within a line, and begins a list or underlines a heading where a wrapped line begins with it."""


def escaped(text: object, *, most: int = _LONGEST) -> str:
    """Returns a text that shows as itself in Markdown, in one line: no markup, no HTML, no new row of a table.

    Args:
        text: Anything.
        most: Beyond so many characters it is cut off.
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())
    short = line if len(line) <= most else f"{line[:most]}…"
    entities = "".join(_ENTITIES.get(char, char) for char in short)
    return _SPECIAL.sub(r"\\\1", entities)


def named(texts: Sequence[object], most: int) -> str:
    """Returns a list of names, the first `most` of them escaped."""
    shown = ", ".join(map(escaped, texts[:most]))
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most:,} more"


def paragraph(text: str) -> str:
    """Returns text, escaped where it must be, in lines of at most 80 characters."""
    return "\n".join(_wrapped(text))


def bullets(texts: Iterable[str]) -> str:
    """Returns a list, its texts escaped where they must be."""
    return "\n".join("\n  ".join(_wrapped(text, begin="- ")) for text in texts)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a table of cells that are escaped already; all columns but the first hold figures.

    Cells are padded, so that it can be read as it is.
    """
    lines = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(header))]
    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    return "\n".join(_row(line, widths) for line in [lines[0], rule, *lines[1:]])


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if column == 0 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join([first, *others])} |"


def _wrapped(text: str, begin: str = "") -> list[str]:
    lines = textwrap.wrap(begin + text, WIDTH - len(begin), break_long_words=False, break_on_hyphens=False)
    first, *others = lines or [begin]
    return [first, *(_MARKUP_AT_START.sub(_unmarked, line) for line in others)]


def _unmarked(match: re.Match[str]) -> str:
    begin = match[1]
    return f"{begin[:-1]}\\{begin[-1]}" if begin[0].isdigit() else f"\\{begin}"
