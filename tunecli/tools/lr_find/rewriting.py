"""Writes a suggested rate into the text of a spec, and all else stays as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunecli.spec.places import KEY_SYNONYMS
from tunecli.spec.rewrite import KeyPath, parameter_path, set_value, value_at
from tunecli.spec.spelling import spell
from tunecli.tools.lr_find.values import RATE

_BELOW, _ABOVE = 10.0, math.sqrt(10)
"""How far a range reaches around a suggestion: a decade down, and up to about a third of the turning point."""


def around(suggestion: float) -> tuple[float, float]:
    """Returns the range to search, both ends to two digits."""
    return _rounded(suggestion / _BELOW), _rounded(suggestion * _ABOVE)


def rate_path(text: str, *, source: str) -> KeyPath:
    """Returns where a spec says its rate, or where it is to."""
    return parameter_path(text, RATE, source=source) or ("search_space", RATE)


def rate_line(text: str, suggestion: float, *, source: str) -> str:
    """Returns the line to paste into a spec: a range, or one value where the spec has one."""
    path = rate_path(text, source=source)
    return f"{RATE}: {spell(_written(value_at(text, path, source=source), suggestion))}"


def with_rate(text: str, suggestion: float, *, suffix: str, source: str) -> str:
    """Returns a spec's text with the range narrowed to the surroundings of a suggestion.

    Args:
        text: The spec.
        suggestion: The rate.
        suffix: Put behind the study's name where the spec has one: another space is another study.
        source: The file's name in messages.

    Raises:
        SpecError: The text cannot be edited there.
    """
    path = rate_path(text, source=source)
    text = set_value(text, path, _written(value_at(text, path, source=source), suggestion), source=source)
    name = value_at(text, ("name",), source=source)
    return set_value(text, ("name",), f"{name}{suffix}", source=source) if name else text


def _written(old: Any, suggestion: float) -> Any:
    """Returns what is to stand in the place of what a spec says of its rate."""
    low, high = around(suggestion)
    if isinstance(old, Mapping):
        return {"value": _rounded(suggestion)} if "value" in old else _narrowed(old, low, high)
    if old is None or isinstance(old, list):
        return {"min": low, "max": high, "log": True}
    return _rounded(suggestion)


def _narrowed(old: Mapping[str, Any], low: float, high: float) -> dict[str, Any]:
    """Returns a written range with other bounds, in its own words; what does not go with them is dropped."""
    scales = {key: word for key, word in _SCALES.items() if key in old}
    new: dict[str, Any] = {_own_word("min", old): low, _own_word("max", old): high, **(scales or {"log": True})}
    new |= {key: old[key] for key in ("type", "when") if old.get(key) not in (None, "choice")}
    default = old.get("default")
    if isinstance(default, int | float) and low <= default <= high:
        new["default"] = default
    return {key: new[key] for key in sorted(new, key=lambda key: list(old).index(key) if key in old else len(old))}


_SCALES = {"sampling": "log", "distribution": "log_uniform_values"}
"""Other tuners' words for a range that is searched by magnitude."""


def _own_word(name: str, old: Mapping[str, Any]) -> str:
    return next((word for word in (name, *KEY_SYNONYMS[name]) if word in old), name)


def _rounded(rate: float) -> float:
    return float(f"{rate:.1e}")
