"""Writes Python as `ruff format` leaves it: literals, brackets that break over lines, indented blocks.

    bracketed("x = keras.layers.Dense(", ["units", 'activation="relu"'], ")(x)")

Code is a list of lines without their line ends, so that blocks are put together by adding them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from tunecli.spec.space import Value

Lines = list[str]

_WIDTH = 100
"""Where a bracket breaks: 120 columns, less what functions and blocks may indent it by."""


def literal(value: Value | Sequence[Value]) -> str:
    """Returns a value as Python code."""
    if isinstance(value, str):
        return repr(value) if '"' in value and "'" not in value else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Sequence):
        return f"[{', '.join(map(literal, value))}]"
    return repr(value)


def indented(lines: Iterable[str]) -> Lines:
    """Returns lines one level further in; blank ones stay blank."""
    return [f"    {line}" if line else line for line in lines]


def bracketed(head: str, items: Iterable[str | Lines], tail: str) -> Lines:
    """Returns items between brackets, on one line if they fit, else each on its own.

    Args:
        head: What stands before the items, the opening bracket included.
        items: Each one line, or lines that were broken already.
        tail: The closing bracket, and what follows it.
    """
    parts = [[item] if isinstance(item, str) else item for item in items]
    line = f"{head}{', '.join(part[0] for part in parts)}{tail}"
    if len(line) <= _WIDTH and all(len(part) == 1 for part in parts):
        return [line]
    body = [line for part in parts for line in (*part[:-1], f"{part[-1]},")]
    return [head, *indented(body), tail]


def listed(head: str, values: Sequence[Value], tail: str = "]") -> Lines:
    """Returns a list of literals; `head` ends in its opening bracket."""
    return bracketed(head, map(literal, values), tail)
