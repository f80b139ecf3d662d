"""What the values of a column are: numbers, texts or dates.

    column = convert(series)
    column.values          # float64 numbers, NaN where missing; or int32 codes into `column.texts`, -1 where missing

Texts that are all numbers are numbers, texts that are all dates are dates. Typed values are what they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tunecli.datasets import dates
from tunecli.datasets.csv_text import NUMBER

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

LEAST_NUMBERS = 20
"""With more different numbers than these, and hardly another text, the others must be mistakes."""


class ColumnKind(StrEnum):
    """What a column holds."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    OTHER = "other"
    """Lists and the like, which no model reads."""


@dataclass(frozen=True)
class Column:
    """The values of a column.

    Attributes:
        kind: What they are.
        values: Shape `(rows,)`. float64 numbers, or seconds since 1970, NaN where missing; int32 codes of texts, -1
            where missing.
        texts: The distinct texts, sorted, as a polars series of strings; None for numbers.
        has_time: Whether there are moments that are not the begin of a day.
        day_first: As in `dates.Dates`.
        fault: Why they cannot be learnt from, whatever they are used for; else "".
    """

    kind: ColumnKind
    values: NDArray[Any]
    texts: pl.Series | None = field(default=None, compare=False)
    has_time: bool = False
    day_first: bool | None = None
    fault: str = ""

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        """Which values are missing."""
        import numpy as np

        return self.values < 0 if self.kind in (ColumnKind.TEXT, ColumnKind.OTHER) else np.isnan(self.values)


def convert(
    series: pl.Series, *, is_typed: bool = False, has_decimal_comma: bool = False, day_first: bool | None = None
) -> Column:
    """Returns a column of a frame as what it holds.

    Args:
        series: Null where a value is missing.
        is_typed: Whether texts are meant as such; else those that are numbers are numbers.
        has_decimal_comma: Whether `1,5` is a number.
        day_first: How dates such as 3/4/2024 are to be read; None to find out.
    """
    import polars as pl

    if series.dtype != pl.String:
        return _typed(series)
    if is_typed:
        series = series.set(series == "", None)  # as files of other formats write it
    else:
        numbers = as_numbers(series, has_decimal_comma=has_decimal_comma)
        if numbers.null_count() == series.null_count():
            return Column(ColumnKind.NUMBER, numbers.fill_null(float("nan")).to_numpy())
    try:
        found = dates.parse(series, day_first=day_first)
    except dates.AmbiguousDates:
        fault = "holds dates of which day and month cannot be told apart; write them as 2024-12-31"
        return Column(ColumnKind.TEXT, *_codes(series), fault=fault)
    if found is None:
        return as_texts(series)
    return Column(ColumnKind.DATE, found.seconds, has_time=dates.has_time(found.seconds), day_first=found.day_first)


def as_texts(series: pl.Series) -> Column:
    """Returns texts as such, even if all of them are numbers or dates."""
    return Column(ColumnKind.TEXT, *_codes(series))


def as_numbers(texts: pl.Series, *, has_decimal_comma: bool) -> pl.Series:
    """Returns the finite numbers that texts are, null where they are none."""
    import polars as pl

    plain = pl.col("text").str.replace(",", ".", literal=True) if has_decimal_comma else pl.col("text")
    numbers = pl.when(plain.str.contains(f"^(?:{NUMBER})$")).then(plain).cast(pl.Float64)
    return texts.to_frame("text").select(pl.when(numbers.is_finite()).then(numbers)).to_series()


def has_strays(numbers: pl.Series) -> bool:
    """Says whether distinct texts, by the number that each is, are a measure in which the others must be mistakes."""
    found = len(numbers) - numbers.null_count()
    return LEAST_NUMBERS < found < len(numbers) and found > 0.9 * len(numbers)


def _typed(series: pl.Series) -> Column:
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Boolean or dtype in (pl.Categorical, pl.Enum):
        return as_texts(series.cast(pl.String))
    if dtype == pl.Duration:
        return _numbers(series.dt.total_microseconds() / 1e6)
    if dtype == pl.Time:
        return _numbers(series.cast(pl.Int64) / 1e9)
    if dtype.is_numeric() or dtype == pl.Null:
        return _numbers(series)
    if dtype in (pl.Date, pl.Datetime):
        moments = dates.seconds(series)
        return Column(ColumnKind.DATE, moments, has_time=dates.has_time(moments))
    fault = f"holds values of the type {dtype}, which are neither numbers nor texts nor dates"
    return Column(ColumnKind.OTHER, series.is_null().cast(pl.Int32).to_numpy() * -1, fault=fault)


def _numbers(series: pl.Series) -> Column:
    import numpy as np
    import polars as pl

    values = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    fault = "holds infinite numbers" if np.isinf(values).any() else ""
    return Column(ColumnKind.NUMBER, values, fault=fault)


def _codes(texts: pl.Series) -> tuple[NDArray[np.int32], pl.Series]:
    """Returns codes, -1 where missing, and the texts that they stand for, sorted by their characters."""
    import polars as pl

    distinct = texts.drop_nulls().unique().sort()
    codes = texts.replace_strict(distinct, range(len(distinct)), default=-1, return_dtype=pl.Int32)
    return codes.to_numpy(), distinct
