"""Learning curves: what a trial was worth on training and validation rows, epoch by epoch, as plain values.

    curve = learning_curve(measurements, objective, best_epoch=12)
    curve.gap_ratio, curve.shape.describe()      # 1.18, 'overfits from epoch 12'
    for training in curve.trainings:
        zip(curve.train_x(training.epochs), training.train)

Keras reports, for the training rows, a figure over the batches of an epoch, each measured before its update, while the
weights move: it tells of the middle of the epoch, and belongs half an epoch before the validation value, which is
measured at the epoch's end. Where an epoch is one batch (`batch_size: full`) it tells of the epoch's begin. The scipy
engine measures both at the end. What stands in the logs but is no such figure (a learning rate) is not moved.

Training values are measured with dropout on, validation values with dropout off.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from tunecli.reports.curves.shape import Number, Shape, judge
from tunecli.spec.evaluation import EvaluationSpec
from tunecli.spec.experiment import SCIPY_ENGINE
from tunecli.study.objective import VALIDATION, Goal, Objective, find_metric, plain_metric
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement, TrialStatus

HALF_AN_EPOCH, AN_EPOCH, NOTHING = 0.5, 1.0, 0.0
"""How much earlier than its epoch's end a training value belongs."""

SHIFT_NOTES = {
    HALF_AN_EPOCH: "training: mean over the epoch's batches, drawn half an epoch earlier",
    AN_EPOCH: "training: measured before the epoch's one update, drawn an epoch earlier",
    NOTHING: "training: measured at the end of the epoch, like validation",
}
"""What to say beside a picture."""

LOG_DECADES = 2.0
"""Values that span more than this are drawn on a logarithmic axis."""


@dataclass(frozen=True)
class EarlyStopping:
    """When a training stopped early, as the plan has it; see `plan.EarlyStoppingPlan`."""

    monitor: str
    min_delta: float
    restore_best_weights: bool


@dataclass(frozen=True)
class Promotion:
    """Where a Hyperband trial was promoted: `trial` went on after `epoch`."""

    epoch: int
    trial: int


@dataclass(frozen=True)
class TrainingCurve:
    """The curve of one training.

    Attributes:
        number: Which of several trainings; None for the only one.
        name: That in words, `fold 2 of 3`; "" for the only one.
        epochs: Counted from 1 over the lineage.
        train: One an epoch; None where nothing was measured, and what is not finite as it is.
        validation: The same on the validation rows.
        best_epoch: Where the objective is best, or what early stopping could see of it; None if never finite.
    """

    number: int | None
    name: str
    epochs: tuple[int, ...]
    train: tuple[Number, ...]
    validation: tuple[Number, ...]
    best_epoch: int | None


@dataclass(frozen=True)
class MeanCurve:
    """The mean of several trainings at the epochs that all have, with its standard deviation (that of a sample)."""

    epochs: tuple[int, ...]
    train: tuple[Number, ...]
    train_sd: tuple[Number, ...]
    validation: tuple[Number, ...]
    validation_sd: tuple[Number, ...]


@dataclass(frozen=True)
class LearningCurve:
    """One metric of one trial.

    Attributes:
        metric: Its plain name, `rmse` for `val_rmse`.
        goal: Which way it is better.
        shift: By how much of an epoch training values belong earlier than validation values.
        trainings: One, or several (folds, repeats); those without any epoch are left out.
        mean: Of several trainings; None of one.
        best_epoch: Of the trial; of several trainings, the rounded mean.
        restored_epoch: The epoch whose weights early stopping put back; None where it puts none back, or for several
            trainings.
        promotions: Of a Hyperband trial, the eldest first.
        train_at_best: The figure of the best epoch; the mean of several trainings, each at its own.
        validation_at_best: The same.
        gap_ratio: See `gap_ratio`.
        shape: What the curve does; of several trainings, their mean.
        is_log: Whether the values are to be drawn on a logarithmic axis.
    """

    metric: str
    goal: Goal
    shift: float
    trainings: tuple[TrainingCurve, ...]
    mean: MeanCurve | None
    best_epoch: int | None
    restored_epoch: int | None
    promotions: tuple[Promotion, ...]
    train_at_best: float | None
    validation_at_best: float | None
    gap_ratio: float | None
    shape: Shape
    is_log: bool

    def train_x(self, epochs: Sequence[int]) -> tuple[float, ...]:
        """Returns where the training values of these epochs belong."""
        return tuple(epoch - self.shift for epoch in epochs)

    @property
    def main(self) -> TrainingCurve | MeanCurve | None:
        """The mean of several trainings, or the only one; None without any epoch."""
        return self.mean or (self.trainings[0] if self.trainings else None)


def learning_curve(
    measurements: Sequence[Measurement],
    objective: Objective,
    *,
    metric: str = "",
    trainings: Sequence[tuple[int, str, Sequence[Measurement]]] = (),
    best_epoch: int | None = None,
    best_epochs: Mapping[int, int | None] = MappingProxyType({}),
    engine: str = "",
    is_one_batch: bool = False,
    stopping: EarlyStopping | None = None,
    promotions: Sequence[Promotion] = (),
) -> LearningCurve:
    """Computes the curve of one metric of a trial.

    Args:
        measurements: Those of its whole lineage; () for several trainings.
        objective: What decides.
        metric: With or without `val_`; default: what the objective measures.
        trainings: Of several trainings each one's number, its name for people, and its measurements.
        best_epoch: Of the trial, where it is known; default: from the measurements.
        best_epochs: Of several trainings, by number, where they are known.
        engine: Who trained it.
        is_one_batch: Whether an epoch is one batch.
        stopping: When it stopped early, if ever.
        promotions: Of a Hyperband trial.
    """
    plain = plain_metric(metric or objective.metric)
    goal = _goal(plain, objective)
    several = [(number, name, measured) for number, name, measured in trainings if measured]
    given: list[tuple[int | None, str, Sequence[Measurement]]] = [*several] or [(None, "", measurements)]
    curves = tuple(
        _training(
            number,
            name,
            measured,
            plain,
            (best_epoch if number is None else best_epochs.get(number)) or _best_epoch(measured, objective),
        )
        for number, name, measured in given
        if measured
    )
    mean = _mean(curves) if several else None
    main = mean or (curves[0] if curves else None)
    train_at_best, validation_at_best = (_at_best(curves, of) for of in ("train", "validation"))
    return LearningCurve(
        metric=plain,
        goal=goal,
        shift=train_shift(plain, [each for _, _, measured in given for each in measured[:1]], engine, is_one_batch),
        trainings=curves,
        mean=mean,
        best_epoch=best_epoch or _mean_epoch(curves),
        restored_epoch=None if several or stopping is None else restored_epoch(measurements, stopping, objective),
        promotions=tuple(promotions),
        train_at_best=train_at_best,
        validation_at_best=validation_at_best,
        gap_ratio=gap_ratio(train_at_best, validation_at_best, goal),
        shape=judge(main.epochs, main.train, main.validation, goal) if main else judge((), (), (), goal),
        is_log=spans_decades([value for each in curves for value in (*each.train, *each.validation)]),
    )


def trial_curve(
    snapshot: Snapshot,
    trial: int,
    *,
    measurements: Sequence[Measurement],
    trainings: Mapping[int, Sequence[Measurement]] = MappingProxyType({}),
    plan: Mapping[str, Any] | None,
    metric: str = "",
) -> LearningCurve:
    """Computes the curve of a trial as far as its files can be read; it may run, or have failed.

    Args:
        snapshot: The study.
        trial: The trial's id.
        measurements: Those of its whole lineage; () for several trainings.
        trainings: Those of each of several trainings, by its number.
        plan: As kept in `plan.json`; None where that is damaged: trainings have no name then, and no epoch is restored.
        metric: With or without `val_`; default: what the objective measures.
    """
    found, document = snapshot.trials[trial], plan or {}
    values = {**document.get("fixed", {}), **found.suggestion.values}
    is_scored = found.status is TrialStatus.COMPLETED and found.outcome is not None
    return learning_curve(
        measurements,
        snapshot.objective,
        metric=metric,
        trainings=name_trainings(trainings, document),
        best_epoch=found.outcome.best_epoch if is_scored and found.outcome else None,
        best_epochs={number: each.best_epoch for number, each in found.trainings.items()},
        engine=found.engine,
        is_one_batch=values.get("batch_size") == "full",
        stopping=_stopping(document),
        promotions=[
            Promotion(snapshot.trials[each].suggestion.start_epoch, each) for each in snapshot.lineage(trial)[1:]
        ],
    )


def name_trainings(
    trainings: Mapping[int, Sequence[Measurement]], plan: Mapping[str, Any]
) -> list[tuple[int, str, Sequence[Measurement]]]:
    """Gives the trainings of a trial their names for people: plain numbers where the plan cannot tell."""
    try:
        evaluation = EvaluationSpec.model_validate(plan.get("evaluation"))
    except ValidationError:
        return [(number, f"training {number + 1}", measured) for number, measured in trainings.items()]
    return [(number, evaluation.describe(number), measured) for number, measured in trainings.items()]


def gap_ratio(train: float | None, validation: float | None, goal: Goal) -> float | None:
    """Returns how many times worse a model is on rows that it has not seen: above 1 is worse, whatever the metric.

    That is validation / training of an error, and training / validation of a metric that is better when higher. None
    where a value is missing, not finite, or not above 0: the quotient of such numbers says nothing.
    """
    if train is None or validation is None:
        return None
    if not all(math.isfinite(each) and each > 0 for each in (train, validation)):
        return None
    return validation / train if goal is Goal.MINIMIZE else train / validation


def train_shift(metric: str, measured: Sequence[Measurement], engine: str, is_one_batch: bool) -> float:
    """Returns by how much of an epoch the training values of a metric belong earlier than its end.

    Args:
        metric: Its plain name.
        measured: Some of the trial's measurements, by whose names a metric of the user's own is told.
        engine: Who trained it.
        is_one_batch: Whether an epoch is one batch.
    """
    is_metric = find_metric(metric) is not None or any(f"{VALIDATION}{metric}" in each.metrics for each in measured)
    if not is_metric or engine.startswith(f"{SCIPY_ENGINE}:"):
        return NOTHING
    return AN_EPOCH if is_one_batch else HALF_AN_EPOCH


def restored_epoch(measured: Sequence[Measurement], stopping: EarlyStopping, objective: Objective) -> int | None:
    """Returns the epoch whose weights Keras' EarlyStopping puts back at the end: the last that was better by enough."""
    if not stopping.restore_best_weights:
        return None
    goal = _goal(plain_metric(stopping.monitor), objective)
    best, at = math.inf, None
    for each in measured:
        value = each.metrics.get(stopping.monitor, math.nan)
        cost = value if goal is Goal.MINIMIZE else -value
        if at is None or cost + stopping.min_delta < best:  # the first epoch is kept whatever it is worth
            best, at = cost if math.isfinite(cost) else best, each.epoch
    return at


def spans_decades(values: Sequence[Number]) -> bool:
    """Says whether a logarithmic axis serves these values: all above 0, and more than two decades apart."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite or min(finite) <= 0:
        return False
    return math.log10(max(finite)) - math.log10(min(finite)) > LOG_DECADES


def metric_names(measured: Iterable[Measurement]) -> list[str]:
    """Returns the plain names of all that was measured, in the order of their first appearance."""
    return list(dict.fromkeys(name.removeprefix(VALIDATION) for each in measured for name in each.metrics))


def curve_document(curve: LearningCurve) -> dict[str, Any]:
    """Returns a curve as JSON holds it; what is not finite becomes null."""
    document = asdict(curve)
    document["shape"] = {"form": curve.shape.form.value, "epoch": curve.shape.epoch, "words": curve.shape.describe()}
    document["goal"] = curve.goal.value
    for training in document["trainings"]:
        training["train_x"] = list(curve.train_x(training["epochs"]))
    return {key: _finite(value) for key, value in document.items()}


def _goal(plain: str, objective: Objective) -> Goal:
    """Returns which way a metric is better; one of the user's own that does not decide is taken for an error."""
    if plain == plain_metric(objective.metric):
        return objective.goal
    metric = find_metric(plain)
    return metric.goal if metric is not None else Goal.MINIMIZE


def _training(
    number: int | None, name: str, measured: Sequence[Measurement], plain: str, best_epoch: int | None
) -> TrainingCurve:
    return TrainingCurve(
        number,
        name,
        epochs=tuple(each.epoch for each in measured),
        train=tuple(each.metrics.get(plain) for each in measured),
        validation=tuple(each.metrics.get(f"{VALIDATION}{plain}") for each in measured),
        best_epoch=best_epoch,
    )


def _best_epoch(measured: Sequence[Measurement], objective: Objective) -> int | None:
    """Returns where the objective is best; of one that only a fold shows, its validation form, or that of training."""
    plain = plain_metric(objective.metric)
    names = (objective.metric, f"{VALIDATION}{plain}", plain)
    watched = next((name for name in names if any(name in each.metrics for each in measured)), plain)
    scores = [each.metrics.get(watched, math.nan) for each in measured]
    best = objective.best(scores)
    return None if best is None else measured[scores.index(best)].epoch


def _mean_epoch(curves: Sequence[TrainingCurve]) -> int | None:
    epochs = [each.best_epoch for each in curves if each.best_epoch is not None]
    return round(statistics.fmean(epochs)) if epochs else None


def _mean(curves: Sequence[TrainingCurve]) -> MeanCurve:
    """Returns the mean at the epochs that all trainings have: behind that, who has stopped would move it."""
    epochs = tuple(epoch for epoch in curves[0].epochs if all(epoch in each.epochs for each in curves))
    places = [[each.epochs.index(epoch) for epoch in epochs] for each in curves]
    train, validation = (
        [
            _mean_sd([getattr(each, of)[place[index]] for each, place in zip(curves, places, strict=True)])
            for index in range(len(epochs))
        ]
        for of in ("train", "validation")
    )
    return MeanCurve(
        epochs,
        train=tuple(mean for mean, _ in train),
        train_sd=tuple(sd for _, sd in train),
        validation=tuple(mean for mean, _ in validation),
        validation_sd=tuple(sd for _, sd in validation),
    )


def _mean_sd(values: Sequence[Number]) -> tuple[Number, Number]:
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        return None, None
    if not all(map(math.isfinite, numbers)):
        return math.nan, None
    return statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else None


def _at_best(curves: Sequence[TrainingCurve], of: str) -> float | None:
    """Returns the mean of what the trainings measured, each at its own best epoch; None where one did not."""
    found = [
        getattr(each, of)[each.epochs.index(each.best_epoch)] if each.best_epoch in each.epochs else None
        for each in curves
    ]
    numbers = [value for value in found if value is not None and math.isfinite(value)]
    return statistics.fmean(numbers) if numbers and len(numbers) == len(found) else None


def _stopping(plan: Mapping[str, Any]) -> EarlyStopping | None:
    """Returns when trainings stop early, as `plan.json` says; None where it says nothing."""
    written = (plan.get("training") or {}).get("early_stopping") or {}
    names = ("monitor", "min_delta", "restore_best_weights")
    return EarlyStopping(*(written[name] for name in names)) if written.keys() >= set(names) else None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
