"""A trace as a table: one row an update, one column a figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tunecli.tools.trace.parameters import Course
from tunecli.tools.trace.record import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def csv_of(record: Record, found: Sequence[Course]) -> bytes:
    """Returns the table as CSV, with figures to float32's last digit.

    Columns: iteration, epoch and batch (from 1); `rows`, see `row_words`; batch_loss; loss_before and loss_after, over
    all training rows; `running_…`, as Keras accumulates it in the epoch; learning_rate; gradient_norm; for each
    parameter of a linear model `…_before` and `…_after` in the data's units, `own …_before` and `own …_after` where
    the model, on scaled columns, holds another number, and `gradient of …`, of what the model holds; for other models
    `norm[layer]_before`, `norm[layer]_after` and `gradient_norm[layer]`.
    """
    columns = dict(_columns(record, found))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["iteration", "epoch", "batch", "rows", *columns])
    for index in range(record.updates):
        place = [index + 1, record.epochs[index], record.batches[index], row_words(record.rows[index])]
        writer.writerow([*place, *(f"{column[index]:.9g}" for column in columns.values())])
    return text.getvalue().encode()


def row_words(rows: NDArray[np.int64]) -> str:
    """Returns row numbers in their order, those that follow each other as `first-last`: `0-2 7`."""
    stretches: list[list[int]] = []
    for row in map(int, rows):
        if stretches and row == stretches[-1][-1] + 1:
            stretches[-1][1:] = [row]
        else:
            stretches.append([row])
    return " ".join("-".join(map(str, each)) for each in stretches)


def _columns(record: Record, found: Sequence[Course]) -> Iterator[tuple[str, Floats]]:
    yield "batch_loss", record.batch_losses
    yield from _around("loss", record.losses)
    for name, values in record.running.items():
        yield f"running_{name}", values
    yield "learning_rate", record.learning_rates
    yield "gradient_norm", record.gradient_norms
    for course in found:
        yield from _around(course.name, course.values)
    for course in found:
        if is_scaled(course):
            yield from _around(f"own {course.name}", course.own)
    for course in found:
        yield f"gradient of {course.name}", course.gradients
    if not found:
        for layer, norms in record.layer_norms.items():
            yield from _around(f"norm[{layer}]", norms)
        for layer, norms in record.layer_gradient_norms.items():
            yield f"gradient_norm[{layer}]", norms


def is_scaled(course: Course) -> bool:
    """Whether the model holds another number than the one in the data's units."""
    return course.own is not course.values and not _equal(course.own, course.values)


def _equal(one: Floats, other: Floats) -> bool:
    import numpy as np

    return np.array_equal(one, other, equal_nan=True)


def _around(name: str, values: Floats) -> Iterator[tuple[str, Floats]]:
    yield f"{name}_before", values[:-1]
    yield f"{name}_after", values[1:]
