"""A tiny copy of a plan that takes the same path through the program: two trials of one epoch on a few rows."""

from __future__ import annotations

from tunecli.plan.plan import Plan
from tunecli.spec.tuners import HyperbandTuner

SMOKE_ROWS = 256
SMOKE_TRIALS = 2


def smoke(plan: Plan) -> Plan:
    """Returns the smoke version of a plan, named `<name>-smoke`."""
    if isinstance(plan.tuner, HyperbandTuner):
        # one bracket of one trial and one epoch, twice
        tuner: dict[str, int] = {"max_epochs": 1, "iterations": SMOKE_TRIALS}
    else:
        tuner = {"max_trials": SMOKE_TRIALS}
    return plan.model_copy(
        update={
            "name": f"{plan.name}-smoke",
            "dataset": plan.dataset.model_copy(update={"max_rows": SMOKE_ROWS}),
            "tuner": plan.tuner.model_copy(update=tuner),
            "training": plan.training.model_copy(update={"epochs": 1}),
            "baselines": False,
        }
    )
