"""The plan of a study, as it is kept in `plan.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from tunecli.datasets.base import DatasetOptions
from tunecli.families import FAMILIES
from tunecli.families.base import Hyperparameter
from tunecli.families.compiling import shared_hyperparameters
from tunecli.spec.experiment import LimitsSpec, Task
from tunecli.spec.space import SearchSpace, Value, Values
from tunecli.spec.tuners import GridTuner, HyperbandTuner, TunerSpec, hyperband_brackets, hyperband_epochs
from tunecli.study.objective import Objective

PLAN_VERSION = 1


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
    """

    name: str
    options: DatasetOptions
    validation: float
    test: float
    split_seed: int


class EarlyStoppingPlan(_Frozen):
    """When a training stops before its last epoch."""

    monitor: str
    patience: int
    min_delta: float
    restore_best_weights: bool


class TrainingPlan(_Frozen):
    """How each trial is trained."""

    epochs: int
    shuffle: bool
    early_stopping: EarlyStoppingPlan | None


class Plan(_Frozen):
    """Everything a search needs to know.

    Attributes:
        version: The format of this file.
        name: The study's name.
        seed: The root of all seeds.
        dataset: Which data.
        task: What is predicted.
        family: A member of `families.FAMILIES`.
        objective: What decides.
        space: What is searched.
        fixed: The hyperparameters that the spec fixes.
        tuner: Who proposes; options that depend on others are filled in.
        training: How trials are trained.
        limits: What the search may use; the one part that a resume may change, with the number of trials.
    """

    version: int = PLAN_VERSION
    name: str
    seed: int
    dataset: DatasetPlan
    task: Task
    family: str
    objective: Objective
    space: SearchSpace
    fixed: Values
    tuner: TunerSpec
    training: TrainingPlan
    limits: LimitsSpec

    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """Returns everything that a trial's values may hold."""
        return (*FAMILIES.load(self.family).hyperparameters, *shared_hyperparameters(self.task))

    def complete(self, searched: Mapping[str, Value]) -> Values:
        """Returns all values of a trial: the searched ones, the fixed ones, and the defaults that apply beside them."""
        values = {**self.fixed, **searched}
        for each in self.hyperparameters():
            if each.name not in values and each.applies_to(values):
                values[each.name] = each.default
        return values

    def trial_seed(self, root: int) -> int:
        """Returns the seed of the lineage that began with trial `root`; independent of all other trials."""
        return derive_seed(self.seed, "trial", str(root))

    @property
    def oracle_seed(self) -> int:
        """The seed of the tuner; spread, since KerasTuner's neighbouring seeds give the same trials, shifted."""
        return derive_seed(self.seed, "oracle")

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
        return self.trial_count * self.training.epochs

    def differences(self, other: Plan) -> list[str]:
        """Returns what `other` changes that a study cannot change once it has begun, as `path: ours → theirs`."""
        return list(_differences(_identity(self), _identity(other), ""))


def derive_seed(root: int, *names: str) -> int:
    """Derives a seed by name, so that adding one never shifts another.

    Returns:
        A whole number from 1 to 2^31 - 1: the first 31 bits of SHA-256 over the names, never 0, which KerasTuner
        would take for "none".
    """
    digest = hashlib.sha256("/".join((str(root), *names)).encode()).digest()
    return int.from_bytes(digest[:4], "big") % (2**31 - 1) + 1


def _identity(plan: Plan) -> dict[str, Any]:
    """What must not change; data are told apart by their fingerprint, not by where they lie."""
    identity = plan.model_dump(mode="json", exclude={"limits": True, "name": True})
    identity["dataset"]["options"].pop("path")
    for name in ("max_trials", "iterations"):
        identity["tuner"].pop(name, None)
    identity["space"] = {each["name"]: each for each in identity["space"]["parameters"]}
    return identity


def _differences(ours: Any, theirs: Any, path: str) -> list[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for key in dict.fromkeys([*ours, *theirs]):
            found += _differences(ours.get(key), theirs.get(key), f"{path}.{key}" if path else key)
        return found
    return [] if type(ours) is type(theirs) and ours == theirs else [f"{path}: {ours} → {theirs}"]
