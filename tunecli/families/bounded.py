"""What a model can predict at all: the ranges of output activations, and targets that they reach or do not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunecli.families.surroundings import TARGET_SCALING
from tunecli.spec.space import Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Range = tuple[float, float]

RANGES: Mapping[str, Range] = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softplus": (0.0, math.inf),
    "relu": (0.0, math.inf),
    "exponential": (0.0, math.inf),
}
"""Of each output activation that does not reach all numbers."""

_ALL: Range = (-math.inf, math.inf)

USE_MINMAX = "write target_scaling: minmax, which puts the targets into its range"


def output_range(values: Mapping[str, Value]) -> Range:
    """Returns what the output activation of a trial can give."""
    return RANGES.get(str(values.get("output_activation")), _ALL)


def scaling_fault(values: Mapping[str, Value]) -> str | None:
    """Returns why target scaling and output activation do not go together, or None."""
    if values.get(TARGET_SCALING.name) != "standard" or output_range(values) == _ALL:
        return None
    return f"target_scaling: standard gives targets below 0 and above 1, which {_words(values)} cannot reach"


def target_fault(values: Mapping[str, Value], targets: NDArray[np.generic], names: Sequence[str]) -> str | None:
    """Returns why training targets cannot be reached, or None.

    Args:
        values: Of the trial.
        targets: Of the training rows, in original units; shape `(rows,)` or `(rows, columns)`.
        names: Of the columns.
    """
    low, high = output_range(values)
    if values.get(TARGET_SCALING.name, "none") != "none":
        return None
    for name, column in zip(names, targets.reshape(len(targets), -1).T, strict=True):
        least, most = float(column.min()), float(column.max())
        if least < low or most > high:
            return f"'{name}' is {least:g} … {most:g}, which {_words(values)} cannot reach"
    return None


def _words(values: Mapping[str, Value]) -> str:
    low, high = output_range(values)
    reach = f"{low:g} … {high:g}" if math.isfinite(high) else f"from {low:g}"
    return f"output_activation: {values['output_activation']} ({reach})"
