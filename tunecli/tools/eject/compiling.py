"""Writes optimizer, loss and metrics: the counterpart of `families.compiling`."""

from __future__ import annotations

from collections.abc import Mapping

from tunecli.families.base import Setting
from tunecli.families.compiling import OPTIMIZER_HYPERPARAMETERS, OPTIMIZERS
from tunecli.plan import Plan
from tunecli.scripting import Lines, bracketed, indented, literal
from tunecli.spec.experiment import Task
from tunecli.spec.space import same
from tunecli.study.objective import plain_metric

_METRICS = {
    Task.REGRESSION: [
        'keras.metrics.MeanSquaredError(name="mse")',
        'keras.metrics.RootMeanSquaredError(name="rmse")',
        'keras.metrics.MeanAbsoluteError(name="mae")',
    ],
    Task.BINARY: ['keras.metrics.BinaryAccuracy(name="accuracy")'],
    Task.MULTICLASS: ['keras.metrics.SparseCategoricalAccuracy(name="accuracy")'],
}

_R2 = 'keras.metrics.R2Score(name="r2")'

_PRECISE_R2 = '''
def r2_score():
    """Returns R² summed in double precision, since it takes a difference of large sums.

    R2Score makes its variables as floatx says, whatever its dtype, and makes them at first use.
    """
    floatx = keras.config.floatx()
    keras.config.set_floatx("float64")
    metric = keras.metrics.R2Score(name="r2", dtype="float64")
    metric.update_state([[0.0]], [[0.0]])
    keras.config.set_floatx(floatx)
    metric.reset_state()
    return metric
'''


def compile_script(plan: Plan, settings: Mapping[str, Setting]) -> Lines:
    """Writes the call of `model.compile`, and before it the choice of an optimizer where one is searched."""
    optimizer = settings["optimizer"]
    names = [str(value) for value in optimizer.values]
    metrics = list(_METRICS[plan.task])
    if plan.task is Task.REGRESSION:
        metrics.append("r2_score()" if _is_decided_by_r2(plan) else _R2)
    chosen = ["optimizer=optimizer"] if len(names) > 1 else _optimizer("optimizer=", names[0], settings)
    loss = f"loss={_loss(settings)}"
    return [
        *_choice(names, settings),
        *bracketed("model.compile(", [chosen, loss, bracketed("metrics=[", metrics, "]")], ")"),
    ]


def metric_functions(plan: Plan) -> list[Lines]:
    """Writes the function of a metric that Keras computes too coarsely to decide by."""
    return [_PRECISE_R2.strip().split("\n")] if _is_decided_by_r2(plan) else []


def _is_decided_by_r2(plan: Plan) -> bool:
    stopping = plan.training.early_stopping
    deciding = (plan.objective.metric, stopping.monitor if stopping else "")
    return any(plain_metric(name) == "r2" for name in deciding)


def _choice(names: list[str], settings: Mapping[str, Setting]) -> Lines:
    """Writes one branch for each optimizer that is searched; none for a single one."""
    lines = []
    for index, name in enumerate(names if len(names) > 1 else []):
        is_last = index == len(names) - 1
        test = "else:" if is_last else f"{'elif' if index else 'if'} optimizer == {literal(name)}:"
        lines += [test, *indented(_optimizer("optimizer = ", name, settings))]
    return lines


def _optimizer(target: str, name: str, settings: Mapping[str, Setting]) -> Lines:
    return bracketed(f"{target}keras.optimizers.{OPTIMIZERS[name]}(", _arguments(name, settings), ")")


def _arguments(optimizer: str, settings: Mapping[str, Setting]) -> list[str]:
    """Returns what the optimizer reads, without what is at its default, which is that of Keras."""
    found = []
    for each in OPTIMIZER_HYPERPARAMETERS[1:]:
        if each.applies_to({"optimizer": optimizer}):
            setting = settings.get(each.name) or Setting(literal(each.default), (each.default,))
            is_default = setting.is_fixed and same(setting.values[0], each.default)
            found += [f"{each.name}={setting.code}"] if each.name == "learning_rate" or not is_default else []
    return found


def _loss(settings: Mapping[str, Setting]) -> str:
    loss = settings["loss"]
    huber = f"keras.losses.Huber(delta={settings['huber_delta'].code})" if "huber" in loss.values else ""
    if loss.is_fixed:
        return huber or loss.code
    return f'{huber} if {loss.code} == "huber" else {loss.code}' if huber else loss.code
