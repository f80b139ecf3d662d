"""Runs one attempt of one trial: builds its model, trains it, and reports every epoch.

    runner = "tunecli.training.run_trial:run_trial"     # what an executor is given
    request → measurement … measurement, saved … → result        # JSON on the way in and out

A long training saves its state every now and then, and goes on from there should it be cut off; one whose engine has
no state to go on from begins again. A trial that fails (an exception, a loss that is no number) is a result with its
cause.
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

from tunecli.errors import TunecliError, in_a_line
from tunecli.families.base import DataSignature
from tunecli.families.bounded import USE_MINMAX, target_fault
from tunecli.families.summary import describe_layers
from tunecli.plan import Plan
from tunecli.preprocessing import Choices, routed
from tunecli.spec.space import Value, Values
from tunecli.study.objective import FOLD, Objective
from tunecli.study.trial import Measurement, Program
from tunecli.training.callbacks import early_stopping, watch
from tunecli.training.data import or_none, trial_parts
from tunecli.training.engines import ENGINES, Fitted, Job, batch_rows, can_resume
from tunecli.training.engines.base import row_count
from tunecli.training.engines.compiler import set_compiler
from tunecli.training.evaluate import evaluate
from tunecli.training.models import Built, build
from tunecli.training.own_fit import FitCall
from tunecli.training.runtime import configure, import_tensorflow
from tunecli.training.schedule import follow, rates_of
from tunecli.training.state import TrainingState, load_state, restore, save_state
from tunecli.training.user_callbacks import user_callbacks

if TYPE_CHECKING:
    import keras

    from tunecli.preprocessing.preprocessor import Preprocessor
    from tunecli.training.engines.base import Arrays

RUNNER = "tunecli.training.run_trial:run_trial"
"""The name of `run_trial`, for executors."""


class TrialRequest(BaseModel):
    """What a slot needs to run a trial.

    Attributes:
        plan: The study's plan.
        values: All values of the trial, defaults included.
        engine: Who fits the model.
        compiler: How XLA compiles its program, the same for all trials of a study.
        threads: How many threads it may use; None for all processors.
        training: Which of the trial's trainings, or None for the only one.
        seed: Decides initial weights, the order of rows and dropout; shared by a whole Hyperband lineage.
        start_epoch: Epochs that `state_in` has behind it.
        end_epoch: Epochs to have behind it at the end.
        data: The stored columns, see `datasets.stored`; None to load them by the plan.
        sources: Where the copies of the user's own files lie; None where the plan names none.
        state_in: The state to go on from, or None to begin.
        state_out: Where to write the state on the way and, with `keep_end`, at the end.
        keep_end: Whether someone may want the state at the end.
        save_every_s: On the way, it is written at the first end of an epoch after so many seconds.
    """

    model_config = ConfigDict(extra="forbid")

    plan: Plan
    values: Values
    engine: str
    compiler: str = ""
    threads: int | None = None
    training: int | None = None
    seed: int
    start_epoch: int
    end_epoch: int
    data: Path | None = None
    sources: Path | None = None
    state_in: Path | None = None
    state_out: Path
    keep_end: bool
    save_every_s: float


class TrialResult(BaseModel):
    """What came of an attempt.

    Attributes:
        measurements: One for each epoch that was trained here.
        layers: The model's layers, or None if it was never built.
        duration_s: Wall-clock seconds.
        program: Whether the engine compiled a program for it, or used one again; "" for an engine without.
        cause: Why it failed, or "".
        details: The traceback of a failure, or "".
        is_cut: It was asked to end early, and did so with its state written, if it can go on from one.
        unsaved: Why its state could not be written, or "".
        stopped: Why the engine's optimiser stopped, or "".
        fold: The metrics on the fold that was held back; None without folds.
        fold_epoch: The epoch of the weights that were scored on it.
    """

    model_config = ConfigDict(extra="forbid")

    measurements: list[Measurement]
    layers: list[dict[str, Any]] | None = None
    duration_s: float
    program: Program = Program.NONE
    cause: str = ""
    details: str = ""
    is_cut: bool = False
    unsaved: str = ""
    stopped: str = ""
    fold: dict[str, float] | None = None
    fold_epoch: int | None = None


class TrainingFailedError(Exception):
    """A training that cannot go on; its text is the cause."""


class _CutError(Exception):
    """The training was asked to end early."""


class _UnsavedError(Exception):
    """The state cannot be written; its text says why."""


def warm_up() -> None:
    """Imports what any trial needs; starts no thread, so that the process may be forked afterwards."""
    import_tensorflow()


def run_trial(payload: dict[str, Any], report: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Runs a `TrialRequest`; returns a `TrialResult`.

    Reports `{"measurement": …}` after each epoch, and `{"saved": epoch}` when it has written its state on the way. When
    asked to end soon, it writes its state at the end of the epoch and ends.
    """
    request = TrialRequest.model_validate(payload)
    attempt = _Attempt(request, report)
    started = time.perf_counter()
    cause = details = unsaved = ""
    is_cut = False
    try:
        attempt.run()
    except _CutError:
        is_cut = True
    except _UnsavedError as error:
        unsaved = str(error)
    except TrainingFailedError as error:
        cause = str(error)
    except TunecliError as error:  # says where and what already
        cause = str(error.problems[0]).splitlines()[0]
        details = traceback.format_exc()
    except Exception as error:  # whatever a model, an optimizer or TensorFlow may raise is this trial's own affair
        cause = in_a_line(error)
        details = traceback.format_exc()
    result = TrialResult(
        measurements=attempt.measurements,
        layers=attempt.layers,
        duration_s=time.perf_counter() - started,
        program=attempt.program,
        cause=cause,
        details=details,
        is_cut=is_cut,
        unsaved=unsaved,
        stopped=attempt.stopped,
        fold=attempt.fold,
        fold_epoch=attempt.fold_epoch,
    )
    return result.model_dump(mode="json")


def build_model(plan: Plan, values: Mapping[str, Value], signature: DataSignature, seed: int) -> keras.Model:
    """Builds and compiles the model of a trial; the same seed gives the same initial weights."""
    return build(plan, values, signature, seed).model


class _Attempt:
    def __init__(self, request: TrialRequest, report: Callable[[dict[str, Any]], bool]) -> None:
        self.request = request
        self.report = report
        self.measurements: list[Measurement] = []
        self.layers: list[dict[str, Any]] | None = None
        self.program = Program.NONE
        self.stopped = ""
        self.fold: dict[str, float] | None = None
        self.fold_epoch: int | None = None
        self._saved_at = time.monotonic()

    def run(self) -> None:
        request = self.request
        configure(request.threads)
        set_compiler(request.compiler)
        ours = request.plan.ours(request.values)
        parts = trial_parts(request.plan, request.training, request.data, Choices.of(ours))
        parts = routed(parts, request.plan.inputs)
        train, validation, *folds = parts.parts
        if fault := target_fault(ours, train[1], parts.target_names):
            raise TrainingFailedError(f"{fault}: {USE_MINMAX}")
        built = build(request.plan, request.values, parts.signature, request.seed, request.sources)
        call = FitCall(train, or_none(validation), callbacks=user_callbacks(request.plan, request.sources))
        fold = next(iter(folds), None)
        if built.own_fit is None:
            self._train(built, parts.preprocessor, call, fold)
            return
        end = request.end_epoch
        shown = None if fold is None else built.own_fit.as_validated(train, fold, epochs=end)
        built.own_fit.run(
            train,
            call.validation,
            epochs=end,
            callbacks=call.callbacks,
            execute=lambda own_call: self._train(built, parts.preprocessor, own_call, shown),
        )

    def _train(self, built: Built, preprocessor: Preprocessor, call: FitCall, fold: Arrays | None) -> Any:
        """Trains a model, from its state if it has one; returns the `keras.callbacks.History` of what it did."""
        import keras

        request, history = self.request, keras.callbacks.History()
        history.on_train_begin()
        built.complete(call.train, preprocessor)
        self.layers = [asdict(layer) for layer in describe_layers(built.model)]
        state = load_state(request.state_in) if request.state_in else None
        if state is not None:
            restore(state, built.model)
        if state is None or not (state.is_stopped or state.epoch >= request.end_epoch):
            fitted, stopping = self._fit(built, call, state, history)
            if fold is not None:
                self._score(fitted.model, fold, stopping)
        elif request.keep_end:
            self._save(state)
        return history

    def _score(self, model: keras.Model, fold: Arrays, stopping: keras.callbacks.EarlyStopping | None) -> None:
        """Measures the weights that training came to on rows that had no say in it."""
        figures = evaluate(model, fold)
        self.fold = {f"{FOLD}{name}": value for name, value in figures.items() if value is not None}
        self.fold_epoch = self.measurements[-1].epoch
        if stopping is not None and stopping.restore_best_weights and stopping.best_weights is not None:
            self.fold_epoch = stopping.best_epoch + 1

    def _fit(
        self, built: Built, call: FitCall, state: TrainingState | None, history: Any
    ) -> tuple[Fitted, keras.callbacks.EarlyStopping | None]:
        request, plan = self.request, self.request.plan
        stopping = early_stopping(plan.training.early_stopping, plan.objective, state)
        rates = rates_of(plan, plan.ours(request.values))
        if rates is not None and state is not None:
            rates.restore(state.schedule)
        # behind all others, so that it is seen whether they have stopped the training
        watching = watch(self._take, stopping, rates)
        fitted = ENGINES.load(request.engine).fit(
            Job(
                model=built.model,
                train=call.train,
                validation=call.validation,
                batch_size=call.batch_size or batch_rows(request.values, row_count(call.train)),
                start_epoch=request.start_epoch,
                end_epoch=request.end_epoch,
                seed=request.seed,
                shuffle=plan.training.shuffle if call.shuffle is None else call.shuffle,
                callbacks=[
                    *([] if rates is None else [follow(rates)]),
                    *([] if stopping is None else [stopping]),
                    *call.callbacks,
                    history,
                    watching,
                ],
                identity=built.identity,
            )
        )
        built.take_weights(fitted.model)
        self.program = fitted.program
        self.stopped = fitted.stopped
        return fitted, stopping

    def _take(self, measurement: Measurement, capture_state: Callable[[], TrainingState], *, is_last: bool) -> None:
        """Deals with the end of an epoch: measures, and saves the state if it is time."""
        self.measurements.append(measurement)
        is_cut = self.report({"measurement": measurement.model_dump(mode="json")})
        _require_objective(self.request.plan.watched, measurement)
        loss = measurement.metrics.get("loss", 0.0)
        if not math.isfinite(loss):
            raise TrainingFailedError(f"loss is {loss} in epoch {measurement.epoch}")
        has_state = can_resume(self.request.engine)
        if is_last or measurement.epoch == self.request.end_epoch:
            if self.request.keep_end and has_state:
                self._save(capture_state())
            return
        if has_state and (is_cut or self._is_time_to_save):
            self._save(capture_state())
            self._saved_at = time.monotonic()
            self.report({"saved": measurement.epoch})
        if is_cut:
            raise _CutError

    @property
    def _is_time_to_save(self) -> bool:
        return time.monotonic() - self._saved_at >= self.request.save_every_s

    def _save(self, state: TrainingState) -> None:
        try:
            save_state(state, self.request.state_out)
        except OSError as error:
            raise _UnsavedError(f"{self.request.state_out}: {error.strerror}") from error


def _require_objective(objective: Objective, measurement: Measurement) -> None:
    """Makes sure that a model reports what decides: which metrics a user's own model has is known no sooner.

    Raises:
        TrainingFailedError: It does not.
    """
    if objective.metric not in measurement.metrics:
        found = ", ".join(measurement.metrics)
        raise TrainingFailedError(f"the model reports no {objective.metric}, which is the objective; it has {found}")
