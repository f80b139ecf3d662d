"""What a trace came to, as one document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunecli.tools.trace.parameters import Course, LeastSquares, rmse_of
from tunecli.tools.trace.table import is_scaled
from tunecli.training.engines.base import row_count

if TYPE_CHECKING:
    from tunecli.tools.trace.train import Traced


def summarise(traced: Traced, found: Sequence[Course], best: LeastSquares | None) -> dict[str, Any]:
    """Returns the summary; figures that are not finite are None."""
    subject, record = traced.subject, traced.record
    ends = record.epoch_ends
    return {
        "study": subject.name,
        "trial": subject.trial,
        "family": subject.plan.family,
        "dataset": subject.plan.dataset.name,
        "target": traced.data.target_name,
        "values": subject.values,
        "seed": subject.seed,
        "shuffle": subject.plan.training.shuffle,
        "rows": row_count(traced.train),
        "batch_size": traced.batch_rows,
        "epochs": len(record.epoch_logs),
        "updates": record.updates,
        "stopped": record.stopped,
        "loss": {"name": str(subject.values.get("loss", "the model's own")), **_ends(record.losses)},
        "parameters": [_parameter(each) for each in found],
        "layers": [] if found else [{"name": name, **_ends(each)} for name, each in record.layer_norms.items()],
        "rmse": {"start": _or_none(rmse_of(traced, 0)), "end": _or_none(rmse_of(traced, -1))},
        "least_squares": None if best is None else {"rmse": _finite(best.rmse)},
        "by_epoch": [
            {
                "epoch": number,
                "last_update": end,
                "loss_after": _finite(record.losses[end]),
                **{name: _finite(value) for name, value in logs.items()},
            }
            for number, (end, logs) in enumerate(zip(ends, record.epoch_logs, strict=False), start=1)
        ],
    }


def _parameter(course: Course) -> dict[str, Any]:
    own = _ends(course.own) if is_scaled(course) else None
    return {"name": course.name, **_ends(course.values), "least_squares": course.least_squares, "own": own}


def _ends(values: Any) -> dict[str, float | None]:
    return {"start": _finite(values[0]), "end": _finite(values[-1])}


def _or_none(value: float | None) -> float | None:
    return None if value is None else _finite(value)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
