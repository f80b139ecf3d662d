"""Which metric decides, and whether it can: measured in every trial, on the rows that score it, on one scale."""

from __future__ import annotations

from tunecli.families import FAMILIES
from tunecli.plan.bind import Binding, Report
from tunecli.registry import did_you_mean
from tunecli.spec.experiment import CUSTOM_FAMILY, ExperimentSpec, Task
from tunecli.spec.faults import Loc
from tunecli.study.objective import (
    AUXILIARY_METRICS,
    DEFAULT_METRIC,
    FOLD,
    METRICS,
    VALIDATION,
    Goal,
    Metric,
    Objective,
    find_metric,
    fold_metric_names,
    metric_names,
    plain_metric,
)

CUSTOM_METRIC = "loss"
"""What decides for a custom model where none is named: every compiled model has it."""

_LOSS_SHAPING = ("loss", "huber_delta", "l2", "target_scaling", "class_weight", "aux_weight")
"""While one of these is searched, losses of different trials are not on one scale."""

_OUTPUT_LOSS_SHAPING = ("loss", "huber_delta", "target_scaling", "class_weight")
"""The same for the losses of single outputs."""


def bind_objective(spec: ExperimentSpec, task: Task, binding: Binding, report: Report) -> Objective:
    """Returns the metric that decides and its direction; reports one that cannot."""
    written = spec.objective
    scored_on = FOLD if _has_folds(spec) else VALIDATION
    is_custom = FAMILIES.canonical(spec.model.family) == CUSTOM_FAMILY
    metric = written.metric if written else f"{scored_on}{CUSTOM_METRIC if is_custom else DEFAULT_METRIC[task]}"
    loc: Loc = ("objective", "metric") if written else ("objective",)
    if is_custom:
        return _own_objective(spec, metric, loc, report)
    base = find_metric(metric)
    if base is None:
        report(loc, f"unknown metric '{metric}'", did_you_mean(metric, _deciding(task, spec, binding)))
        return Objective(metric=metric, goal=Goal.MINIMIZE)
    if problem := _metric_problem(metric, task, spec, binding):
        report(loc, *problem)
    if written and written.goal and Goal(written.goal) is not base.goal:
        report(("objective", "goal"), *_wrong_goal(metric, base))
    return Objective(metric=metric, goal=base.goal)


def _own_objective(spec: ExperimentSpec, metric: str, loc: Loc, report: Report) -> Objective:
    """Returns the objective of a custom model: which metrics it reports is known once it is trained."""
    written, known = spec.objective, METRICS.get(plain_metric(metric))
    if problem := _rows_problem(metric, spec):
        report(loc, *problem)
    if written and written.goal:
        if known is not None and Goal(written.goal) is not known.goal:
            report(("objective", "goal"), *_wrong_goal(metric, known))
        return Objective(metric=metric, goal=Goal(written.goal))
    if known is None:
        what = f"which way '{metric}' is better is not known"
        report(loc, what, f"write objective: {{metric: {metric}, goal: minimize}}, or maximize")
    return Objective(metric=metric, goal=known.goal if known else Goal.MINIMIZE)


def _wrong_goal(metric: str, known: Metric) -> tuple[str, str]:
    better = "lower" if known.goal is Goal.MINIMIZE else "higher"
    return f"{metric} is better when {better}", f"write {known.goal}, or drop goal"


def _metric_problem(metric: str, task: Task, spec: ExperimentSpec, binding: Binding) -> tuple[str, str] | None:
    """Returns why a known metric cannot decide, and a hint; None if it can."""
    base = find_metric(metric)
    if base is None or task not in base.tasks:
        return f"a {task} task does not produce {metric}", f"it has {', '.join(_deciding(task, spec, binding))}"
    return _rows_problem(metric, spec) or _output_problem(metric, binding) or _scale_problem(metric, binding)


def _rows_problem(metric: str, spec: ExperimentSpec) -> tuple[str, str] | None:
    """Says that a metric is not measured on the rows that score trials."""
    plain = plain_metric(metric)
    if _has_folds(spec) and not metric.startswith(FOLD):
        return f"{metric} is not measured on the folds, which score the trials", f"write objective: {FOLD}{plain}"
    if metric.startswith(FOLD) and not _has_folds(spec):
        return f"{metric} needs folds", f"write evaluation: {{folds: 5}}, or objective: {VALIDATION}{plain}"
    if metric.startswith(VALIDATION) and not spec.dataset.validation:
        return f"{metric} needs a validation part", f"raise dataset.validation, or write objective: {plain}"
    return None


def _output_problem(metric: str, binding: Binding) -> tuple[str, str] | None:
    """Says that some trials have no output of their own for a metric."""
    if plain_metric(metric) in AUXILIARY_METRICS and not _has_auxiliary(binding):
        hint = "fix aux_weight above 0 for family: wide_deep, or search it from above 0 and without a condition"
        return f"{metric} needs an auxiliary output in every trial", hint
    return None


def _scale_problem(metric: str, binding: Binding) -> tuple[str, str] | None:
    """Says that a loss is on another scale from trial to trial."""
    shapers = _OUTPUT_LOSS_SHAPING if plain_metric(metric) in AUXILIARY_METRICS else _LOSS_SHAPING
    shaping = [parameter.name for parameter in binding.space if parameter.name in shapers]
    if metric.endswith("loss") and shaping:
        hint = f"its scale differs between trials: choose another metric, or fix {shaping[0]}"
        return f"{metric} cannot decide while {shaping[0]} is searched", hint
    return None


def _has_folds(spec: ExperimentSpec) -> bool:
    return spec.evaluation is not None and spec.evaluation.folds is not None


def _deciding(task: Task, spec: ExperimentSpec, binding: Binding) -> tuple[str, ...]:
    """Returns the metrics that may decide: those that every trial yields, on the rows that score it."""
    if _has_folds(spec):
        return fold_metric_names(task, auxiliary=_has_auxiliary(binding))
    return produced(spec, task, binding)


def produced(spec: ExperimentSpec, task: Task, binding: Binding) -> tuple[str, ...]:
    """Returns the metrics of every epoch of every trial."""
    return metric_names(task, validation=spec.dataset.validation > 0, auxiliary=_has_auxiliary(binding))


def _has_auxiliary(binding: Binding) -> bool:
    """Says whether the model of every trial has an auxiliary output."""
    is_conditional = any(parameter.when for parameter in binding.space if parameter.name == "aux_weight")
    return not is_conditional and all(binding.possible("aux_weight"))
