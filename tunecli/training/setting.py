"""What the models of one trial have in common: values, rows, and for how long to train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunecli.plan import Plan
from tunecli.preprocessing import Choices
from tunecli.spec.space import Values
from tunecli.store.run import Run
from tunecli.study.trial import Measurement, Trial
from tunecli.training.continuation import Continuation, find_continuation, joined
from tunecli.training.data import final_parts
from tunecli.training.engines.base import row_count
from tunecli.training.recipe import Recipe
from tunecli.training.schedule import Rates, rates_again

if TYPE_CHECKING:
    from tunecli.preprocessing.prepare import Prepared
    from tunecli.training.engines.base import Arrays

TEST = "test"
"""The part that is counted whenever it is looked at."""


@dataclass(frozen=True)
class Setting:
    """What the models of a trial have in common.

    Attributes:
        trial: The trial.
        values: All its values.
        parts: Training, validation and test part.
        train: What is trained on.
        evaluated: What is evaluated, by the name of the part.
        continuation: What is gone on from, or None to begin afresh.
        begin: The first epoch to train, counted from 0.
        end: The epoch before which to stop.
        rule: Where that comes from, for people; "" where it is the best epoch of the one training of the search.
        rates: Of the epochs; None if they are all the same.
    """

    trial: Trial
    values: Values
    parts: Prepared
    train: Arrays
    evaluated: Mapping[str, Arrays]
    continuation: Continuation | None
    begin: int
    end: int
    rule: str = ""
    rates: Rates | None = None

    @property
    def epochs(self) -> int:
        """How many epochs the trained weights have behind them."""
        return self.end - self.begin + (self.continuation.from_epoch if self.continuation else 0)


def prepare_setting(run: Run, plan: Plan, trial: Trial, recipe: Recipe) -> Setting:
    """Loads the data, and decides how long to train.

    Raises:
        StudyError: The state to go on from is damaged.
        DataError: The data are missing or damaged.
    """
    assert trial.outcome is not None
    assert trial.outcome.best_epoch is not None
    values = plan.complete(trial.suggestion.values)
    ours = plan.ours(values)
    rates = rates_again(plan, ours, lambda: _measured(run, trial))
    parts = final_parts(plan, full=recipe.full and not recipe.goes_on, choices=Choices.of(ours))
    if not recipe.goes_on:
        train: Arrays = parts.parts[0]
        evaluated = _evaluated(train, parts, full=recipe.full)
        end, rule = trial.outcome.best_epoch, _rule(trial)
        return Setting(trial, values, parts, train, evaluated, None, 0, end, rule, rates)
    go_on = find_continuation(run, trial, parts, recipe.epochs)
    train = joined(plan, parts)
    begin = go_on.state.epoch  # no order of rows comes twice
    evaluated = _evaluated(train, parts, full=True)
    return Setting(trial, values, parts, train, evaluated, go_on, begin, begin + go_on.epochs, rates=rates)


def _measured(run: Run, trial: Trial) -> list[Measurement]:
    """Returns the epochs of a trial's lineage, or of the first of its trainings."""
    if trial.trainings:
        return run.own_measurements(trial.id, min(trial.trainings))
    return run.measurements(run.snapshot().lineage(trial.id))


def _rule(trial: Trial) -> str:
    """Returns how several trainings come to one number of epochs."""
    best = [str(trial.trainings[number].best_epoch) for number in sorted(trial.trainings)]
    return f"the rounded mean of the best epochs in {len(best)} trainings: {', '.join(best)}" if best else ""


def _evaluated(train: Arrays, parts: Prepared, *, full: bool) -> dict[str, Arrays]:
    """Returns the parts that a model is evaluated on; with `full`, the validation rows are among the training rows."""
    _, validation, test = parts.parts
    found = {"train": train} | ({} if full else {"validation": validation}) | {TEST: test}
    return {name: part for name, part in found.items() if row_count(part)}
