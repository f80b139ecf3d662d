"""Looks in a user's model for hidden layers whose units begin alike, and have no way to become different.

Units with equal weights before and behind them get equal gradients at every step; so do units that relu keeps at zero.
Our own families have no such initializers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def constant_kernels(model: keras.Model) -> Iterator[str]:
    """Yields a note for each layer of which too little can be learnt; models need not be built."""
    weighted = [layer for layer in model.layers if hasattr(layer, "kernel_initializer")]
    for layer, following in pairwise(weighted):
        if not _is_constant(layer.kernel_initializer):
            continue
        if _is_constant(following.kernel_initializer):
            yield (
                f"{layer.name} and {following.name} begin with constant kernels: all units of {layer.name} get equal "
                f"gradients and stay alike, however many there are; {_HINT}"
            )
        elif _is_dead(layer):
            yield f"{layer.name} begins with a kernel of zeros, at which relu has no gradient: it never learns; {_HINT}"


_HINT = "leave kernel_initializer out, or write glorot_uniform"


def _is_constant(initializer: Any) -> bool:
    from keras import initializers

    return isinstance(initializer, initializers.Zeros | initializers.Ones | initializers.Constant)


def _is_dead(layer: Any) -> bool:
    from keras import activations, initializers

    is_relu = getattr(layer, "activation", None) is activations.relu
    has_zero_bias = isinstance(getattr(layer, "bias_initializer", None), initializers.Zeros)
    return is_relu and has_zero_bias and isinstance(layer.kernel_initializer, initializers.Zeros)
