"""The cost of a model of one column over its two parameters, and which part of it is worth seeing.

line = line_of(traced)                         # the points, and the two parameters along the training; or None
surface = cost_surface(line, "sse/2m", window(line))
surface.costs                                  # (biases, weights)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunecli.spec.experiment import Task
from tunecli.tools.trace.parameters import Course, LeastSquares

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.tools.trace.train import Traced

    Floats = NDArray[np.float64]

Range = tuple[float, float]

FORMULAS: Mapping[str, str] = {"sse": "J = SSE", "mse": "J = MSE = SSE/m", "sse/2m": "J = SSE/(2m)"}
"""The costs of numbers; m is the number of rows, or the sum of their weights."""

CROSSENTROPY = "J = mean cross-entropy"
"""The cost of two classes."""

GRID = 161
"""Points of a surface along each axis."""

MOST_ROWS = 1000
"""For the cross-entropy, which has no closed form, so many rows are taken, evenly spread."""

_MARGIN = 0.12
_LEAST_SHARE = 0.1


@dataclass(frozen=True)
class Line:
    """A model of one column of numbers along its training, and what it is fitted to.

    Attributes:
        column: What it reads.
        target: What it predicts.
        x: The column in the training rows, `(rows,)`.
        y: Their targets, or 1 for the second of two classes.
        row_weights: How much each row counts.
        weights: Along the training, in the data's units; `(updates + 1,)`.
        biases: The same.
        best: The least-squares solution, or None.
        is_probability: Whether it predicts the probability of the second of two classes.
    """

    column: str
    target: str
    x: Floats
    y: Floats
    row_weights: Floats
    weights: Floats
    biases: Floats
    best: LeastSquares | None
    is_probability: bool

    def predict(self, weight: float, bias: float, x: Floats) -> Floats:
        """Returns what the model gives with these parameters."""
        linear = weight * x + bias
        return _sigmoid(linear) if self.is_probability else linear

    @property
    def is_finite(self) -> NDArray[np.bool_]:
        """After which updates both parameters are finite."""
        import numpy as np

        found: NDArray[np.bool_] = np.isfinite(self.weights) & np.isfinite(self.biases)
        return found


@dataclass(frozen=True)
class Surface:
    """Costs over a grid.

    Attributes:
        formula: What the cost is.
        weights: Of the grid, increasing.
        biases: The same.
        costs: `(biases, weights)`.
        levels: Of its contour lines, increasing.
    """

    formula: str
    weights: Floats
    biases: Floats
    costs: Floats
    levels: Floats


def line_of(traced: Traced, found: Sequence[Course], best: LeastSquares | None) -> Line | None:
    """Returns the line that was fitted; None for a model that is none."""
    import numpy as np

    task = traced.subject.plan.task
    is_probability = task is Task.BINARY
    if traced.units is None or len(found) != 2 or not (is_probability or traced.is_plain):
        return None
    inputs, targets, *weighted = traced.train
    own = inputs.astype(np.float64)[:, 0]
    x = own * traced.units.scale[0] + traced.units.offset[0]
    return Line(
        column=traced.units.names[0],
        target=f"probability of {traced.data.target_name} = {traced.data.classes[1]}"
        if is_probability
        else traced.outputs[0],
        x=x,
        y=targets.astype(np.float64)[:, 0],
        row_weights=weighted[0].astype(np.float64) if weighted else np.ones(len(x)),
        weights=found[0].values,
        biases=found[1].values,
        best=best,
        is_probability=is_probability,
    )


def window(line: Line) -> tuple[Range, Range]:
    """Returns the ranges of weight and bias that show the path, and where it should lead if that is not too far."""
    weights, biases = line.weights[line.is_finite], line.biases[line.is_finite]
    if line.best is None:
        return _around(weights), _around(biases)
    goals = float(line.best.weights[0, 0]), float(line.best.biases[0])
    both = [[*each, goal] for each, goal in zip((weights, biases), goals, strict=True)]
    is_near = all(
        max(path) - min(path) >= _LEAST_SHARE * (max(whole) - min(whole))
        for path, whole in zip((weights, biases), both, strict=True)
    )
    return (_around(both[0]), _around(both[1])) if is_near else (_around(weights), _around(biases))


def cost_surface(line: Line, cost: str, over: tuple[Range, Range], levels: int) -> Surface:
    """Returns the costs over a window.

    Args:
        line: The model.
        cost: A name of `FORMULAS`; two classes have one cost.
        over: The ranges of weight and bias.
        levels: How many contour lines; their distances grow from the lowest cost as those of a bowl's equal steps do.
    """
    import numpy as np

    weights, biases = (np.linspace(low, high, GRID) for low, high in over)
    if line.is_probability:
        costs, formula = _crossentropy(line, weights, biases), CROSSENTROPY
    else:
        costs, formula = squared_errors(line, weights[None, :], biases[:, None]), FORMULAS[cost]
        costs = costs / {"sse": 1.0, "mse": 1.0, "sse/2m": 2.0}[cost]
        costs = costs if cost == "sse" else costs / line.row_weights.sum()
    low, high = float(costs.min()), float(costs.max())
    steps = (np.arange(1, levels + 1) / (levels + 1)) ** 2
    return Surface(formula, weights, biases, costs, low + (high - low) * steps)


def squared_errors(line: Line, weights: Floats, biases: Floats) -> Floats:
    """Returns the weighted sum of squared errors for any parameters of one shape.

    From sums around the means, which keep their digits: Σw(y - ax - b)² = Syy - 2a·Sxy + a²·Sxx + m(ȳ - ax̄ - b)².
    """
    total = line.row_weights.sum()
    x_mean, y_mean = (line.row_weights @ each / total for each in (line.x, line.y))
    x, y = line.x - x_mean, line.y - y_mean
    xx, xy, yy = (line.row_weights @ each for each in (x * x, x * y, y * y))
    errors: Floats = yy - 2 * weights * xy + weights**2 * xx + total * (y_mean - weights * x_mean - biases) ** 2
    return errors


def spread(count: int, most: int) -> NDArray[np.int64]:
    """Returns at most so many positions of `count`, evenly spread, the first and the last among them."""
    import numpy as np

    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _crossentropy(line: Line, weights: Floats, biases: Floats) -> Floats:
    import numpy as np

    rows = spread(len(line.x), MOST_ROWS)
    x, y, of_rows = line.x[rows], line.y[rows], line.row_weights[rows]
    costs = np.empty((len(biases), len(weights)))
    for index, bias in enumerate(biases):
        linear = weights[:, None] * x + bias
        # log(1 + exp(z)) - y·z, without overflow
        costs[index] = (np.logaddexp(0, linear) - y * linear) @ of_rows / of_rows.sum()
    return costs


def _sigmoid(linear: Floats) -> Floats:
    import numpy as np

    found: Floats = np.exp(-np.logaddexp(0, -linear))
    return found


def _around(values: Sequence[float] | Floats) -> Range:
    low, high = float(min(values)), float(max(values))
    margin = _MARGIN * (high - low) or max(abs(low), 1.0) / 2
    return low - margin, high + margin
