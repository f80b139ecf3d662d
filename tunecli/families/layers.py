"""The layers that families share: one hidden layer, and the output layer of each task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError
from tunecli.families.base import DataSignature, Hyperparameter, boolean
from tunecli.spec.experiment import Task
from tunecli.spec.space import Kind, Value

if TYPE_CHECKING:
    import keras

ACTIVATIONS = ("relu", "elu", "leaky_relu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "linear")

OUTPUT_ACTIVATIONS: Mapping[Task, tuple[str, ...]] = {
    Task.REGRESSION: ("linear", "softplus", "relu", "exponential", "sigmoid", "tanh"),
    Task.BINARY: ("sigmoid",),
    Task.MULTICLASS: ("softmax",),
    Task.MULTILABEL: ("sigmoid",),
}
"""What may stand at the end of a model, the task's default first; classes need probabilities."""

DEFAULT_INITIALIZER = "glorot_uniform"

_INITIALIZERS = {"selu": "lecun_normal"}
"""By activation, where it is another; selu normalises itself only with this one (Klambauer et al. 2017, section 3)."""

ACTIVATION = Hyperparameter("activation", Kind.CHOICE, "relu", "Activation of the hidden layers.", values=ACTIVATIONS)
DROPOUT = Hyperparameter("dropout", Kind.FLOAT, 0.0, "Share of hidden units dropped in training.", min=0.0, below=1.0)
BATCH_NORMALIZATION = boolean("batch_normalization", "Normalise before each hidden activation.")
KERNEL_INITIALIZER = Hyperparameter(
    "kernel_initializer",
    Kind.CHOICE,
    "auto",
    "First kernels of the hidden layers; auto: glorot_uniform, lecun_normal for selu.",
    values=(
        "auto",
        *("glorot_uniform", "glorot_normal", "he_uniform", "he_normal"),
        *("lecun_uniform", "lecun_normal", "orthogonal"),
    ),
)
L2 = Hyperparameter("l2", Kind.FLOAT, 0.0, "Weight of the sum of squared kernels in the loss.", min=0.0)
OUTPUT_ACTIVATION = Hyperparameter(
    "output_activation",
    Kind.CHOICE,
    "auto",
    "Activation of the output; auto: linear, sigmoid or softmax by task.",
    values=("auto", *dict.fromkeys(name for names in OUTPUT_ACTIVATIONS.values() for name in names)),
)


HIDDEN_LAYERS = (ACTIVATION, KERNEL_INITIALIZER, DROPOUT, BATCH_NORMALIZATION, L2, OUTPUT_ACTIVATION)
"""What every family with hidden layers has."""


def flat_inputs(signature: DataSignature) -> tuple[Any, Any]:
    """Returns the input tensor, and the same as one vector a row."""
    import keras

    inputs = keras.Input(signature.shape, name="inputs")
    return inputs, inputs if len(signature.shape) == 1 else keras.layers.Flatten(name="flatten")(inputs)


def per_layer(values: Mapping[str, Value], name: str, *, count: str, growth: int = 1) -> list[int]:
    """Returns the widths of the layers, from a list of them or from the first one.

    Args:
        values: The hyperparameter values.
        name: The hyperparameter that holds one width, or all of them.
        count: The hyperparameter that counts the layers; a list overrides it.
        growth: How many times as wide as the one before each layer is, where one width is given.
    """
    width = values[name]
    if isinstance(width, list):
        return width
    layers = values[count]
    assert isinstance(width, int), f"{name} was checked against its hyperparameter"
    assert isinstance(layers, int), f"{count} was checked against its hyperparameter"
    return [width * growth**index for index in range(layers)]


def hidden(
    tensor: Any, layer: Callable[..., keras.layers.Layer], name: str, values: Mapping[str, Value], **settings: Any
) -> Any:
    """Applies a dense or convolutional layer, normalisation if wanted, and the activation.

    A normalised layer has no bias of its own: the normalisation would take it out again.
    """
    import keras

    activation, is_normalized = str(values["activation"]), values["batch_normalization"]
    settings |= {"kernel_regularizer": l2_penalty(values), "kernel_initializer": kernel_initializer(values)}
    if not is_normalized:
        return layer(name=name, activation=activation, **settings)(tensor)
    tensor = layer(name=name, use_bias=False, **settings)(tensor)
    tensor = keras.layers.BatchNormalization(name=f"{name}_normalization")(tensor)
    return keras.layers.Activation(activation, name=f"{name}_activation")(tensor)


def dropped(tensor: Any, name: str, values: Mapping[str, Value]) -> Any:
    """Applies dropout, if there is any; its seed comes from Keras' global one."""
    import keras

    rate = values["dropout"]
    return keras.layers.Dropout(rate, name=name)(tensor) if rate else tensor


def output(tensor: Any, signature: DataSignature, values: Mapping[str, Value], *, name: str = "output") -> Any:
    """Applies the output layer; one for each member, where the tensor is that of several (`families.members`).

    Raises:
        StudyError: The task does not take this output activation.
    """
    import keras

    return _output_layer(tensor)(
        signature.outputs,
        activation=output_activation(signature.task, str(values["output_activation"])),
        kernel_regularizer=l2_penalty(values),
        dtype=keras.config.floatx(),  # under mixed precision, halves are too coarse for losses and metrics
        name=name,
    )(tensor)


def _output_layer(tensor: Any) -> Callable[..., keras.layers.Layer]:
    import keras

    from tunecli.families.keras_classes import SeparateDense

    layer: Callable[..., keras.layers.Layer] = keras.layers.Dense if len(tensor.shape) == 2 else SeparateDense
    return layer


def output_activation(task: Task, name: str) -> str:
    """Returns the output activation that `name` stands for.

    Raises:
        StudyError: The task does not take it.
    """
    allowed = OUTPUT_ACTIVATIONS[task]
    if name == "auto":
        return allowed[0]
    if name not in allowed:
        raise StudyError(
            f"a {task} model cannot end in {name}", where="output_activation", hint=f"write auto or {allowed[0]}"
        )
    return name


def is_linear(layer: keras.layers.Layer) -> bool:
    """Says whether a layer's activation gives what it is given."""
    import keras

    return layer.activation is keras.activations.linear


def l2_penalty(values: Mapping[str, Value]) -> keras.regularizers.Regularizer | None:
    """Returns the penalty on a kernel, or None without one."""
    import keras

    return keras.regularizers.L2(values["l2"]) if values["l2"] else None


def kernel_initializer(values: Mapping[str, Value]) -> str:
    """Returns the initializer of a hidden layer's kernel."""
    chosen = str(values[KERNEL_INITIALIZER.name])
    return initializer(str(values["activation"])) if chosen == KERNEL_INITIALIZER.default else chosen


def initializer(activation: str) -> str:
    """Returns the initializer of the kernel before an activation, where none is chosen."""
    return _INITIALIZERS.get(activation, DEFAULT_INITIALIZER)
