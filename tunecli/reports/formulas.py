"""Texts in CSV files that a spreadsheet would take for formulas: they get an apostrophe put before them.

Such a text begins with = + - @, a tab or a line end, and is no number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_FORMULA = r"^[=+\-@\t\r\n]"
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"


def guarded(texts: pl.Series) -> tuple[pl.Series, int]:
    """Returns texts of which none is a formula, and how many had to be changed for it."""
    import polars as pl

    is_formula = texts.str.contains(_FORMULA) & ~texts.str.contains(_NUMBER)
    harmless = pl.select(pl.when(is_formula).then(pl.lit("'") + texts).otherwise(texts)).to_series()
    return harmless.alias(texts.name), int(is_formula.sum())
