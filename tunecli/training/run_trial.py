"""Runs one attempt of one trial: builds its model, trains it, and reports every epoch.

    runner = "tunecli.training.run_trial:run_trial"     # what an executor is given
    request → Measurement … Measurement → result        # JSON on the way in and out

A trial that fails (an exception, a loss that is no number) is a result with its cause.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from tunecli.families import FAMILIES
from tunecli.families.base import DataSignature
from tunecli.families.compiling import compile_model
from tunecli.families.summary import describe_layers
from tunecli.plan import EarlyStoppingPlan, Plan
from tunecli.spec.space import Value, Values
from tunecli.study.objective import METRICS, Goal
from tunecli.study.trial import Measurement, Program
from tunecli.training.data import or_none, search_parts
from tunecli.training.engines import ENGINES, Job, batch_rows
from tunecli.training.runtime import configure, seed_everything
from tunecli.training.state import TrainingState, capture, load_state, restore, restore_stopping, save_state

if TYPE_CHECKING:
    import keras

RUNNER = "tunecli.training.run_trial:run_trial"
"""The name of `run_trial`, for executors."""


class TrialRequest(BaseModel):
    """What a slot needs to run a trial.

    Attributes:
        plan: The study's plan.
        values: All values of the trial, defaults included.
        engine: Who fits the model.
        threads: How many threads it may use; None for all processors.
        seed: Decides initial weights, the order of rows and dropout; shared by a whole Hyperband lineage.
        start_epoch: Epochs that `state_in` has behind it.
        end_epoch: Epochs to have behind it at the end.
        state_in: The state to go on from, or None to begin.
        state_out: Where to write the state at the end, or None if no one will go on from it.
    """

    model_config = ConfigDict(extra="forbid")

    plan: Plan
    values: Values
    engine: str
    threads: int | None = None
    seed: int
    start_epoch: int
    end_epoch: int
    state_in: Path | None = None
    state_out: Path | None = None


class TrialResult(BaseModel):
    """What came of an attempt.

    Attributes:
        measurements: One for each epoch that was trained here.
        layers: The model's layers, or None if it was never built.
        duration_s: Wall-clock seconds.
        program: Whether the engine compiled a program for it, or used one again; "" for an engine without.
        cause: Why it failed, or "".
        details: The traceback of a failure, or "".
    """

    model_config = ConfigDict(extra="forbid")

    measurements: list[Measurement]
    layers: list[dict[str, Any]] | None = None
    duration_s: float
    program: Program = Program.NONE
    cause: str = ""
    details: str = ""


class TrainingFailedError(Exception):
    """A training that cannot go on; its text is the cause."""


def run_trial(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Runs a `TrialRequest`; reports `{"measurement": …}` after each epoch and returns a `TrialResult`."""
    request = TrialRequest.model_validate(payload)
    attempt = _Attempt(request, report)
    started = time.perf_counter()
    cause = details = ""
    try:
        attempt.run()
    except TrainingFailedError as error:
        cause = str(error)
    except Exception as error:  # whatever a model, an optimizer or TensorFlow may raise is this trial's own affair
        cause = f"{type(error).__name__}: {error}".splitlines()[0]
        details = traceback.format_exc()
    result = TrialResult(
        measurements=attempt.measurements,
        layers=attempt.layers,
        duration_s=time.perf_counter() - started,
        program=attempt.program,
        cause=cause,
        details=details,
    )
    return result.model_dump(mode="json")


def build_model(plan: Plan, values: Mapping[str, Value], signature: DataSignature, seed: int) -> keras.Model:
    """Builds and compiles the model of a trial; the same seed gives the same initial weights."""
    import keras

    keras.config.set_dtype_policy(plan.training.precision)
    seed_everything(seed)
    model = FAMILIES.load(plan.family).build(signature, values)
    compile_model(model, plan.task, values)
    return model


class _Attempt:
    def __init__(self, request: TrialRequest, report: Callable[[dict[str, Any]], None]) -> None:
        self.request = request
        self.report = report
        self.measurements: list[Measurement] = []
        self.layers: list[dict[str, Any]] | None = None
        self.program = Program.NONE

    def run(self) -> None:
        request = self.request
        configure(request.threads)
        parts = search_parts(request.plan.dataset)
        train, validation = parts.parts
        model = build_model(request.plan, request.values, parts.signature, request.seed)
        self.layers = [asdict(layer) for layer in describe_layers(model)]
        state = load_state(request.state_in) if request.state_in else None
        if state is not None:
            restore(state, model)
        if state is None or not state.is_stopped:
            state = self._fit(model, train, validation, state)
        if request.state_out is not None and state is not None:
            save_state(state, request.state_out)

    def _fit(self, model: keras.Model, train: Any, validation: Any, state: TrainingState | None) -> TrainingState:
        request = self.request
        stopping = _early_stopping(request.plan.training.early_stopping, state)
        watch = _watch(self._take, stopping, request.end_epoch, keep_state=request.state_out is not None)
        fitted = ENGINES.load(request.engine).fit(
            Job(
                model=model,
                train=train,
                validation=or_none(validation),
                batch_size=batch_rows(request.values, len(train[0])),
                start_epoch=request.start_epoch,
                end_epoch=request.end_epoch,
                seed=request.seed,
                shuffle=request.plan.training.shuffle,
                callbacks=[each for each in (stopping, watch) if each is not None],
            )
        )
        self.program = fitted.program
        final: TrainingState | None = watch.state
        return final if final is not None else TrainingState((), ())

    def _take(self, measurement: Measurement) -> None:
        self.measurements.append(measurement)
        self.report({"measurement": measurement.model_dump(mode="json")})
        loss = measurement.metrics.get("loss", 0.0)
        if not math.isfinite(loss):
            raise TrainingFailedError(f"loss is {loss} in epoch {measurement.epoch}")


def _early_stopping(
    plan: EarlyStoppingPlan | None, state: TrainingState | None
) -> keras.callbacks.EarlyStopping | None:
    if plan is None:
        return None
    import keras

    class EarlyStopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]  # Keras is untyped
        """Keras' own, which goes on where a parent's left off."""

        def on_train_begin(self, logs: Any = None) -> None:
            super().on_train_begin(logs)
            if state is not None:
                restore_stopping(state, self)

    goal = METRICS[plan.monitor.removeprefix("val_")].goal
    return EarlyStopping(
        monitor=plan.monitor,
        mode="min" if goal is Goal.MINIMIZE else "max",  # told, since Keras guesses it from the name
        patience=plan.patience,
        min_delta=plan.min_delta,
        restore_best_weights=plan.restore_best_weights,
    )


def _watch(
    take: Callable[[Measurement], None],
    stopping: keras.callbacks.EarlyStopping | None,
    end_epoch: int,
    *,
    keep_state: bool,
) -> Any:
    """Returns a callback that measures each epoch, and keeps the state of the last.

    It stands behind early stopping, so that it sees whether that has spoken, and takes the state before the best
    weights are put back: a promoted trial goes on from the last epoch.
    """
    import keras

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
        state: TrainingState | None = None

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            metrics = {name: float(value) for name, value in (logs or {}).items()}
            take(Measurement(epoch=epoch + 1, metrics=metrics, duration_s=time.perf_counter() - self.began))
            if keep_state and (epoch + 1 == end_epoch or self.model.stop_training):
                self.state = capture(self.model, stopping)

    return Watch()
