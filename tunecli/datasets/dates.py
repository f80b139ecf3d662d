"""Dates of a table: how they are written, and the numbers that a model reads instead.

    found = parse(series)                        # seconds since 1970, NaN where missing; None if they are no dates
    parse(tomorrow, day_first=found.day_first)   # read as those were, where 3/4/2024 may be two dates
    names("sold", has_time=False)                # ("sold.year", "sold.month", …, "sold.days")
    parts(seconds, has_time=False)               # float64, (rows, 5)

The parts depend on a date alone, nothing is fitted to others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

DAY_S = 86_400

_PARTS = ("year", "month", "day", "weekday", "hour", "days")
"""Weekdays count from Monday, 0; hours have fractions; days are those since 1970-01-01, with fractions."""

_TIMES = ("", " %H:%M", " %H:%M:%S%.f")

_ZONE = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})"

_TIME = rf"(?:[T ][0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]+)?)?(?: ?{_ZONE})?)?"

_DAY_FIRST, _MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"

_ORDERS = {_DAY_FIRST: True, _MONTH_FIRST: False}
"""By the format, whether the day comes first, of those that cannot always be told apart."""

_STYLES = {
    rf"[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}{_TIME}": ("%Y-%m-%d",),
    rf"[0-9]{{4}}/[0-9]{{1,2}}/[0-9]{{1,2}}{_TIME}": ("%Y/%m/%d",),
    rf"[0-9]{{1,2}}\.[0-9]{{1,2}}\.[0-9]{{4}}{_TIME}": ("%d.%m.%Y",),
    rf"[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{4}}{_TIME}": (_DAY_FIRST, _MONTH_FIRST),
}
"""How all values of a column may look, and what that may mean; which of two is said by a day beyond 12."""


@dataclass(frozen=True)
class Dates:
    """The dates of a column.

    Attributes:
        seconds: Since 1970, float64 of shape `(rows,)`; NaN where missing.
        day_first: Whether 3/4/2024 is a day in April; None where they are written in a way that leaves no doubt, or
            each is the same date in both.
    """

    seconds: NDArray[np.float64]
    day_first: bool | None


class AmbiguousDates(Exception):  # noqa: N818  # a finding rather than an error
    """Every date of a column may be read in two ways."""


def parse(texts: pl.Series, *, day_first: bool | None = None) -> Dates | None:
    """Reads texts that are all dates, null where missing; those without a zone are taken as they stand.

    Args:
        texts: A column, or some of its rows.
        day_first: How dates such as 3/4/2024 are to be read; None to find out.

    Returns:
        The dates; None if a text is no date, or there is none.

    Raises:
        AmbiguousDates: Days and months cannot be told apart.
    """
    if texts.null_count() == len(texts):
        return None
    # looked at first: a column of other texts is known by its first one
    first = texts.drop_nulls().head(1)
    for style, formats in _STYLES.items():
        if first.str.contains(f"^{style}$").all() and texts.str.contains(f"^{style}$").all():
            tried = [each for each in formats if day_first is None or _ORDERS.get(each, day_first) is day_first]
            readings = {each: found for each in tried if (found := _read(texts, each)) is not None}
            if len(readings) == 2:
                if not readings[_DAY_FIRST].equals(readings[_MONTH_FIRST]):
                    raise AmbiguousDates
                return Dates(seconds(readings[_DAY_FIRST]), None)
            return next((Dates(seconds(found), _ORDERS.get(each)) for each, found in readings.items()), None)
    return None


def seconds(moments: pl.Series) -> NDArray[np.float64]:
    """Returns dates or moments as seconds since 1970, NaN where missing."""
    import polars as pl

    micro = moments.cast(pl.Datetime("us")).to_physical()
    return (micro.cast(pl.Float64) / 1e6).fill_null(float("nan")).to_numpy()


def has_time(moments: NDArray[np.float64]) -> bool:
    """Says whether any moment is not the begin of a day."""
    import numpy as np

    return bool((np.nan_to_num(moments) % DAY_S).any())


def names(column: str, *, has_time: bool) -> tuple[str, ...]:
    """Returns what the parts of a column of dates are called; only moments have hours."""
    return tuple(f"{column}.{part}" for part in _PARTS if has_time or part != "hour")


def column_of(part: str) -> str | None:
    """Returns the column of dates that a part is of, or None if no part is called so."""
    column, _, name = part.rpartition(".")
    return column if column and name in _PARTS else None


def parts(moments: NDArray[np.float64], *, has_time: bool) -> NDArray[np.float64]:
    """Returns the parts of dates.

    Args:
        moments: Seconds since 1970, shape `(rows,)`, NaN where missing.
        has_time: Whether there are hours.

    Returns:
        Shape `(rows, parts)`, in the order of `names`; NaN where missing.
    """
    import numpy as np

    is_missing = np.isnan(moments)
    known = np.where(is_missing, 0, moments)
    days = known / DAY_S
    whole = np.floor(days).astype("datetime64[D]")
    months = whole.astype("datetime64[M]")
    found = {
        "year": whole.astype("datetime64[Y]").astype(int) + 1970,
        "month": months.astype(int) % 12 + 1,
        "day": (whole - months).astype(int) + 1,
        "weekday": (whole.astype(int) + 3) % 7,  # 1970 began on a Thursday
        "hour": known % DAY_S / 3600,
        "days": days,
    }
    stacked = np.stack([found[part] for part in _PARTS if has_time or part != "hour"], axis=1).astype(np.float64)
    stacked[is_missing] = np.nan
    return stacked


def _read(texts: pl.Series, date: str) -> pl.Series | None:
    """Returns moments if all texts are dates of a format, with or without a time and a zone."""
    import polars as pl

    plain = texts.str.replace("T", " ", literal=True).str.replace(r" ?Z$", "+00:00")
    found: pl.Series | None = None
    for zone in ("", "%z"):
        for time in _TIMES:
            if zone and not time:
                continue
            read = plain.str.to_datetime(f"{date}{time}{zone}", time_unit="us", strict=False, exact=True)
            read = read.cast(pl.Datetime("us"))
            found = read if found is None else found.zip_with(found.is_not_null(), read)
            if found.null_count() == texts.null_count():
                return found
    return None
