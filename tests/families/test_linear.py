from __future__ import annotations

from tunecli.families.base import DataSignature
from tunecli.families.linear import FAMILY
from tunecli.families.summary import describe_layers
from tunecli.spec.experiment import Task

DEFAULTS = {each.name: each.default for each in FAMILY.hyperparameters}


def test_is_one_layer_with_a_weight_for_every_feature_and_a_bias() -> None:
    (output,) = describe_layers(FAMILY.build(DataSignature(Task.REGRESSION, (3,), 1), DEFAULTS))

    assert (output.name, output.parameters) == ("output", 4)


def test_images_are_flattened_first() -> None:
    flatten, output = describe_layers(FAMILY.build(DataSignature(Task.MULTICLASS, (28, 28), 10), DEFAULTS))

    assert (flatten.output_shape, output.parameters) == ((784,), 7850)
