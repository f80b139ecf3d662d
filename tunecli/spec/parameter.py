"""One declared hyperparameter: a range, a choice or one value, in our spelling or another tuner's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tunecli.registry import did_you_mean
from tunecli.spec.faults import Fault, fault, raise_faults, received, unquoted
from tunecli.spec.space import Value, spell_value

PARAMETER_SYNONYMS = {
    "min": ("low", "lower", "min_value"),
    "max": ("high", "upper", "max_value"),
    "log": ("sampling", "distribution"),
    "values": ("choices",),
}
"""Other tuners' spellings of a range, by ours."""

WORDS: dict[str, dict[str, dict[str, Any]]] = {
    "sampling": {"linear": {"log": False}, "log": {"log": True}},
    "distribution": {
        "uniform": {},
        "log_uniform_values": {"log": True},
        "int_uniform": {"type": "int"},
        "categorical": {},
        "constant": {},
    },
}
"""What the words of KerasTuner's `sampling` and of W&B's `distribution` mean here."""

_TYPES_OF_FORM = {
    "range": ("float", "int"),
    "values": ("choice", "float", "int", "bool"),
    "value": ("fixed", "float", "int", "bool"),
    "layers": ("choice", "fixed", "int"),
}


def _read_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        fault((), f"{received(value)} is not a number", unquoted(value))
    if not math.isfinite(value):
        fault((), f"{value} is not finite", "bounds are inclusive: write the highest or lowest value to try")
    return value


def _read_value(value: Any) -> Any:
    if not _is_value(value):
        fault((), f"{received(value)} is not a value", "write a number, a text, true, false or null")
    return value


def _read_values(value: Any) -> Any:
    if not isinstance(value, list):
        fault((), f"{received(value)} is not a list", "write [first, second, …]")
    if not value:
        fault((), "lists no value", "list the values to choose from")
    return value


def _read_allowed(value: Any) -> Any:
    if value == []:
        fault((), "lists no value", "list the values under which this parameter is searched")
    for index, each in enumerate(value if isinstance(value, list) else []):
        if not _is_value(each):
            fault((index,), f"{received(each)} is not a value", "write a number, a text, true, false or null")
    return value if isinstance(value, list) else _read_value(value)


def _read_layers(value: Any) -> Any:
    if not isinstance(value, list):
        fault((), f"{received(value)} is not a list", "write one width a layer: [300, 100]")
    if not value:
        fault((), "lists no layer", "write one width a layer: [300, 100]")
    is_nested = isinstance(value[0], list)
    for index, each in enumerate(value):
        if isinstance(each, list) != is_nested or not (_is_widths(each) if is_nested else _is_whole(each)):
            wanted = "a list of whole numbers" if is_nested else "a whole number"
            fault((index,), f"{received(each)} is not {wanted}", "write one width a layer, or a list of such lists")
    return value


def _is_value(value: Any) -> bool:
    is_scalar = value is None or isinstance(value, bool | int | float | str)
    return (is_scalar and not (isinstance(value, float) and not math.isfinite(value))) or _is_widths(value)


def _is_widths(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_whole, value))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


Number = Annotated[int | float, BeforeValidator(_read_number, json_schema_input_type=int | float)]
Written = Annotated[Value, BeforeValidator(_read_value, json_schema_input_type=Value)]
Allowed = Annotated[Value | list[Value], BeforeValidator(_read_allowed, json_schema_input_type=Value | list[Value])]
Layers = Annotated[
    list[int] | list[list[int]], BeforeValidator(_read_layers, json_schema_input_type=list[int] | list[list[int]])
]


class ParameterSpec(BaseModel):
    """One hyperparameter: a range, a choice or one value."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type: Literal["float", "int", "bool", "choice", "fixed"] | None = Field(
        None, description="Its kind; the model family knows it where it declares the parameter."
    )
    min: Number | None = Field(None, description="Lowest value, inclusive.")
    max: Number | None = Field(None, description="Highest value, inclusive.")
    log: bool = Field(False, description="Search by magnitude: 0.001 … 0.01 is as wide as 0.01 … 0.1.")
    step: Number | None = Field(None, description="Distance of neighbours from min; all values between if not given.")
    values: Annotated[list[Written], BeforeValidator(_read_values, json_schema_input_type=list[Written])] | None = (
        Field(None, description="The values to choose from.")
    )
    value: Written = Field(None, description="The one value, not searched.")
    layers: Layers | None = Field(None, description="Widths layer by layer: a list is fixed, a list of lists a choice.")
    per: str | None = Field(None, description="One value for each layer, which this hyperparameter counts.")
    default: Written = Field(None, description="The value that stands for 'no opinion'.")
    when: dict[str, Allowed] = Field(
        default_factory=dict, description="Searched only where these other parameters have these values."
    )

    @model_validator(mode="before")
    @classmethod
    def _read_shorthand(cls, data: Any) -> Any:
        if isinstance(data, list):
            is_layers = bool(data) and all(isinstance(each, list) for each in data)
            return {"layers": data} if is_layers else {"values": data}
        if not isinstance(data, Mapping):
            return {"value": data}
        return _translate(dict(data))

    @model_validator(mode="after")
    def _check(self) -> ParameterSpec:
        raise_faults([*self._form_faults()] or [*self._range_faults(), *self._duplicates()])
        return self

    @property
    def is_range(self) -> bool:
        """Whether bounds were given."""
        return self.min is not None or self.max is not None

    @property
    def is_fixed_value(self) -> bool:
        """Whether one value was given, `null` included."""
        return "value" in self.model_fields_set

    def _forms(self) -> dict[str, str]:
        """Returns the forms that were written, each with the key that shows it."""
        found = {"range": "min" if self.min is not None else "max"} if self.is_range else {}
        found |= {name: name for name in ("values", "layers") if getattr(self, name) is not None}
        return found | ({"value": "value"} if self.is_fixed_value else {})

    def _form_faults(self) -> Iterator[Fault]:
        forms = self._forms()
        keys = list(forms.values())
        if len(forms) > 1:
            yield (keys[1],), f"stands beside {keys[0]}", "give a range, values or one value, not two of them"
        elif not forms and self.type != "bool":
            yield (), "has neither a range nor values", "write {min: …, max: …}, a list of values, or one value"
        elif forms and self.type and self.type not in (allowed := _TYPES_OF_FORM[next(iter(forms))]):
            yield ("type",), f"{self.type} does not go with {keys[0]}", f"drop type, or write {' or '.join(allowed)}"
        if "range" not in forms:
            for name in ("step", "log"):
                if getattr(self, name):
                    yield (name,), "needs min and max", f"drop {name}, or write a range"
        if self.per is not None and not {"range", "values"} & forms.keys():
            yield ("per",), "needs a range or values", "write {min: …, max: …, per: …}, or drop per"
        if "default" in self.model_fields_set and self.is_fixed_value:
            yield ("default",), "stands beside value", "a fixed parameter needs no default: drop it"

    def _range_faults(self) -> Iterator[Fault]:
        if not self.is_range:
            return
        if self.min is None or self.max is None:
            missing, present = ("min", "max") if self.min is None else ("max", "min")
            yield (present,), f"{missing} is missing", "a range has both bounds, inclusive"
            return
        low, high = spell_value(self.min), spell_value(self.max)
        if self.min > self.max:
            hint = "swap the two, or write a single value to fix it; see `tunecli schema`"
            yield ("min",), f"{low} is not below max ({high})", hint
        if self.log and self.min <= 0:
            yield ("min",), f"{low} cannot be searched by magnitude", "raise min above 0, or drop log"
        yield from self._step_faults(self.max - self.min)
        for name in ("min", "max", "step") if self.type == "int" else ():
            if isinstance(number := getattr(self, name), float):
                yield (name,), f"{spell_value(number)} is not a whole number", whole_hint(number)

    def _step_faults(self, width: float) -> Iterator[Fault]:
        if self.step is None:
            return
        if self.log:
            yield ("step",), "does not go with log", "drop one of them, or list the values"
        if self.step <= 0:
            yield ("step",), f"{spell_value(self.step)} is not above 0", "write the distance of neighbouring values"
        elif width >= 0 and self.step > width and not math.isclose(self.step, width):  # 1.14 - 1 is below 0.14
            yield ("step",), f"{spell_value(self.step)} is larger than the range ({width:g})", "lower the step"

    def _duplicates(self) -> Iterator[Fault]:
        for name in ("values", "layers"):
            listed = getattr(self, name) or []
            for index, value in enumerate(listed):
                is_choice = name == "values" or isinstance(value, list)
                if is_choice and any(_is_alike(value, other) for other in listed[:index]):
                    yield (name, index), f"{received(value)} is listed twice", "drop one of them"


Parameters = dict[str, ParameterSpec]


def whole_hint(number: float) -> str:
    """Returns how to write a float where a whole number is wanted."""
    return f"write {int(number)}" if math.isfinite(number) and number == int(number) else ""


def _is_alike(left: Value, right: Value) -> bool:
    """Says whether two values are one: 1 and 1.0 are, 1 and true are not."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _translate(data: dict[str, Any]) -> dict[str, Any]:
    """Rewrites other tuners' spellings of a parameter into ours."""
    found: list[Fault] = []
    written = {key: data.pop(key) for key in PARAMETER_SYNONYMS["log"] if key in data}
    for ours in ("min", "max", "values"):
        for other in PARAMETER_SYNONYMS[ours]:
            if other in data and ours in data:
                found.append(((other,), f"means the same as {ours}, which is given too", "keep one of the two"))
            if other in data:
                data[ours] = data.pop(other)
    for key, word in written.items():
        meaning = _meaning(key, word, data)
        if not isinstance(meaning, dict):
            found.append(meaning)
            continue
        if twice := [each for each in meaning if each in data]:
            found.append(((key,), f"says the same as {twice[0]}, which is given too", "keep one of the two"))
        data |= meaning
    raise_faults(found)
    return data


def _meaning(key: str, word: Any, data: Mapping[str, Any]) -> dict[str, Any] | Fault:
    if word == "log_uniform" and key == "distribution":
        return (key,), "log_uniform gives exponents; bounds are values here", _rewritten(data)
    if not isinstance(word, str) or word not in WORDS[key]:
        return (key,), f"{received(word)} is not known", did_you_mean(str(word), WORDS[key])
    return WORDS[key][word]


def _rewritten(data: Mapping[str, Any]) -> str:
    """Returns the line to write for W&B's `log_uniform`, whose bounds are powers of e."""
    bounds = [each for each in (data.get("min"), data.get("max")) if isinstance(each, int | float) and abs(each) < 300]
    if len(bounds) < 2:
        return "write {min: …, max: …, log: true} with the values themselves"
    low, high = map(math.exp, bounds)
    return f"write {{min: {low:.6g}, max: {high:.6g}, log: true}}"
