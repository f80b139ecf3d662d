"""The plan of a study, as it is kept in `plan.json`."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tunecli.datasets.base import DatasetOptions
from tunecli.families import FAMILIES
from tunecli.families.base import Family, Hyperparameter
from tunecli.families.compiling import OPTIMIZER_HYPERPARAMETERS, shared_hyperparameters
from tunecli.families.surroundings import EPOCHS, SCHEDULE_HYPERPARAMETERS
from tunecli.families.transfer import TRANSFER_HYPERPARAMETERS
from tunecli.plan.layerwise import gather, written
from tunecli.plan.sources import CallbackPlan, CustomPlan, InitFromPlan, SourcePlan
from tunecli.spec.evaluation import EvaluationSpec, How
from tunecli.spec.experiment import CUSTOM_FAMILY, SCIPY_ENGINE, LimitsSpec, Task
from tunecli.spec.space import Kind, Parameter, SearchSpace, Value, Values
from tunecli.spec.tuners import GridTuner, HyperbandTuner, TunerSpec, hyperband_brackets, hyperband_epochs
from tunecli.store.files import damaged
from tunecli.store.run import Run
from tunecli.study.objective import FOLD, VALIDATION, Objective, plain_metric
from tunecli.study.trial import Suggestion

PLAN_VERSION = 1

STEP_HYPERPARAMETERS = frozenset(each.name for each in (*OPTIMIZER_HYPERPARAMETERS, *SCHEDULE_HYPERPARAMETERS)) | {
    "batch_size",
    EPOCHS.name,
}
"""What only a training that takes steps reads."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetPlan(_Frozen):
    """Which data, and how they are split.

    Attributes:
        name: A member of `datasets.DATASETS`.
        options: What the spec says about the data themselves.
        validation: Fraction of all rows that scores the trials.
        test: Fraction of all rows held back; 0 where the data set has a test part of its own.
        split_seed: Decides which rows go where.
        max_rows: Keep only so many rows of each part; None for all of them.
        split: What decides which rows go where, where the spec says it.
    """

    name: str
    options: DatasetOptions
    validation: float
    test: float
    split_seed: int
    max_rows: int | None = None
    split: Annotated[How | None, Field(exclude_if=lambda how: how is None)] = None

    @property
    def source(self) -> SourcePlan | None:
        """The file of the user's whose function returns the data; None for other data."""
        if self.options.sha256 is None or self.options.path is None:
            return None
        return SourcePlan(file=Path(self.options.path).name, sha256=self.options.sha256)

    def kept_in(self, sources: Path) -> DatasetPlan:
        """Returns the same data, from the copy of that file in a folder of copies."""
        if self.source is None:
            return self
        options = self.options.model_copy(update={"kept": str(self.source.within(sources))})
        return self.model_copy(update={"options": options})


class EarlyStoppingPlan(_Frozen):
    """When a training stops before its last epoch."""

    monitor: str
    patience: int
    min_delta: float
    restore_best_weights: bool


class TrainingPlan(_Frozen):
    """How each trial is trained.

    Attributes:
        epochs: Of one training, at most, also where epochs are searched; of the scipy engine, its iterations.
        shuffle: Whether rows are reordered in every epoch.
        engine: A name of the spec's, `auto` included.
        method: The optimiser of the scipy engine; None for any other.
        precision: The dtype policy of the layers; the scipy engine makes it double.
        early_stopping: When it stops before its last epoch.
    """

    epochs: int
    shuffle: bool
    engine: str
    method: str | None = None
    precision: str
    early_stopping: EarlyStoppingPlan | None


class StartPlan(_Frozen):
    """Where a linear model begins; what is left open is drawn, or 0, as it would be without.

    Attributes:
        weights: By column, in units of the target (of the log-odds, for two classes) per unit of the column.
        bias: What it predicts where every column is 0; None if that is left open.
    """

    weights: dict[str, float] = {}
    bias: float | None = None


class StopWhenPlan(_Frozen):
    """When a search has found enough.

    Attributes:
        target: A score that is good enough; None for none.
        no_gain: How many trials in a row may end without a new best; None for any number.
    """

    target: float | None = None
    no_gain: int | None = None


class Plan(_Frozen):
    """Everything a search needs to know.

    Attributes:
        version: The format of this file.
        name: The study's name.
        seed: The root of all seeds.
        dataset: Which data.
        task: What is predicted.
        targets: The columns where several numbers or labels are predicted, in order; else ().
        family: A member of `families.FAMILIES`.
        inputs: The columns that go into each input of a model of several, by its name; None for a model of one.
        objective: What decides.
        space: What is searched.
        fixed: The hyperparameters that the spec fixes.
        tuner: Who proposes; options that depend on others are filled in.
        training: How trials are trained.
        evaluation: How often a trial is trained, and on which rows, where that is more than once.
        stop_when: When it has found enough; a resume may change it.
        limits: What the search may use; a resume may change it, and the number of trials.
        baselines: Whether simple models are fitted to compare trials with; a resume may change it.
        derived: The tuner's options that the spec left open, and that may come out otherwise for more trials.
        custom: The user's own model; None for another family.
        callbacks: The user's own callbacks.
        init_from: A model whose first weights trials begin with, or None.
        start: The weights that linear models begin with, where the spec gives any; else None.
    """

    version: int = PLAN_VERSION
    name: str
    seed: int
    dataset: DatasetPlan
    task: Task
    targets: Annotated[tuple[str, ...], Field(exclude_if=lambda targets: not targets)] = ()
    family: str
    inputs: dict[str, tuple[str, ...]] | None = Field(None, exclude_if=lambda inputs: inputs is None)
    objective: Objective
    space: SearchSpace
    fixed: Values
    tuner: TunerSpec
    training: TrainingPlan
    evaluation: EvaluationSpec | None = None
    stop_when: StopWhenPlan = StopWhenPlan()
    limits: LimitsSpec
    baselines: bool = True
    derived: tuple[str, ...] = ()
    # left out where there are none, so that the plans of studies without them stay as they were
    custom: Annotated[CustomPlan | None, Field(exclude_if=lambda custom: custom is None)] = None
    callbacks: Annotated[tuple[CallbackPlan, ...], Field(exclude_if=lambda callbacks: not callbacks)] = ()
    init_from: Annotated[InitFromPlan | None, Field(exclude_if=lambda init_from: init_from is None)] = None
    start: Annotated[StartPlan | None, Field(exclude_if=lambda start: start is None)] = None

    @classmethod
    def of(cls, run: Run) -> Plan:
        """Reads the plan of a study.

        Raises:
            StudyError: Its file is damaged.
        """
        try:
            plan = cls.model_validate(run.plan_document())
        except ValidationError as error:
            raise damaged(str(run.layout.plan), f"not a plan of version {PLAN_VERSION}") from error
        return plan.model_copy(update={"dataset": plan.dataset.kept_in(run.layout.sources)})

    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """Returns everything that a trial's values may hold."""
        family = FAMILIES.load(self.family)
        found = trial_hyperparameters(family, self.task, self.training.engine, transfers=self.init_from is not None)
        return (*found, EPOCHS) if any(each.name == EPOCHS.name for each in self.space) else found

    @property
    def sources(self) -> tuple[SourcePlan, ...]:
        """The files of the user's that trials run from."""
        named = (self.dataset, self.custom, *self.callbacks, self.init_from)
        found = (each.source for each in named if each is not None)
        return tuple(dict.fromkeys(source for source in found if source is not None))

    def ours(self, values: Mapping[str, Value]) -> Mapping[str, Value]:
        """Returns those of a trial's values that our own code reads: a custom model's may use any name for its own."""
        return values if self.custom is None else {}

    def complete(self, searched: Mapping[str, Value]) -> Values:
        """Returns all values of a trial: the searched ones, and the fixed ones and defaults that are read beside them.

        The values of single layers become a list, and a list of widths also sets the number of layers.
        """
        hyperparameters = self.hyperparameters()
        searched = gather(hyperparameters, searched)
        given = {**self.fixed, **searched}
        for each in hyperparameters:
            if isinstance(widths := given.get(each.name), list):
                given[each.layer_count] = len(widths)
        values = dict(given if self.custom is not None else searched)
        for each in hyperparameters:
            if each.name not in values and each.applies_to({**given, **values}):
                values[each.name] = given.get(each.name, each.default)
        return values

    def as_spec(self, searched: Mapping[str, Value]) -> Values:
        """Returns searched values as they may stand in a spec, where lists of widths set the number of layers."""
        return written(self.hyperparameters(), searched)

    def trial_seed(self, root: int, training: int | None = None) -> int:
        """Returns the seed of the lineage that began with trial `root`; independent of all other trials.

        Args:
            root: The first trial of the lineage.
            training: Which of several trainings of the trial, or None.
        """
        return derive_seed(self.seed, "trial", str(root), *([] if training is None else ["training", str(training)]))

    @property
    def trainings(self) -> tuple[int | None, ...]:
        """The numbers of a trial's trainings; `(None,)` where it is simply trained once."""
        return (None,) if self.evaluation is None else tuple(range(self.evaluation.trainings))

    @property
    def oracle_seed(self) -> int:
        """The seed of the tuner; spread, since KerasTuner's neighbouring seeds give the same trials, shifted."""
        return derive_seed(self.seed, "oracle")

    def full_epochs(self, values: Mapping[str, Value]) -> int:
        """Returns the epochs of the longest training with these values: of Hyperband's last rung, say."""
        if isinstance(self.tuner, HyperbandTuner) and self.tuner.max_epochs:
            return self.tuner.max_epochs
        own = self.ours(values).get(EPOCHS.name)
        return min(own, self.training.epochs) if isinstance(own, int) else self.training.epochs

    @property
    def limit(self) -> int | None:
        """How much may be asked for: trials, or Hyperband's iterations; None for no limit."""
        return self.tuner.iterations if isinstance(self.tuner, HyperbandTuner) else self.tuner.max_trials

    @property
    def trial_count(self) -> int:
        """How many trials the search runs, if none is refused."""
        if isinstance(self.tuner, HyperbandTuner):
            brackets = hyperband_brackets(self.tuner.max_epochs or self.training.epochs, self.tuner.factor)
            return self.tuner.iterations * sum(rung.trials for bracket in brackets for rung in bracket)
        size = self.space.grid_size() if isinstance(self.tuner, GridTuner) else self.space.size()
        most = self.tuner.max_trials
        return min(each for each in (size, most) if each is not None)

    @property
    def epoch_count(self) -> int:
        """How many epochs all trials train together, at most."""
        if isinstance(self.tuner, HyperbandTuner):
            brackets = hyperband_brackets(self.tuner.max_epochs or self.training.epochs, self.tuner.factor)
            return self.tuner.iterations * sum(map(hyperband_epochs, brackets))
        return self.trial_count * self.training.epochs * len(self.trainings)

    @property
    def watched(self) -> Objective:
        """What shows after each epoch how well a training goes: the objective, but never on a fold that is to score."""
        metric = self.objective.metric
        if metric.startswith(FOLD):
            metric = f"{VALIDATION if self.dataset.validation else ''}{plain_metric(metric)}"
        return Objective(metric=metric, goal=self.objective.goal)

    def may_promote(self, suggestion: Suggestion) -> bool:
        """Says whether a later trial may go on from where this one ends."""
        return isinstance(self.tuner, HyperbandTuner) and suggestion.end_epoch < (self.tuner.max_epochs or 0)

    def with_limits_of(self, other: Plan) -> Plan:
        """Returns this plan with what a resume may change taken from `other`: stops, limits, trials, baselines."""
        tuner = self.tuner.model_copy(update={_budget(self.tuner): other.limit})
        changes = {"stop_when": other.stop_when, "limits": other.limits, "baselines": other.baselines, "tuner": tuner}
        return self.model_copy(update=changes)

    def differences(self, other: Plan) -> list[str]:
        """Returns what `other` changes that a study cannot change once it has begun, as `path: ours → theirs`."""
        derived = set(self.derived) & set(other.derived)
        found = _differences(_identity(self, derived), _identity(other, derived), "")
        if self.tuner.name == other.tuner.name and (other.limit or math.inf) < (self.limit or math.inf):
            found.append(
                f"tuner.{_budget(self.tuner)}: {self.limit or 'all'} → {other.limit}, but it can only be raised"
            )
        return found


def trial_hyperparameters(
    family: Family, task: Task, engine: str, *, transfers: bool = False
) -> tuple[Hyperparameter, ...]:
    """Returns everything that is read by a trial of a family, for a task, under an engine of the spec.

    Args:
        family: The family; of a custom one, all but what its own code declares.
        task: What is predicted.
        engine: A name of the spec's.
        transfers: Whether models begin with weights of another.
    """
    shared = shared_hyperparameters(task)
    if family is FAMILIES.load(CUSTOM_FAMILY):  # compiles its models itself
        shared = tuple(each for each in shared if each.name == "batch_size")
    found = (*family.hyperparameters, *shared, *(TRANSFER_HYPERPARAMETERS if transfers else ()))
    return tuple(each for each in found if engine != SCIPY_ENGINE or each.name not in STEP_HYPERPARAMETERS)


def derive_seed(root: int, *names: str) -> int:
    """Derives a seed by name, so that adding one never shifts another.

    Returns:
        A whole number from 1 to 2^31 - 1, from the first 32 bits of SHA-256 over the names; never 0, which KerasTuner
        would take for "none".
    """
    digest = hashlib.sha256("/".join((str(root), *names)).encode()).digest()
    return int.from_bytes(digest[:4], "big") % (2**31 - 1) + 1


def _budget(tuner: TunerSpec) -> str:
    """Returns the name of the option that says how much may be asked for."""
    return "iterations" if isinstance(tuner, HyperbandTuner) else "max_trials"


def _identity(plan: Plan, derived: Collection[str]) -> dict[str, Any]:
    """What must not change; data are told apart by their fingerprint, not by where they lie."""
    apart = {"version", "stop_when", "limits", "baselines", "name", "derived", "space", "fixed"}
    identity = plan.model_dump(mode="json", exclude=apart)
    for name in ("path", "validation_path", "test_path"):
        identity["dataset"]["options"].pop(name, None)
    for name in (_budget(plan.tuner), *derived):
        identity["tuner"].pop(name)
    identity["search_space"] = {name: json.dumps(value) for name, value in plan.fixed.items()}
    identity["search_space"] |= {parameter.name: _in_words(parameter) for parameter in plan.space}
    return identity


def _in_words(parameter: Parameter) -> str:
    """Returns everything about a parameter; two differ if their words do."""
    if parameter.kind is Kind.CHOICE:
        words = [json.dumps(parameter.values)]
    else:
        words = [parameter.kind, *(json.dumps(each) for each in parameter.bounds)]
        words[1:] = [" … ".join(words[1:])]
        words += [f"step {json.dumps(parameter.step)}"] * (parameter.step is not None) + ["log"] * parameter.log
    words += [f"default {json.dumps(parameter.default)}"] * (parameter.default is not None)
    words += [f"when {each.parameter} is in {json.dumps(each.values)}" for each in parameter.when]
    return " ".join(words)


def _differences(ours: Any, theirs: Any, path: str) -> list[str]:
    if isinstance(ours, dict) or isinstance(theirs, dict):
        ours, theirs = ours or {}, theirs or {}
        found = []
        for key in dict.fromkeys([*ours, *theirs]):
            found += _differences(ours.get(key), theirs.get(key), f"{path}.{key}" if path else key)
        return found
    is_same = type(ours) is type(theirs) and ours == theirs
    return [] if is_same else [f"{path}: {_shown(ours)} → {_shown(theirs)}"]


def _shown(value: Any) -> str:
    return "not given" if value is None else str(value)
