"""What stands in for `run_trial`; slots import it, so that it imports little."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from tunecli.executors.base import Report
from tunecli.training.state import TrainingState, load_state, save_state


def train(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Stands in for `run_trial`: deterministic scores, and states that must fit."""
    start, end, values, seed = payload["start_epoch"], payload["end_epoch"], payload["values"], payload["seed"]
    if payload["state_in"]:
        behind = load_state(Path(payload["state_in"]))
        assert (behind.epoch, behind.variables[0]) == (start, seed)
    else:
        assert start == 0
    measurements = []
    for epoch in range(start + 1, end + 1):
        score = abs(math.log(values["learning_rate"]) + 4) + values.get("momentum", 0.5) / epoch
        metrics = {"val_rmse": score, "loss": seed}
        measurements.append({"epoch": epoch, "metrics": metrics, "duration_s": 0.1})
        is_cut = report({"measurement": measurements[-1]}) and epoch < end
        if is_cut or payload["save_every_s"] == 0:
            save_state(TrainingState(epoch, (np.array(seed),), ()), Path(payload["state_out"]))
            report({"saved": epoch})
        if is_cut:
            return {"measurements": measurements, "duration_s": 0.1, "is_cut": True}
    if payload["keep_end"]:
        save_state(TrainingState(end, (np.array(seed),), ()), Path(payload["state_out"]))
    return {"measurements": measurements, "duration_s": 0.1, **_on_fold(payload, measurements)}


def _on_fold(payload: dict[str, Any], measurements: list[dict[str, Any]]) -> dict[str, Any]:
    evaluation = payload["plan"]["evaluation"] or {}
    if not evaluation.get("folds"):
        return {}
    last = measurements[-1]
    score = last["metrics"]["val_rmse"] + 0.01 * payload["training"]
    return {"fold": {"fold_rmse": score}, "fold_epoch": last["epoch"]}


def train_slowly(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    def slowly(message: dict[str, Any]) -> bool:
        time.sleep(0.1)  # the slot looks for a `stop` once a second
        return report(message)

    return train(payload, slowly)
