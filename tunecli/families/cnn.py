"""A convolutional network: blocks of convolution and pooling, then one dense layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError
from tunecli.families.augmentation import AUGMENTATION, augmented, augmented_script
from tunecli.families.base import Blueprint, DataSignature, Hyperparameter
from tunecli.families.layers import (
    HIDDEN_LAYERS,
    dropped,
    hidden,
    output,
    per_layer,
)
from tunecli.families.layers_script import (
    INPUTS_SCRIPT,
    dropped_script,
    hidden_script,
    layer_script,
    name_script,
    output_script,
    per_layer_script,
    switched,
)
from tunecli.scripting import Lines, indented
from tunecli.spec.space import Kind, Value

if TYPE_CHECKING:
    import keras

POOL = 2
"""Each block halves height and width, rounding down."""


class Cnn:
    """Blocks that each convolve without shrinking, then pool 2 × 2; the filters double from block to block."""

    summary = "convolutional blocks for images"
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter("blocks", Kind.INT, 2, "Number of blocks; each halves the image.", min=1),
        Hyperparameter(
            "filters",
            Kind.INT,
            32,
            "Filters of the first block, doubled in each next one, or block by block.",
            min=1,
            layer_count="blocks",
        ),
        Hyperparameter("kernel_size", Kind.INT, 3, "Height and width of a convolution.", min=1),
        Hyperparameter("pooling", Kind.CHOICE, "max", "How a block halves the image.", values=("max", "average")),
        Hyperparameter("dense_units", Kind.INT, 128, "Units of the dense layer; 0 leaves it out.", min=0),
        *HIDDEN_LAYERS,
        *AUGMENTATION,
    )

    def fault(self, image_shape: tuple[int, int, int] | None) -> str | None:
        """Returns why a table does not fit, or None for images."""
        return "cnn needs images, and these data are a table" if image_shape is None else None

    def build(self, signature: DataSignature, values: Mapping[str, Value]) -> keras.Model:
        """Builds the model.

        Raises:
            StudyError: The image is too small for so many blocks.
        """
        import keras

        filters = per_layer(values, "filters", count="blocks", growth=2)
        _check_size(signature, len(filters))
        inputs = keras.Input(signature.shape, name="inputs")
        tensor = augmented(inputs, values)
        for number, count in enumerate(filters, start=1):
            tensor = _block(tensor, number, count, values)
        tensor = keras.layers.Flatten(name="flatten")(tensor)
        if values["dense_units"]:
            tensor = hidden(tensor, keras.layers.Dense, "dense", values, units=values["dense_units"])
        tensor = dropped(tensor, "dropout", values)
        return keras.Model(inputs, output(tensor, signature, values), name="cnn")

    def script(self, blueprint: Blueprint) -> Lines:
        """Writes what `build` does; for images that are too small for so many blocks, Keras itself has an error."""
        settings = blueprint.settings
        return [
            INPUTS_SCRIPT,
            *augmented_script(blueprint),
            *per_layer_script(
                blueprint, "filters", count="blocks", growth=2, body=lambda filters: _block_script(blueprint, filters)
            ),
            *layer_script("Flatten", name_script("flatten")),
            *switched(
                settings["dense_units"], hidden_script(blueprint, "Dense", "dense", settings["dense_units"].code)
            ),
            *dropped_script(blueprint, "dropout"),
            *output_script(blueprint, model="cnn"),
        ]


def _block(tensor: Any, number: int, filters: int, values: Mapping[str, Value]) -> Any:
    import keras

    poolings = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
    pooling = poolings[str(values["pooling"])]
    settings = {"filters": filters, "kernel_size": values["kernel_size"], "padding": "same"}
    tensor = hidden(tensor, keras.layers.Conv2D, f"convolution_{number}", values, **settings)
    return pooling(POOL, name=f"pooling_{number}")(tensor)


def _block_script(blueprint: Blueprint, filters: str) -> Lines:
    pooling = blueprint.settings["pooling"]
    pools = {"max": "MaxPooling2D", "average": "AveragePooling2D"}
    arguments = (str(POOL), name_script("pooling_{number}"))
    settings = (f"kernel_size={blueprint.settings['kernel_size'].code}", 'padding="same"')
    convolution = hidden_script(blueprint, "Conv2D", "convolution_{number}", filters, *settings)
    if pooling.is_fixed:
        return [*convolution, *layer_script(pools[str(pooling.values[0])], *arguments)]
    by_maximum, by_average = (layer_script(pool, *arguments) for pool in pools.values())
    is_maximum = f'if {pooling.code} == "max":'
    return [*convolution, is_maximum, *indented(by_maximum), "else:", *indented(by_average)]


def _check_size(signature: DataSignature, blocks: int) -> None:
    height, width, _ = signature.shape
    most = min(height, width).bit_length() - 1  # halvings that leave at least one pixel
    if blocks > most:
        raise StudyError(
            f"an image of {height} × {width} is too small for {blocks} blocks, each of which halves it",
            where="blocks",
            hint=f"this image takes at most {most}",
        )


FAMILY = Cnn()
