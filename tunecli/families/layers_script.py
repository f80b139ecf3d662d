"""The layers that families share, written as plain Keras code for `tunecli eject`: the counterpart of `layers`.

Each function writes what its namesake in `layers` builds; the tensor is called `x` all along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunecli.families.base import Blueprint, Setting
from tunecli.families.layers import (
    DEFAULT_INITIALIZER,
    KERNEL_INITIALIZER,
    OUTPUT_ACTIVATIONS,
    initializer,
    output_activation,
)
from tunecli.scripting import Lines, bracketed, indented, literal

INPUTS_SCRIPT = 'inputs = x = keras.Input(shape, name="inputs")'


def flat_inputs_script(blueprint: Blueprint) -> Lines:
    """Writes the inputs, as one vector a row."""
    return [INPUTS_SCRIPT, *(layer_script("Flatten", name_script("flatten")) if blueprint.has_images else [])]


def per_layer_script(
    blueprint: Blueprint, name: str, *, count: str, body: Callable[[str], Lines], growth: int = 1
) -> Lines:
    """Writes a loop over layers, counted from 1 by `number`.

    Args:
        blueprint: What is known of the model.
        name: The hyperparameter that holds one width, or all of them.
        count: The hyperparameter that counts the layers; a list of widths overrides it.
        body: Returns what is done for each layer, from the code of its width.
        growth: How many times as wide as the one before each layer is, where one width is given.
    """
    widths, layers = blueprint.settings[name], blueprint.settings[count]
    if not any(isinstance(value, list) for value in widths.values):
        if layers.is_never_on:
            return []
        end = int(str(layers.values[0])) + 1 if layers.is_fixed else f"{layers.code} + 1"
        width = widths.code if growth == 1 else f"{widths.code} * {growth} ** (number - 1)"
        return [f"for number in range(1, {end}):", *indented(body(width))]
    loop = [f"for number, width in enumerate({widths.code}, start=1):", *indented(body("width"))]
    if all(isinstance(value, list) for value in widths.values):
        return loop
    alike = f"[{widths.code}] * {layers.code}"
    grown = alike if growth == 1 else f"[{widths.code} * {growth}**index for index in range({layers.code})]"
    return [f"if not isinstance({widths.code}, list):", f"    {widths.code} = {grown}", *loop]


def hidden_script(blueprint: Blueprint, layer: str, name: str, *arguments: str) -> Lines:
    """Writes a dense or convolutional layer, normalisation if wanted, and the activation."""
    activation = blueprint.settings["activation"]
    before, initializing = _initializer_script(blueprint)
    shaping = [*initializing, *_penalty_script(blueprint)]
    normalized = [
        *layer_script(layer, *arguments, "use_bias=False", *shaping, name_script(name)),
        *layer_script("BatchNormalization", name_script(f"{name}_normalization")),
        *layer_script("Activation", activation.code, name_script(f"{name}_activation")),
    ]
    plain = layer_script(layer, *arguments, f"activation={activation.code}", *shaping, name_script(name))
    return [*before, *switched(blueprint.settings["batch_normalization"], normalized, plain)]


def dropped_script(blueprint: Blueprint, name: str) -> Lines:
    """Writes dropout, if there is any."""
    rate = blueprint.settings["dropout"]
    return switched(rate, layer_script("Dropout", rate.code, name_script(name)))


def output_script(blueprint: Blueprint, *, model: str) -> Lines:
    """Writes the output layer, and the model of this name.

    Raises:
        StudyError: The task does not take the one output activation.
    """
    arguments = [
        str(blueprint.outputs),
        *_output_activation_script(blueprint),
        *_penalty_script(blueprint),
        *([] if blueprint.precision == "float32" else ['dtype="float32"']),
        name_script("output"),
    ]
    return [
        *bracketed("outputs = keras.layers.Dense(", arguments, ")(x)"),
        f"model = keras.Model(inputs, outputs, {name_script(model)})",
    ]


def layer_script(layer: str, *arguments: str) -> Lines:
    """Writes a layer of Keras, applied to the tensor."""
    return bracketed(f"x = keras.layers.{layer}(", arguments, ")(x)")


def name_script(name: str) -> str:
    """Writes a layer's name; `{number}` in it is the variable of the loop."""
    return f"name={'f' * ('{' in name)}{literal(name)}"


def switched(switch: Setting, on: Lines, off: Sequence[str] = ()) -> Lines:
    """Writes what depends on whether a setting is on; what is settled needs no `if`."""
    if switch.is_always_on:
        return on
    if switch.is_never_on:
        return list(off)
    otherwise = ["else:", *indented(off)] if off else []
    return [f"if {switch.code}:", *indented(on), *otherwise]


def _initializer_script(blueprint: Blueprint) -> tuple[Lines, list[str]]:
    """Returns what comes before a layer, and its argument, for the initializer of its kernel."""
    chosen = blueprint.settings[KERNEL_INITIALIZER.name]
    auto = _automatic_initializer(blueprint.settings["activation"])
    if "auto" not in chosen.values:
        return [], [f"kernel_initializer={chosen.code}"]
    if chosen.is_fixed:
        return [], [] if auto == literal(DEFAULT_INITIALIZER) else [f"kernel_initializer={auto}"]
    before = [f"initializer = {auto}"] if " " in auto else []
    of_auto = "initializer" if before else auto
    return before, [f'kernel_initializer={of_auto} if {chosen.code} == "auto" else {chosen.code}']


def _automatic_initializer(activation: Setting) -> str:
    """Returns the code of the initializer that follows from the activation."""
    initializers = {str(value): initializer(str(value)) for value in activation.values}
    found = set(initializers.values())
    if len(found) == 1:
        return literal(found.pop())
    others = {value: name for value, name in initializers.items() if name != DEFAULT_INITIALIZER}
    chain = [f"{literal(name)} if {activation.code} == {literal(value)} else " for value, name in others.items()]
    return f"{''.join(chain)}{literal(DEFAULT_INITIALIZER)}"


def _penalty_script(blueprint: Blueprint) -> Lines:
    l2 = blueprint.settings["l2"]
    if l2.is_never_on:
        return []
    return [
        f"kernel_regularizer=keras.regularizers.L2({l2.code}){'' if l2.is_always_on else f' if {l2.code} else None'}"
    ]


def _output_activation_script(blueprint: Blueprint) -> Lines:
    setting, default = blueprint.settings["output_activation"], OUTPUT_ACTIVATIONS[blueprint.task][0]
    if setting.is_fixed:
        name = output_activation(blueprint.task, str(setting.values[0]))
        return [] if name == "linear" else [f"activation={literal(name)}"]
    if "auto" not in setting.values:
        return [f"activation={setting.code}"]
    return [f'activation={literal(default)} if {setting.code} == "auto" else {setting.code}']
