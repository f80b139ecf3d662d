"""Who proposes trials: one protocol, over KerasTuner's oracles; one file a member, one table.

This module and `base` are light; KerasTuner, which takes seconds to import, comes with the first `make_oracle`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from tunecli.errors import StudyError
from tunecli.oracles.base import Oracle
from tunecli.plan.plan import Plan
from tunecli.registry import Registry

ORACLES: Registry[Callable[[Plan], Oracle]] = Registry(
    "tuner",
    {
        "random": "tunecli.oracles.random:make",
        "hyperband": "tunecli.oracles.hyperband:make",
        "bayesian": "tunecli.oracles.bayesian:make",
        "grid": "tunecli.oracles.grid:make",
    },
)

KERAS_TUNER = "1.4.8"
"""The version whose private parts the members override."""


def make_oracle(plan: Plan) -> Oracle:
    """Returns a fresh oracle for `plan`; a study is resumed by replaying its journal into one.

    Raises:
        StudyError: The installed KerasTuner is not the one that this version knows.
    """
    installed = version("keras-tuner")
    if installed != KERAS_TUNER:
        raise StudyError(
            f"keras-tuner {installed} is installed; this version of tunecli drives {KERAS_TUNER} only",
            hint=f"python -m pip install keras-tuner=={KERAS_TUNER}",
        )
    # Where all is fixed there is one configuration, and the grid knows it; of KerasTuner's oracles, Hyperband takes
    # empty values for "nothing found", and the Gaussian process fails without dimensions (#237).
    name = plan.tuner.name if len(plan.space) else "grid"
    return ORACLES.load(name)(plan)
