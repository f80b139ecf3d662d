"""Edits values in the text of a spec; comments, order, spelling and every line that is not meant stay as they are.

    text = read_exactly(path)
    place = parameter_path(text, "learning_rate", source=str(path))      # ("search_space", "learning_rate")
    text = set_value(text, (*place, "max"), 0.01, source=str(path))
    text = remove(text, (*place, "default"), source=str(path))

Each edit reads the new text again: if it says anything else than the old one with this one change, the edit is
refused. So is what stands behind an alias, an anchor or a merge key, where one text has two meanings. Comments go only
with what they stand in or behind: those of a removed line, and those inside a block that something else takes the
place of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from yaml import MappingNode

from tunecli.errors import Problem, SpecError
from tunecli.spec.outline import MODEL_FIELDS
from tunecli.spec.pieces import Form, Piece, read_pieces
from tunecli.spec.places import KEY_SYNONYMS, Place
from tunecli.spec.spelling import spell
from tunecli.spec.yaml12 import compose, plain

KeyPath = tuple[str, ...]
"""The keys that lead to a value, such as `("search_space", "units", "max")`."""

_INDENT = "  "
_BY_HAND = "edit it by hand"
_BYTE_ORDER_MARK = "\ufeff"


def read_exactly(path: Path) -> str:
    """Returns a UTF-8 file's text with its byte order mark and its line ends; `encode()` gives the same bytes."""
    return path.read_bytes().decode("utf-8")


def set_value(text: str, path: KeyPath, value: Any, *, source: str) -> str:
    """Puts a value in place of another, or adds a key, with the blocks that lead to it, where there is none.

    A block that takes the place of a block is edited key by key: keys that stay keep their place and their comments.

    Args:
        text: The document.
        path: Where the value stands, or is to stand.
        value: What JSON can hold; numbers are finite.
        source: The document's name in messages.

    Returns:
        The new document.

    Raises:
        SpecError: The document cannot be read, or cannot be edited there; says where.
    """
    document = _Document(text, source)
    known = document.known_part(path)
    missing = path[len(known) :]
    old = document.value(known)
    if missing and old is None:
        return document.replace(known, _below(missing, value))
    if missing:
        return document.insert(known, missing[0], _below(missing[1:], value))
    kept = [key for key in old if key in value] if isinstance(old, dict) and isinstance(value, Mapping) else []
    if not kept:
        return document.replace(path, value)
    for key in [*kept, *(each for each in value if each not in kept)]:
        if key not in old or repr(old[key]) != repr(value[key]):
            text = set_value(text, (*path, key), value[key], source=source)
    for key in (each for each in old if each not in kept):
        text = remove(text, (*path, key), source=source)
    return text


def remove(text: str, path: KeyPath, *, source: str) -> str:
    """Removes a key and its value; a block that holds no other becomes `{}`.

    Raises:
        SpecError: The document cannot be read, holds no such key, or cannot be edited there; says where.
    """
    document = _Document(text, source)
    known = document.known_part(path)
    if len(known) < len(path):
        document.refuse(document.piece(known), path, "is not there, and so cannot be removed", _BY_HAND)
    return document.remove(path)


def parameter_path(text: str, name: str, *, source: str) -> KeyPath | None:
    """Returns the keys that lead to a hyperparameter, in `search_space:`, `model:` or `training:`; None without it.

    Raises:
        SpecError: The document cannot be read.
    """
    data = _Document(text, source).data
    blocks = {"search_space": True, "model": name not in MODEL_FIELDS, "training": name == "batch_size"}
    for block, may_hold_it in blocks.items():
        if may_hold_it and isinstance(held := data.get(block), dict) and name in held:
            return block, name
    return None


def as_written(text: str, path: KeyPath, *, source: str) -> KeyPath:
    """Returns a path with its last key as the file spells it: `low` where that stands for `min`.

    Raises:
        SpecError: The document cannot be read, or a value on the way is no block.
    """
    document = _Document(text, source)
    *above, last = path
    known = document.known_part(above)
    block = document.value(known) if len(known) == len(above) else {}
    spellings = (last, *KEY_SYNONYMS.get(last, ()))
    return (*above, next((each for each in spellings if isinstance(block, dict) and each in block), last))


def _below(keys: KeyPath, value: Any) -> Any:
    """Returns a value with blocks of the keys around it."""
    for key in reversed(keys):
        value = {key: value}
    return value


class _Document:
    """A document that holds one block of keys, and what can be changed in it.

    Raises:
        SpecError: It cannot be read.
    """

    def __init__(self, text: str, source: str) -> None:
        root, flaws = compose(text, source=source)
        if flaws:
            raise SpecError(Place(flaw.mark, "").problem(flaw.what, flaw.hint) for flaw in flaws)
        if not isinstance(root, MappingNode):
            raise SpecError([Problem("holds no block of keys", source, _BY_HAND)])
        self.data: dict[str, Any] = plain(root)
        self._text, self._source = text, source
        self._root = read_pieces(text, source=source)
        self._called = {piece.text for piece in self._root.walk() if piece.form is Form.ALIAS}
        """The anchors that aliases call."""
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def known_part(self, path: Sequence[str]) -> KeyPath:
        """Returns the keys of a path up to the first that is not there.

        Raises:
            SpecError: A value on the way is neither a block nor empty.
        """
        data: Any = self.data
        for index, key in enumerate(path):
            known = tuple(path[:index])
            if data is not None and not isinstance(data, dict):
                self.refuse(self.piece(known), known, "is no block: nothing can stand below it", "set it as a whole")
            if data is None or key not in data:
                return known
            data = data[key]
        return tuple(path)

    def value(self, path: KeyPath) -> Any:
        """Returns what the document says at a path that is there."""
        data: Any = self.data
        for key in path:
            data = data[key]
        return data

    def piece(self, path: KeyPath) -> Piece:
        """Returns what is written at a path that is there.

        Raises:
            SpecError: It has another meaning elsewhere.
        """
        piece = self._root
        for index in range(len(path)):
            piece = self._entry(piece, path[: index + 1])[1]
        return piece

    def replace(self, path: KeyPath, value: Any) -> str:
        """Returns the text with another value at a path that is there."""
        key, old = self._entry(self.piece(path[:-1]), path)
        if old.is_block:
            new = self._instead_of_block(path, key, old, spell(value))
        elif old.start == old.end:
            new = self._instead_of_nothing(key, old, value)
        else:
            new = self._text[: old.start] + spell(value) + self._text[old.end :]
        return self._checked(new, path, old, _edited(self.data, path, value))

    def insert(self, path: KeyPath, key: str, value: Any) -> str:
        """Returns the text with one more entry behind the others of the block at a path that is there."""
        block = self.piece(path)
        if block.is_flow:
            behind = block.parts[-1].end if block.parts else self._text.index("{", block.start) + 1
            comma = ", " if block.parts else ""
            new = f"{self._text[:behind]}{comma}{spell(key)}: {spell(value)}{self._text[behind:]}"
        else:
            behind = self._line_end(block.end)
            new = self._with_lines(behind, self._lines(key, value, block.parts[0].column))
        return self._checked(new, (*path, key), block, _edited(self.data, (*path, key), value))

    def remove(self, path: KeyPath) -> str:
        """Returns the text without a key that is there."""
        block = self.piece(path[:-1])
        key, value = self._entry(block, path)
        if block.is_block and len(block.entries) == 1 and len(path) > 1:
            return self.replace(path[:-1], {})
        begin, end = self._removed_flow(block, key, value) if block.is_flow else self._removed_lines(key, value)
        return self._checked(self._text[:begin] + self._text[end:], path, key, _without(self.data, path))

    def refuse(self, piece: Piece, path: KeyPath, what: str, hint: str) -> NoReturn:
        """Raises the error that something cannot be edited."""
        raise SpecError([Place(piece.mark, ".".join(path)).problem(what, hint)])

    def _entry(self, block: Piece, path: KeyPath) -> tuple[Piece, Piece]:
        """Returns key and value of the last key of `path`, which the block has.

        Raises:
            SpecError: They have another meaning elsewhere.
        """
        found = [entry for entry in block.entries if entry[0].form is Form.SCALAR and entry[0].text == path[-1]]
        if not found:
            self.refuse(block, path, "comes from a merge key or an alias", "write it out in this block")
        key, value = found[0]
        if value.form is Form.ALIAS:
            hint = f"write its value here in place of *{value.text}"
            self.refuse(value, path, f"stands for what is written at &{value.text}", hint)
        if value.anchor in self._called:
            hint = f"write values in place of *{value.anchor}, and drop &{value.anchor}"
            self.refuse(value, path, f"is also what *{value.anchor} stands for", hint)
        return key, value

    def _instead_of_block(self, path: KeyPath, key: Piece, old: Piece, spelled: str) -> str:
        """Puts a value behind the colon, and drops the lines of the block."""
        line = self._line_start(old.start)
        colon = re.compile(r"[ \t]*:").match(self._text, key.end)
        if colon is None or line <= key.end or self._text[line : old.start].strip(" "):
            self.refuse(old, path, "cannot be replaced here: the block's first line holds more", _BY_HAND)
        between = self._text[colon.end() : line]
        return f"{self._text[: colon.end()]} {spelled}{between}{self._text[self._line_end(old.end) :]}"

    def _instead_of_nothing(self, key: Piece, old: Piece, value: Any) -> str:
        if not _is_spread(value):
            return f"{self._text[: old.start]} {spell(value)}{self._text[old.end :]}"
        lines = [line for name, each in value.items() for line in self._lines(name, each, key.column + len(_INDENT))]
        return self._with_lines(self._line_end(old.end), lines)

    def _lines(self, key: str, value: Any, column: int) -> list[str]:
        """Returns the lines of an entry; a block that holds blocks is spread over several."""
        if not _is_spread(value):
            return [f"{' ' * column}{spell(key)}: {spell(value)}"]
        below = [line for name, each in value.items() for line in self._lines(name, each, column + len(_INDENT))]
        return [f"{' ' * column}{spell(key)}:", *below]

    def _with_lines(self, behind: int, lines: list[str]) -> str:
        """Returns the text with more lines behind a line's end."""
        before = self._text[:behind]
        opening = "" if before.endswith(("\n", "\r")) else self._newline
        return before + opening + self._newline.join(lines) + self._newline + self._text[behind:]

    def _removed_lines(self, key: Piece, value: Piece) -> tuple[int, int]:
        """Returns from where to where an entry of a block with indentation is to be cut: its lines."""
        begin = self._line_start(key.start)
        return begin + self._text.startswith(_BYTE_ORDER_MARK, begin), self._line_end(max(key.end, value.end))

    def _removed_flow(self, block: Piece, key: Piece, value: Piece) -> tuple[int, int]:
        """Returns from where to where an entry between braces is to be cut, with one of the commas beside it."""
        index = block.parts.index(key)
        if index + 2 < len(block.parts):
            return key.start, block.parts[index + 2].start
        before = block.parts[index - 1].end if index else key.start
        is_one_line = not set(self._text[before : key.start]) & set("\r\n")
        return before if is_one_line else key.start, value.end  # a comma may stay behind the last; a comment must

    def _line_start(self, index: int) -> int:
        return max(self._text.rfind(end, 0, index) for end in "\r\n") + 1

    def _line_end(self, index: int) -> int:
        """Returns where the next line begins."""
        end = re.compile(r"\r\n|\r|\n").search(self._text, index)
        return end.end() if end else len(self._text)

    def _checked(self, new: str, path: KeyPath, piece: Piece, expected: dict[str, Any]) -> str:
        """Returns the new text if it says what it should, and nothing else.

        Raises:
            SpecError: It does not.
        """
        root, flaws = compose(new, source=self._source)
        # repr tells 1 from 1.0 and true, and one order of keys from another
        if flaws or root is None or repr(plain(root)) != repr(expected):
            self.refuse(piece, path, "cannot be edited without changing something else", _BY_HAND)
        return new


def _is_spread(value: Any) -> bool:
    """Says whether a block is easier to read in lines of its own."""
    return isinstance(value, Mapping) and any(isinstance(each, Mapping) for each in value.values())


def _edited(data: dict[str, Any], path: KeyPath, value: Any) -> dict[str, Any]:
    """Returns a copy with another value at `path`, or with one more key."""
    key, *rest = path
    return {**data, key: _edited(data[key], tuple(rest), value) if rest else value}


def _without(data: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    """Returns a copy without the key at `path`."""
    key, *rest = path
    if rest:
        return {**data, key: _without(data[key], tuple(rest))}
    return {name: each for name, each in data.items() if name != key}
