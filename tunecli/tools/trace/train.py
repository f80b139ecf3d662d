"""Trains one configuration with Keras' own `fit`, and records each update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError
from tunecli.families.bounded import USE_MINMAX, target_fault
from tunecli.preprocessing import Choices, routed
from tunecli.tools.trace.record import Record
from tunecli.tools.trace.recorder import Recorder, require_watchable, watched
from tunecli.tools.trace.subject import Subject
from tunecli.training.callbacks import early_stopping
from tunecli.training.data import load, or_none, search_parts
from tunecli.training.engines import ENGINES, Job, batch_rows
from tunecli.training.engines.base import row_count
from tunecli.training.linear_units import LinearUnits
from tunecli.training.models import Built, build
from tunecli.training.parts import require_unchanged
from tunecli.training.runtime import configure
from tunecli.training.schedule import follow, rates_of
from tunecli.training.user_callbacks import user_callbacks

if TYPE_CHECKING:
    from tunecli.datasets.base import RawData
    from tunecli.training.engines.base import Arrays

MOST_PARAMETERS = 200
"""A linear model of more parameters is recorded by norms alone, as other models are."""


@dataclass(frozen=True)
class Traced:
    """A recorded training.

    Attributes:
        subject: What was trained.
        record: What was recorded.
        units: What belongs to the parameters of a linear model in the data's units; None without.
        data: The data set.
        train: The training part as the model takes it: inputs, targets and, where rows count differently, weights.
        batch_rows: Rows of one step.
        outputs: What each output of the model is called.
        is_plain: Whether a linear model gives what its weights come to, with no activation behind.
    """

    subject: Subject
    record: Record
    units: LinearUnits | None
    data: RawData
    train: Arrays
    batch_rows: int
    outputs: tuple[str, ...]
    is_plain: bool


def train(subject: Subject, watch: Callable[[int, int], None]) -> Traced:
    """Trains a configuration.

    Args:
        subject: What to train.
        watch: Is told the epoch that ended, counted from 1, and how many there are.

    Raises:
        DataError: The data are missing or damaged.
        StudyError: The model cannot be built or watched, or the data have changed since the search.
        UsageError: The user's own code cannot be run.
    """
    plan, values = subject.plan, subject.values
    configure(plan.limits.threads)
    data, split = load(plan.dataset)
    if subject.run is not None:
        require_unchanged(subject.run, plan, data, hint="put the old data back, or trace the spec")
    ours = plan.ours(values)
    parts = routed(search_parts(plan.dataset, Choices.of(ours)), plan.inputs)
    arrays, validation = parts.parts
    if fault := target_fault(ours, arrays[1], parts.target_names):
        raise StudyError(fault, hint=USE_MINMAX)
    built = build(plan, values, parts.signature, subject.seed, subject.sources)
    _require_traceable(built)
    built.complete(arrays, parts.preprocessor)
    size = batch_rows(values, row_count(arrays))
    is_linear = plan.family == "linear"
    job = Job(
        model=built.model,
        train=arrays,
        validation=or_none(validation),
        batch_size=size,
        start_epoch=0,
        end_epoch=subject.epochs,
        seed=subject.seed,
        shuffle=plan.training.shuffle,
    )
    with watched(built.model) as probe:
        recorder = Recorder(
            built.model,
            arrays,
            probe,
            order=job.order,
            batch_size=size,
            numbers=split.train,
            keeps_parameters=is_linear and built.model.count_params() <= MOST_PARAMETERS,
            say=lambda epoch: watch(epoch, subject.epochs),
        )
        ENGINES.load("keras").fit(replace(job, callbacks=_callbacks(subject, recorder)))
    record = recorder.record()
    return Traced(
        subject,
        record,
        units=None if record.linear is None else LinearUnits.of(parts.preprocessor, built.model),
        data=data,
        train=arrays,
        batch_rows=size,
        outputs=_outputs(data),
        is_plain=is_linear and _is_plain(built),
    )


def _callbacks(subject: Subject, recorder: Recorder) -> list[Any]:
    """Returns what stands beside every training of a trial; the last weights stay, which are those of the trace."""
    plan = subject.plan
    stopping = plan.training.early_stopping
    last = None if stopping is None else stopping.model_copy(update={"restore_best_weights": False})
    rates = rates_of(plan, plan.ours(subject.values))
    stopper = early_stopping(last, plan.objective, None)
    return [
        *([] if rates is None else [follow(rates)]),
        *([] if stopper is None else [stopper]),
        *user_callbacks(plan, subject.sources),
        recorder.callback(),
    ]


def _require_traceable(built: Built) -> None:
    """Makes sure that Keras' own `fit` trains a model, by its own step.

    Raises:
        StudyError: It has a fit or a step of its own.
    """
    if built.own_fit is not None:
        hint = "tunecli search trains it; a trace needs Keras' own"
        raise StudyError("the model has a fit of its own, which cannot be watched", hint=hint)
    require_watchable(built.model)


def _outputs(data: RawData) -> tuple[str, ...]:
    return data.classes if data.outputs == len(data.classes) else data.target_names


def _is_plain(built: Built) -> bool:
    from tunecli.families.layers import is_linear

    return is_linear(built.model.get_layer("output"))
