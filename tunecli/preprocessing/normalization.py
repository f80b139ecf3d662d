"""The ways to scale a column of numbers, each fitted to the training rows and kept as plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.float64]

MOST_QUANTILES = 1000
"""So many of a longer column are kept; the normal scores of their ends are ±3.3."""


@dataclass(frozen=True)
class Fitted:
    """What was fitted to a column: `(x - offset) / scale`, or an interpolation where there are quantiles.

    Attributes:
        offset: Is taken off.
        scale: Is divided by; 0 for a column that always becomes 0.
        quantiles: Increasing values of the column; () for a way that only shifts and scales.
        scores: What each of them becomes; in between it is interpolated, and beyond the ends it stays.
    """

    offset: float
    scale: float
    quantiles: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()


def fit_column(column: Column, normalization: str) -> Fitted:
    """Fits one way to a column.

    Args:
        column: Without missing values, at least one; shape `(rows,)`.
        normalization: A name of `families.surroundings.NORMALIZATION`. `none` leaves numbers as they are. `standard`
            gives mean 0 and standard deviation 1 (of the population), `minmax` 0 … 1. `robust` takes off the median
            and divides by the distance between the quartiles; by the standard deviation where these are equal, as in
            a column of mostly zeros. `quantile` gives ranks the scores of a normal distribution.
    """
    if normalization == "none":
        return Fitted(offset=0.0, scale=1.0)
    # rounding gives a column of equal numbers a mean beside them and a deviation above 0, so the range is asked
    if column.min() == column.max():
        return Fitted(offset=float(column[0]), scale=0.0)
    return _FITS[normalization](column)


def _standard(column: Column) -> Fitted:
    return Fitted(offset=float(column.mean()), scale=float(column.std()))


def _minmax(column: Column) -> Fitted:
    return Fitted(offset=float(column.min()), scale=float(column.max() - column.min()))


def _robust(column: Column) -> Fitted:
    import numpy as np

    low, median, high = (float(each) for each in np.quantile(column, [0.25, 0.5, 0.75]))
    return Fitted(offset=median, scale=high - low or float(column.std()))


def _quantile(column: Column) -> Fitted:
    import numpy as np

    count = min(len(column), MOST_QUANTILES)
    shares = (np.arange(count) + 0.5) / count
    values = np.quantile(column, shares, method="hazen")  # of a short column, these are its values
    scores = np.array([NormalDist().inv_cdf(share) for share in shares])
    distinct, group = np.unique(values, return_inverse=True)
    of_ties = np.bincount(group, weights=scores) / np.bincount(group)
    return Fitted(0.0, 1.0, quantiles=tuple(distinct.tolist()), scores=tuple(of_ties.tolist()))


_FITS: Mapping[str, Callable[[Column], Fitted]] = {
    "standard": _standard,
    "minmax": _minmax,
    "robust": _robust,
    "quantile": _quantile,
}
