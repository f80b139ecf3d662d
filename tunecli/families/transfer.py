"""Transfer learning: a model that begins with the first weights of another, trained one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError
from tunecli.families.base import Hyperparameter, boolean
from tunecli.spec.space import Kind, Value

if TYPE_CHECKING:
    import keras

ALL = "all"

TRANSFER_HYPERPARAMETERS = (
    Hyperparameter(
        "layers",
        Kind.INT,
        ALL,
        "With init_from: how many of the first layers with weights are copied, or all but the output.",
        min=0,
        words=(ALL,),
    ),
    boolean("freeze", "With init_from: leave the copied layers as they are."),
)


def transfer(model: keras.Model, source: keras.Model, values: Mapping[str, Value]) -> None:
    """Copies the first weights of a trained model into a built one, and freezes them if wanted.

    A frozen layer is no longer trained and, as Keras has it, a frozen batch normalisation no longer counts.

    Args:
        model: What is to be trained; compiled, or to be compiled afterwards.
        source: What was trained.
        values: A value for each of `TRANSFER_HYPERPARAMETERS`.

    Raises:
        StudyError: A layer has no counterpart, or one of another shape.
    """
    ours, theirs = weighted_layers(model), weighted_layers(source)
    wanted = values["layers"]
    if wanted == ALL:
        pairs = _matching(ours[:-1], theirs[:-1])
    else:
        assert isinstance(wanted, int), "layers was checked against its hyperparameter"
        pairs = _first(ours, theirs, wanted)
    for layer, trained in pairs:
        layer.set_weights(trained.get_weights())
        if values["freeze"]:
            layer.trainable = False


def weighted_layers(model: keras.Model) -> list[Any]:
    """Returns the layers of a built model that have weights, in order; a model within counts by its layers."""
    import keras

    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += weighted_layers(layer)
        elif layer.weights:
            found.append(layer)
    return found


def _matching(ours: list[Any], theirs: list[Any]) -> list[tuple[Any, Any]]:
    """Returns the pairs of layers from the first on, up to the first that differ.

    Raises:
        StudyError: Not even the first two are alike.
    """
    pairs = []
    for pair in zip(ours, theirs, strict=False):
        if _shapes(pair[0]) != _shapes(pair[1]):
            break
        pairs.append(pair)
    if ours and theirs and not pairs:
        raise _misfit(ours[0], theirs[0])
    return pairs


def _first(ours: list[Any], theirs: list[Any], count: int) -> list[tuple[Any, Any]]:
    if count > min(len(ours), len(theirs)):
        what = f"{count} layers cannot be copied: the model has {len(ours)} with weights, init_from {len(theirs)}"
        raise StudyError(what, where="layers", hint="lower it, or write all")
    pairs = list(zip(ours[:count], theirs[:count], strict=True))
    for pair in pairs:
        if _shapes(pair[0]) != _shapes(pair[1]):
            raise _misfit(*pair)
    return pairs


def _misfit(ours: Any, theirs: Any) -> StudyError:
    what = f"{ours.name} {_shapes(ours)} cannot take the weights of {theirs.name} {_shapes(theirs)}"
    return StudyError(what, where="init_from", hint="copy fewer layers, or give both models the same widths")


def _shapes(layer: Any) -> list[tuple[int, ...]]:
    return [tuple(each.shape) for each in layer.weights]
