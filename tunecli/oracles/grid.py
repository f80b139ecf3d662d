"""Grid search: the configurations of `SearchSpace.grid`, in its order.

KerasTuner's own grid search cannot be resumed (#1055), visits a continuous range in the order of a set and never at
its maximum, and waits for trials to end before it goes on. This one is an oracle of our own, made KerasTuner's way.
"""

from __future__ import annotations

from typing import Any

from keras_tuner.engine.trial import TrialStatus

from tunecli.oracles.keras_tuner import Driven, KerasTunerOracle
from tunecli.plan.plan import Plan


class GridOracle(Driven):
    """A grid, one configuration after the other, each made when it is asked for."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._configurations = plan.space.grid()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the next configuration; every one returned becomes a trial, so an iterator is all the state."""
        del trial_id
        values = next(self._configurations, None)
        if values is None:
            return {"status": TrialStatus.STOPPED}
        return self.checked({"status": TrialStatus.RUNNING, "values": self.encoding.encode(values)})


def make(plan: Plan) -> KerasTunerOracle:
    """Returns a grid search for `plan`."""
    return KerasTunerOracle(plan, GridOracle(plan))
