"""Reads YAML as version 1.2 has it, into nodes that know their place.

PyYAML reads version 1.1, where `1e-4` is a text, `no` is false, `012` is ten and the last of two equal keys wins.
Here the core schema of version 1.2 decides what a plain word is, and equal keys are a problem.

    root, problems = compose(text, source="a.yaml")   # nodes: aliases and merge keys are resolved
    data = plain(root)                                # dicts, lists and scalars
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

_TAG = "tag:yaml.org,2002:"
MAP, SEQ, STR, NULL = (_TAG + name for name in ("map", "seq", "str", "null"))
_MERGE = _TAG + "merge"


def _whole(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)


def _number(text: str) -> float:
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


@dataclass(frozen=True)
class _Scalar:
    """A kind of plain word: how it looks, the characters that it begins with, and what it means."""

    pattern: str
    starts: str
    read: Callable[[str], Any]


_SCALARS = {
    NULL: _Scalar(r"null|Null|NULL|~|", "~nN", lambda text: None),
    _TAG + "bool": _Scalar(r"true|True|TRUE|false|False|FALSE", "tTfF", lambda text: text.lower() == "true"),
    _TAG + "int": _Scalar(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789", _whole),
    _TAG + "float": _Scalar(
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
        lambda text: _number(text.lower()),
    ),
    STR: _Scalar(r"(?s:.*)", "", str),
}
"""The core schema, section 10.3.2 of the specification."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012  # a table of the class, as PyYAML has it


for _tag, _scalar in _SCALARS.items():
    if _tag != STR:
        _starts = [*_scalar.starts, *([""] if _tag == NULL else [])]
        _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_scalar.pattern})$"), _starts)
_Loader.add_implicit_resolver(_MERGE, re.compile("^<<$"), ["<"])


@dataclass(frozen=True)
class Mark:
    """A place in a source: its name, and line and column counted from 1."""

    source: str
    line: int
    column: int

    @classmethod
    def of(cls, mark: yaml.Mark) -> Mark:
        """Reads PyYAML's mark, which counts from 0."""
        return cls(mark.name, mark.line + 1, mark.column + 1)


@dataclass(frozen=True)
class Flaw:
    """Something that a source must not hold."""

    mark: Mark
    what: str
    hint: str = ""


def compose(text: str, *, source: str) -> tuple[Node | None, list[Flaw]]:
    """Reads one document.

    Args:
        text: The document.
        source: The name that its marks carry.

    Returns:
        The root, None if the document is empty or cannot be read, and all that is wrong.
    """
    try:
        loader = _Loader(text)
        loader.name = source
        root = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        return None, [_unprintable(error, text, source)]
    except yaml.MarkedYAMLError as error:
        return None, [_syntax_flaw(error, text)]
    except RecursionError:
        return None, [Flaw(Mark(source, 1, 1), "is nested too deeply")]
    if root is None:
        return None, []
    resolver = _Resolver()
    return resolver.resolve(root), resolver.flaws


def plain(node: Node) -> Any:
    """Returns the value of a node that `compose` gave."""
    if isinstance(node, MappingNode):
        return {key.value: plain(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [plain(each) for each in node.value]
    return _SCALARS[node.tag].read(node.value)


class _Resolver:
    """Copies nodes: aliases become copies, merge keys the entries that they stand for; notes what is not allowed."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []
        self._open: list[Node] = []

    def resolve(self, node: Node) -> Node:
        if any(node is each for each in self._open):
            self._flaw(node, "contains itself")
            return _null(node)
        self._open.append(node)
        try:
            return self._copy(node)
        finally:
            self._open.pop()

    def _copy(self, node: Node) -> Node:
        if isinstance(node, MappingNode) and node.tag == MAP:
            return MappingNode(MAP, self._entries(node), node.start_mark, node.end_mark, node.flow_style)
        if isinstance(node, SequenceNode) and node.tag == SEQ:
            items = [self.resolve(each) for each in node.value]
            return SequenceNode(SEQ, items, node.start_mark, node.end_mark, node.flow_style)
        return self._scalar(node)

    def _scalar(self, node: Node) -> Node:
        known = _SCALARS.get(node.tag) if isinstance(node, ScalarNode) else None
        if known is None:
            self._flaw(node, f"the tag {node.tag.replace(_TAG, '!!')} is not known here", "drop it")
            return _null(node)
        try:
            value = known.read(node.value) if re.fullmatch(known.pattern, node.value) else math.nan
        except ValueError:  # Python refuses to read whole numbers of thousands of digits
            value = math.nan
        if isinstance(value, float) and not math.isfinite(value):
            self._flaw(node, f"'{node.value[:60]}' is not a finite number", "write a number, or put a text in quotes")
            return _null(node)
        return node

    def _entries(self, node: MappingNode) -> list[tuple[Node, Node]]:
        """Returns the entries of a mapping: those of its merge keys first, as far as its own do not replace them."""
        own: dict[str, tuple[Node, Node]] = {}
        merged: dict[str, tuple[Node, Node]] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                for entry in self._merged(value):
                    merged.setdefault(entry[0].value, entry)
            elif key.tag != STR:
                self._flaw(key, f"the key {_spelling(key)} is not a text", "put it in quotes")
            elif key.value in own:
                first = Mark.of(own[key.value][0].start_mark)
                hint = f"the first is in line {first.line}, column {first.column}: drop one of them"
                self._flaw(key, f"the key '{key.value}' stands here twice", hint)
            else:
                own[key.value] = (key, self.resolve(value))
        return list((merged | own).values())

    def _merged(self, value: Node) -> list[tuple[Node, Node]]:
        sources = value.value if isinstance(value, SequenceNode) else [value]
        found: list[tuple[Node, Node]] = []
        for source in sources:
            if isinstance(source, MappingNode):
                found += self.resolve(source).value
            else:
                self._flaw(source, "only a block of keys can be merged", "write <<: *name of a block")
        return found

    def _flaw(self, node: Node, what: str, hint: str = "") -> None:
        self.flaws.append(Flaw(Mark.of(node.start_mark), what, hint))


def _null(node: Node) -> ScalarNode:
    return ScalarNode(NULL, "", node.start_mark, node.end_mark)


def _spelling(key: Node) -> str:
    return f"'{key.value}'" if isinstance(key, ScalarNode) else "in brackets"


def _unprintable(error: yaml.reader.ReaderError, text: str, source: str) -> Flaw:
    before = text[: error.position]
    mark = Mark(source, before.count("\n") + 1, len(before) - before.rfind("\n"))
    return Flaw(mark, f"the character U+{ord(text[error.position]):04X} is not allowed in YAML", "delete it")


def _syntax_flaw(error: yaml.MarkedYAMLError, text: str) -> Flaw:
    mark = error.problem_mark or error.context_mark
    assert mark is not None, "PyYAML marks every syntax error"
    problem = error.problem or error.context or "cannot be read"
    opened = Mark.of(error.context_mark) if error.context_mark else None
    what, hint = _in_plain_words(problem, error.context or "", opened)
    if "\t" in _indent(text, mark.line):
        column = _indent(text, mark.line).index("\t") + 1
        return Flaw(Mark(mark.name, mark.line + 1, column), "a tab cannot indent", "use spaces")
    return Flaw(Mark.of(mark), what, hint)


def _indent(text: str, line: int) -> str:
    lines = text.splitlines()
    return lines[line][: len(lines[line]) - len(lines[line].lstrip())] if line < len(lines) else ""


_PLAIN_WORDS = (
    ("flow sequence", "the [ … ]{since} is not closed, or lacks a comma", "every entry but the last ends with a comma"),
    (
        "flow mapping",
        "the {{ … }}{since} is not closed, or lacks a comma",
        "every entry but the last ends with a comma",
    ),
    ("mapping values are not allowed", "a second ': ' in one line", "put the text in quotes, or begin a new line"),
    ("could not find expected ':'", "the key{since} has no ':'", "write key: value"),
    ("expected <block end>", "the indentation does not fit the lines above", "indent keys of one block alike"),
    ("quoted scalar", "the quoted text{since} is not closed", "add the closing quote"),
    ("undefined alias", "no anchor has this name", "write &name before *name"),
    ("cannot start any token", "a plain text cannot begin with this character", "put the text in quotes"),
    ("another document", "a second document begins here", "keep one document in a file; drop the ---"),
)
"""PyYAML's commonest complaints, by a part of each, in the words of someone who writes a file."""


def _in_plain_words(problem: str, context: str, opened: Mark | None) -> tuple[str, str]:
    since = f" begun in line {opened.line}, column {opened.column}" if opened else ""
    complaint = f"{context} {problem}"
    for part, what, hint in _PLAIN_WORDS:
        if part in complaint:
            return what.format(since=since), hint
    return problem, ""
