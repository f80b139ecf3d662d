"""Values as a person would write them."""

from __future__ import annotations

from typing import Any

import pytest

from tunecli.spec.spelling import spell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"min": 0.00032, "max": 0.01, "log": True}, "{min: 3.2e-4, max: 0.01, log: true}"),
        ([16, 32.0, None], "[16, 32.0, null]"),
        ({}, "{}"),
        ([], "[]"),
        (0.001, "1e-3"),
        (-1e-7, "-1e-7"),
        (123456.5, "123456.5"),
        (1e6, "1e6"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1 / 3000, "3.333333333333333e-4"),
        (0.0, "0.0"),
        ("adam", "adam"),
        ("Longitude-1.x/y", "Longitude-1.x/y"),
        ("", '""'),
        ("true", '"true"'),
        ("no", '"no"'),
        ("1e-3", '"1e-3"'),
        ("a: b # c", '"a: b # c"'),
        ("tab\tand\nline", '"tab\\tand\\nline"'),
        ("größer", '"größer"'),
        ({"a b": [{"c": 1}]}, '{"a b": [{c: 1}]}'),
    ],
)
def test_values_are_spelled_shortly(value: Any, text: str) -> None:
    assert spell(value) == text
