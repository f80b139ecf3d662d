"""The pieces of a YAML document, with the characters that each takes up.

PyYAML's nodes end where the next token begins, behind comments and empty lines, and forget where an alias stood. A
piece ends with its last character, and an alias is a piece of its own:

    root = read_pieces(text, source="a.yaml")
    text[root.start:root.end]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import yaml

from tunecli.spec.yaml12 import Mark


class Form(StrEnum):
    """What a piece is."""

    SCALAR = "scalar"
    MAPPING = "mapping"
    SEQUENCE = "sequence"
    ALIAS = "alias"


@dataclass(frozen=True)
class Piece:
    """A value or a key, as it is written.

    Attributes:
        form: What it is.
        start: Its first character's index in the text, that of its anchor or tag if it has one.
        end: The index behind its last character; `start` where nothing is written.
        mark: Where it stands, for people.
        column: Its first character's, counted from 0: how far its line is indented.
        text: A scalar's content; an alias's name.
        anchor: The name that aliases call it by.
        is_flow: Whether a mapping or sequence stands in braces or brackets.
        parts: The items of a sequence; the keys and values of a mapping in turn.
    """

    form: Form
    start: int
    end: int
    mark: Mark
    column: int
    text: str = ""
    anchor: str | None = None
    is_flow: bool = False
    parts: tuple[Piece, ...] = ()

    @property
    def entries(self) -> list[tuple[Piece, Piece]]:
        """The keys of a mapping, each with its value."""
        return list(zip(self.parts[::2], self.parts[1::2], strict=True))

    @property
    def is_block(self) -> bool:
        """Whether it is spread over lines of its own, by indentation."""
        return self.form in (Form.MAPPING, Form.SEQUENCE) and not self.is_flow

    def walk(self) -> Iterator[Piece]:
        """Yields the piece and all pieces in it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def read_pieces(text: str, *, source: str) -> Piece:
    """Reads one document that `yaml12.compose` has found nothing wrong with.

    Args:
        text: The document.
        source: The name that marks carry.
    """
    loader = yaml.SafeLoader(text)
    loader.name = source
    events = iter(loader.get_event, None)
    first = next(event for event in events if isinstance(event, yaml.NodeEvent))
    return _piece(first, text, events)


def _piece(event: yaml.NodeEvent, text: str, events: Iterator[yaml.Event]) -> Piece:
    begin, (start, end) = _begin(event), _span(event)
    mark, column, anchor = Mark.of(begin), begin.column, event.anchor
    if isinstance(event, yaml.AliasEvent):
        return Piece(Form.ALIAS, start, end, mark, column, text=anchor or "")
    if isinstance(event, yaml.ScalarEvent):
        end = max(start, len(text[:end].rstrip()))  # `|` ends behind the empty lines below it
        return Piece(Form.SCALAR, start, end, mark, column, text=event.value, anchor=anchor)
    assert isinstance(event, yaml.CollectionStartEvent), "there are no other nodes"
    parts = []
    while not isinstance(each := next(events), yaml.CollectionEndEvent):
        assert isinstance(each, yaml.NodeEvent), "a collection holds nodes"
        parts.append(_piece(each, text, events))
    is_flow = bool(event.flow_style)
    end = _span(each)[1] if is_flow else max([start, *(part.end for part in parts)])
    form = Form.MAPPING if isinstance(event, yaml.MappingStartEvent) else Form.SEQUENCE
    return Piece(form, start, end, mark, column, anchor=anchor, is_flow=is_flow, parts=tuple(parts))


def _begin(event: yaml.Event) -> yaml.Mark:
    assert isinstance(event.start_mark, yaml.Mark), "a parsed event has its place"
    return event.start_mark


def _span(event: yaml.Event) -> tuple[int, int]:
    assert isinstance(event.end_mark, yaml.Mark), "a parsed event has its place"
    return _begin(event).index, event.end_mark.index
