"""What stands in for `fit_baseline`; a slot imports it, so that it imports little."""

from __future__ import annotations

import time
from typing import Any

from tunecli.executors.base import Report

OUTCOMES = {"mean": 2.0, "HistGradientBoosting": 1.0}


def fit(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Scores two of the four, hangs with one, and raises with another."""
    name = payload["name"]
    report({"rows": 7})
    if name == "least squares":
        raise ValueError("no solution")
    if name not in OUTCOMES:
        time.sleep(600)
    return {"name": name, "score": OUTCOMES[name], "duration_s": 0.1, "rows": 7, "train_rows": 120}
