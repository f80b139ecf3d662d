"""The learning rate of every epoch.

    rates = rates_of(plan, values)        # None for a constant one
    rates.rate(epoch)                     # a function of the epoch, but for a plateau, which has seen the objective
    callback = follow(rates)              # sets the optimizer's variable: no program is compiled again

The length of a schedule is that of the search's longest training: a Hyperband trial goes on along the curve of its
parent, and a retraining for fewer epochs follows the first part of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tunecli.families.surroundings import CONSTANT, COSINE, EXPONENTIAL, PLATEAU
from tunecli.plan import Plan
from tunecli.spec.space import Value
from tunecli.study.objective import Objective
from tunecli.study.trial import Measurement

if TYPE_CHECKING:
    import keras

LEARNING_RATE = "learning_rate"
"""What the rate of an epoch is called among its metrics."""


class Rates(Protocol):
    """Learning rates, epoch by epoch."""

    def rate(self, epoch: int) -> float:
        """Returns the rate of an epoch, counted from 0."""
        ...

    def observe(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Takes in what the epoch came to."""
        ...

    def state(self) -> dict[str, Any]:
        """Returns what is remembered, as plain JSON."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Puts back what `state` gave."""
        ...


class _Forgetful:
    """What rates have that depend on the epoch alone."""

    def observe(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Does nothing."""

    def state(self) -> dict[str, Any]:
        """Returns nothing."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Does nothing."""


@dataclass(frozen=True)
class Curve(_Forgetful):
    """Rates that are a function of the epoch.

    Attributes:
        kind: constant, cosine or exponential, once it is warm.
        full: The rate that warming up leads to.
        warmup_epochs: Epoch e of them has the rate full · (e + 1) / (warmup_epochs + 1), as in Goyal et al. 2017,
            "Accurate, Large Minibatch SGD", section 2.2; none is trained at 0.
        epochs: The epochs of the longest training. Whoever goes on beyond stays at the last rate.
        final_fraction: Where the cosine would be after the last epoch, as a fraction of `full` (Loshchilov and Hutter
            2017, "SGDR", equation 5).
        decay_rate: Of the exponential, an epoch.
    """

    kind: str
    full: float
    warmup_epochs: int
    epochs: int
    final_fraction: float = 0.0
    decay_rate: float = 1.0

    def rate(self, epoch: int) -> float:
        """Returns the rate of an epoch, counted from 0."""
        if epoch < self.warmup_epochs:
            return self.full * (epoch + 1) / (self.warmup_epochs + 1)
        length = max(1, self.epochs - self.warmup_epochs)
        gone = min(epoch - self.warmup_epochs, length - 1)
        if self.kind == COSINE:
            share = (1 + math.cos(math.pi * gone / length)) / 2
            return self.full * (self.final_fraction + (1 - self.final_fraction) * share)
        return self.full * self.decay_rate**gone if self.kind == EXPONENTIAL else self.full


class Plateau:
    """A rate that falls by a factor whenever the objective has not improved for some epochs, once it is warm.

    Attributes:
        warm: The rate without any fall.
        objective: What is watched, after each epoch.
        factor: Of each fall.
        patience: So many epochs in a row without a new best make it fall.
    """

    def __init__(self, warm: Curve, objective: Objective, *, factor: float, patience: int) -> None:
        self.warm, self.objective, self.factor, self.patience = warm, objective, factor, patience
        self._best: float | None = None
        self._wait = self._falls = 0

    def rate(self, epoch: int) -> float:
        """Returns the rate of an epoch, the next one after those observed."""
        return self.warm.rate(epoch) * self.factor**self._falls

    def observe(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Takes in the objective."""
        score = metrics.get(self.objective.metric, math.nan)
        if self.objective.is_better(score, self._best):
            self._best, self._wait = score, 0
        elif epoch >= self.warm.warmup_epochs:
            self._wait += 1
        if self._wait >= self.patience:
            self._wait, self._falls = 0, self._falls + 1

    def state(self) -> dict[str, Any]:
        """Returns what is remembered, as plain JSON."""
        return {"best": self._best, "wait": self._wait, "falls": self._falls}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Puts back what `state` gave; a state without a schedule leaves a new one as it is."""
        if state:
            self._best, self._wait, self._falls = state["best"], state["wait"], state["falls"]


@dataclass(frozen=True)
class Recorded(_Forgetful):
    """The rates that a training had, for one that cannot see what made them fall.

    Attributes:
        rates: From epoch 0 on, at least one; later epochs have the last.
    """

    rates: tuple[float, ...]

    def rate(self, epoch: int) -> float:
        """Returns the rate of an epoch, counted from 0."""
        return self.rates[min(epoch, len(self.rates) - 1)]


def rates_of(plan: Plan, values: Mapping[str, Value]) -> Rates | None:
    """Returns the learning rates of a trial; None if there is nothing to change from epoch to epoch.

    Args:
        plan: The study's plan.
        values: All values of the trial.
    """
    kind, warmup = values.get("schedule", CONSTANT), values.get("warmup_epochs", 0)
    if kind == CONSTANT and not warmup:
        return None
    numbers = {name: _float(values[name]) for name in ("final_fraction", "decay_rate") if name in values}
    curve = Curve(str(kind), _float(values[LEARNING_RATE]), _int(warmup), plan.full_epochs(values), **numbers)
    if kind != PLATEAU:
        return curve
    factor, patience = _float(values["plateau_factor"]), _int(values["plateau_patience"])
    return Plateau(curve, plan.watched, factor=factor, patience=patience)


def rates_again(plan: Plan, values: Mapping[str, Value], measured: Callable[[], Sequence[Measurement]]) -> Rates | None:
    """Returns the learning rates for training a trial once more: those that it had, where it saw why to lower them.

    Args:
        plan: The study's plan.
        values: All values of the trial.
        measured: Returns what its lineage has measured, from the first epoch on.
    """
    rates = rates_of(plan, values)
    return Recorded(tuple(each.metrics[LEARNING_RATE] for each in measured())) if isinstance(rates, Plateau) else rates


def follow(rates: Rates) -> keras.callbacks.Callback:
    """Returns a callback that sets the rate of each epoch, and adds it to the epoch's metrics.

    Callbacks that read these stand behind it.
    """
    import keras

    class Follow(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.rate = rates.rate(epoch)
            self.model.optimizer.learning_rate = self.rate

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            rates.observe(epoch, logs)
            logs[LEARNING_RATE] = self.rate

    return Follow()


def _float(value: Value) -> float:
    assert isinstance(value, int | float), "it was checked against its hyperparameter"
    return float(value)


def _int(value: Value) -> int:
    assert isinstance(value, int), "it was checked against its hyperparameter"
    return value
