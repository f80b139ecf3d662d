"""Markdown for people in terminals, and text from data that stays text."""

from __future__ import annotations

import pytest

from tunecli.reports.markdown import bullets, escaped, named, paragraph, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name_1", "plain name_1"),
        ("_private_", "\\_private\\_"),
        ("</script><b>", "&lt;/script&gt;&lt;b&gt;"),
        ("a\n# b\r\n| c", "a \\# b \\| c"),
        ("[x](javascript:alert)", "\\[x\\]\\(javascript:alert\\)"),
        ("`__proto__`", "\\`\\_\\_proto\\_\\_\\`"),
        ("\x1b[31mred\u202e", "\\[31mred"),
        ("&amp;", "&amp;amp;"),
    ],
)
def test_text_from_data_shows_as_itself(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_a_long_text_is_cut_off() -> None:
    assert escaped("x" * 10_000_000) == "x" * 200 + "…"


def test_a_list_of_names_is_cut_off() -> None:
    assert named(["a", "b"], 2) == "a, b"
    assert named(["a"] * 1500, 2) == "a, a and 1,498 more"


@pytest.mark.parametrize(("begin", "shown"), [("-", "\\-"), ("1.", "1\\."), ("===", "\\==="), ("x", "x")])
def test_a_wrapped_paragraph_stays_one(begin: str, shown: str) -> None:
    # some of these would begin a list, or underline a heading, at the beginning of a line
    first, second = paragraph("word " * 16 + f"{begin} end").splitlines()
    assert len(first) == 79
    assert second == f"{shown} end"


def test_items_are_indented() -> None:
    first, second = bullets(["word " * 20]).splitlines()
    assert first.startswith("- word")
    assert second.startswith("  word")


def test_cells_of_a_table_line_up() -> None:
    lines = table(["model", "rmse"], [["mean", "5.2"], ["a \\| b", "10.25"]]).splitlines()
    assert lines == [
        "| model  |  rmse |",
        "| ------ | ----: |",
        "| mean   |   5.2 |",
        "| a \\| b | 10.25 |",
    ]
