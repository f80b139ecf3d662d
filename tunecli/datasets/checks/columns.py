"""Columns from which nothing can be learnt: those that number the rows, and those that never change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tunecli.datasets.checks.view import FEWEST_ROWS, View, counted, named
from tunecli.study.check import Finding, Severity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ID_NAME = re.compile(r"(?:^|[\W_])(?:id|uuid|guid|key|index|idx|row|rowid|nr|no)$|[a-z](?:Id|ID|Key|Index)$", re.ASCII)

_CHANCE = 10
"""Whole numbers drawn from a range in which so many equal pairs are to be expected, and none found, are no measures:
the chance is about e^-10 (birthday problem)."""

_UNIQUE_SHARE = 0.9
"""Of the texts of a column that names its rows."""


def identifier(view: View) -> Iterator[Finding]:
    """Finds columns that number or name the rows: whole numbers that are all different, or texts nearly so."""
    rows = len(view.columns.numeric)
    if not view.width or rows < FEWEST_ROWS:
        return
    names = [
        name
        for index, name in enumerate(view.columns.numeric_names)
        if _may_number(view.numeric[index]) and _numbers_rows(view.columns.numeric[:, index], name)
    ]
    names += [
        name
        for name, texts in zip(view.columns.categorical_names, view.columns.categories, strict=True)
        if len(texts) >= _UNIQUE_SHARE * rows
    ]
    if names:
        verb = "number or name" if len(names) > 1 else "numbers or names"
        yield Finding(
            kind="identifier",
            severity=Severity.WARNING,
            what=f"{named(names)} {verb} the rows: (nearly) each of {rows:,} has a value of its own",
            field="features",
            columns=tuple(names),
            figures={"columns": len(names), "rows": rows},
        )


def constant(view: View) -> Iterator[Finding]:
    """Finds columns that have one value in every training row, or none."""
    empty, same = _columns_where(view, _is_empty), _columns_where(view, _is_one_value)
    names = [*same, *empty]
    if not names:
        return
    verb = "never change" if len(names) > 1 else "never changes"
    of_which = f", {len(empty)} of them without any value" if empty else ""
    yield Finding(
        kind="constant",
        severity=Severity.WARNING,
        what=f"{named(names)} {verb} in {counted(len(view.parts.train), 'training row')}{of_which}",
        field="features",
        columns=tuple(names),
        figures={"columns": len(names), "empty": len(empty)},
    )


def _columns_where(view: View, is_so: Any) -> list[str]:
    """Returns the columns of which something is so in every training row; the sample is asked first."""
    rows = view.parts.train
    if len(rows) < 2:
        return []
    found = []
    for names, sampled, columns, missing in (
        (view.columns.numeric_names, view.numeric, view.columns.numeric, None),
        (view.columns.categorical_names, view.categorical, view.columns.categorical, -1),
    ):
        for index, name in enumerate(names):
            if is_so(sampled[index], missing) and is_so(columns[:, index][rows], missing):
                found.append(name)
    return found


def _is_empty(column: NDArray[Any], missing: int | None) -> bool:
    import numpy as np

    return bool(np.all(np.isnan(column) if missing is None else column == missing))


def _is_one_value(column: NDArray[Any], missing: int | None) -> bool:
    import numpy as np

    return bool(column[0] != missing and np.all(column == column[0]))  # NaN is not equal to itself


def _may_number(column: NDArray[np.float64]) -> bool:
    """Says whether a column holds whole numbers that are all different, and nothing else."""
    import numpy as np

    is_whole = np.all(np.isfinite(column)) and np.all(column == np.floor(column))
    return bool(is_whole) and len(np.unique(column)) == len(column)


def _numbers_rows(column: NDArray[np.float64], name: str) -> bool:
    """Says whether whole numbers, all different, count the rows: in order, densely, or by their name."""
    import numpy as np

    if not _may_number(column):
        return False
    steps = np.diff(column)
    if np.all(steps > 0) or np.all(steps < 0) or _ID_NAME.search(name):
        return True
    span = float(column.max() - column.min()) + 1
    return len(column) ** 2 / (2 * span) >= _CHANCE
