"""Which values of each hyperparameter are legal, for those who propose wider ranges."""

from __future__ import annotations

from tunecli.plan.layerwise import MOST_LAYERS, layer_name
from tunecli.plan.plan import Plan
from tunecli.reports.space.ranges import Limits

NEVER_ZERO = frozenset({"learning_rate", "epsilon"})
"""Legal at 0, where nothing is learnt or a division may not be finite."""


def space_limits(plan: Plan) -> dict[str, Limits]:
    """Returns the limits of everything that a trial reads, by name; what the user's code declares has none."""
    found: dict[str, Limits] = {}
    for each in plan.hyperparameters():
        is_open = each.name in NEVER_ZERO
        found[each.name] = Limits(
            min=None if is_open else each.min,
            max=each.max,
            above=0.0 if is_open else None,
            below=each.below,
            counter=each.layer_count,
        )
    searched = {parameter.name for parameter in plan.space}
    counters = [each.counter for name, each in found.items() if each.counter and layer_name(name, 1) in searched]
    return found | {name: Limits(min=1, max=MOST_LAYERS) for name in counters}
