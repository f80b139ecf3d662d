"""`--set a.b.c=value`: puts values into a spec before it is validated.

An override may stand below what the file writes as a shorthand: `tuner.max_trials=3` on `tuner: random` means
`tuner: {name: random, max_trials: 3}`.
"""

from __future__ import annotations

from collections.abc import Sequence

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from tunecli.errors import Problem
from tunecli.spec.places import KEY_SYNONYMS, OVERRIDE, Place
from tunecli.spec.yaml12 import MAP, NULL, STR, compose

SHORTHANDS = {"dataset": "name", "model": "family", "objective": "metric", "tuner": "name"}
"""The blocks that may be written as one word, and the key that the word stands for."""


def apply(root: Node, overrides: Sequence[str]) -> tuple[Node, list[Problem]]:
    """Returns a copy of the file's tree with the overrides in it, and what is wrong with them."""
    problems: list[Problem] = []
    for text in overrides:
        source = f"{OVERRIDE}{text}"
        keys = [key.strip() for key in text.partition("=")[0].split(".")]
        if "=" not in text or not all(keys):
            problems.append(Problem("is not of the form a.b.c=value", source, "write --set training.epochs=5"))
            continue
        value, flaws = compose(text.partition("=")[2], source=source)
        problems += [Place(flaw.mark, "").problem(flaw.what, flaw.hint) for flaw in flaws]
        if flaws:
            continue
        try:
            root = _set(root, keys, value or _scalar(NULL, "", source), ())
        except _NotABlockError as error:
            hint = f"set {error.path} itself: --set {error.path}=…"
            problems.append(Problem(f"{error.path} is no block: nothing can stand below it", source, hint))
    return root, problems


_FORMS = ("value", "values", "choices", "layers", *KEY_SYNONYMS["min"], *KEY_SYNONYMS["max"], "min", "max")
"""Setting one of these says anew what a parameter is; what its shorthand said goes."""


class _NotABlockError(Exception):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def _set(node: Node, keys: Sequence[str], value: Node, above: tuple[str, ...]) -> Node:
    """Returns a copy of `node` in which the value below `keys` is `value`."""
    if not keys:
        return value
    source = value.start_mark.name
    key, *rest = keys
    block = _as_block(node, key, above, source)
    replaced = {key, *_synonyms(key)}
    old = next((entry for entry in block.value if entry[0].value in replaced), None)
    name = old[0] if old and rest else _scalar(STR, key, source)
    new = (name, _set(old[1] if old else _scalar(NULL, "", source), rest, value, (*above, key)))
    kept = [new if entry is old else entry for entry in block.value if entry is old or entry[0].value not in replaced]
    entries = kept if old else [*kept, new]
    return MappingNode(MAP, entries, block.start_mark, block.end_mark, block.flow_style)


def _as_block(node: Node, key: str, above: tuple[str, ...], source: str) -> MappingNode:
    """Returns a value as the block in which `key` is to be set.

    Raises:
        _NotABlockError: It is neither a block, nor empty, nor a shorthand of one.
    """
    if isinstance(node, MappingNode):
        return node
    if node.tag == NULL:
        entries: list[tuple[str, Node]] = []
    elif len(above) == 1 and above[0] in SHORTHANDS and isinstance(node, ScalarNode):
        entries = [(SHORTHANDS[above[0]], node)]
    elif len(above) == 2 and above[0] in ("search_space", "model") and above != ("model", "family"):
        entries = [] if key in _FORMS else [(_form(node), node)]
    else:
        raise _NotABlockError(".".join(above))
    written = [(_scalar(STR, name, source, at=each), each) for name, each in entries]
    return MappingNode(MAP, list[tuple[Node, Node]](written), node.start_mark, node.end_mark, flow_style=True)


def _form(node: Node) -> str:
    """Returns the key that a parameter's shorthand stands for."""
    if isinstance(node, ScalarNode):
        return "value"
    return "layers" if all(isinstance(each, SequenceNode) for each in node.value) else "values"


def _synonyms(key: str) -> tuple[str, ...]:
    """Returns the other spellings of a key, whichever of them it is."""
    groups = ((name, *others) for name, others in KEY_SYNONYMS.items() if name != "type")
    return next((group for group in groups if key in group), ())


def _scalar(tag: str, value: str, source: str, *, at: Node | None = None) -> ScalarNode:
    mark = at.start_mark if at else yaml.Mark(source, 0, 0, 0, None, 0)
    return ScalarNode(tag, value, mark, mark)
