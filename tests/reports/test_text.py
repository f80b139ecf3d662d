from __future__ import annotations

import math

import pytest

from tunecli.reports.text import ASCII, show_duration, show_score, show_values, spark_places, sparkline


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (0.51234567, "0.5123"),
        (0.0, "0.0000"),
        (-0.25, "-0.2500"),
        (12.345678, "12.346"),
        (48234.5678, "48235"),
        (123456789.0, "123456789"),
        (0.00012345, "1.234e-04"),
        (1e12, "1.000e+12"),
        (None, "–"),
        (math.nan, "nan"),
    ],
)
def test_scores_have_about_five_digits(score: float | None, text: str) -> None:
    assert show_score(score) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.99, "1 min 00 s"),
        (245, "4 min 05 s"),
        (3599.9, "1 h 00 min"),
        (7630, "2 h 07 min"),
        (90000, "1 d 01 h"),
    ],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


def test_values_stand_in_one_line() -> None:
    assert show_values({"units": [300, 100], "dropout": 0.25, "on": True}) == "units=[300, 100]  dropout=0.25  on=true"


def test_a_curve_goes_from_its_lowest_to_its_highest_value() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], width=8) == "▁▂▃▄▅▆▇█"
    assert sparkline([2.0, 1.0], width=8) == "█▁"


def test_a_flat_curve_lies_at_the_bottom() -> None:
    assert sparkline([3.0, 3.0], width=8) == "▁▁"


def test_a_long_curve_ends_at_its_last_value() -> None:
    line = sparkline([float(each) for each in range(100)], width=10)

    assert (len(line), line[-1]) == (10, "█")


def test_what_is_not_finite_leaves_a_gap() -> None:
    assert sparkline([0.0, math.nan, None, 1.0, math.inf], width=8) == "▁··█·"
    assert sparkline([math.nan], width=8) == "·"
    assert sparkline([], width=8) == ""


def test_a_value_may_be_kept_though_its_stretch_ends_later() -> None:
    values = [9.0, 8.0, 0.0, 5.0, 5.0, 5.0]
    assert spark_places(6, 3) == [1, 3, 5]
    assert spark_places(6, 3, keep=2) == [1, 2, 5]
    assert sparkline(values, width=3, keep=2) == "█▁▆"


def test_curves_may_share_a_scale() -> None:
    assert sparkline([1.0, 2.0], width=8, span=(1.0, 8.0)) == "▁▂"


def test_plain_letters_stand_for_blocks() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7, math.nan], width=9, glyphs=ASCII) == "_.-=+*%#?"
