"""Drives an oracle of KerasTuner: nothing on disk, nothing printed, no error that leaves its lock behind.

KerasTuner's oracles are its search algorithms, and that is all that is used of it. Its tuners, which would add a
training loop, files whose cost grows with the study and a network mode that environment variables switch on, are not.
A member is a class `(Driven, keras_tuner.oracles.…)` that says what its algorithm needs, wrapped in a
`KerasTunerOracle`.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import TrialStatus as KerasTunerStatus

from tunecli.errors import StudyError
from tunecli.oracles.base import NoTrial
from tunecli.oracles.hyperparameters import Encoding
from tunecli.plan.plan import Plan
from tunecli.spec.space import Values
from tunecli.study.events import Answer
from tunecli.study.objective import Goal
from tunecli.study.trial import Outcome, Suggestion, TrialStatus

MOST_DRAWS = 20_000
"""How many random draws in a row may be repeats before a space counts as used up.

KerasTuner's 20 give up on a space of a dozen configurations with some of them untried (#676). A finite space that is
used up is known by its size, so that these many draws (about three seconds with nine parameters) are spent only where
what is left is very improbable, such as the end of a long range that is searched by magnitude.
"""

NOTES = "tuner/"
"""Begins the names of what Hyperband notes among a trial's values."""


class Driven(keras_tuner.Oracle):  # type: ignore[misc]  # KerasTuner has no types
    """What every oracle of KerasTuner is given here; stands before KerasTuner's class among a member's bases.

    The space is static, a seed and the objective's direction are explicit, KerasTuner's saving is off (its files are
    not crash-safe, and a study is resumed by replay), and values are checked before KerasTuner records them.
    """

    def __init__(self, plan: Plan, **options: Any) -> None:
        self.plan = plan
        self.encoding = Encoding(plan.space)
        direction = "min" if plan.objective.goal is Goal.MINIMIZE else "max"  # KerasTuner guesses wrong for R²
        super().__init__(
            objective=keras_tuner.Objective(plan.objective.metric, direction),
            hyperparameters=self.encoding.hyperparameters(),
            tune_new_entries=False,
            allow_new_entries=False,
            seed=plan.oracle_seed,
            max_retries_per_trial=0,
            **options,
        )
        self.verbose = 0
        self._max_collisions = MOST_DRAWS
        self._size = plan.space.size()

    def allow(self, limit: int | None) -> None:
        """Sets how much may be asked for."""
        self.max_trials = limit

    def epochs(self, values: dict[str, Any]) -> tuple[int, int, int | None]:
        """Returns the epochs at which a trial with KerasTuner's `values` starts and ends, and its parent."""
        return 0, self.plan.full_epochs(self.encoding.decode(values)), None

    def promotable(self) -> frozenset[int]:
        """Returns the trials that have ended and that a later one may go on from."""
        return frozenset()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns KerasTuner's response, its values checked and free of rounding."""
        return self.checked(super().populate_space(trial_id))

    def checked(self, response: dict[str, Any]) -> dict[str, Any]:
        """Returns a response with its values free of rounding.

        A value that is missing would otherwise be filled in by KerasTuner, with an unseeded draw.

        Raises:
            StudyError: The values are not in the space.
        """
        if response["status"] != KerasTunerStatus.RUNNING:
            return response
        found = response["values"]
        values = self.encoding.decode(found)
        refuse_faults(self.plan, values)
        notes = {name: value for name, value in found.items() if name.startswith(NOTES)}
        return {**response, "values": self.encoding.encode(values) | notes}

    @property
    def is_used_up(self) -> bool:
        """Whether every configuration of a finite space was suggested."""
        return self._size is not None and len(self._tried_so_far) >= self._size

    def replace_values(self, trial: Any, values: Values) -> None:
        """Gives a trial other values, and remembers these as tried."""
        notes = {name: value for name, value in trial.hyperparameters.values.items() if name.startswith(NOTES)}
        trial.hyperparameters.values = self.encoding.encode(values) | notes
        self._record_values(trial)

    def save(self) -> None:
        """Writes nothing."""

    def _save_trial(self, trial: Any) -> None:
        """Writes nothing."""

    def _check_consecutive_failures(self) -> None:
        """Stops nothing: the search counts failures itself.

        KerasTuner's check reads the whole study at every result, and raises at each one after a single run of failures.
        """

    def _random_values(self) -> dict[str, Any] | None:
        return None if self.is_used_up else super()._random_values()

    def _compute_values_hash(self, values: dict[str, Any]) -> Any:
        """Counts a promoted trial as the configuration of its parent; KerasTuner's hash takes in the parent's id."""
        return super()._compute_values_hash({name: each for name, each in values.items() if not name.startswith(NOTES)})


class KerasTunerOracle:
    """An `Oracle` over one of KerasTuner's.

    After an error inside KerasTuner its lock may be held for ever, so that this object refuses all further use; a
    fresh one, with the journal replayed into it, goes on from the same point.
    """

    def __init__(self, plan: Plan, oracle: Driven) -> None:
        self._plan = plan
        self._oracle = oracle
        self._running: dict[int, Any] = {}
        self._slots: dict[int, int] = {}
        self._thread = threading.get_ident()
        self._is_broken = False

    def ask(self, slot: int, *, limit: int | None) -> Suggestion | NoTrial:
        """Returns the next trial for a slot that has none."""
        assert slot not in self._slots.values(), f"slot {slot} runs a trial already; KerasTuner would suggest it again"
        with self._calling():
            self._oracle.allow(limit)
            trial = self._oracle.create_trial(f"slot-{slot}")
        if trial.status == KerasTunerStatus.IDLE:
            return Answer.IDLE
        if trial.status == KerasTunerStatus.STOPPED:
            return Answer.STOPPED
        # ids are padded to the width of max_trials, which a resume may change: only their numbers count
        number = int(trial.trial_id)
        self._running[number], self._slots[number] = trial, slot
        encoded = trial.hyperparameters.values
        start, end, parent = self._oracle.epochs(encoded)
        return Suggestion(number, self._oracle.encoding.decode(encoded), start, end, parent)

    def tell(self, trial: int, outcome: Outcome) -> None:
        """Takes in the outcome of a trial that was asked for; a score that is not finite counts as a failure."""
        assert trial in self._running, f"trial {trial} does not run"
        score = outcome.score if outcome.status is TrialStatus.COMPLETED else None
        with self._calling():
            self._end(self._running[trial], score if score is not None and math.isfinite(score) else None)
        del self._running[trial], self._slots[trial]

    def correct(self, trial: int, values: Values) -> None:
        """Replaces the values of a trial just suggested by those of the journal, which win on a resume."""
        assert trial in self._running, f"trial {trial} does not run"
        refuse_faults(self._plan, values)
        with self._calling():
            self._oracle.replace_values(self._running[trial], values)

    def needed_states(self) -> frozenset[int]:
        """Returns the trials that have ended and that one not yet ended may go on from, be it still to be suggested."""
        parents = (self._oracle.epochs(trial.hyperparameters.values)[2] for trial in self._running.values())
        return self._oracle.promotable() | {parent for parent in parents if parent is not None}

    def _end(self, trial: Any, score: float | None) -> None:
        """Ends a trial; a failed one without an update, since KerasTuner keeps NaN among a trial's observations."""
        if score is None:
            trial.status = KerasTunerStatus.FAILED
        else:
            self._oracle.update_trial(trial.trial_id, {self._plan.objective.metric: score})
            trial.status = KerasTunerStatus.COMPLETED
        self._oracle.end_trial(trial)

    @contextmanager
    def _calling(self) -> Iterator[None]:
        """Guards a call: one thread, no warnings, and no use after an error.

        KerasTuner tells threads apart by their names and releases no lock on an exception. It warns of Python's own
        thread functions, and scikit-learn of fits that are merely rough: nothing that a user can act on.
        """
        assert threading.get_ident() == self._thread, "an oracle belongs to the thread that made it"
        if self._is_broken:
            raise StudyError("the tuner cannot go on after an error", hint="run the same command again to resume")
        self._is_broken = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield
            except StudyError:
                raise
            except Exception as error:
                tuner = self._plan.tuner.name
                what = f"the {tuner} tuner failed inside KerasTuner: {type(error).__name__}: {error}"
                raise StudyError(what, hint="run the same command again to resume") from error
        self._is_broken = False


def refuse_faults(plan: Plan, values: Values) -> None:
    """Refuses values that are not in the plan's space.

    Raises:
        StudyError: Some are not; names them.
    """
    if faults := plan.space.faults(values):
        raise StudyError(f"the {plan.tuner.name} tuner suggested values that the spec does not allow: {faults[0]}")
