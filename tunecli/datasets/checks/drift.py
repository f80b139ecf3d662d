"""Inputs of held-back rows that are distributed otherwise than those of the training rows.

Numbers are compared by the largest distance between their distribution functions (Kolmogorov-Smirnov), texts by half
the sum of the distances between their shares (total variation). A finding must be beyond chance, at a level that is
divided by the number of columns (Bonferroni), and large in itself: of many rows, the slightest change is beyond chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tunecli.datasets.checks.view import FEWEST_ROWS, View, counted, named
from tunecli.study.check import Finding, Severity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Rows = NDArray[np.int64]

LEVEL = 0.001
"""The chance to warn of one column or more where nothing has changed."""

SMALLEST = 0.1
"""A smaller distance changes scores by little."""

_MOST_ROWS = 4_000
"""Beyond these the sample of a part shows nothing that is as large as `SMALLEST`."""

_IMAGE_COLUMNS = ("brightness", "contrast")


def drift(view: View) -> Iterator[Finding]:
    """Finds inputs that differ between the training part and another."""
    train = view.parts.train[view.sample][:_MOST_ROWS]
    for part, rows in (("validation", view.parts.validation), ("test", view.parts.test)):
        other = view.sample_of(rows)[:_MOST_ROWS]
        if min(len(train), len(other)) < FEWEST_ROWS:
            continue
        hits = sorted(_distances(view, train, other), key=lambda hit: -hit[1])
        if hits:
            yield _finding(view, part, hits)


def _finding(view: View, part: str, hits: list[tuple[str, float]]) -> Finding:
    names = tuple(name for name, _ in hits)
    which = "images" if view.columns.images is not None else f"{counted(len(names), 'input')} of {view.width or 2}"
    verb = "is" if len(names) == 1 and which != "images" else "are"
    notes = [f"distance {distance:.2f}" for _, distance in hits]
    return Finding(
        kind="drift",
        severity=Severity.WARNING,
        what=f"{which} {verb} distributed otherwise in the {part} part than in training: {named(names, notes)}",
        hint="see that both are of one source and unit; else write them as exclude:, or split dataset: otherwise",
        field=part,
        columns=names,
        figures={"columns": len(names), "largest": round(hits[0][1], 4)},
    )


def _distances(view: View, train: Rows, other: Rows) -> Iterator[tuple[str, float]]:
    """Yields the columns that differ, and by how much, from 0 to 1."""
    images = view.columns.images
    level = LEVEL / (view.width + (0 if images is None else len(_IMAGE_COLUMNS)))
    numbers = [*zip(view.columns.numeric_names, view.numeric_of(train), view.numeric_of(other), strict=True)]
    if images is not None:
        numbers += zip(_IMAGE_COLUMNS, _summaries(images, train), _summaries(images, other), strict=True)
    for name, ours, theirs in numbers:
        distance = ks_distance(ours, theirs)
        if distance >= max(SMALLEST, _ks_critical(len(ours), len(theirs), level)):
            yield name, distance
    codes = (view.columns.categorical_names, view.categorical_of(train), view.categorical_of(other))
    for name, ours, theirs in zip(*codes, strict=True):
        distance, expected = _variation(ours, theirs)
        if distance >= max(SMALLEST, expected + _deviation(len(ours), len(theirs), level)):
            yield name, distance


def ks_distance(ours: Numbers, theirs: Numbers) -> float:
    """Returns the Kolmogorov-Smirnov statistic; what is missing counts as larger than any number."""
    import numpy as np

    ours, theirs = (np.sort(np.where(np.isnan(each), np.inf, each)) for each in (ours, theirs))
    at = np.concatenate([ours, theirs])
    shares = (np.searchsorted(each, at, side="right") / len(each) for each in (ours, theirs))
    return float(np.max(np.abs(next(shares) - next(shares))))


def _ks_critical(ours: int, theirs: int, level: float) -> float:
    """Returns the distance that chance exceeds at a level; Smirnov's asymptotic bound, which is on the safe side."""
    return math.sqrt(-math.log(level / 2) / 2 * (1 / ours + 1 / theirs))


def _variation(ours: NDArray[np.int32], theirs: NDArray[np.int32]) -> tuple[float, float]:
    """Returns the total variation between two columns of codes, and a bound on what chance makes of it on average.

    Two samples' shares of a text with share p differ by at most sqrt(p (1/n + 1/m)) on average (Jensen).
    """
    import numpy as np

    size = int(max(ours.max(), theirs.max())) + 2
    counts = [np.bincount(each + 1, minlength=size) for each in (ours, theirs)]  # code -1: missing
    share = sum(counts) / (len(ours) + len(theirs))
    distance = np.abs(counts[0] / len(ours) - counts[1] / len(theirs)).sum() / 2
    expected = np.sqrt(share * (1 / len(ours) + 1 / len(theirs))).sum() / 2
    return float(distance), float(expected)


def _deviation(ours: int, theirs: int, level: float) -> float:
    """Returns by how much chance exceeds its average at a level (McDiarmid: a row moves the distance by 1/n)."""
    return math.sqrt(-math.log(level) / 2 * (1 / ours + 1 / theirs))


def _summaries(images: NDArray[np.uint8], rows: Rows) -> tuple[Any, Any]:
    """Returns the mean and the standard deviation of each image's pixels."""
    pixels = images[rows].reshape(len(rows), -1)
    return pixels.mean(axis=1), pixels.std(axis=1)
