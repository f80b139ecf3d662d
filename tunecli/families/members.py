"""Several networks in one that share their kernels: an ensemble at the price of little more than one network.

That is TabM (Gorishniy et al. 2024, "TabM: advancing tabular deep learning with parameter-efficient ensembling"):

    tensor = split_members(tensor, values)                      # (rows, features) → (rows, members, features)
    tensor = hidden(tensor, dense(values, is_first=True), …)    # kernels are shared; weights and biases a member's own
    model = join_members(inputs, output(tensor, …), name)       # trains each by itself, and predicts their mean

Each step does what it does without members, if the spec asks for none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tunecli.families.base import Hyperparameter
from tunecli.spec.space import Kind, Value

if TYPE_CHECKING:
    import keras

HEADS = "ensemble_heads"

ENSEMBLE_HEADS = Hyperparameter(
    HEADS,
    Kind.INT,
    0,
    "Members that share all kernels but the last, and whose mean is predicted; 0 or 1 for one network.",
    min=0,
)


def split_members(tensor: Any, values: Mapping[str, Value]) -> Any:
    """Gives every member the features, `(rows, features)` to `(rows, members, features)`, if there are members."""
    heads = _heads(values)
    if not heads:
        return tensor
    from tunecli.families.keras_classes import Members

    return Members(heads, name="members")(tensor)


def dense(values: Mapping[str, Value], *, is_first: bool) -> Callable[..., keras.layers.Layer]:
    """Returns what makes a hidden dense layer; the first one's inputs are weighed in `split_members`."""
    import keras

    from tunecli.families.keras_classes import MemberDense

    return partial(MemberDense, weighs_inputs=not is_first) if _heads(values) else keras.layers.Dense


def join_members(inputs: Any, outputs: Any, name: str) -> keras.Model:
    """Returns the model; where outputs are those of members, `(rows, members, outputs)`, it predicts their mean."""
    import keras

    if len(outputs.shape) == 2:
        return keras.Model(inputs, outputs, name=name)
    from tunecli.families.keras_classes import MemberMean, MemberModel

    mean = MemberMean(dtype=keras.config.floatx(), name="mean")  # as precise as what it is the mean of
    return MemberModel(inputs, mean(outputs), name=name)


def _heads(values: Mapping[str, Value]) -> int:
    """Returns how many members there are; 0 for a network as any other."""
    heads = values[HEADS]
    assert isinstance(heads, int), f"{HEADS} was checked against its hyperparameter"
    return heads if heads > 1 else 0
