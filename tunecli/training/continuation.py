"""Goes on from the state that a trial of the search has left, with the validation rows added to the training rows.

The state holds the weights and the optimizer at the last epoch and, where early stopping watched, the weights that it
would restore. Training goes on from those, since the trial has won by them. What was fitted to the training rows stays
as it was: the weights know no other scaling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError, UsageError
from tunecli.plan import Plan
from tunecli.store.files import damaged
from tunecli.store.run import Run
from tunecli.study.trial import Trial
from tunecli.training.data import load
from tunecli.training.engines.base import row_count
from tunecli.training.state import TrainingState, epoch_of, load_state, restore

if TYPE_CHECKING:
    import keras

    from tunecli.preprocessing.prepare import Prepared
    from tunecli.training.engines.base import Arrays


@dataclass(frozen=True)
class Continuation:
    """Where a training goes on, and for how long.

    Attributes:
        state: What the search has kept.
        from_epoch: The epoch whose weights are gone on from.
        epochs: How many more.
        rule: Where that number comes from.
    """

    state: TrainingState
    from_epoch: int
    epochs: int
    rule: str

    def put_into(self, model: keras.Model) -> None:
        """Gives a freshly built model the weights and the optimizer to go on with."""
        restore(self.state, model)
        if self.state.best_weights:
            model.set_weights(list(self.state.best_weights))

    def document(self) -> dict[str, Any]:
        """Returns what `metrics.json` says of it."""
        return {"from_epoch": self.from_epoch, "epochs": self.epochs, "rule": self.rule}


def require_state(run: Run, trial: Trial) -> None:
    """Makes sure that a trial has left a state.

    Raises:
        UsageError: It has not; the hint names the trials that have.
    """
    if run.layout.trial(trial.id).state.exists():
        return
    kept = sorted(each for each in run.trials_with_files() if run.layout.trial(each).state.exists())
    hint = "limits.keep says of how many of the best trials a search keeps it; train afresh: leave out --continue"
    if kept:
        hint = f"go on with --trial {' or '.join(map(str, kept))}; {hint}"
    raise UsageError(f"no state of trial {trial.id} is kept to go on from", where=str(run.path), hint=hint)


def find_continuation(run: Run, trial: Trial, parts: Prepared, epochs: int | None) -> Continuation:
    """Reads the state of a trial, and decides for how long to go on.

    Args:
        run: The study.
        trial: One that `require_state` has let pass.
        parts: Training and validation part first.
        epochs: How many more; None for as many as make up for the validation rows that it has not seen so far. In
            the end it has then seen as many rows as a training on all of them would have in the same epochs.

    Raises:
        StudyError: The state is damaged.
    """
    path = run.layout.trial(trial.id).state
    if epoch_of(path) is None:
        problem = damaged(str(path), "not a whole state").problems[0]
        raise StudyError(problem.what, where=problem.where, hint="train afresh: leave out --continue")
    state = load_state(path)
    best = state.stopping.get("best_epoch")
    begin = int(best) + 1 if state.best_weights and best is not None else state.epoch
    train, validation = map(row_count, parts.parts[:2])
    if epochs is not None:
        return Continuation(state, begin, epochs, "as told by --epochs")
    makes_up = max(1, round(begin * validation / (train + validation)))
    rule = f"{begin} epochs × {validation} validation rows / {train + validation} rows, at least 1"
    return Continuation(state, begin, makes_up, rule)


def joined(plan: Plan, parts: Prepared) -> Arrays:
    """Returns training and validation part as one, in the order of the rows in the data, scaled as they are."""
    import keras
    import numpy as np

    _, split = load(plan.dataset)
    order = np.argsort(np.concatenate([split.train, split.validation]))
    both: Arrays = keras.tree.map_structure(lambda *pair: np.concatenate(pair)[order], *parts.parts[:2])
    return both
