"""What every family shares: optimizers, losses and metrics, their hyperparameters, and compiling a model with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError
from tunecli.families.base import Hyperparameter, boolean
from tunecli.families.bounded import USE_MINMAX, output_range, scaling_fault
from tunecli.families.surroundings import TARGET_SCALING, surroundings
from tunecli.spec.experiment import Task
from tunecli.spec.space import Kind, Value

if TYPE_CHECKING:
    import keras

OPTIMIZERS = {
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "nadam": "Nadam",
    "adagrad": "Adagrad",
}
"""Their classes in Keras."""

LOSSES = {
    Task.REGRESSION: ("mse", "mae", "huber"),
    Task.BINARY: ("binary_crossentropy",),
    Task.MULTICLASS: ("sparse_categorical_crossentropy",),
    Task.MULTILABEL: ("binary_crossentropy",),
}
"""The losses of each task, its default first."""


def _float(name: str, default: float, doc: str, *, of: tuple[Value, ...], below: float | None = None) -> Hyperparameter:
    return Hyperparameter(name, Kind.FLOAT, default, doc, min=0.0, below=below, applies={"optimizer": of})


_ADAMS = ("adam", "adamw", "nadam")

OPTIMIZER_HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    Hyperparameter("optimizer", Kind.CHOICE, "adam", "How weights are updated.", values=tuple(OPTIMIZERS)),
    _float("learning_rate", 0.01, "Size of an update.", of=("sgd",)),
    _float("learning_rate", 0.001, "Size of an update.", of=(*_ADAMS, "rmsprop", "adagrad")),
    _float("momentum", 0.0, "Share of the last update that is kept.", of=("sgd", "rmsprop"), below=1.0),
    boolean("nesterov", "Look ahead along the momentum.", applies={"optimizer": ("sgd",)}),
    _float("beta_1", 0.9, "Decay of the mean of gradients.", of=_ADAMS, below=1.0),
    _float("beta_2", 0.999, "Decay of the mean of squared gradients.", of=_ADAMS, below=1.0),
    _float("rho", 0.9, "Decay of the mean of squared gradients.", of=("rmsprop",), below=1.0),
    _float("epsilon", 1e-7, "Keeps divisions finite.", of=(*_ADAMS, "rmsprop", "adagrad")),
    _float("weight_decay", 0.004, "Decoupled decay of weights.", of=("adamw",)),
    _float("initial_accumulator_value", 0.1, "Start of the sum of squares.", of=("adagrad",)),
    boolean("amsgrad", "Keep the largest second moment.", applies={"optimizer": ("adam", "adamw")}),
    boolean("centered", "Normalise by the variance of gradients.", applies={"optimizer": ("rmsprop",)}),
)


def shared_hyperparameters(task: Task) -> tuple[Hyperparameter, ...]:
    """Returns the hyperparameters of compiling and training for a task."""
    losses = LOSSES[task]
    found = (
        *OPTIMIZER_HYPERPARAMETERS,
        Hyperparameter("loss", Kind.CHOICE, losses[0], "What training minimises.", values=losses),
        Hyperparameter("batch_size", Kind.INT, 32, "Rows of one step, or full.", min=1, words=("full",)),
        *surroundings(task),
    )
    if task is not Task.REGRESSION:
        return found
    delta = Hyperparameter(
        "huber_delta",
        Kind.FLOAT,
        1.0,
        "Where huber turns from squares to absolute values, in units of the (scaled) target.",
        min=0.0,
        applies={"loss": ("huber",)},
    )
    return (*found, delta)


def tasks_that_read(name: str) -> tuple[Task, ...]:
    """Returns the tasks for which a hyperparameter of compiling and training is read."""
    return tuple(task for task in Task if any(each.name == name for each in shared_hyperparameters(task)))


def scaled(model: keras.Model, values: Mapping[str, Value]) -> keras.Model:
    """Returns a family's model, which learns scaled targets and predicts in original units if `values` say so.

    Raises:
        StudyError: Its output activation does not reach such targets.
    """
    method = str(values.get(TARGET_SCALING.name, "none"))
    if method == "none":
        return model
    if fault := scaling_fault(values):
        raise StudyError(fault, hint=USE_MINMAX)
    from tunecli.families.original_units import with_original_units

    return with_original_units(model, method, output_range(values))


def compile_model(model: keras.Model, task: Task, values: Mapping[str, Value]) -> None:
    """Compiles `model` with the optimizer, loss and metrics that `values` name."""
    judged = _judged_twice(task, values, model) if values.get("aux_weight") else _judged(task, values, model)
    model.compile(optimizer=build_optimizer(values), **judged)


def _judged(task: Task, values: Mapping[str, Value], model: keras.Model) -> dict[str, Any]:
    """Returns loss and metrics of a model of one output."""
    return {"loss": _loss(values, model), "metrics": _metrics(task, _width(model))}


def _judged_twice(task: Task, values: Mapping[str, Value], model: keras.Model) -> dict[str, Any]:
    """Returns losses, their weights, and metrics of a model with an auxiliary output."""
    from tunecli.families.two_outputs import AUX, MAIN, OUTPUTS, OwnLoss

    aux_weight = values["aux_weight"]
    assert isinstance(aux_weight, float), "aux_weight was checked against its hyperparameter"
    return {
        "loss": {name: _loss(values, model) for name in OUTPUTS},
        "loss_weights": {MAIN: 1 - aux_weight, AUX: aux_weight},
        "metrics": {name: _metrics(task, _width(model)) for name in OUTPUTS},  # they hold state, and cannot be shared
        "weighted_metrics": {name: [OwnLoss(_loss(values, model))] for name in OUTPUTS},
    }


def _width(model: keras.Model) -> int:
    """Returns how many numbers a model predicts for a row, in each of its outputs."""
    width: int = model.outputs[0].shape[-1]
    return width


def build_optimizer(values: Mapping[str, Value]) -> keras.optimizers.Optimizer:
    """Returns the optimizer that `values` name, with those of their settings that it reads."""
    import keras

    name = str(values["optimizer"])
    chosen = {"optimizer": name}
    names = [each.name for each in OPTIMIZER_HYPERPARAMETERS[1:] if each.applies_to(chosen)]
    settings = {each: values[each] for each in names if each in values}
    return getattr(keras.optimizers, OPTIMIZERS[name])(**settings, name=name)


def _loss(values: Mapping[str, Value], model: keras.Model) -> Any:
    """Returns the loss of an output: in scaled units of the target where the model ends in them."""
    import keras

    is_huber = values["loss"] == "huber"
    loss = keras.losses.Huber(delta=values["huber_delta"]) if is_huber else keras.losses.get(values["loss"])
    if values.get(TARGET_SCALING.name, "none") == "none":
        return loss
    from tunecli.families.original_units import in_scaled_units

    return in_scaled_units(model, loss)


def _metrics(task: Task, outputs: int) -> list[Any]:
    """Returns the metrics of a task; of several targets or labels, each over all of them.

    Errors are means, and a root of a mean, over all numbers of all targets; R², AUC and F1 are means of what each
    target or label has by itself.
    """
    import keras

    if task is Task.REGRESSION:
        return [
            keras.metrics.MeanSquaredError(name="mse"),
            keras.metrics.RootMeanSquaredError(name="rmse"),
            keras.metrics.MeanAbsoluteError(name="mae"),
            _r2_score(outputs),
        ]
    if task is Task.BINARY:
        return [keras.metrics.BinaryAccuracy(name="accuracy")]
    if task is Task.MULTILABEL:
        return [
            keras.metrics.BinaryAccuracy(name="accuracy"),
            keras.metrics.AUC(multi_label=True, num_labels=outputs, name="auc"),
            keras.metrics.F1Score(average="macro", threshold=0.5, name="f1"),
        ]
    return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]


def _r2_score(outputs: int) -> Any:
    """Returns R², summed in double precision; of several outputs the mean.

    It takes a difference of sums of squares: for targets around 2000 with a deviation of 10, single precision is off
    in the fourth digit. R2Score makes its variables as floatx says, whatever its dtype, and makes them at first use.
    """
    import keras

    floatx = keras.config.floatx()
    keras.config.set_floatx("float64")
    try:
        metric = keras.metrics.R2Score(name="r2", dtype="float64")
        metric.update_state([[0.0] * outputs], [[0.0] * outputs])
    finally:
        keras.config.set_floatx(floatx)
    metric.reset_state()
    return metric
