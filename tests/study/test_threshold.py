"""Conditions on results: read, checked and judged, never evaluated as code."""

from __future__ import annotations

import math

import pytest

from tunecli.errors import UsageError
from tunecli.study.threshold import Threshold, parse_all


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("val_rmse > 0.6", Threshold("val_rmse", ">", 0.6)),
        ("val_rmse>0.6", Threshold("val_rmse", ">", 0.6)),
        ("  val_accuracy  <=  9e-1 ", Threshold("val_accuracy", "<=", 0.9)),
        ("r2 != -1", Threshold("r2", "!=", -1.0)),
        ("mae==0", Threshold("mae", "==", 0.0)),
        ("val_net price.mae >= 3", Threshold("val_net price.mae", ">=", 3.0)),
    ],
)
def test_a_condition_is_a_metric_a_sign_and_a_number(text: str, expected: Threshold) -> None:
    assert Threshold.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "val_rmse",
        "val_rmse > ",
        "> 1",
        "val_rmse = 1",
        "val_rmse > x",
        "val_rmse > nan",
        "a > inf",
        "a >< 1",
        "a > 1 > 2",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Threshold.parse(text)


def test_code_is_the_name_of_no_metric() -> None:
    text = "__import__('os').system('true') > 0"
    assert Threshold.parse(text).metric == "__import__('os').system('true')"
    with pytest.raises(UsageError, match="there is no metric"):
        parse_all([text], ["rmse"])


@pytest.mark.parametrize(
    ("text", "value", "is_missed"),
    [
        ("m > 1", 1.0, False),
        ("m > 1", 1.1, True),
        ("m >= 1", 1.0, True),
        ("m < 1", 1.0, False),
        ("m <= 1", 1.0, True),
        ("m == 1", 1.0, True),
        ("m != 1", 1.0, False),
        ("m > 1", math.nan, True),
        ("m < 1", math.inf, True),
        ("m > 1", None, True),
    ],
)
def test_what_is_so_or_not_finite_fails(text: str, value: float | None, is_missed: bool) -> None:
    assert Threshold.parse(text).judge({"m": value}).is_missed is is_missed


def test_a_verdict_says_what_was_measured() -> None:
    threshold = Threshold.parse("val_rmse > 0.6")
    assert str(threshold.judge({"val_rmse": 0.7123456789})) == "val_rmse is 0.712346"
    assert str(threshold.judge({})) == "val_rmse was not measured, or is not finite"


def test_names_are_checked_where_they_are_known() -> None:
    with pytest.raises(UsageError) as caught:
        parse_all(["val_rmes > 1"], ["rmse", "val_rmse"])
    assert caught.value.problems[0].hint == "did you mean 'val_rmse'?"
    assert parse_all(["whatever > 1"], None) == (Threshold("whatever", ">", 1.0),)
