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


def split_members(tensor: Any, values: Mapping[str, Value], *, name: str = "members") -> Any:
    """Gives every member the features, `(rows, features)` to `(rows, members, features)`, if there are members."""
    heads = _heads(values)
    if not heads:
        return tensor
    from tunecli.families.keras_classes import Members

    return Members(heads, name=name)(tensor)


def dense(values: Mapping[str, Value], *, is_first: bool) -> Callable[..., keras.layers.Layer]:
    """Returns what makes a hidden dense layer; the first one's inputs are weighed in `split_members`."""
    import keras

    from tunecli.families.keras_classes import MemberDense

    return partial(MemberDense, weighs_inputs=not is_first) if _heads(values) else keras.layers.Dense


def join_members(inputs: Any, outputs: Any, name: str) -> keras.Model:
    """Returns the model; where outputs are those of members, `(rows, members, outputs)`, it predicts their mean.

    Args:
        inputs: One tensor, or several by name.
        outputs: One tensor, or `main` and `aux` (see `families.two_outputs`).
        name: Of the model.
    """
    import keras

    has_members = any(len(each.shape) == 3 for each in keras.tree.flatten(outputs))
    if has_members:
        from tunecli.families.keras_classes import MemberMean

        mean = MemberMean(dtype=keras.config.floatx(), name="mean")  # as precise as what it is the mean of
        outputs = keras.tree.map_structure(mean, outputs)
    kind = _model_class(has_members=has_members, has_two_outputs=isinstance(outputs, Mapping))
    return kind(inputs, outputs, name=name)


def _model_class(*, has_members: bool, has_two_outputs: bool) -> type[keras.Model]:
    import keras

    from tunecli.families.keras_classes import MemberModel
    from tunecli.families.two_outputs import MemberTwoOutputs, TwoOutputs

    if has_two_outputs:
        return MemberTwoOutputs if has_members else TwoOutputs
    return MemberModel if has_members else keras.Model


def _heads(values: Mapping[str, Value]) -> int:
    """Returns how many members there are; 0 for a network as any other."""
    heads = values[HEADS]
    assert isinstance(heads, int), f"{HEADS} was checked against its hyperparameter"
    return heads if heads > 1 else 0
