"""Finds where in a file a value stands, from the keys that lead to it.

What pydantic calls a value is not always what was written: `low` is `min` there, `tuner: random` is a block with a
name, and `model.units` is `model.parameters.units`. Levels that are not in the file are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

from yaml import CollectionNode, MappingNode, Node, SequenceNode

from tunecli.errors import Problem
from tunecli.spec.faults import Loc
from tunecli.spec.parameter import PARAMETER_SYNONYMS
from tunecli.spec.tuners import TUNER_SPELLINGS
from tunecli.spec.yaml12 import Mark

OVERRIDE = "--set "
"""The sources of values that were given on the command line begin with this."""

KEY_SYNONYMS = {**PARAMETER_SYNONYMS, "type": ("distribution",), "goal": ("direction",)}
"""The keys that may stand for another."""


@dataclass(frozen=True)
class Place:
    """A place in a file or on the command line, and the keys that lead to it.

    Attributes:
        mark: The file or override, line and column.
        path: Such as `search_space.units.min`; empty for the whole file.
    """

    mark: Mark
    path: str

    def __str__(self) -> str:
        """Returns `file:line:column: path`, or the override."""
        mark = self.mark
        if mark.source.startswith(OVERRIDE):
            is_said = mark.source.removeprefix(OVERRIDE).partition("=")[0].strip() == self.path
            return mark.source if is_said or not self.path else f"{mark.source}: {self.path}"
        where = f"{mark.source}:{mark.line}:{mark.column}"
        return f"{where}: {self.path}" if self.path else where

    def problem(self, what: str, hint: str = "") -> Problem:
        """Returns a problem at this place."""
        return Problem(what, str(self), hint)

    @property
    def order(self) -> tuple[bool, int, int]:
        """Sorts places as a person reads: down the file, then the command line."""
        return self.mark.source.startswith(OVERRIDE), self.mark.line, self.mark.column


def find(root: Node, loc: Loc, *, at_key: bool = False) -> Place:
    """Returns the place of the value at `loc`, or of the nearest block above it that is written.

    Args:
        root: The file's root.
        loc: The keys and positions that lead to the value, as pydantic has them.
        at_key: Point at the value's key, not at the value.
    """
    node, path, written = root, "", _written(loc)
    mark = root.start_mark
    for index, part in enumerate(written):
        found = _step(node, part)
        if found is None and isinstance(node, MappingNode):
            path = _join(path, *written[index:])
            break
        if found is not None:
            key, node = found
            path = _join(path, part if key is None else str(key.value))
            is_last = index == len(written) - 1
            mark = key.start_mark if key is not None and (is_block(node) or (at_key and is_last)) else node.start_mark
    return Place(Mark.of(mark), path)


def is_block(node: Node) -> bool:
    """Says whether a value is spread over the lines below its key."""
    return isinstance(node, CollectionNode) and not node.flow_style


def entry(node: Node, name: str) -> tuple[Node, Node] | None:
    """Returns key and value of the entry called `name`, or else by one of its synonyms."""
    entries = {key.value: (key, value) for key, value in node.value} if isinstance(node, MappingNode) else {}
    return next((entries[each] for each in (name, *KEY_SYNONYMS.get(name, ())) if each in entries), None)


def _step(node: Node, part: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(node, SequenceNode) and isinstance(part, int):
        return (None, node.value[part]) if part < len(node.value) else None
    return entry(node, str(part))


def _written(loc: Loc) -> Loc:
    """Drops the levels that only the models have."""
    is_level = loc[:2] == ("model", "parameters") or (loc[:1] == ("tuner",) and loc[1:2] and loc[1] in TUNER_SPELLINGS)
    return (*loc[:1], *loc[2:]) if is_level else loc


def _join(path: str, *parts: str | int) -> str:
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path
