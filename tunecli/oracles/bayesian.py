"""Bayesian optimisation: a Gaussian process over the results, and the lower confidence bound as acquisition.

A suggestion of the model costs 0.4 s to 2 s (more with more parameters than with more trials), in the parent process,
and as much again when a study is resumed by replay.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.oracles import BayesianOptimizationOracle
from threadpoolctl import threadpool_limits

from tunecli.oracles.keras_tuner import Driven, KerasTunerOracle
from tunecli.plan.plan import Plan
from tunecli.spec.tuners import BayesianTuner
from tunecli.study.objective import Goal

OUTLIER = 10.0
"""Leaves any score that is not a diverged training's as it is: for normal ones this is beyond ten deviations."""

LARGEST = 1e100
"""Larger scores overflow when the model takes their variance."""


class BayesianOracle(Driven, BayesianOptimizationOracle):  # type: ignore[misc]  # KerasTuner has no types
    """KerasTuner's Bayesian optimisation, which here never suggests a configuration twice and learns from failures."""

    def __init__(self, plan: Plan) -> None:
        tuner = plan.tuner
        assert isinstance(tuner, BayesianTuner)
        super().__init__(plan, alpha=tuner.alpha, beta=tuner.beta, num_initial_points=tuner.num_initial_points)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns what the model proposes, or a random draw where that was tried already (#227, #608)."""
        if self.is_used_up:
            return {"status": TrialStatus.STOPPED}
        # one thread: as fast for so few rows, and sums are rounded alike on machines with other processors
        with threadpool_limits(1):
            response = super().populate_space(trial_id)
        if response["status"] == TrialStatus.RUNNING and self._duplicate(response["values"]):
            return self.checked(self._random_populate_space())
        return response

    def _vectorize_trials(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows that the model is fitted to, `(trials, parameters)`, and their scores, lower being better.

        A failed trial counts as the worst that completed. KerasTuner leaves it out, so that its model learns nothing
        and proposes that very point until the search ends. A running trial counts as one standard deviation worse than
        expected, as KerasTuner has it, but by a model of the results so far: KerasTuner's is the one of the suggestion
        before, and at first none, whose expectation of 0 may beat every score.
        """
        sign = 1.0 if self.plan.objective.goal is Goal.MINIMIZE else -1.0
        ended = {status: self._trials(status) for status in (TrialStatus.COMPLETED, TrialStatus.FAILED)}
        scores = without_outliers([sign * trial.score for trial in ended[TrialStatus.COMPLETED]])
        scores += [max(scores)] * len(ended[TrialStatus.FAILED])
        rows = [self._row(trial) for trials in ended.values() for trial in trials]
        if running := [self._row(trial) for trial in self._trials(TrialStatus.RUNNING)]:
            self.gpr.fit(rows, scores)
            mean, deviation = self.gpr.predict(running, return_std=True)
            rows, scores = rows + running, [*scores, *(mean + deviation)]
        return np.array(rows), np.array(scores)

    def _trials(self, status: TrialStatus) -> list[Any]:
        return [trial for trial in self.trials.values() if trial.status == status]

    def _row(self, trial: Any) -> list[float]:
        """Returns a trial's values as numbers from 0 to 1; what is not active is at its default."""
        values = trial.hyperparameters.values
        return [each.value_to_prob(values.get(each.name, each.default)) for each in self.hyperparameters.space]


def without_outliers(scores: Sequence[float]) -> list[float]:
    """Returns scores, lower being better, with those far off set back: a diverged training makes all others look alike.

    Far off is worse than the median by more than `OUTLIER` times the median's distance from the best.
    """
    finite = [min(max(score, -LARGEST), LARGEST) for score in scores]
    median = statistics.median(finite)
    distance = median - min(finite)
    return [min(score, median + OUTLIER * distance) for score in finite] if distance else finite


def make(plan: Plan) -> KerasTunerOracle:
    """Returns a Bayesian optimisation for `plan`."""
    return KerasTunerOracle(plan, BayesianOracle(plan))
