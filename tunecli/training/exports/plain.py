"""Rewrites a model in Keras' own layers and operations, so that it can be read without any code of ours.

    plain(model)          # the same predictions; the main output alone, of a model that has two

Weights stay weights. What a training needs and a prediction does not (the loss, the members' own losses, the second
output) is left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

_Rewriters = Mapping[type, Callable[[Any, Any], Any]]


def plain(model: keras.Model, *, only_layers: bool = False) -> keras.Model:
    """Returns a model that predicts the same in one output; the model itself where nothing is to be rewritten.

    A user's own layers stay what they are, and so does a model that is no graph of layers.

    Args:
        model: The model; the rewritten one shares its layers.
        only_layers: Leave those layers of ours as they are that would become operations outside of layers.
    """
    import keras

    from tunecli.families.two_outputs import MAIN

    if not _is_graph(model):
        return model
    if isinstance(model.output, Mapping) and MAIN in model.output:
        model = keras.Model(model.input, model.output[MAIN], name=model.name)
    if not _has_own_classes(model):
        return model
    rewriters = {**_in_layers(), **({} if only_layers else _in_operations())}

    def call(layer: Any, *arguments: Any, **settings: Any) -> Any:
        rewrite = rewriters.get(type(layer))
        return layer(*arguments, **settings) if rewrite is None else rewrite(layer, arguments[0])

    rewritten = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    # the members' model differs from any other in its training alone
    return keras.Model(rewritten.input, rewritten.output, name=model.name)


def foreign_classes(model: keras.Model) -> tuple[str, ...]:
    """Returns the names of classes that are not Keras' own, and so are asked for when the model is loaded."""
    return tuple(sorted({type(each).__name__ for each in _all_layers(model) if not _is_of_keras(each)}))


def _all_layers(layer: Any) -> Iterator[Any]:
    yield layer
    for each in getattr(layer, "layers", ()):
        yield from _all_layers(each)


def _is_graph(model: keras.Model) -> bool:
    import keras

    # Sequential gives its layers no graph that could be cloned call by call, and holds no layers of ours
    return hasattr(model, "operations") and not isinstance(model, keras.Sequential)


def _has_own_classes(model: keras.Model) -> bool:
    return any(type(each).__module__.startswith("tunecli.") for each in (model, *model.layers))


def _is_of_keras(layer: Any) -> bool:
    return type(layer).__module__.split(".")[0] == "keras"


def _in_layers() -> _Rewriters:
    """Returns how layers of ours are written in other layers: functions of a layer and its symbolic input."""
    from tunecli.families import keras_classes as ours
    from tunecli.families.original_units import OriginalUnits

    return {
        ours.SeparateDense: _separate_dense,
        ours.Members: _members,
        ours.MemberDense: _member_dense,
        ours.MemberMean: _member_mean,
        OriginalUnits: _original_units,
    }


def _in_operations() -> _Rewriters:
    """Returns the same for those that take operations outside of layers."""
    from tunecli.families import keras_classes as ours

    return {
        ours.Features: _features,
        ours.PiecewiseLinearEncoding: _piecewise_linear,
        ours.PeriodicEncoding: _periodic,
    }


def _features(layer: Any, inputs: Any) -> Any:
    return inputs[:, layer.begin : layer.end]


def _piecewise_linear(layer: Any, inputs: Any) -> Any:
    import keras
    import numpy as np

    ops = keras.ops
    edges = ops.convert_to_numpy(layer.edges)
    low, width = edges[:, :-1], np.diff(edges)
    most = np.finfo(edges.dtype).max  # in place of infinity, which JSON has no word for
    begins = np.where(low > edges[:, :1], 0, -most).astype(edges.dtype)
    ends = np.where(np.arange(layer.bins) == layer.bins - 1, most, 1).astype(edges.dtype)
    covered = ops.divide(
        ops.subtract(ops.expand_dims(ops.cast(inputs, edges.dtype.name), -1), low[np.newaxis]),
        np.where(width == 0, most, width)[np.newaxis],
    )
    return ops.minimum(ops.maximum(covered, begins[np.newaxis]), ends[np.newaxis, np.newaxis])


def _periodic(layer: Any, inputs: Any) -> Any:
    import keras
    import numpy as np

    ops = keras.ops
    turns = ops.expand_dims(ops.multiply(inputs, np.float32(2 * np.pi)), -1)
    coefficients = ops.convert_to_numpy(layer.coefficients)
    angles = ops.multiply(turns, coefficients[np.newaxis])
    return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)


def _separate_dense(layer: Any, inputs: Any) -> Any:
    _, groups, _ = inputs.shape
    step = _Step("rgn,gnu->rgu", (groups, layer.units), layer.kernel)
    return _applied(layer, [step], inputs, bias="gu")


def _members(layer: Any, inputs: Any) -> Any:
    return _applied(layer, [_Step("rf,mf->rmf", (layer.members, inputs.shape[-1]), layer.adapter)], inputs)


def _member_dense(layer: Any, inputs: Any) -> Any:
    _, members, width = inputs.shape
    steps = [_Step("rmn,nu->rmu", (members, layer.units), layer.kernel)]
    if layer.adapter_in is not None:
        steps.insert(0, _Step("rmn,mn->rmn", (members, width), layer.adapter_in))
    steps.append(_Step("rmu,mu->rmu", (members, layer.units), layer.adapter_out))
    return _applied(layer, steps, inputs, bias="mu")


def _member_mean(layer: Any, inputs: Any) -> Any:
    import keras

    return keras.layers.GlobalAveragePooling1D(name=layer.name, dtype=layer.dtype_policy)(inputs)


def _original_units(layer: Any, inputs: Any) -> Any:
    import keras

    scale, offset = layer.scale.numpy().tolist(), layer.offset.numpy().tolist()
    return keras.layers.Rescaling(scale, offset, name=layer.name, dtype=layer.dtype_policy)(inputs)


@dataclass(frozen=True)
class _Step:
    """Weights that are multiplied with what comes in.

    Attributes:
        equation: Of the product, as `einsum` has it; r are rows.
        shape: Of a row of what comes out.
        kernel: The weights.
    """

    equation: str
    shape: tuple[int, ...]
    kernel: Any


def _applied(layer: Any, steps: list[_Step], inputs: Any, bias: str = "") -> Any:
    """Applies the weights of a layer of ours; the last step adds its bias, if it has one, and has its activation."""
    import keras

    *others, last = steps
    settings = {"dtype": layer.dtype_policy}
    outputs = inputs
    for number, step in enumerate(others):
        dense = keras.layers.EinsumDense(step.equation, step.shape, name=f"{layer.name}_{number}", **settings)
        outputs = dense(outputs)
        dense.set_weights([step.kernel.numpy()])
    has_bias = bool(bias) and layer.use_bias
    activation = getattr(layer, "activation", None)
    # Keras adds a bias of width 1 along another axis, for which TensorFlow Lite has no operation
    is_narrow = has_bias and last.shape[-1] == 1
    dense = keras.layers.EinsumDense(
        last.equation,
        last.shape,
        bias_axes=bias if has_bias and not is_narrow else None,
        activation=None if is_narrow else activation,
        name=layer.name,
        **settings,
    )
    outputs = dense(outputs)
    dense.set_weights([last.kernel.numpy(), *([layer.bias.numpy()] if has_bias and not is_narrow else [])])
    return _narrow_bias(layer, outputs, activation) if is_narrow else outputs


def _narrow_bias(layer: Any, inputs: Any, activation: Any) -> Any:
    """Adds the bias of `(rows, groups, 1)`, and applies the activation."""
    import keras
    import numpy as np

    _, groups, _ = inputs.shape
    settings = {"dtype": layer.dtype_policy}
    flat = keras.layers.Reshape((groups,), name=f"{layer.name}_flat", **settings)(inputs)
    add = keras.layers.EinsumDense(
        "rg,g->rg", output_shape=(groups,), bias_axes="g", name=f"{layer.name}_bias", **settings
    )
    added = add(flat)
    add.set_weights([np.ones(groups), layer.bias.numpy()[:, 0]])
    deep = keras.layers.Reshape((groups, 1), name=f"{layer.name}_deep", **settings)(added)
    return keras.layers.Activation(activation, name=f"{layer.name}_activation", **settings)(deep)
