"""Spells values as YAML that a person would write: in one line, numbers short, quotes only where they are needed.

spell({"min": 0.00032, "max": 0.01, "log": True})   # {min: 3.2e-4, max: 0.01, log: true}
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml

from tunecli.spec.yaml12 import compose, plain

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
"""Texts that no style of YAML takes for anything else, except for the words of version 1.2 (true, null) and 1.1."""

_WORDS_OF_1_1 = frozenset({"y", "yes", "n", "no", "on", "off"})
"""Truth values to readers of version 1.1, which people may have beside this one."""

_DECIMAL_FROM, _DECIMAL_BELOW = 0.01, 1e6
"""Numbers between these are written out; 1e-3 is shorter than 0.001, and 0.01 than nothing."""


def spell(value: Any) -> str:
    """Returns a value in one line of YAML, which reads back as the same value and the same type.

    Args:
        value: What JSON can hold; numbers are finite and keys are texts.
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{spell(key)}: {spell(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(spell, value)) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        return _spell_text(value)
    return spell_float(value) if isinstance(value, float) else str(value)


def spell_float(number: float) -> str:
    """Returns the shortest text that reads back as the same float: 3.2e-4 rather than 0.00032."""
    assert math.isfinite(number), "a spec holds finite numbers"
    if number == 0 or _DECIMAL_FROM <= abs(number) < _DECIMAL_BELOW:
        return repr(number)
    digits, exponent = _digits_and_exponent(number)
    return f"{digits}e{exponent}"


def _digits_and_exponent(number: float) -> tuple[str, int]:
    for precision in range(17):
        text = f"{number:.{precision}e}"
        if float(text) == number:
            digits, _, exponent = text.partition("e")
            return digits, int(exponent)
    raise AssertionError("17 digits tell floats apart")


def _spell_text(text: str) -> str:
    if _WORD.fullmatch(text) and text.lower() not in _WORDS_OF_1_1:
        root, _ = compose(text, source="")
        if root is not None and plain(root) == text:
            return text
    # PyYAML knows what must be escaped between double quotes; one line, whatever its length
    return str(yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf)).removesuffix("\n")
