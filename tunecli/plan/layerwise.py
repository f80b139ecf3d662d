"""One value for each layer: `units: {min: 16, max: 256, per: hidden_layers}`.

    units_1, units_2, … units_N      # what tuners see; N is the largest hidden_layers
    units_k                          # exists where hidden_layers is k or more, and nowhere else
    units: [64, 32]                  # what a model gets: as many as there are layers

So no tuner ever learns from the width of a layer that was not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from tunecli.families.base import Hyperparameter
from tunecli.spec.space import Condition, Parameter, Value, Values

MOST_LAYERS = 64
"""More parameters than these no tuner makes sense of."""


def layer_name(name: str, number: int) -> str:
    """Returns the parameter of a layer, counted from 1."""
    return f"{name}_{number}"


def count_fault(
    name: str, counter: str, counts: Sequence[int], *, is_conditional: bool, known: Collection[str]
) -> tuple[str, str] | None:
    """Returns why layers cannot have a value each, and a hint; None if they can.

    Args:
        name: What each of them would have.
        counter: The parameter that counts them.
        counts: What that may be.
        is_conditional: Whether it is searched only under a condition.
        known: The names of all hyperparameters.
    """
    if is_conditional:
        return f"{counter} is searched only under a condition", f"drop that condition, or per: {counter}"
    if min(counts) < 1:
        return f"{counter} may be {min(counts)}, which leaves no layer", f"let {counter} begin at 1"
    if max(counts) > MOST_LAYERS:
        return f"{counter} may be {max(counts)}; at most {MOST_LAYERS} layers have a value each", f"lower {counter}"
    clash = next((each for number in range(max(counts)) if (each := layer_name(name, number + 1)) in known), None)
    return None if clash is None else (f"{clash} is a hyperparameter of its own", "drop per")


def expand(parameter: Parameter, counter: str, counts: Sequence[int]) -> list[Parameter]:
    """Returns one parameter for each layer.

    Args:
        parameter: Of any layer, with its own conditions.
        counter: The parameter that counts the layers.
        counts: What that may be, at least 1.
    """
    found = []
    for number in range(1, max(counts) + 1):
        having = tuple(count for count in counts if count >= number)
        condition = (Condition(parameter=counter, values=having),) if len(having) < len(counts) else ()
        changes = {"name": layer_name(parameter.name, number), "when": (*condition, *parameter.when)}
        found.append(parameter.model_copy(update=changes))
    return found


def gather(hyperparameters: Iterable[Hyperparameter], values: Mapping[str, Value]) -> Values:
    """Returns values in which those of single layers stand as one list."""
    known = {each.name: each for each in hyperparameters}
    found = dict(values)
    for each in known.values():
        widths: list[Value] = []
        while each.layer_count and (name := layer_name(each.name, len(widths) + 1)) in found and name not in known:
            widths.append(found.pop(name))
        if widths:
            found[each.name] = [width for width in widths if isinstance(width, int)]
    return found


def written(hyperparameters: Sequence[Hyperparameter], values: Mapping[str, Value]) -> Values:
    """Returns values as a spec takes them: a list of widths sets the number of layers, which must not stand beside."""
    found = gather(hyperparameters, values)
    counters = {each.layer_count for each in hyperparameters if isinstance(found.get(each.name), list)}
    return {name: value for name, value in found.items() if name not in counters}
