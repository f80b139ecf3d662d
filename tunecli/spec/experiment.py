"""The models of a spec file: what may be written, and the form that it must have.

Form is checked here: types, ranges, conditions, one name in one place. What names mean (that a family has this
hyperparameter, that a data set exists) is checked by `tunecli.plan`. Errors carry the place they belong to, so that
`spec.load` can point at the line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from tunecli.registry import did_you_mean
from tunecli.spec.space import Value, show_value
from tunecli.spec.tuners import TUNER_SYNONYMS, RandomTuner, TunerSpec


class Task(StrEnum):
    """What is predicted."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"


PARAMETER_SYNONYMS = {
    "min": ("low", "lower", "min_value"),
    "max": ("high", "upper", "max_value"),
    "log": ("sampling", "distribution"),
    "values": ("choices",),
}
"""Other tuners' spellings of a range, by ours."""


def fault(loc: tuple[str | int, ...], what: str, hint: str = "") -> NoReturn:
    """Raises a validation error at `loc`, below the model that is being validated."""
    faults([(loc, what, hint)])


def faults(found: list[tuple[tuple[str | int, ...], str, str]]) -> NoReturn:
    """Raises one validation error for every `(loc, what, hint)`."""
    details = [
        InitErrorDetails(type=PydanticCustomError("spec", "{what}", {"what": what, "hint": hint}), loc=loc, input=None)
        for loc, what, hint in found
    ]
    raise ValidationError.from_exception_data("spec", details)


def parse_duration(value: Any) -> Any:
    """Turns `90s`, `10m`, `1h30m` or a number of seconds into seconds."""
    if isinstance(value, str):
        match = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", value.strip())
        if not value.strip() or match is None:
            fault((), f"'{value}' is not a duration", "write it as 90s, 10m or 1h30m")
        days, hours, minutes, seconds = (float(each or 0) for each in match.groups())
        return 86400 * days + 3600 * hours + 60 * minutes + seconds
    return value


Duration = Annotated[
    float, BeforeValidator(parse_duration, json_schema_input_type=str | float), Field(gt=0, allow_inf_nan=False)
]
"""Seconds; written as `90s`, `10m` or `1h30m`."""


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ParameterSpec(_Block):
    """One hyperparameter: a range, a choice or a fixed value."""

    type: Literal["float", "int", "bool", "choice", "fixed"] | None = Field(
        None, description="Its kind; the model family knows it where it declares the parameter."
    )
    min: int | float | None = Field(None, allow_inf_nan=False, description="Lowest value, inclusive.")
    max: int | float | None = Field(None, allow_inf_nan=False, description="Highest value, inclusive.")
    log: bool = Field(False, description="Search by magnitude: 0.001 … 0.01 is as wide as 0.01 … 0.1.")
    step: int | float | None = Field(None, gt=0, allow_inf_nan=False, description="Distance of neighbours from min.")
    values: list[Value] | None = Field(None, min_length=1, description="The values to choose from.")
    value: Value = Field(None, description="The one value, not searched.")
    layers: list[int] | list[list[int]] | None = Field(
        None, description="Widths layer by layer: a list is fixed, a list of lists is a choice."
    )
    default: Value = Field(None, description="The value that stands for 'no opinion'.")
    when: dict[str, Value | list[Value]] = Field(
        default_factory=dict, description="Searched only where these other parameters have these values."
    )

    @model_validator(mode="before")
    @classmethod
    def _read_shorthand(cls, data: Any) -> Any:
        if isinstance(data, list):
            return {"values": data}
        if not isinstance(data, Mapping):
            return {"value": data, "type": "fixed"}
        return _translate(dict(data))

    @model_validator(mode="after")
    def _check(self) -> ParameterSpec:
        if self.is_range:
            self._check_range()
        given = [name for name in ("values", "layers") if getattr(self, name) is not None]
        given += ["value"] if self.is_fixed_value else []
        given += ["min"] if self.is_range else []
        if len(given) > 1:
            fault((given[1],), f"stands beside {given[0]}", "give a range, values or one value, not two of them")
        if not given and self.type != "bool":
            fault((), "has neither a range nor values", "write {min: …, max: …}, a list of values, or one value")
        for index, value in enumerate(self.values or []):
            if any(type(value) is type(other) and value == other for other in (self.values or [])[:index]):
                fault(("values", index), f"{show_value(value)} is listed twice")
        for name, allowed in self.when.items():
            if allowed == []:
                fault(("when", name), "lists no value")
        return self

    @property
    def is_range(self) -> bool:
        """Whether bounds were given."""
        return self.min is not None or self.max is not None

    @property
    def is_fixed_value(self) -> bool:
        """Whether one value was given, `null` included."""
        return "value" in self.model_fields_set

    def _check_range(self) -> None:
        if self.min is None or self.max is None:
            missing, present = ("min", "max") if self.min is None else ("max", "min")
            fault((present,), f"{missing} is missing", "a range has both bounds, inclusive")
        if self.min > self.max:
            fault(
                ("min",),
                f"{self.min:g} is not below max ({self.max:g})",
                "swap the two, or write a single value to fix it; see `tunecli schema`",
            )
        if self.log and self.min <= 0:
            fault(("min",), f"{self.min:g} cannot be searched by magnitude", "raise min above 0, or drop log")
        if self.step is not None and self.log:
            fault(("step",), "does not go with log", "drop one of them, or list the values")
        if self.step is not None and self.step > self.max - self.min:
            fault(("step",), f"{self.step:g} is larger than the range ({self.max - self.min:g})", "lower the step")
        if self.type == "int":
            for name in ("min", "max", "step"):
                if isinstance(getattr(self, name), float):
                    fault((name,), f"{getattr(self, name):g} is not a whole number", "write it without a point")


Parameters = dict[str, ParameterSpec]


class DatasetSpec(_Block):
    """Which rows are trained on, validated on and held back."""

    name: str = Field(description="advertising, california_housing, fashion_mnist or csv; see `tunecli datasets`.")
    validation: float = Field(0.2, ge=0, lt=1, description="Fraction of all rows that scores the trials.")
    test: float | None = Field(None, ge=0, lt=1, description="Fraction of all rows held back; default 0.2.")
    split_seed: int = Field(0, ge=0, description="Decides which rows go where; independent of seed.")
    path: str | None = Field(None, description="csv: the file, relative to this one.")
    target: str | None = Field(None, description="csv: the column to predict.")
    task: Task | None = Field(None, strict=False, description="csv: what is predicted; default: from the target.")
    features: list[str] | None = Field(None, min_length=1, description="Columns to learn from; default: all others.")

    @model_validator(mode="before")
    @classmethod
    def _read_shorthand(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _check(self) -> DatasetSpec:
        if self.validation + (self.test or 0) >= 1:
            fault(("validation",), "validation and test leave no rows to train on", "their sum must be below 1")
        return self


class ModelSpec(_Block):
    """The model family, and any of its hyperparameters that are not in `search_space`."""

    family: str = Field(description="linear, mlp or cnn.")
    parameters: Parameters = Field(default_factory=dict, description="Hyperparameters, as in search_space.")

    @model_validator(mode="before")
    @classmethod
    def _gather_parameters(cls, data: Any) -> Any:
        """Lets hyperparameters stand beside `family`: `model: {family: mlp, activation: relu}`."""
        if isinstance(data, str):
            return {"family": data}
        if not isinstance(data, Mapping):
            return data
        own = {"family"}
        gathered = {key: value for key, value in data.items() if key not in own}
        return {key: value for key, value in data.items() if key in own} | {"parameters": gathered}


class ObjectiveSpec(_Block):
    """The metric that decides, and which way is better."""

    metric: str = Field(description="Such as val_rmse or val_accuracy.")
    goal: Literal["minimize", "maximize"] | None = Field(None, description="Default: known for every metric.")

    @model_validator(mode="before")
    @classmethod
    def _read_shorthand(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"metric": data}
        if not isinstance(data, Mapping):
            return data
        spellings = {"min": "minimize", "minimise": "minimize", "max": "maximize", "maximise": "maximize"}
        data = {"goal" if key == "direction" else key: value for key, value in data.items()}
        if isinstance(data.get("goal"), str):
            data["goal"] = spellings.get(data["goal"], data["goal"])
        return data


class EarlyStoppingSpec(_Block):
    """Ends a training that no longer improves."""

    monitor: str | None = Field(None, description="The metric to watch; default: the objective.")
    patience: int = Field(5, ge=0, description="Epochs without improvement before it stops.")
    min_delta: float = Field(0.0, ge=0, description="Smaller changes do not count as improvement.")
    restore_best_weights: bool = Field(True, description="Keep the weights of the best epoch, not of the last.")


class TrainingSpec(_Block):
    """How each trial is trained."""

    epochs: int = Field(10, ge=1, description="Epochs of one training.")
    batch_size: int | Literal["full"] | None = Field(None, description="Rows of one step, or all of them.")
    shuffle: bool = Field(True, description="Another order of rows in every epoch.")
    early_stopping: EarlyStoppingSpec | None = Field(None, description="When to stop before the last epoch.")

    @model_validator(mode="after")
    def _check(self) -> TrainingSpec:
        if isinstance(self.batch_size, int) and self.batch_size < 1:
            fault(("batch_size",), f"{self.batch_size} is below 1", "write a number of rows, or full")
        return self


class LimitsSpec(_Block):
    """What a search may use; may be changed when it is resumed."""

    workers: int = Field(1, ge=1, description="Trials that run at the same time.")
    threads: int | None = Field(None, ge=1, description="Threads of one trial; default: all processors.")
    max_time: Duration | None = Field(None, description="Stop the search after this time, over all resumes.")
    trial_time: Duration | None = Field(None, description="Fail a trial that takes longer; checked after each epoch.")
    retries: int = Field(1, ge=0, description="How often a trial is run again whose worker died.")
    max_failures: int = Field(10, ge=1, description="Stop after so many failed trials in a row.")


class ExperimentSpec(_Block):
    """One experiment: a data set, a model family, a search space and how to search it."""

    name: str | None = Field(
        None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="The study's folder; default: the file's stem."
    )
    seed: int = Field(0, ge=0, description="Decides every random draw; 0 is a seed like any other.")
    dataset: DatasetSpec
    model: ModelSpec
    objective: ObjectiveSpec | None = Field(None, description="Default: val_rmse, or val_accuracy for classes.")
    search_space: Parameters = Field(default_factory=dict, description="Hyperparameters: ranges, choices, values.")
    tuner: TunerSpec = Field(default_factory=lambda: RandomTuner(name="random"))
    training: TrainingSpec = Field(default_factory=TrainingSpec)
    limits: LimitsSpec = Field(default_factory=LimitsSpec)

    @model_validator(mode="before")
    @classmethod
    def _read_tuner(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "tuner" not in data:
            return data
        tuner = {"name": data["tuner"]} if isinstance(data["tuner"], str) else data["tuner"]
        if isinstance(tuner, Mapping) and isinstance(tuner.get("name"), str):
            spellings = {key.lower(): name for key, name in TUNER_SYNONYMS.items()}
            name = tuner["name"].lower().replace("_", "").replace("-", "")
            tuner = {**tuner, "name": spellings.get(name, name)}
        return {**data, "tuner": tuner}

    @model_validator(mode="after")
    def _check(self) -> ExperimentSpec:
        found = [*self._names_in_two_blocks(), *self._conditions()]
        if found:
            faults(found)
        return self

    @property
    def parameters(self) -> Parameters:
        """All declared hyperparameters, those of `model:` first."""
        return {**self.model.parameters, **self.search_space}

    def _names_in_two_blocks(self) -> list[tuple[tuple[str | int, ...], str, str]]:
        twice = [name for name in self.search_space if name in self.model.parameters]
        found = [((("search_space", name)), "stands in model: too", "keep one of the two") for name in twice]
        if self.training.batch_size is not None and "batch_size" in self.parameters:
            found.append((("training", "batch_size"), "stands in search_space: too", "keep one of the two"))
        return found

    def _conditions(self) -> list[tuple[tuple[str | int, ...], str, str]]:
        declared = self.parameters
        order = {name: index for index, name in enumerate(declared)}
        found = []
        for name, parameter in declared.items():
            block = "search_space" if name in self.search_space else "model"
            for parent in parameter.when:
                loc = (block, name, "when", parent)
                if parent not in declared:
                    found.append((loc, f"no parameter is called '{parent}'", did_you_mean(parent, declared)))
                elif cycle := _cycle(name, parent, declared):
                    found.append((loc, f"the conditions go in a circle: {' → '.join(cycle)}", "drop one of them"))
                elif order[parent] > order[name]:
                    found.append((loc, f"'{parent}' is declared later", f"move {parent} above {name}"))
        return found


def _cycle(name: str, parent: str, declared: Parameters) -> list[str] | None:
    """Returns the way from `name` over `parent` back to `name`, or None."""
    stack = [[name, parent]]
    seen = set()
    while stack:
        path = stack.pop()
        if path[-1] == name:
            return path
        if path[-1] in seen or path[-1] not in declared:
            continue
        seen.add(path[-1])
        stack += [[*path, each] for each in declared[path[-1]].when]
    return None


def _translate(data: dict[str, Any]) -> dict[str, Any]:
    """Rewrites other tuners' spellings of a parameter into ours."""
    distribution = data.pop("distribution", None)
    sampling = data.pop("sampling", None)
    for ours, others in PARAMETER_SYNONYMS.items():
        for other in others:
            if other in data:
                if ours in data:
                    fault((other,), f"means the same as {ours}, which is given too", "keep one of the two")
                data[ours] = data.pop(other)
    if distribution is not None:
        data |= _read_distribution(distribution, data)
    if sampling is not None:
        if sampling not in ("linear", "log"):
            fault(("sampling",), f"'{sampling}' is not known", "write linear or log")
        data["log"] = sampling == "log"
    return data


def _read_distribution(distribution: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = {
        "uniform": {},
        "log_uniform_values": {"log": True},
        "int_uniform": {"type": "int"},
        "categorical": {},
    }
    if distribution == "log_uniform":
        fault(("distribution",), "log_uniform gives exponents; bounds are values here", _rewritten(data))
    if not isinstance(distribution, str) or distribution not in known:
        fault(("distribution",), f"'{distribution}' is not known", did_you_mean(str(distribution), known))
    return known[distribution]


def _rewritten(data: Mapping[str, Any]) -> str:
    bounds = [data.get("min"), data.get("max")]
    if not all(isinstance(each, int | float) and abs(each) < 300 for each in bounds):
        return "write {min: …, max: …, log: true} with the values themselves"
    low, high = (math.exp(each) for each in bounds)
    return f"write {{min: {low:.6g}, max: {high:.6g}, log: true}}"
