"""Markdown for people in terminals, and text from data that stays text."""

from __future__ import annotations

import pytest

from tunecli.reports.markdown import bullets, escaped, named, paragraph, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name_1", "plain name\\_1"),
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


def test_a_paragraph_is_wrapped_and_stays_one() -> None:
    # each of these would begin a list, or underline a heading, at the beginning of a line
    text = paragraph("word " * 15 + "- " + "word " * 15 + "1. " + "word " * 15 + "===")
    lines = text.splitlines()
    assert all(len(line) <= 82 for line in lines)
    assert [line[:3] for line in lines[1:]] == ["\\- ", "1\\.", "\\=="]


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
