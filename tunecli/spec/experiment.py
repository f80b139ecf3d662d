"""The models of a spec file: what may be written, and the form that it must have.

Form is checked here: types, ranges, conditions, one name in one place. What names mean (that a family has this
hyperparameter, that a data set exists) is checked by `tunecli.plan`. Errors carry the place they belong to, so that
`spec.load` can point at the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tunecli.spec.evaluation import EvaluationSpec, How
from tunecli.spec.faults import Fault, fault, raise_faults
from tunecli.spec.outline import MODEL_FIELDS, Outline
from tunecli.spec.own_data import ArraysSpec, ImageColumnsSpec, ImageSize, check_plain
from tunecli.spec.parameter import Parameters
from tunecli.spec.quantities import AUTO_WORKERS, BatchSize, Duration, Features, InitialWeights, Size, Targets, Workers
from tunecli.spec.tuners import RandomTuner, TunerSpec, canonical_tuner


class Task(StrEnum):
    """What is predicted."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"

    @property
    def has_classes(self) -> bool:
        """Whether each row belongs to one of several classes, of which the target holds the code."""
        return self in (Task.BINARY, Task.MULTICLASS)


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DatasetSpec(_Block):
    """Which rows are trained on, validated on and held back."""

    name: str = Field(
        description="advertising, california_housing, fashion_mnist, csv, npz, image_folder or python; "
        "see `tunecli datasets`."
    )
    validation: float = Field(0.2, ge=0, lt=1, description="Fraction of all rows that scores the trials.")
    test: float | None = Field(None, ge=0, lt=1, description="Fraction of all rows held back; default 0.2.")
    split_seed: int = Field(0, ge=0, description="Decides which rows go where; independent of seed.")
    max_rows: int | None = Field(None, ge=1, description="Keep only so many rows of each part; default: all of them.")
    path: str | None = Field(None, description="The file or folder of your own data, relative to this one.")
    target: Targets | None = Field(
        None, description="csv: the column to predict, or a list of them: several numbers, labels, or one-hot classes."
    )
    task: Task | None = Field(None, strict=False, description="csv: what is predicted; default: from the target.")
    features: list[str] | None = Field(
        None, min_length=1, description="Columns to learn from, by name or by pattern (sensor_*); default: all others."
    )
    types: list[Literal["number", "text", "date"]] | None = Field(
        None,
        min_length=1,
        description="csv: of these columns, learn only from those that hold numbers, texts or dates.",
    )
    exclude: list[str] | None = Field(
        None, min_length=1, description="Columns not to learn from, by name or by pattern."
    )
    sample_weight: str | None = Field(None, description="csv: the column that says how much each row counts.")

    group: str | None = Field(None, description="csv: the column that says which rows no split may take apart.")
    time: str | None = Field(None, description="csv: the column that says when a row was taken, for split: time.")
    split: How | None = Field(
        None,
        description="What decides which rows go where: random, stratified (by class), group, time (the latest are held "
        "back) or last (of the file). Default: group or time where there is such a column, else by class or random.",
    )
    validation_path: str | None = Field(None, description="csv: a file of the rows that score the trials.")
    test_path: str | None = Field(None, description="csv: a file of the rows held back.")
    arrays: ArraysSpec | None = Field(None, description="npz: what its arrays are called, if not x and y.")
    image_columns: ImageColumnsSpec | None = Field(None, description="csv: the columns that are pixels of images.")
    image_size: ImageSize | None = Field(None, description="image_folder: [height, width] to bring images to.")
    channels: Literal[1, 3] | None = Field(None, description="image_folder: 1 for grey, 3 for colours; default: 3.")
    args: dict[str, Any] | None = Field(None, description="python: what the function is called with.")

    @model_validator(mode="before")
    @classmethod
    def _read_shorthand(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _check(self) -> DatasetSpec:
        if self.validation + (self.test or 0) >= 1:
            fault(("validation",), "validation and test leave no rows to train on", "their sum must be below 1")
        check_plain(("args",), self.args)
        raise_faults(self._part_faults())
        return self

    def _part_faults(self) -> Iterator[Fault]:
        if self.validation_path is not None and "validation" in self.model_fields_set:
            yield ("validation",), "there is a file of validation rows: validation_path", "drop one of the two"
        if self.test_path is not None and self.test is not None:
            yield ("test",), "there is a file of test rows: test_path", "drop one of the two"
        for how in ("group", "time"):
            if self.split == how and getattr(self, how) is None:
                yield ("split",), f"{how} needs a column", f"write {how}: COLUMN beside it"
            if self.split not in (how, None) and getattr(self, how) is not None:
                yield (
                    ("split",),
                    f"{self.split} does not read {how}, which is given",
                    f"write split: {how}, or drop {how}",
                )
        if self.split is None and self.group is not None and self.time is not None:
            yield ("time",), "a split by time takes groups apart", "drop group or time"


CUSTOM_FAMILY = "custom"
"""The family whose models a user's own file builds."""


class ModelSpec(_Block):
    """The model family, and any of its hyperparameters that are not in `search_space`."""

    family: str = Field(description="linear, mlp, wide_deep, cnn or custom.")
    wide: Features | None = Field(None, description="wide_deep: names or positions (from 0) of its wide features.")
    deep: Features | None = Field(None, description="wide_deep: the same for its deep path; default of both: all.")
    path: str | None = Field(None, description="custom: the Python file, relative to this one.")
    build: str | None = Field(
        None, description="custom: its function or HyperModel; default: build_model, or its only HyperModel."
    )
    init_from: str | None = Field(None, description="Begin with the first weights of a study's best model, or a file.")
    initial_weights: InitialWeights | None = Field(
        None, description="linear: weights to begin with, by column or one for each, in the data's units."
    )
    initial_bias: float | None = Field(
        None, allow_inf_nan=False, description="linear: the bias to begin with, in the target's units."
    )
    parameters: Parameters = Field(default_factory=dict, description="Hyperparameters, as in search_space.")

    @model_validator(mode="before")
    @classmethod
    def _gather_parameters(cls, data: Any) -> Any:
        """Lets hyperparameters stand beside `family`: `model: {family: mlp, activation: relu}`."""
        if isinstance(data, str):
            return {"family": data}
        if not isinstance(data, Mapping):
            return data
        gathered = {key: value for key, value in data.items() if key not in MODEL_FIELDS}
        return {**{key: data[key] for key in data if key in MODEL_FIELDS}, "parameters": gathered}


GOAL_SYNONYMS = {"min": "minimize", "minimise": "minimize", "max": "maximize", "maximise": "maximize"}
"""Other spellings of a goal; KerasTuner's are the short ones."""


class ObjectiveSpec(_Block):
    """The metric that decides, and which way is better."""

    metric: str = Field(description="Such as val_rmse or val_accuracy.")
    goal: Literal["minimize", "maximize"] | None = Field(None, description="Default: known for every metric.")
    target: float | None = Field(None, allow_inf_nan=False, description="Stop once a trial scores this or better.")

    @model_validator(mode="before")
    @classmethod
    def _read_shorthand(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"metric": data}
        if not isinstance(data, Mapping):
            return data
        if "goal" in data and "direction" in data:
            fault(("direction",), "means the same as goal, which is given too", "keep one of the two")
        data = {"goal" if key == "direction" else key: value for key, value in data.items()}
        if isinstance(data.get("goal"), str):
            data["goal"] = GOAL_SYNONYMS.get(data["goal"], data["goal"])
        return data


AUTO_ENGINE: Literal["auto"] = "auto"
"""Picks an engine for each trial."""

SCIPY_ENGINE: Literal["scipy"] = "scipy"
"""Trains on all rows at once, with an optimiser of scipy's."""

DEFAULT_METHOD = "L-BFGS-B"
"""The optimiser of that engine."""

DEFAULT_ITERATIONS = 500
"""Of the optimiser, at most."""

_READ_BY_STEPS = {"epochs": "write max_iterations instead", "batch_size": "drop it", "shuffle": "drop it"}
"""What a training without steps does not read, and what to do about it."""


class EarlyStoppingSpec(_Block):
    """Ends a training that no longer improves; `{}` takes the defaults."""

    monitor: str | None = Field(None, description="The metric to watch; default: the objective.")
    patience: int = Field(5, ge=0, description="Epochs without improvement before it stops.")
    min_delta: float = Field(0.0, ge=0, description="Smaller changes do not count as improvement.")
    restore_best_weights: bool = Field(True, description="Keep the weights of the best epoch, not of the last.")


class CallbackSpec(_Block):
    """A Keras callback of one's own."""

    path: str = Field(description="The Python file, relative to this one.")
    class_: str = Field(alias="class", description="The callback's class in that file.")
    args: dict[str, Any] = Field(default_factory=dict, description="What the class is called with.")


class TrainingSpec(_Block):
    """How each trial is trained."""

    epochs: int = Field(10, ge=1, description="Epochs of one training.")
    batch_size: BatchSize | None = Field(None, description="Rows of one step, or full for all of them.")
    shuffle: bool = Field(True, description="Another order of rows in every epoch.")
    engine: Literal["auto", "keras", "graph", "fused", "scipy"] = Field(
        AUTO_ENGINE, description="What runs the steps; auto picks for each trial and says why. scipy takes no steps."
    )
    method: Literal["L-BFGS-B", "TNC", "CG", "BFGS", "Newton-CG", "trust-ncg"] | None = Field(
        None, description="scipy: its optimiser; default L-BFGS-B."
    )
    max_iterations: int | None = Field(
        None, ge=1, description="scipy: iterations at most, each of which counts as an epoch; default 500."
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32", description="What layers compute in; variables stay float32. Mixed ones need hardware for it."
    )
    early_stopping: EarlyStoppingSpec | None = Field(None, description="When to stop before the last epoch.")
    callbacks: list[CallbackSpec] = Field(default_factory=list, description="Keras callbacks of your own.")

    @model_validator(mode="after")
    def _check_engine(self) -> TrainingSpec:
        raise_faults(self._scipy_faults() if self.engine == SCIPY_ENGINE else self._step_faults())
        return self

    def _scipy_faults(self) -> Iterator[Fault]:
        for name, hint in _READ_BY_STEPS.items():
            if name in self.model_fields_set:
                yield (name,), "is not read by engine: scipy, which takes all rows at once", hint
        if self.precision != "float32":
            yield ("precision",), "engine: scipy computes in double precision", "drop it"

    def _step_faults(self) -> Iterator[Fault]:
        for name in ("method", "max_iterations"):
            if name in self.model_fields_set:
                yield (name,), "is read by engine: scipy alone", "write engine: scipy beside it, or drop it"


class StopWhenSpec(_Block):
    """When a search has found enough; may be changed when it is resumed."""

    no_gain: int | None = Field(None, ge=1, description="After so many trials in a row without a new best.")


class LimitsSpec(_Block):
    """What a search may use; may be changed when it is resumed."""

    workers: Workers = Field(
        AUTO_WORKERS, description="Trials that run at the same time, or auto: as many as make the search faster."
    )
    executor: Literal["local", "dask"] = Field("local", description="Where trials run: here, or on a Dask cluster.")
    address: str | None = Field(None, description="The cluster: tls://host:8786, a scheduler file, or local.")
    threads: int | None = Field(None, ge=1, description="Threads of one trial; default: an equal share of processors.")
    max_time: Duration | None = Field(None, description="Stop the search after this time, over all resumes.")
    trial_time: Duration | None = Field(None, description="Fail a trial that takes longer.")
    trial_memory: Size | None = Field(None, description="Fail a trial whose process takes more memory, such as 2GiB.")
    retries: int = Field(1, ge=0, description="How often a trial is run again whose worker died.")
    keep: int = Field(3, ge=0, description="Keep what so many of the best trials ended with: weights, optimizer state.")
    max_failures: int = Field(10, ge=1, description="Stop after so many failed trials in a row.")

    @model_validator(mode="after")
    def _check_address(self) -> LimitsSpec:
        if self.executor == "dask" and self.address is None:
            fault(("executor",), "needs the cluster's address", "write address: tls://host:8786, or local")
        if self.executor != "dask" and self.address is not None:
            fault(("address",), "is read by executor: dask alone", "write executor: dask beside it, or drop it")
        return self


NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]*"
"""What a study may be called: it is the name of its folder."""


class ExperimentSpec(_Block):
    """One experiment: a data set, a model family, a search space and how to search it."""

    name: str | None = Field(
        None, pattern=f"^{NAME_PATTERN}$", description="The study's folder; default: the file's stem."
    )
    seed: int = Field(0, ge=0, description="Decides every random draw; 0 is a seed like any other.")
    dataset: DatasetSpec = Field(description="The data: a name, or a block with a name and how to split.")
    model: ModelSpec = Field(description="The model family: its name, or a block with fixed hyperparameters.")
    objective: ObjectiveSpec | None = Field(
        None, description="Default: val_rmse, val_accuracy for classes, or val_auc for labels."
    )
    search_space: Parameters = Field(default_factory=dict, description="Hyperparameters: ranges, choices, values.")
    tuner: TunerSpec = Field(
        default_factory=lambda: RandomTuner(name="random"),
        description="Who proposes: random, hyperband, bayesian or grid; a name, or a block with options.",
    )
    training: TrainingSpec = Field(
        default_factory=TrainingSpec, description="Epochs, batches, and when a training stops."
    )
    evaluation: EvaluationSpec | None = Field(
        None, description="Score each trial by cross-validation, or by several seeds; default: one training each."
    )
    stop_when: StopWhenSpec = Field(default_factory=StopWhenSpec, description="When a search has found enough.")
    limits: LimitsSpec = Field(default_factory=LimitsSpec, description="What the search may use.")
    baselines: bool = Field(
        True, description="Fit simple models after the search, to compare with; may be changed when it is resumed."
    )

    @model_validator(mode="before")
    @classmethod
    def _read_tuner(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "tuner" not in data:
            return data
        tuner = {"name": data["tuner"]} if isinstance(data["tuner"], str) else data["tuner"]
        if isinstance(tuner, Mapping) and isinstance(tuner.get("name"), str):
            tuner = {**tuner, "name": canonical_tuner(tuner["name"])}
        return {**data, "tuner": tuner}

    @model_validator(mode="after")
    def _check(self) -> ExperimentSpec:
        raise_faults(Outline.of(self).faults())
        return self

    @property
    def parameters(self) -> Parameters:
        """All declared hyperparameters, those of `model:` first."""
        return {**self.model.parameters, **self.search_space}
