"""Random search: independent draws, never the same configuration twice; stops when a finite space is used up."""

from __future__ import annotations

from keras_tuner.oracles import RandomSearchOracle

from tunecli.oracles.keras_tuner import Driven, KerasTunerOracle
from tunecli.plan.plan import Plan


class RandomOracle(Driven, RandomSearchOracle):  # type: ignore[misc]  # KerasTuner has no types
    """KerasTuner's random search."""


def make(plan: Plan) -> KerasTunerOracle:
    """Returns a random search for `plan`."""
    return KerasTunerOracle(plan, RandomOracle(plan))
