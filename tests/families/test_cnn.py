from __future__ import annotations

from typing import Any

import keras
import pytest

from tunecli.errors import StudyError
from tunecli.families.base import DataSignature
from tunecli.families.cnn import FAMILY
from tunecli.families.summary import describe_layers
from tunecli.spec.experiment import Task

DEFAULTS = {each.name: each.default for each in FAMILY.hyperparameters}


def build(height: int = 28, width: int = 28, **values: Any) -> keras.Model:
    return FAMILY.build(DataSignature(Task.MULTICLASS, (height, width, 1), 10), DEFAULTS | values)


def test_filters_double_while_the_image_halves() -> None:
    shapes = {layer.name: layer.output_shape for layer in describe_layers(build(blocks=3, filters=4))}

    assert shapes["convolution_1"] == (28, 28, 4)
    assert shapes["pooling_1"] == (14, 14, 4)
    assert shapes["pooling_2"] == (7, 7, 8)
    assert shapes["pooling_3"] == (3, 3, 16)


def test_a_list_of_filters_sets_the_number_of_blocks() -> None:
    model = build(blocks=1, filters=[5, 3])

    assert [layer.filters for layer in model.layers if "convolution" in layer.name] == [5, 3]


def test_the_dense_layer_can_be_left_out() -> None:
    names = [layer.name for layer in describe_layers(build(blocks=1, dense_units=0, dropout=0.2))]

    assert names == ["convolution_1", "pooling_1", "flatten", "dropout", "output"]


def test_pooling_can_be_an_average() -> None:
    assert isinstance(build(pooling="average").get_layer("pooling_1"), keras.layers.AveragePooling2D)


def test_an_image_is_halved_down_to_one_pixel_and_no_further() -> None:
    assert build(blocks=4, filters=1).get_layer("pooling_4").output.shape[1:] == (1, 1, 8)
    with pytest.raises(StudyError, match="28 × 28 is too small for 5 blocks") as caught:
        build(blocks=5, filters=1)
    assert caught.value.problems[0].hint == "this image takes at most 4"


def test_the_shorter_side_decides() -> None:
    with pytest.raises(StudyError, match="2 × 28 is too small for 2 blocks"):
        build(height=2, blocks=2)


def test_a_table_is_refused() -> None:
    assert FAMILY.fault(None) == "cnn needs images, and these data are a table"
