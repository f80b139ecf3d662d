from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from tunecli.reports.curves.sparks import Mark, Spark, mark_below, together


@pytest.mark.parametrize(
    ("encoding", "drawn"), [("utf-8", "▁█·\n ▲\n"), ("ascii", "_#?\n ^\n"), ("latin-1", "_#?\n ^\n")]
)
def test_what_is_drawn_with_follows_the_encoding_of_the_output(encoding: str, drawn: str) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=20)
    console.print(Spark([1.0, 2.0, math.nan], 8))
    console.print(Mark(1))
    file.flush()
    assert file.buffer.getvalue().decode(encoding) == drawn  # type: ignore[attr-defined]


def test_curves_that_stand_together_share_a_scale() -> None:
    low, high = together([[1.0, 2.0], [7.0, 8.0]], width=8)
    assert low.span == high.span == (1.0, 8.0)


def test_curves_over_decades_are_drawn_by_magnitude() -> None:
    (spark,) = together([[1.0, 10.0, 1000.0, 0.5]], width=8)
    assert [round(value or 0, 2) for value in spark.values] == [0.0, 1.0, 3.0, -0.3]


def test_the_mark_stands_below_the_value() -> None:
    assert mark_below(10, 32, 7) == Mark(7)
    assert mark_below(64, 32, 63) == Mark(31)
    assert mark_below(64, 32, 0) == Mark(0)


def test_nothing_to_draw_is_nothing() -> None:
    assert together([[], []], width=8)[0] == Spark([], 8, None, None)
