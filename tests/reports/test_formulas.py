from __future__ import annotations

import polars as pl

from tunecli.reports.formulas import guarded


def test_only_what_a_spreadsheet_would_calculate_is_put_behind_an_apostrophe() -> None:
    texts = pl.Series("a", ["=1+1", "+x", "-x", "@SUM", "\ttab", "\nline", "-1.5e-3", "+2", "adam", "", None])
    harmless, changed = guarded(texts)
    assert harmless.to_list() == [
        *("'=1+1", "'+x", "'-x", "'@SUM", "'\ttab", "'\nline"),
        *("-1.5e-3", "+2", "adam", "", None),
    ]
    assert changed == 6
    assert harmless.name == "a"
