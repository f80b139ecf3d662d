"""Whether what was written predicts as the bundle does.

The difference of a prediction is relative where predictions are large, and absolute where they are not:

    |exported - bundle| / max(|bundle|, unit)

`unit` is 1, or the largest prediction of the sample where even that is smaller, so that a target counted in millionths
is compared in millionths. Probabilities have the unit 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOLERANCE = 1e-4
"""The greatest difference that passes."""

MEASURE = "|exported - bundle| / max(|bundle|, unit), with unit = min(1, the largest |bundle|), 1 for probabilities"


def greatest_difference(
    exported: NDArray[np.floating], expected: NDArray[np.floating], *, are_probabilities: bool
) -> float:
    """Returns the greatest difference of all predictions; infinite where shapes differ or one is not finite alone.

    Args:
        exported: What the exported file gives, `(rows, outputs)`.
        expected: What the bundle gives.
        are_probabilities: Whether 1 is the unit, however small they all are.
    """
    import numpy as np

    if exported.shape != expected.shape:
        return math.inf
    same = (exported == expected) | (np.isnan(exported) & np.isnan(expected))
    if not np.all(np.isfinite(exported[~same])) or not np.all(np.isfinite(expected[~same])):
        return math.inf
    sizes = np.abs(expected[np.isfinite(expected)].astype(np.float64))
    largest = float(sizes.max(initial=0.0))
    unit = 1.0 if are_probabilities or largest == 0 else min(1.0, largest)
    ours, theirs = exported[~same].astype(np.float64), expected[~same].astype(np.float64)
    return float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), unit), initial=0.0))
