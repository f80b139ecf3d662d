"""One graph from a bundle: from what a format takes, through the models, to their mean in the target's units.

graph = build(bundle, takes=Takes.TEXTS, float_type="float64", has_operations=True)
graph.model             # a functional model of Keras' own layers, wherever the bundle's models are ours
graph.inputs(rows)      # the arrays that it takes for some rows
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.spec.experiment import Task
from tunecli.training.bundle import Bundle, activation_of_logits, has_logits
from tunecli.training.exports.base import PREDICTION, PROBABILITIES, Takes
from tunecli.training.exports.graph import CODES, IMAGES, NUMBERS, REST, TEXTS, RawInputs, codes, needs_rest, split
from tunecli.training.exports.plain import foreign_classes, plain
from tunecli.training.exports.sample import Sample

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

FEATURES = "features"
"""The name of the one input of a model that takes what the preprocessing gives."""


@dataclass(frozen=True)
class Graph:
    """What is to be written.

    Attributes:
        bundle: Where it comes from.
        model: From the inputs to `(rows, outputs)`.
        takes: What it begins with.
        float_type: Of raw numbers.
        input_names: Of the arrays that `inputs` returns.
        classes: The layers' classes that are not Keras' own.
    """

    bundle: Bundle
    model: keras.Model
    takes: Takes
    float_type: str
    input_names: tuple[str, ...]
    classes: tuple[str, ...]

    def inputs(self, sample: Sample) -> dict[str, NDArray[Any]]:
        """Returns what the model takes for some rows, by name."""
        import numpy as np

        if self.takes is Takes.FEATURES:
            features = self.bundle.inputs(sample.columns(self.bundle.preprocessor))
            return dict(features) if isinstance(features, Mapping) else {FEATURES: features}
        raw: dict[str, NDArray[Any]] = {NUMBERS: sample.numbers.astype(self.float_type), TEXTS: sample.texts}
        if REST in self.input_names:
            raw[NUMBERS], raw[REST] = split(sample.numbers)
        if sample.images is not None:
            raw[IMAGES] = sample.images
        if CODES in self.input_names:
            fitted = self.bundle.preprocessor.categorical
            raw[CODES] = np.stack([codes(each, sample.texts[:, i]) for i, each in enumerate(fitted)], axis=1)
        return {name: raw[name] for name in self.input_names}


def build(bundle: Bundle, *, takes: Takes, float_type: str, has_operations: bool) -> Graph:
    """Builds the graph for a format.

    Args:
        bundle: What is exported.
        takes: What the graph begins with.
        float_type: Of raw numbers.
        has_operations: Whether there may be operations outside of layers; else layers of ours that would become some
            stay as they are.

    Raises:
        UsageError: The bundle's models need code that may not be run.
    """
    import keras

    models = [(each, plain(each, only_layers=not has_operations)) for each in bundle.models]
    tensors, features = _beginning(bundle, takes, float_type)
    if takes is Takes.FEATURES and len(models) == 1 and _is_ready(*models[0], bundle):
        only = models[0][1]
        return Graph(bundle, only, takes, float_type, tuple(tensors), foreign_classes(only))
    for number, (_, rewritten) in enumerate(models):
        rewritten.name = f"model_{number}"  # members have one name, and a graph wants one of each
    outputs = [_fitting(rewritten(features), model, bundle) for model, rewritten in models]
    mean = outputs[0] if len(outputs) == 1 else keras.layers.Average(name="mean_of_models")(outputs)
    if keras.backend.standardize_dtype(mean.dtype) != "float32":
        mean = keras.ops.cast(mean, "float32")
    if takes is Takes.FEATURES:  # as the models themselves take and give them
        model = keras.Model(features, mean, name="exported")
    else:
        model = keras.Model(tensors, {output_name(bundle.manifest.task): mean}, name="exported")
    return Graph(bundle, model, takes, float_type, tuple(tensors), foreign_classes(model))


def output_name(task: Task) -> str:
    """Returns what the output is called."""
    return PREDICTION if task is Task.REGRESSION else PROBABILITIES


def _beginning(bundle: Bundle, takes: Takes, float_type: str) -> tuple[dict[str, Any], Any]:
    """Returns the inputs by name, and what the models read."""
    import keras

    if takes is Takes.FEATURES:
        inputs = _feature_inputs(bundle)
        return (inputs, inputs) if isinstance(inputs, dict) else ({FEATURES: inputs}, inputs)
    largest = {each.name: max(abs(each.min or 0.0), abs(each.max or 0.0)) for each in bundle.manifest.columns}
    has_rest = float_type == "float32" and needs_rest(bundle.preprocessor, largest)
    is_texts = takes is Takes.TEXTS
    raw = RawInputs.of(bundle.preprocessor, texts=is_texts, float_type=float_type, has_rest=has_rest)
    features = raw.features()
    if bundle.manifest.inputs is not None:
        positions = bundle.signature.inputs
        features = {name: keras.ops.take(features, list(of_input), axis=1) for name, of_input in positions.items()}
    return dict(raw.tensors), features


def _feature_inputs(bundle: Bundle) -> Any:
    """Returns symbolic inputs for what the preprocessing gives: one, or one for each input by its name."""
    import keras

    signature = bundle.signature
    if bundle.manifest.inputs is None:
        return keras.Input(signature.shape, name=FEATURES)
    return {name: keras.Input((len(positions),), name=name) for name, positions in signature.inputs.items()}


def _is_ready(model: keras.Model, rewritten: keras.Model, bundle: Bundle) -> bool:
    """Says whether a model is a graph whose one output is already what is predicted."""
    import keras

    is_graph = hasattr(rewritten, "operations") or isinstance(rewritten, keras.Sequential)
    if not is_graph or not isinstance(rewritten.output, keras.KerasTensor) or has_logits(model):
        return False
    return bool(rewritten.output.shape[1:] == (bundle.signature.outputs,))


def _fitting(outputs: Any, model: keras.Model, bundle: Bundle) -> Any:
    """Does to a model's symbolic outputs what `Bundle.predict` does to its predictions."""
    import keras

    if isinstance(outputs, Mapping):
        outputs = next(iter(outputs.values()))
    if isinstance(outputs, list | tuple):
        outputs = outputs[0]
    if len(outputs.shape) == 1:
        outputs = keras.layers.Reshape((1,))(outputs)
    if has_logits(model):
        activation = activation_of_logits(bundle.manifest.task, outputs.shape[1])
        outputs = keras.layers.Activation(activation)(outputs)
    if bundle.manifest.task is Task.BINARY and outputs.shape[1] == 2:
        outputs = outputs[:, 1:]
    return outputs
