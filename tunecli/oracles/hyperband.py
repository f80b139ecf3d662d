"""Hyperband: many short trainings, of which the best go on (Li et al. 2018, arXiv:1603.06560).

A failed trial keeps its place in its round and counts as the worst of it. KerasTuner would leave it out, and with it
one promotion: with a quarter of the trials failing, its widest brackets promote nothing to the last round. Where fewer
trials succeeded than are to be promoted, failed ones fill the places: the child of a failed trial may be suggested,
and the search fails it at once.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from keras_tuner.engine.trial import TrialStatus
from keras_tuner.oracles import HyperbandOracle as KerasTunerHyperband

from tunecli.oracles.keras_tuner import NOTES, Driven, KerasTunerOracle
from tunecli.plan.plan import Plan
from tunecli.spec.tuners import HyperbandTuner
from tunecli.study.objective import Goal


class HyperbandOracle(Driven, KerasTunerHyperband):  # type: ignore[misc]  # KerasTuner has no types
    """KerasTuner's Hyperband, in which failures cost no promotion."""

    def __init__(self, plan: Plan) -> None:
        assert isinstance(plan.tuner, HyperbandTuner)
        super().__init__(plan, max_epochs=plan.full_epochs({}), factor=plan.tuner.factor)

    def allow(self, limit: int | None) -> None:
        """Sets how many iterations may be run; never fewer than are begun, which KerasTuner would take for no limit."""
        self.hyperband_iterations = math.inf if limit is None else max(limit, self._current_iteration + 1)

    def epochs(self, values: dict[str, Any]) -> tuple[int, int, int | None]:
        """Returns what Hyperband noted among the values."""
        parent = values.get(f"{NOTES}trial_id")
        return values[f"{NOTES}initial_epoch"], values[f"{NOTES}epochs"], None if parent is None else int(parent)

    def promotable(self) -> frozenset[int]:
        """Returns the best that have ended of each round, as many as its next round has places left.

        A later result can only push one of them out.
        """
        found: set[int] = set()
        for bracket in self._brackets:
            for number, (entries, promoted) in enumerate(pairwise(bracket["rounds"]), start=1):
                places = self._get_size(bracket["bracket_num"], number) - len(promoted)
                taken = {entry["past_id"] for entry in promoted}
                trials = [self.trials[entry["id"]] for entry in entries if entry["id"] not in taken]
                ended = [trial for trial in trials if trial.status == TrialStatus.COMPLETED]
                ended.sort(key=lambda trial: self.plan.objective.sort_key(trial.score))
                found |= {int(trial.trial_id) for trial in ended[:places]}
        return frozenset(found)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns a promotion or a new configuration."""
        for bracket in self._brackets:
            for number, entries in enumerate(bracket["rounds"]):
                if len(entries) == self._get_size(bracket["bracket_num"], number):
                    self._rank_failures([self.trials[entry["id"]] for entry in entries])
        return super().populate_space(trial_id)

    def _rank_failures(self, trials: list[Any]) -> None:
        """Ranks the failed trials of a full round last, once none of it runs: a good result may still come."""
        if any(trial.status == TrialStatus.RUNNING for trial in trials):
            return
        worst = math.inf if self.plan.objective.goal is Goal.MINIMIZE else -math.inf
        for trial in trials:
            if trial.status == TrialStatus.FAILED:
                trial.status, trial.score = TrialStatus.COMPLETED, worst


def make(plan: Plan) -> KerasTunerOracle:
    """Returns a Hyperband search for `plan`."""
    return KerasTunerOracle(plan, HyperbandOracle(plan))
