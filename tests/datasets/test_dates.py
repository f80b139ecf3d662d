from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tunecli.datasets import dates


def parse(*texts: str | None, day_first: bool | None = None) -> list[str] | None:
    found = dates.parse(pl.Series(texts, dtype=pl.String), day_first=day_first)
    return None if found is None else [str(np.datetime64("NaT") if np.isnan(x) else to_text(x)) for x in found.seconds]


def to_text(seconds: float) -> str:
    return str(np.datetime64(int(seconds * 1000), "ms"))[:19]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-02-29", None, "1969-12-31"], ["2024-02-29T00:00:00", "NaT", "1969-12-31T00:00:00"]),
        (["2024/2/9"], ["2024-02-09T00:00:00"]),
        (["9.2.2024", "31.12.2023 23:59"], ["2024-02-09T00:00:00", "2023-12-31T23:59:00"]),
        (["2024-02-29T12:30:15.250"], ["2024-02-29T12:30:15"]),
        (["2024-02-29 12:30", "2024-03-01 00:00:01"], ["2024-02-29T12:30:00", "2024-03-01T00:00:01"]),
        (["2024-02-29T12:30:00Z", "2024-02-29T12:30:00+02:00"], ["2024-02-29T12:30:00", "2024-02-29T10:30:00"]),
        (["13/02/2024", "01/02/2024"], ["2024-02-13T00:00:00", "2024-02-01T00:00:00"]),
        (["02/13/2024", "01/02/2024"], ["2024-02-13T00:00:00", "2024-01-02T00:00:00"]),
        (["02/02/2024"], ["2024-02-02T00:00:00"]),
        (["2024-02-30"], None),
        (["2024-02-28", "soon"], None),
        (["soon", "2024-02-28"], None),
        (["2024-02"], None),
        ([None, None], None),
    ],
)
def test_dates_are_known_by_their_form(texts: list[str | None], expected: list[str] | None) -> None:
    assert parse(*texts) == expected


def test_days_that_may_be_months_are_not_guessed() -> None:
    with pytest.raises(dates.AmbiguousDates):
        parse("01/02/2024", "03/04/2024")


def test_an_order_that_is_known_is_kept() -> None:
    assert parse("01/02/2024", "03/04/2024", day_first=True) == ["2024-02-01T00:00:00", "2024-04-03T00:00:00"]
    assert parse("01/02/2024", "03/04/2024", day_first=False) == ["2024-01-02T00:00:00", "2024-03-04T00:00:00"]
    assert parse("13/02/2024", day_first=False) is None
    assert parse("2024-02-01", day_first=False) == ["2024-02-01T00:00:00"]


@pytest.mark.parametrize(
    ("text", "expected"), [("13/02/2024", True), ("02/13/2024", False), ("02/02/2024", None), ("2024-02-13", None)]
)
def test_the_order_is_told(text: str, expected: bool | None) -> None:
    found = dates.parse(pl.Series([text]))
    assert found is not None
    assert found.day_first is expected


def test_parts_are_those_of_the_calendar() -> None:
    found = dates.parse(pl.Series(["2024-02-29 18:30", "1969-12-31", None, "1900-03-01"]))
    assert found is not None
    moments = found.seconds
    assert dates.has_time(moments)
    names = dates.names("when", has_time=True)
    assert names == ("when.year", "when.month", "when.day", "when.weekday", "when.hour", "when.days")
    parts = dates.parts(moments, has_time=True)
    assert parts[0].tolist() == [2024, 2, 29, 3, 18.5, pytest.approx(19782.770833)]
    assert parts[1].tolist() == [1969, 12, 31, 2, 0, -1]
    assert np.isnan(parts[2]).all()
    assert parts[3].tolist() == [1900, 3, 1, 3, 0, -25508]
    assert "when.hour" not in dates.names("when", has_time=False)
    np.testing.assert_array_equal(dates.parts(moments, has_time=False), np.delete(parts, 4, axis=1))
