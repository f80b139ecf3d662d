"""YAML as version 1.2 has it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunecli.spec.yaml12 import compose, plain


def read(text: str) -> Any:
    root, flaws = compose(text, source="a.yaml")
    assert not flaws
    assert root is not None
    return plain(root)


def flaws_of(text: str) -> list[str]:
    return [
        f"{flaw.mark.line}:{flaw.mark.column} {flaw.what}" + (f" ({flaw.hint})" if flaw.hint else "")
        for flaw in compose(text, source="a.yaml")[1]
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.5e+2", -50.0),
        ("12", 12),
        ("012", 12),
        ("+7", 7),
        ("0o17", 15),
        ("0xff", 255),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("y", "y"),
        ("True", True),
        ("false", False),
        ("~", None),
        ("null", None),
        ("''", ""),
        ("'1'", "1"),
        ("!!str 12", "12"),
        ("!!float 1", 1.0),
        ("1e", "1e"),
        ("=", "="),
    ],
)
def test_plain_words(text: str, value: object) -> None:
    found = read(f"a: {text}")["a"]
    assert (type(found), found) == (type(value), value)


@given(st.one_of(st.integers(-(10**18), 10**18), st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_come_back_as_python_writes_them(number: float) -> None:
    found = read(f"a: {number!r}")["a"]
    assert type(found) is type(number)
    assert found == number


def test_an_empty_value_is_null() -> None:
    assert read("a:\nb: {c: }\n") == {"a": None, "b": {"c": None}}


def test_aliases_and_merge_keys_are_resolved() -> None:
    text = "base: &base {a: 1, b: 2}\nfirst: {<<: *base, b: 3}\nsecond: *base\nthird: {<<: [*base, {c: 4, a: 5}]}\n"
    assert read(text) == {
        "base": {"a": 1, "b": 2},
        "first": {"a": 1, "b": 3},
        "second": {"a": 1, "b": 2},
        "third": {"a": 1, "b": 2, "c": 4},
    }


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            "3:1 the key 'a' stands here twice (the first is in line 1, column 1: drop one of them)",
        ),
        ("1: x\n", "1:1 the key '1' is not a text (put it in quotes)"),
        ("? [a]\n: x\n", "1:3 the key in brackets is not a text (put it in quotes)"),
        ("a: .nan\n", "1:4 '.nan' is not a finite number (write a number, or put a text in quotes)"),
        ("a: 1e999\n", "1:4 '1e999' is not a finite number (write a number, or put a text in quotes)"),
        ("a: !!int x\n", "1:4 'x' is not a finite number (write a number, or put a text in quotes)"),
        ("a: !foo x\n", "1:4 the tag !foo is not known here (drop it)"),
        ("a: !!python/name:os.system x\n", "1:4 the tag !!python/name:os.system is not known here (drop it)"),
        ("a: &a [*a]\n", "1:4 contains itself"),
        ("a: *b\n", "1:4 no anchor has this name (write &name before *name)"),
        ("<<: 3\n", "1:5 only a block of keys can be merged (write <<: *name of a block)"),
        ("a:\n\tb: 1\n", "2:1 a tab cannot indent (use spaces)"),
        ("a: [1\nb: 2\n", "2:2 the [ … ] begun in line 1, column 4 is not closed, or lacks a comma"),
        ("a: {b: 1\n", "2:1 the { … } begun in line 1, column 4 is not closed, or lacks a comma"),
        ("a: 'x\n", "2:1 the quoted text begun in line 1, column 4 is not closed (add the closing quote)"),
        ("a: b: c\n", "1:5 a second ': ' in one line (put the text in quotes, or begin a new line)"),
        ("a: 1\nb\nc: 1\n", "3:1 the key begun in line 2, column 1 has no ':' (write key: value)"),
        ("a:\n  b: 1\n c: 2\n", "3:2 the indentation does not fit the lines above (indent keys of one block alike)"),
        ("a: @b\n", "1:4 a plain text cannot begin with this character (put the text in quotes)"),
        ("a: 1\n---\nb: 2\n", "2:1 a second document begins here (keep one document in a file; drop the ---)"),
        ("a: \x01\n", "1:4 the character U+0001 is not allowed in YAML (delete it)"),
        ("[" * 20000, "1:1 is nested too deeply"),
    ],
)
def test_flaws_are_said_in_plain_words(text: str, flaw: str) -> None:
    assert flaws_of(text)[0].startswith(flaw)


def test_whole_numbers_of_thousands_of_digits_are_refused() -> None:
    assert len(flaws_of(f"a: {'9' * 5000}\n")) == 1


def test_all_duplicates_are_found() -> None:
    assert len(flaws_of("a: 1\na: 2\nb: {c: 1, c: 2}\n")) == 2
