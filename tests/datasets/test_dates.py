from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tunecli.datasets import dates


def parse(*texts: str | None) -> list[str] | None:
    found = dates.parse(pl.Series(texts, dtype=pl.String))
    return None if found is None else [str(np.datetime64("NaT") if np.isnan(x) else to_text(x)) for x in found]


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


def test_parts_are_those_of_the_calendar() -> None:
    moments = dates.parse(pl.Series(["2024-02-29 18:30", "1969-12-31", None, "1900-03-01"]))
    assert moments is not None
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
