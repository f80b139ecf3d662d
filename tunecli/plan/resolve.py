"""Turns a spec into a plan: binds names, fills defaults, and checks that everything written has a meaning.

Only headers and metadata of the data are read, so that `tunecli validate` may run this. All problems of a spec are
reported at once, each at its line.
"""

from __future__ import annotations

import re
from pathlib import Path

from tunecli.datasets import DATASETS
from tunecli.datasets.base import DatasetOptions, Description, OptionError
from tunecli.errors import Problem, SpecError, UsageError
from tunecli.families import FAMILIES
from tunecli.families.base import Family
from tunecli.families.compiling import shared_hyperparameters
from tunecli.plan.bind import Binding, Report, bind
from tunecli.plan.plan import DatasetPlan, EarlyStoppingPlan, Plan, TrainingPlan
from tunecli.registry import did_you_mean
from tunecli.spec.experiment import ExperimentSpec
from tunecli.spec.faults import Loc
from tunecli.spec.load import SpecFile
from tunecli.spec.space import SearchSpace
from tunecli.spec.tuners import BayesianTuner, HyperbandTuner, TunerSpec, hyperband_brackets
from tunecli.study.objective import DEFAULT_METRIC, METRICS, Goal, Objective, metric_names

DEFAULT_TEST = 0.2

_LOSS_SHAPING = ("loss", "huber_delta", "l2")
"""While one of these is searched, losses of different trials are not on one scale."""

def resolve(file: SpecFile) -> Plan:
    """Binds a spec.

    Raises:
        SpecError: Something in it has no meaning; holds every problem found.
        DataError: A file that must be looked into is missing or cannot be read.
    """
    problems: list[Problem] = []

    def report(loc: Loc, what: str, hint: str = "", *, at_key: bool = False) -> None:
        problems.append(file.problem(loc, what, hint, at_key=at_key))

    spec = file.spec
    description = _describe(spec, file.path.parent, report)
    family = _family(spec, description, report)
    if spec.limits.workers > 1:
        report(
            ("limits", "workers"), f"{spec.limits.workers} is more than this version runs (1)", "write 1, or drop it"
        )
    if description is None or family is None:
        raise SpecError(problems)

    binding = bind(spec, (*family.hyperparameters, *shared_hyperparameters(description.task)), report)
    objective = _objective(spec, description, binding, report)
    tuner = _tuner(spec, binding.space, report)
    training = _training(spec, description, objective, report)
    if problems:
        raise SpecError(problems)
    return Plan(
        name=spec.name or file.path.stem,
        seed=spec.seed,
        dataset=_dataset_plan(spec, description, file.path.parent),
        task=description.task,
        family=FAMILIES.canonical(spec.model.family),
        objective=objective,
        space=binding.space,
        fixed=binding.fixed,
        tuner=tuner,
        training=training,
        limits=spec.limits,
    )


def _options(spec: ExperimentSpec, folder: Path) -> DatasetOptions:
    data = spec.dataset
    return DatasetOptions(
        path=str((folder / Path(data.path).expanduser()).resolve()) if data.path else None,
        target=data.target,
        task=data.task,
        features=tuple(data.features) if data.features else None,
    )


def _dataset_plan(spec: ExperimentSpec, description: Description, folder: Path) -> DatasetPlan:
    asked = DEFAULT_TEST if spec.dataset.test is None else spec.dataset.test
    return DatasetPlan(
        name=DATASETS.canonical(spec.dataset.name),
        options=_options(spec, folder),
        validation=spec.dataset.validation,
        test=0.0 if description.has_own_test else asked,
        split_seed=spec.dataset.split_seed,
    )


def _describe(spec: ExperimentSpec, folder: Path, report: Report) -> Description | None:
    try:
        description = DATASETS.load(spec.dataset.name).describe(_options(spec, folder))
    except OptionError as error:
        report(("dataset", error.field), error.problems[0].what, error.problems[0].hint)
        return None
    except UsageError as error:
        report(("dataset", "name"), error.problems[0].what, error.problems[0].hint)
        return None
    if description.has_own_test and spec.dataset.test is not None:
        report(("dataset", "test"), f"{spec.dataset.name} has a test part of its own", "drop test")
    if not description.has_own_test and spec.dataset.test is None and spec.dataset.validation + DEFAULT_TEST >= 1:
        report(("dataset", "validation"), f"leaves no rows to train on beside test: {DEFAULT_TEST}", "lower it")
    return description


def _family(spec: ExperimentSpec, description: Description | None, report: Report) -> Family | None:
    try:
        family = FAMILIES.load(spec.model.family)
    except UsageError as error:
        report(("model", "family"), error.problems[0].what, error.problems[0].hint)
        return None
    if description is not None and (fault := family.fault(description.image_shape)):
        report(("model", "family"), fault, "choose another family or data set")
    return family


def _objective(spec: ExperimentSpec, description: Description, binding: Binding, report: Report) -> Objective:
    task, written = description.task, spec.objective
    has_validation = spec.dataset.validation > 0
    produced = metric_names(task, validation=has_validation)
    metric = written.metric if written else DEFAULT_METRIC[task]
    loc: Loc = ("objective", "metric") if written else ("objective",)
    base = METRICS.get(metric.removeprefix("val_"))
    if base is None:
        report(loc, f"unknown metric '{metric}'", did_you_mean(metric, produced))
    elif metric.startswith("val_") and not has_validation:
        report(loc, f"{metric} needs a validation part", "raise dataset.validation, or write a training objective")
    elif metric not in produced:
        report(loc, f"a {task} task does not produce {metric}", f"it has {', '.join(produced)}")
    searched = [name for name in _LOSS_SHAPING if name in {parameter.name for parameter in binding.space}]
    if metric.endswith("loss") and searched:
        report(loc, f"{metric} cannot decide while {searched[0]} is searched", "its scale differs between trials")
    goal = base.goal if base else Goal.MINIMIZE
    if written and written.goal and base and Goal(written.goal) is not base.goal:
        report(("objective", "goal"), f"{metric} is better {_better(base.goal)}", f"write {base.goal}, or drop goal")
    return Objective(metric=metric, goal=goal)


def _better(goal: Goal) -> str:
    return "when lower" if goal is Goal.MINIMIZE else "when higher"


def _tuner(spec: ExperimentSpec, space: SearchSpace, report: Report) -> TunerSpec:
    tuner = spec.tuner
    if isinstance(tuner, HyperbandTuner):
        bound = tuner.model_copy(update={"max_epochs": tuner.max_epochs or spec.training.epochs})
        needed = tuner.iterations * sum(
            bracket[0].trials for bracket in hyperband_brackets(bound.max_epochs or 1, tuner.factor)
        )
        size = space.size()
        if size is not None and size < needed:
            report(
                ("tuner",),
                f"hyperband starts {needed} different configurations; this space has {size}",
                "write tuner: grid, widen the space, or lower max_epochs or iterations",
            )
        return bound
    if isinstance(tuner, BayesianTuner) and tuner.num_initial_points is None:
        points = min(3 * max(1, len(space)), max(3, tuner.max_trials // 3))
        return tuner.model_copy(update={"num_initial_points": points})
    return tuner


def _training(spec: ExperimentSpec, description: Description, objective: Objective, report: Report) -> TrainingPlan:
    stopping = spec.training.early_stopping
    plan = None
    if stopping is not None:
        produced = metric_names(description.task, validation=spec.dataset.validation > 0)
        monitor = stopping.monitor or objective.metric
        if monitor not in produced and stopping.monitor:
            report(("training", "early_stopping", "monitor"), f"no metric '{monitor}'", did_you_mean(monitor, produced))
        plan = EarlyStoppingPlan(
            monitor=monitor,
            patience=stopping.patience,
            min_delta=stopping.min_delta,
            restore_best_weights=stopping.restore_best_weights,
        )
    return TrainingPlan(epochs=spec.training.epochs, shuffle=spec.training.shuffle, early_stopping=plan)
