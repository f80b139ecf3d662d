"""The weights and biases of a linear model along a training, in the data's units, and where least squares puts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunecli.tools.trace.record import LinearRecord
    from tunecli.tools.trace.train import Traced

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """One weight or bias along a training.

    Attributes:
        name: `weight[TV]`, `bias`; of several outputs, `weight[TV→heating]`.
        label: The same for people.
        unit: What its values are in.
        values: Before the first update and after each, in the data's units; shape `(updates + 1,)`.
        own: As the model holds them.
        gradients: Of each update, of what the model holds; `(updates,)`.
        least_squares: Where least squares puts it, in the data's units; None where there is no one place.
        is_bias: Whether it is one.
    """

    name: str
    label: str
    unit: str
    values: Floats
    own: Floats
    gradients: Floats
    least_squares: float | None
    is_bias: bool


@dataclass(frozen=True)
class LeastSquares:
    """The best that a linear model of numbers can do on the training rows.

    Attributes:
        weights: In the data's units, `(features, outputs)`.
        biases: The same, `(outputs,)`.
        rmse: Over all rows and outputs; rows that count differently do so here.
    """

    weights: Floats
    biases: Floats
    rmse: float


def least_squares(traced: Traced) -> LeastSquares | None:
    """Returns the least-squares solution; None for classes, and where columns depend on each other."""
    import numpy as np

    if traced.subject.plan.task is not Task.REGRESSION or traced.units is None or not traced.is_plain:
        return None
    inputs, targets, weights = _exact(traced)
    design = np.column_stack([inputs, np.ones(len(inputs))])
    root = np.sqrt(weights)[:, None]
    # of columns as large as they may be, the rank is told once each has the length 1
    lengths = np.sqrt(np.square(design * root).sum(axis=0))
    if not lengths.all():
        return None
    solution, _, rank, _ = np.linalg.lstsq(design * root / lengths, targets * root, rcond=None)
    if rank < design.shape[1]:
        return None
    solution /= lengths[:, None]
    errors = np.square(targets - design @ solution) * weights[:, None]
    rmse = float(np.sqrt(errors.sum() / (weights.sum() * targets.shape[1])))
    return LeastSquares(*traced.units.in_columns(solution[:-1], solution[-1]), rmse)


def rmse_of(traced: Traced, index: int) -> float | None:
    """Returns the RMSE of a linear model of numbers over all training rows, as it stood after so many updates.

    Args:
        traced: The training.
        index: How many updates; -1 for all of them.
    """
    import numpy as np

    linear = traced.record.linear
    if traced.subject.plan.task is not Task.REGRESSION or linear is None or not traced.is_plain:
        return None
    kernel, bias = linear.kernels[index], linear.biases[index]
    if traced.units is not None:
        kernel, bias = kernel * traced.units.target_scale, bias * traced.units.target_scale + traced.units.target_offset
    inputs, targets, weights = _exact(traced)
    errors = np.square(targets - inputs @ kernel - bias) * weights[:, None]
    return float(np.sqrt(errors.sum() / (weights.sum() * targets.shape[1])))


def courses(traced: Traced, best: LeastSquares | None) -> list[Course]:
    """Returns every weight, then every bias; none where they were not recorded."""
    return [] if traced.record.linear is None else list(_courses(traced, traced.record.linear, best))


def _courses(traced: Traced, linear: LinearRecord, best: LeastSquares | None) -> Iterator[Course]:
    units = traced.units
    weights, biases = (linear.kernels, linear.biases) if units is None else units.in_data(linear.kernels, linear.biases)
    names = feature_names(traced)
    several = len(traced.outputs) > 1
    units_of = traced.outputs if traced.is_plain else (_unit_before(traced),) * len(traced.outputs)
    for output, target in enumerate(traced.outputs):
        for feature, name in enumerate(names):
            of = f"{name}→{target}" if several else name
            yield Course(
                f"weight[{of}]",
                f"weight of {of}",
                f"{units_of[output]} per {name}",
                weights[:, feature, output],
                linear.kernels[:, feature, output],
                linear.kernel_gradients[:, feature, output],
                None if best is None else float(best.weights[feature, output]),
                is_bias=False,
            )
    for output, target in enumerate(traced.outputs):
        yield Course(
            f"bias[{target}]" if several else "bias",
            f"bias of {target}" if several else "bias",
            units_of[output],
            biases[:, output],
            linear.biases[:, output],
            linear.bias_gradients[:, output],
            None if best is None else float(best.biases[output]),
            is_bias=True,
        )


def feature_names(traced: Traced) -> tuple[str, ...]:
    """Returns what each weight of a linear model belongs to."""
    assert traced.record.linear is not None, "its parameters were recorded"
    count = traced.record.linear.kernels.shape[1]
    if traced.units is not None:
        return traced.units.names
    columns = traced.data.columns
    return columns.numeric_names if len(columns.numeric_names) == count else tuple(map(str, range(count)))


def _unit_before(traced: Traced) -> str:
    """Returns the unit of what an activation is given."""
    return "log-odds" if traced.subject.plan.task is Task.BINARY else "before the activation"


def _exact(traced: Traced) -> tuple[Floats, Floats, Floats]:
    """Returns inputs as the model takes them, targets in their units, and how much each row counts."""
    import numpy as np

    inputs, targets, *weighted = traced.train
    exact: list[Any] = [each.astype(np.float64) for each in (inputs, targets)]
    return exact[0], exact[1], weighted[0].astype(np.float64) if weighted else np.ones(len(inputs))
