"""Figures of trained models on parts of the data, and what several models' figures come to together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunecli.training.engines.base import row_count, validation_batch_size

if TYPE_CHECKING:
    import keras

    from tunecli.training.engines.base import Arrays

Figures = dict[str, float | None]
"""The loss and the metrics, by name; None for what is not finite, which JSON has no word for."""

Scores = dict[str, Figures]
"""Figures by part of the data."""


def evaluate(model: keras.Model, part: Arrays) -> Figures:
    """Returns the loss and all metrics of a model on a part of the data."""
    inputs, targets, *weighted = part
    return finite(
        model.evaluate(
            inputs,
            targets,
            sample_weight=weighted[0] if weighted else None,
            batch_size=validation_batch_size(part),
            verbose=0,
            return_dict=True,
        )
    )


def predict(model: keras.Model, part: Arrays) -> Any:
    """Returns what a model predicts for a part: an array for each output, rows first."""
    return model.predict(part[0], batch_size=validation_batch_size(part), verbose=0)


def evaluate_predictions(model: keras.Model, part: Arrays, predicted: Any) -> Figures:
    """Returns what `evaluate` would, had the model predicted this; its loss is without penalties on weights.

    The model's own loss and metrics do the work, batch by batch as in `evaluate`, so that they mean the same. One thing
    does not: in the losses of several outputs, each by its name, Keras gives a shorter last batch the weight of a
    whole one (their total is right), and here its rows count as any others.
    """
    import keras

    model(keras.tree.map_structure(lambda array: array[:1], part[0]), training=False)  # makes `losses` readable here
    penalty = float(sum(map(float, model.losses)))
    size, rows = validation_batch_size(part), row_count(part)
    losses = []
    model.reset_metrics()
    for begin in range(0, rows, size):
        inputs, targets, *weighted = _tensors(part, begin, begin + size)
        outputs = _tensors(predicted, begin, begin + size)
        weights = weighted[0] if weighted else None
        loss = model.compute_loss(x=inputs, y=targets, y_pred=outputs, sample_weight=weights, training=False)
        losses.append((float(loss) - penalty) * min(size, rows - begin))
        model.compute_metrics(inputs, targets, outputs, sample_weight=weights)
    return finite({**model.get_metrics_result(), "loss": sum(losses) / rows})


def summarise(series: Sequence[Scores]) -> dict[str, dict[str, Figures]]:
    """Returns mean and standard deviation over several models, for each part and metric.

    Args:
        series: The scores of each model, at least one; all of the same parts and metrics.

    Returns:
        `{part: {metric: {"mean": …, "sd": …}}}`; the deviation is that of a sample (n - 1), None for one model, and
        both are None where a model's figure is not finite.
    """
    return {
        part: {metric: _mean_and_sd([scores[part][metric] for scores in series]) for metric in figures}
        for part, figures in series[0].items()
    }


def finite(figures: Any) -> Figures:
    """Returns figures as plain numbers in the order of their names, None for what is not finite."""
    numbers = {name: float(value) for name, value in sorted(figures.items())}
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


def _tensors(arrays: Any, begin: int, end: int) -> Any:
    import keras

    return keras.tree.map_structure(lambda array: keras.ops.convert_to_tensor(array[begin:end]), arrays)


def _mean_and_sd(values: Sequence[float | None]) -> Figures:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return {"mean": None, "sd": None}
    return {"mean": statistics.fmean(known), "sd": statistics.stdev(known) if len(known) > 1 else None}
