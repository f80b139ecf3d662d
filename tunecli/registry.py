"""Registries: a protocol, one small file a member, and one literal table `name -> "module:attribute"`.

Members are imported when they are first asked for, so that a table may name modules with heavy imports.

    FAMILIES = Registry("family", {"mlp": "tunecli.families.mlp:FAMILY"})
    FAMILIES.load("mpl")  # UsageError: unknown family 'mpl' … did you mean 'mlp'?
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Generic, TypeVar, cast

from tunecli.errors import UsageError

Member = TypeVar("Member")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Returns the name most like `name`, or None when nothing is close."""
    by_key = {_key(each): each for each in names}
    matches = difflib.get_close_matches(_key(name), by_key, n=1, cutoff=0.6)
    return by_key[matches[0]] if matches else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Returns "did you mean 'x'?", or the allowed names when nothing is close."""
    known = tuple(names)
    match = nearest(name, known)
    return f"did you mean '{match}'?" if match else f"known: {', '.join(known)}"


class Registry(Generic[Member]):
    """A table of lazily imported members.

    Args:
        kind: What a member is called in messages.
        table: Maps each name to `module:attribute`.
        synonyms: Other accepted spellings of a name; case, `_` and `-` never matter.
    """

    def __init__(self, kind: str, table: Mapping[str, str], synonyms: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self._table = dict(table)
        self._spellings = {_key(name): name for name in table}
        self._spellings |= {_key(other): name for other, name in (synonyms or {}).items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in the order of the table."""
        return tuple(self._table)

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every accepted name, but for case, `_`, `-` and spaces."""
        return tuple(self._spellings)

    def knows(self, name: str) -> bool:
        """Says whether a member has this name."""
        return _key(name) in self._spellings

    def canonical(self, name: str) -> str:
        """Returns the member's own spelling of `name`.

        Raises:
            UsageError: No member has this name.
        """
        try:
            return self._spellings[_key(name)]
        except KeyError:
            raise UsageError(f"unknown {self.kind} '{name}'", hint=did_you_mean(name, self.names)) from None

    def load(self, name: str) -> Member:
        """Imports and returns a member.

        Raises:
            UsageError: No member has this name.
        """
        module, attribute = self._table[self.canonical(name)].split(":")
        return cast(Member, getattr(import_module(module), attribute))


def _key(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")
