"""Turns a spec into a plan: binds names, fills defaults, and checks that everything written has a meaning.

Only headers and metadata of the data are read, so that `tunecli validate` may run this. All problems of a spec are
reported at once, each at its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from tunecli.datasets import DATASETS
from tunecli.datasets.base import DatasetOptions, Description, OptionError
from tunecli.errors import Problem, SpecError, UsageError
from tunecli.families import FAMILIES
from tunecli.families.base import Family
from tunecli.families.embeddings import EMBEDDING, NO_EMBEDDING
from tunecli.plan.bind import Binding, Report, bind
from tunecli.plan.custom import bind_custom
from tunecli.plan.inputs import bind_inputs
from tunecli.plan.objective import bind_objective, produced
from tunecli.plan.own_files import callback_plans, custom_plan, data_function, init_from_plan
from tunecli.plan.plan import (
    DatasetPlan,
    EarlyStoppingPlan,
    Plan,
    StopWhenPlan,
    TrainingPlan,
    trial_hyperparameters,
)
from tunecli.plan.rows import bind_evaluation, split_of
from tunecli.plan.sources import CustomPlan, Discovered
from tunecli.plan.start import bind_start
from tunecli.plan.surroundings import check_surroundings, most_epochs, searched_epochs
from tunecli.registry import did_you_mean
from tunecli.spec.experiment import (
    CUSTOM_FAMILY,
    DEFAULT_ITERATIONS,
    DEFAULT_METHOD,
    SCIPY_ENGINE,
    EarlyStoppingSpec,
    ExperimentSpec,
    LimitsSpec,
    Task,
)
from tunecli.spec.faults import Loc
from tunecli.spec.load import SpecFile
from tunecli.spec.space import SearchSpace
from tunecli.spec.tuners import BayesianTuner, HyperbandTuner, TunerSpec, hyperband_brackets
from tunecli.study.objective import FOLD, METRICS, VALIDATION, Objective, plain_metric

DEFAULT_TEST = 0.2

_DENSE_FAMILIES = ("linear", "mlp")
"""Those that the scipy engine trains: small enough, and nothing but layers that it can differentiate twice."""

_CHANCY = ("dropout", "batch_normalization")
"""With one of these a loss is another at every look, or has no gradient in the weights alone."""


DEFAULT_RUNS = Path("runs")
"""The folder of the studies that `init_from` may name."""


def resolve(file: SpecFile, *, runs: Path = DEFAULT_RUNS, discovered: Discovered | None = None) -> Plan:
    """Binds a spec.

    Args:
        file: The spec.
        runs: The folder of the studies.
        discovered: What the user's own code declares. None where it was not run: then the plan of a custom model has
            no space yet, and is good for nothing but showing that the rest of the spec is fine.

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
    if description is None or family is None:
        raise SpecError(problems)

    folder = file.path.parent
    custom = custom_plan(spec, folder, report)
    evaluation = bind_evaluation(spec, description, report)
    is_custom = family is FAMILIES.load(CUSTOM_FAMILY)
    known = trial_hyperparameters(
        family, description.task, spec.training.engine, transfers=spec.model.init_from is not None
    )
    if not is_custom:
        binding = bind(spec, (*known, *searched_epochs(spec)), report)
        check_surroundings(spec, description, binding, report)
    elif discovered is not None:
        binding = bind_custom(spec, discovered.parameters, known, report)
    else:
        binding = Binding(SearchSpace(), {})
    inputs = bind_inputs(spec, description, report)
    start = bind_start(spec, description, binding, report)
    if spec.training.engine == SCIPY_ENGINE:
        _check_scipy(spec, binding, report)
    if description.image_shape is not None and not is_custom:
        _check_pixels(spec, binding, report)
    objective = bind_objective(spec, description.task, binding, report)
    tuner, derived = _tuner(spec, None if is_custom and discovered is None else binding.space, report)
    training = _training(spec, description, objective, binding, report)
    if not is_custom:
        training = training.model_copy(update={"epochs": most_epochs(binding) or training.epochs})
    callbacks = callback_plans(spec.training.callbacks, folder, report)
    init_from = init_from_plan(spec, folder, runs, report)
    if problems:
        raise SpecError(problems)
    return Plan(
        name=spec.name or _folder_name(file.path.stem),
        seed=spec.seed,
        dataset=_dataset_plan(spec, description, file.path.parent),
        task=description.task,
        targets=description.targets,
        family=FAMILIES.canonical(spec.model.family),
        inputs=inputs,
        objective=objective,
        space=binding.space,
        fixed=binding.fixed,
        tuner=tuner,
        training=training,
        evaluation=evaluation,
        stop_when=StopWhenPlan(
            target=spec.objective.target if spec.objective else None, no_gain=spec.stop_when.no_gain
        ),
        limits=_limits(spec, file.path.parent),
        baselines=spec.baselines and _has_baselines(custom, objective, description.task),
        derived=derived,
        custom=custom,
        callbacks=callbacks,
        init_from=init_from,
        start=start,
    )


def _has_baselines(custom: CustomPlan | None, objective: Objective, task: Task) -> bool:
    """Says whether simple models can be scored by the objective: a loss of the user's own is not known to them."""
    metric = plain_metric(objective.metric)
    return custom is None or (metric in METRICS and metric != "loss" and task in METRICS[metric].tasks)


def _limits(spec: ExperimentSpec, folder: Path) -> LimitsSpec:
    address = spec.limits.address
    if address is None or address == "local" or "://" in address:
        return spec.limits
    return spec.limits.model_copy(update={"address": str((folder / Path(address).expanduser()).resolve())})


def _folder_name(stem: str) -> str:
    """Returns a file's stem as the name of a folder: what may not stand in one becomes `-`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("._-") or "study"


def _options(spec: ExperimentSpec, folder: Path) -> DatasetOptions:
    data = spec.dataset

    def absolute(path: str | None) -> str | None:
        return str((folder / Path(path).expanduser()).resolve()) if path else None

    options = DatasetOptions(
        path=absolute(data.path),
        validation_path=absolute(data.validation_path),
        test_path=absolute(data.test_path),
        target=data.target,
        task=data.task,
        features=tuple(data.features) if data.features else None,
        sample_weight=data.sample_weight,
        group=data.group,
        time=data.time,
        types=tuple(data.types) if data.types else None,
        exclude=tuple(data.exclude) if data.exclude else None,
        arrays=data.arrays,
        image_columns=data.image_columns,
        image_size=(data.image_size[0], data.image_size[1]) if data.image_size else None,
        channels=data.channels,
        args=None if data.args is None else json.dumps(data.args),
    )
    return options.model_copy(update=data_function(spec, folder))


def _dataset_plan(spec: ExperimentSpec, description: Description, folder: Path) -> DatasetPlan:
    asked = DEFAULT_TEST if spec.dataset.test is None else spec.dataset.test
    return DatasetPlan(
        name=DATASETS.canonical(spec.dataset.name),
        options=_options(spec, folder),
        validation=_validation(spec, description),
        test=0.0 if description.has_own_test else asked,
        split_seed=spec.dataset.split_seed,
        max_rows=spec.dataset.max_rows,
        split=split_of(spec),
    )


def _validation(spec: ExperimentSpec, description: Description) -> float:
    """Returns the fraction of the rows that scores the trials."""
    own = description.own_validation_rows
    return own / (own + (description.rows or 0)) if own else spec.dataset.validation


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
        what = f"{DATASETS.canonical(spec.dataset.name)} has a test part of its own"
        report(("dataset", "test"), what, "drop test", at_key=True)
    if description.own_validation_rows and "validation" in spec.dataset.model_fields_set:
        what = f"{DATASETS.canonical(spec.dataset.name)} has a validation part of its own"
        report(("dataset", "validation"), what, "drop validation", at_key=True)
    if not description.has_own_test and spec.dataset.test is None and spec.dataset.validation + DEFAULT_TEST >= 1:
        what = f"{spec.dataset.validation:g} leaves no rows to train on beside test, which is {DEFAULT_TEST} by default"
        report(("dataset", "validation"), what, "lower it, or write test: 0")
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


def _tuner(spec: ExperimentSpec, space: SearchSpace | None, report: Report) -> tuple[TunerSpec, tuple[str, ...]]:
    """Returns the tuner with its open options filled in, and the names of those that depend on its budget.

    Without a space, which the user's code has yet to tell, they stay open.
    """
    tuner = spec.tuner
    if space is None:
        return tuner, ()
    if isinstance(tuner, HyperbandTuner):
        if spec.evaluation is not None:
            what = "hyperband goes on from where one training has ended, and with evaluation: a trial has several"
            report(("evaluation",), what, "write tuner: random, bayesian or grid, or drop evaluation", at_key=True)
        return _hyperband(tuner, spec.training.epochs, space, report), ()
    if isinstance(tuner, BayesianTuner):
        if not len(space):
            report(("tuner",), "bayesian has nothing to search", "give a range or a list to a parameter")
        if tuner.num_initial_points is None:
            points = min(3 * max(1, len(space)), max(3, tuner.max_trials // 3))
            return tuner.model_copy(update={"num_initial_points": points}), ("num_initial_points",)
    return tuner, ()


def _hyperband(tuner: HyperbandTuner, epochs: int, space: SearchSpace, report: Report) -> HyperbandTuner:
    most = tuner.max_epochs or epochs
    needed = tuner.iterations * sum(bracket[0].trials for bracket in hyperband_brackets(most, tuner.factor))
    size = space.size()
    if size is not None and size < needed:
        what = f"hyperband starts {needed} different configurations; this space has {size}"
        report(("tuner",), what, "write tuner: grid, widen the space, or lower max_epochs or iterations")
    return tuner.model_copy(update={"max_epochs": most})


def _training(
    spec: ExperimentSpec, description: Description, objective: Objective, binding: Binding, report: Report
) -> TrainingPlan:
    stopping = spec.training.early_stopping
    is_scipy = spec.training.engine == SCIPY_ENGINE
    epochs = (spec.training.max_iterations or DEFAULT_ITERATIONS) if is_scipy else spec.training.epochs
    return TrainingPlan(
        epochs=epochs,
        shuffle=spec.training.shuffle,
        engine=spec.training.engine,
        method=(spec.training.method or DEFAULT_METHOD) if is_scipy else None,
        precision=spec.training.precision,
        early_stopping=_stopping(stopping, produced(spec, description.task, binding), objective, report)
        if stopping
        else None,
    )


def _check_scipy(spec: ExperimentSpec, binding: Binding, report: Report) -> None:
    """Reports what the scipy engine cannot train."""
    family = FAMILIES.canonical(spec.model.family)
    if family not in _DENSE_FAMILIES:
        what = f"scipy trains {' and '.join(_DENSE_FAMILIES)} alone, not {family}"
        report(("training", "engine"), what, "write engine: auto, or choose another family")
    if isinstance(spec.tuner, HyperbandTuner):
        what = "hyperband goes on from where a trial has ended, which engine: scipy cannot"
        report(("tuner",), what, "write tuner: random, bayesian or grid")
    for name in _CHANCY:
        if any(binding.possible(name)):
            block = "search_space" if name in spec.search_space else "model"
            what = f"engine: scipy needs a loss that is the same at every look, without {name}"
            report((block, name), what, f"drop {name}, or write engine: auto")


def _check_pixels(spec: ExperimentSpec, binding: Binding, report: Report) -> None:
    """Reports an embedding of numbers where there are none, but pixels."""
    if any(value not in (None, NO_EMBEDDING) for value in binding.possible(EMBEDDING)):
        block = "search_space" if EMBEDDING in spec.search_space else "model"
        what = f"{EMBEDDING} is for the columns of a table, and {spec.dataset.name} has images"
        report((block, EMBEDDING), what, f"drop {EMBEDDING}")


def _stopping(
    stopping: EarlyStoppingSpec, produced: Sequence[str], objective: Objective, report: Report
) -> EarlyStoppingPlan:
    """Returns when to stop, by one of the metrics that trials yield."""
    if stopping.monitor is not None and stopping.monitor not in (*produced, objective.metric):
        loc: Loc = ("training", "early_stopping", "monitor")
        report(loc, f"there is no metric '{stopping.monitor}'", did_you_mean(stopping.monitor, produced))
    watched = objective.metric
    if watched.startswith(FOLD):  # what scores a trial is not what it is chosen by
        watched = f"{VALIDATION}{plain_metric(watched)}"
        if stopping.monitor is None and watched not in produced:
            what = "has nothing to watch: the folds score, and there is no validation part"
            report(("training", "early_stopping"), what, "raise dataset.validation, or write monitor: loss")
    return EarlyStoppingPlan(
        monitor=stopping.monitor or watched,
        patience=stopping.patience,
        min_delta=stopping.min_delta,
        restore_best_weights=stopping.restore_best_weights,
    )
