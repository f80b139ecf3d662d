"""Confidence intervals of figures, by the bootstrap: the rows are drawn again, with replacement, many times.

    def statistic(counts):                       # how often each row was drawn, shape (rows,)
        return {"mae": counts @ errors / counts.sum()}

    bootstrap(statistic, rows)["mae"]            # Interval(low, high)
    bootstrap(statistic, rows, groups=codes)     # rows that belong together are drawn together

The intervals are percentiles of what came out (Efron 1979, "Bootstrap methods: another look at the jackknife"; Efron
and Tibshirani 1993, "An introduction to the bootstrap", section 13.3). They say how far a figure may be off because
the rows are a sample. They know nothing of how far another training would be off, nor of rows of another kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Statistic = Callable[[NDArray[np.float64]], Mapping[str, float]]
    """From how often each row was drawn, shape `(rows,)`, to figures by name; NaN where one is undefined."""

RESAMPLES = 1000
LEVEL = 0.95

_LEAST_DEFINED = 0.5
"""A figure that is undefined in more of the resamples than this leaves has no interval."""


class Interval(NamedTuple):
    """An interval that holds a figure at the level of `LEVEL`."""

    low: float
    high: float


def bootstrap(
    statistic: Statistic,
    rows: int,
    *,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Interval | None]:
    """Returns the interval of each figure; None where there are fewer than two rows or groups, or it is undefined.

    Args:
        statistic: Called once for each resample.
        rows: How many there are.
        groups: Codes of the rows that belong together, shape `(rows,)`; None if each stands for itself.
        seed: Equal seeds give equal intervals.
        resamples: How many.
    """
    import numpy as np

    drawn, member = rows, None
    if groups is not None:
        distinct, member = np.unique(groups, return_inverse=True)
        drawn = len(distinct)
    if drawn < 2:
        return dict.fromkeys(statistic(np.ones(rows)), None) if rows else {}
    random = np.random.default_rng(seed)
    found: dict[str, list[float]] = {}
    for _ in range(resamples):
        counts = np.bincount(random.integers(drawn, size=drawn, dtype=np.int32), minlength=drawn).astype(np.float64)
        for name, value in statistic(counts if member is None else counts[member]).items():
            found.setdefault(name, []).append(value)
    return {name: _percentiles(values) for name, values in found.items()}


def _percentiles(values: list[float]) -> Interval | None:
    import numpy as np

    known = np.array([value for value in values if np.isfinite(value)])
    if len(known) < _LEAST_DEFINED * len(values):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
