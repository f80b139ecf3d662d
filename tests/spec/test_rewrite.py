"""Editing values in the text of a spec."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunecli.errors import SpecError
from tunecli.spec.rewrite import as_written, parameter_path, read_exactly, remove, set_value
from tunecli.spec.yaml12 import compose, plain

SPEC = """\
# What this shows: a search.
dataset: advertising   # 200 rows
model: {family: mlp, activation: relu}   # a plain one
search_space:
  units: [16, 32]        # widths
  # the rate
  learning_rate: {min: 1e-4, max: 1e-1, log: true}   # by magnitude
  dropout:   # drops units
    # from none
    min: 0       # none
    max: 0.5     # half
    step: 0.1

  optimizer:
    - adam   # the usual
    - sgd
  l2: 0.01
tuner: {name: random, max_trials: 8}
training:
  epochs: 3   # few
  batch_size: 32
"""


def read(text: str) -> Any:
    root, flaws = compose(text, source="a.yaml")
    assert not flaws
    assert root is not None
    return plain(root)


def edit(text: str, path: str, value: Any) -> str:
    return set_value(text, tuple(path.split(".")), value, source="a.yaml")


def cut(text: str, path: str) -> str:
    return remove(text, tuple(path.split(".")), source="a.yaml")


def changes(old: str, new: str) -> list[tuple[str, str]]:
    """Returns the lines that differ, of texts of as many lines."""
    pairs = zip(old.splitlines(keepends=True), new.splitlines(keepends=True), strict=True)
    return [(left.strip(), right.strip()) for left, right in pairs if left != right]


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        ("search_space.l2", 0.0001, "l2: 0.01", "l2: 1e-4"),
        ("search_space.l2", {"min": 1e-5, "max": 0.1, "log": True}, "l2: 0.01", "l2: {min: 1e-5, max: 0.1, log: true}"),
        ("search_space.units", [16, 32, 64], "units: [16, 32]        # widths", "units: [16, 32, 64]        # widths"),
        (
            "search_space.learning_rate.max",
            0.0025,
            "learning_rate: {min: 1e-4, max: 1e-1, log: true}   # by magnitude",
            "learning_rate: {min: 1e-4, max: 2.5e-3, log: true}   # by magnitude",
        ),
        (
            "search_space.learning_rate",
            {"max": 1.0, "min": 1e-3, "default": 0.01},
            "learning_rate: {min: 1e-4, max: 1e-1, log: true}   # by magnitude",
            "learning_rate: {min: 1e-3, max: 1.0, default: 0.01}   # by magnitude",
        ),
        ("search_space.learning_rate.default", 0.01, None, None),
        ("search_space.dropout.max", 0.8, "max: 0.5     # half", "max: 0.8     # half"),
        ("dataset", "csv", "dataset: advertising   # 200 rows", "dataset: csv   # 200 rows"),
        (
            "model.dropout",
            0.5,
            "model: {family: mlp, activation: relu}   # a plain one",
            "model: {family: mlp, activation: relu, dropout: 0.5}   # a plain one",
        ),
        ("training.epochs", 30, "epochs: 3   # few", "epochs: 30   # few"),
    ],
)
def test_a_value_is_replaced_in_its_line(path: str, value: Any, old: str | None, new: str | None) -> None:
    changed = changes(SPEC, edit(SPEC, path, value))
    if old is None:
        assert changed == [
            (
                "learning_rate: {min: 1e-4, max: 1e-1, log: true}   # by magnitude",
                "learning_rate: {min: 1e-4, max: 1e-1, log: true, default: 0.01}   # by magnitude",
            )
        ]
    else:
        assert changed == [(old, new)]


def test_a_block_is_edited_key_by_key() -> None:
    new = edit(SPEC, "search_space.dropout", {"min": 0.1, "max": 0.5, "default": 0.2})
    assert "    # from none\n    min: 0.1       # none\n    max: 0.5     # half\n    default: 0.2\n\n  opt" in new


def test_a_block_gives_way_to_a_value_with_its_lines() -> None:
    assert "  dropout: 0.3   # drops units\n    # from none\n\n  optimizer:\n" in edit(
        SPEC, "search_space.dropout", 0.3
    )
    assert "\n  optimizer: [sgd, nadam]\n  l2: 0.01" in edit(SPEC, "search_space.optimizer", ["sgd", "nadam"])


def test_a_key_is_added_behind_the_last() -> None:
    assert edit(SPEC, "training.engine", "keras") == SPEC + "  engine: keras\n"
    assert "  l2: 0.01\n  momentum: {min: 0, max: 0.9, when: {optimizer: sgd}}\ntuner" in edit(
        SPEC, "search_space.momentum", {"min": 0, "max": 0.9, "when": {"optimizer": "sgd"}}
    ).replace("\n    min: 0\n    max: 0.9\n    when: {optimizer: sgd}", " {min: 0, max: 0.9, when: {optimizer: sgd}}")


def test_blocks_that_are_missing_are_made() -> None:
    text = "dataset: csv\nmodel: mlp  # plain"
    new = edit(text, "search_space.learning_rate.min", 0.1)
    assert new == text + "\nsearch_space:\n  learning_rate: {min: 0.1}\n"
    assert edit("a:  # nothing yet\nb: 1\n", "a.c.d", 2) == "a:  # nothing yet\n  c: {d: 2}\nb: 1\n"
    assert edit("a: {}\nb: 1\n", "a.c", 2) == "a: {c: 2}\nb: 1\n"
    assert edit("a: null\n", "a.c", 2) == "a: {c: 2}\n"
    assert edit("a:\n", "a.c", 2) == "a: {c: 2}\n"


def test_a_removed_key_takes_its_lines_with_it() -> None:
    assert cut(SPEC, "search_space.units") == SPEC.replace("  units: [16, 32]        # widths\n", "")
    assert cut(SPEC, "search_space.dropout.step") == SPEC.replace("    step: 0.1\n", "")
    assert "  optimizer:" not in cut(SPEC, "search_space.optimizer")
    assert cut(SPEC, "training.batch_size") == SPEC.replace("  batch_size: 32\n", "")
    assert cut(SPEC, "model.family") == SPEC.replace("family: mlp, ", "")
    assert cut(SPEC, "model.activation") == SPEC.replace(", activation: relu", "")


def test_the_last_key_leaves_an_empty_block() -> None:
    assert cut("a:\n  b: 1  # one\nc: 2\n", "a.b") == "a: {}\nc: 2\n"
    assert cut("a: {b: 1}\n", "a.b") == "a: {}\n"


def test_comments_between_braces_stay() -> None:
    text = "a: {b: 1,   # one\n    c: 2,   # two\n    d: 3}\n"
    assert edit(text, "a.c", 5) == text.replace("2,", "5,")
    assert edit(text, "a.e", 5) == text.replace("3}", "3, e: 5}")
    assert cut(text, "a.d") == text.replace("d: 3", "")


@pytest.mark.parametrize("text", ["a: 1\r\nb:\r\n  c: 2  # two\r\n", "\ufeffa: 1\nb:\n  c: 2  # two\n"])
def test_line_ends_and_the_byte_order_mark_stay(text: str) -> None:
    newline = "\r\n" if "\r" in text else "\n"
    assert edit(text, "a", 5) == text.replace("1", "5")
    assert edit(text, "b.d", 5) == f"{text}  d: 5{newline}"
    assert edit(text, "b", 5) == text[: text.index("b")] + "b: 5" + newline
    assert edit(text, "e.f.g", 5) == f"{text}e:{newline}  f: {{g: 5}}{newline}"
    assert cut(text, "a") == text.replace(f"a: 1{newline}", "")
    assert cut(text, "b.c") == text.replace(f":{newline}  c: 2  # two", ": {}")


def test_a_file_is_read_with_all_its_bytes(tmp_path: Path) -> None:
    path, content = tmp_path / "a.yaml", b"\xef\xbb\xbfa: 1\r\nb: \xc3\xa4\n"
    path.write_bytes(content)
    assert read_exactly(path).encode() == content


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  some\n  text\n\n# on b\nb: 1\n",
        "a: some\n  text   # folded\n# on b\nb: 1\n",
        "a:\n  {c: 1,\n   d: 2}\n# on b\nb: 1\n",
        'a: "some\n  text"\n# on b\nb: 1\n',
        "---\na: !!str 5\n# on b\nb: 1\n...\n",
    ],
)
def test_values_of_several_lines_are_replaced(text: str) -> None:
    new = edit(text, "a", "x")
    assert read(new) == {"a": "x", "b": 1}
    assert "# on b\nb: 1\n" in new


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        (
            "a: &x {c: 1}\nb: *x\n",
            "a.c",
            "a.yaml:1:4: a: is also what *x stands for\nhint: write values in place of *x, and drop &x",
        ),
        ("a: &x 1\nb: *x\n", "a", "a.yaml:1:4: a: is also what *x stands for"),
        (
            "a: &x {c: 1}\nb: *x\n",
            "b.c",
            "a.yaml:2:4: b: stands for what is written at &x\nhint: write its value here in place of *x",
        ),
        ("a: &x 1\nb: *x\n", "b", "a.yaml:2:4: b: stands for what is written at &x"),
        (
            "a: &x {c: 1}\nb: {<<: *x, d: 2}\n",
            "b.c",
            "a.yaml:2:4: b.c: comes from a merge key or an alias\nhint: write it out in this block",
        ),
        ("model: mlp\n", "model.units", "a.yaml:1:8: model: is no block: nothing can stand below it"),
        ("- a\n", "a", "a.yaml: holds no block of keys"),
        ("a: [1\n", "a", "a.yaml:2:1: the [ … ] begun in line 1, column 4 is not closed, or lacks a comma"),
        ("a: 1\na: 2\n", "a", "a.yaml:2:1: the key 'a' stands here twice"),
    ],
)
def test_what_cannot_be_edited_is_refused_with_its_place(text: str, path: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        edit(text, path, 5)
    assert str(caught.value.problems[0]).startswith(problem)


def test_an_edit_that_would_change_something_else_is_refused() -> None:
    with pytest.raises(SpecError, match="cannot be edited without changing something else") as caught:
        edit("a: |+\n  text\n\n", "b", 1)  # the empty line belongs to the text
    assert caught.value.problems[0].where == "a.yaml:1:1: b"


def test_an_anchor_that_nobody_calls_is_no_obstacle() -> None:
    assert edit("a: &x {c: 1}\n", "a.c", 2) == "a: &x {c: 2}\n"
    assert edit("a: &x {c: 1}\nb: {<<: *x, d: 2}\n", "b.d", 5) == "a: &x {c: 1}\nb: {<<: *x, d: 5}\n"


def test_only_what_is_there_can_be_removed() -> None:
    with pytest.raises(SpecError, match="is not there, and so cannot be removed"):
        cut(SPEC, "training.rows")


def test_a_parameter_is_found_in_any_block() -> None:
    def place(name: str) -> tuple[str, ...] | None:
        return parameter_path(SPEC, name, source="a.yaml")

    assert place("learning_rate") == ("search_space", "learning_rate")
    assert place("activation") == ("model", "activation")
    assert place("batch_size") == ("training", "batch_size")
    assert (place("epochs"), place("family"), place("momentum")) == (None, None, None)


def test_a_synonym_is_found() -> None:
    text = "search_space: {rate: {low: 1, high: 2}, units: [min]}\nmodel: min\n"
    assert as_written(text, ("search_space", "rate", "min"), source="a") == ("search_space", "rate", "low")
    assert as_written(text, ("search_space", "rate", "step"), source="a") == ("search_space", "rate", "step")
    assert as_written(text, ("search_space", "units", "min"), source="a") == ("search_space", "units", "min")
    assert as_written(text, ("tuner", "name"), source="a") == ("tuner", "name")


@pytest.mark.parametrize("path", sorted(Path("configs").resolve().glob("**/*.yaml")), ids=lambda path: path.name)
def test_each_value_of_the_examples_can_be_edited_alone(path: Path) -> None:
    text = read_exactly(path)
    for place in _paths(read(text)):
        new = set_value(text, place, [0.5, "x"], source=path.name)
        assert len(new.splitlines()) <= len(text.splitlines())
        assert set_value(new, place, _at(read(text), place), source=path.name) is not None
        if len(place) > 1:
            remove(text, place, source=path.name)


def _paths(data: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [[(*above, key), *_paths(value, (*above, key))] for key, value in data.items()] if _is_dict(data) else []
    return list(itertools.chain.from_iterable(found))


def _is_dict(data: Any) -> bool:
    return isinstance(data, dict)


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def _is_printable(text: str) -> bool:
    return all(ord(char) >= 32 and ord(char) not in (0xFFFE, 0xFFFF) for char in text)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=["Cs"]), max_size=8).filter(_is_printable)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abyn_1:#", max_size=3), inner, max_size=3),
)


@settings(deadline=None)  # how long the first takes says nothing
@given(VALUES, VALUES, st.booleans())
def test_what_is_written_reads_back(first: Any, second: Any, is_block: bool) -> None:
    opening = (
        "top:\n  first: 1   # one\n  second:   # two\n    third: 3\n"
        if is_block
        else "{top: {first: 1, second: [2, 3]}}"
    )
    text = edit(edit(opening, "top.first", first), "top.second", second)
    assert repr(read(text)) == repr({"top": {"first": first, "second": second}})
    assert not is_block or ("# one" in text and "# two" in text)
    text = edit(text, "top.new", first)
    assert repr(read(text)["top"]["new"]) == repr(first)
    assert repr(read(cut(text, "top.first"))) == repr({"top": {"second": second, "new": first}})


@settings(deadline=None)  # how long the first takes says nothing
@given(VALUES, VALUES)
def test_any_value_turns_into_any_other(first: Any, second: Any) -> None:
    text = edit("before: 1  # one\n", "value", first) + "# on after\nafter: 2\n"
    new = edit(text, "value", second)
    data = read(new)
    assert {**data, "value": None} == {"before": 1, "value": None, "after": 2}
    assert sorted(data["value"]) == sorted(second) if _is_dict(second) else repr(data["value"]) == repr(second)
    assert new.startswith("before: 1  # one\nvalue:")
    assert new.endswith("# on after\nafter: 2\n")
