"""What the page's script reads: the trials, with the learning curves that a click on a point shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunecli.reports.report import Report
from tunecli.reports.study_data import StudyData
from tunecli.reports.text import show_duration, show_spread
from tunecli.spec.space import show_value
from tunecli.study.objective import VALIDATION, plain_metric
from tunecli.study.trial import Measurement, Trial

POINT_BYTES, CURVE_BYTES = 8, 40
"""What a point and a curve take, about."""

FEWEST_POINTS = 10_000
"""Of all curves together, however little room there is."""


def page_data(report: Report, *, room_bytes: int) -> dict[str, Any]:
    """Returns the document that the page's script reads.

    Args:
        report: The study.
        room_bytes: What learning curves may take, about: where they are longer, each has fewer of its points.
    """
    snapshot = report.snapshot
    ranks = {row.id: row.rank for row in report.rows}
    step = _step(report.data, room_bytes)
    names = list(dict.fromkeys(name for trial in snapshot.trials.values() for name in trial.suggestion.values))
    return {
        "metric": snapshot.objective.metric,
        "parameters": names,
        "trials": [
            {
                "id": trial.id,
                "rank": ranks.get(trial.id),
                "score": None if trial.score is None else _rounded(trial.score, 7),
                "shown": _shown(trial),
                # in the order of `parameters`; null for one that the trial does not have
                "values": [
                    show_value(trial.suggestion.values[name]) if name in trial.suggestion.values else None
                    for name in names
                ],
                "curves": list(_curves(report, trial, step)),
            }
            for trial in snapshot.trials.values()
        ],
    }


def _shown(trial: Trial) -> dict[str, str]:
    """Returns what is said of a trial beside its values, in the order of showing."""
    outcome = trial.outcome
    if outcome is None:
        return {"state": trial.status.value}
    found = {} if outcome.score is None else {"score": show_spread(outcome.score, outcome.score_sd)}
    found |= {"cause": outcome.cause} if outcome.cause else {}
    epochs = f"{outcome.epochs_run}, best {outcome.best_epoch}" if outcome.best_epoch else str(outcome.epochs_run)
    found |= {"epochs": epochs, "time": show_duration(outcome.duration_s)}
    found |= {"goes on from": f"trial {trial.suggestion.parent}"} if trial.suggestion.parent is not None else {}
    return found


def _curves(report: Report, trial: Trial, step: int) -> Iterator[dict[str, Any]]:
    """Yields the curves of a trial, of each of its trainings where there are several."""
    if report.data is None:
        return
    metric = plain_metric(report.snapshot.objective.metric)
    evaluation = report.plan.evaluation
    trainings = report.data.trainings.get(trial.id, {})
    for number, measured in trainings.items():
        name = evaluation.describe(number) if evaluation else f"training {number + 1}"
        yield from _of_training(measured, metric, f", {name}", step)
    if not trainings:
        yield from _of_training(report.data.curves.get(trial.id, ()), metric, "", step)


def _of_training(measured: Sequence[Measurement], metric: str, suffix: str, step: int) -> Iterator[dict[str, Any]]:
    picked = [each for place, each in enumerate(measured) if (len(measured) - 1 - place) % step == 0]
    epochs = [each.epoch for each in picked]
    for name in (f"{VALIDATION}{metric}", metric):
        values = [_rounded(each.metrics.get(name), 5) for each in picked]
        if any(value is not None for value in values):
            # a curve of all epochs from the first needs no list of them
            given: Mapping[str, Any] = {} if epochs == list(range(1, len(epochs) + 1)) else {"x": epochs}
            yield {"name": f"{name}{suffix}", "y": values, **given}


def _step(data: StudyData | None, room_bytes: int) -> int:
    """Returns of how many points each curve keeps one, the last of all."""
    if data is None:
        return 1
    trainings = [measured for each in data.trainings.values() for measured in each.values()]
    curves = [each for each in (*data.curves.values(), *trainings) if each]
    room = (room_bytes - 2 * CURVE_BYTES * len(curves)) / POINT_BYTES
    return math.ceil(2 * sum(map(len, curves)) / max(FEWEST_POINTS, room)) or 1


def _rounded(number: float | None, digits: int) -> float | None:
    """Returns a figure with fewer digits; None for what is not finite, which JSON cannot hold."""
    return None if number is None or not math.isfinite(number) else float(f"{number:.{digits}g}")
