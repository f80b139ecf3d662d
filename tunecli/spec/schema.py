"""The JSON schema of a spec, for editors: what `spec.load` accepts, shorthands and synonyms included.

It is made from the models, so that a new field needs nothing here. What no schema can say (that min is below max, that
a condition names a parameter above) is left to `tunecli validate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tunecli.registry import Registry
from tunecli.spec.experiment import GOAL_SYNONYMS, ExperimentSpec
from tunecli.spec.parameter import PARAMETER_SYNONYMS, WORDS
from tunecli.spec.quantities import DURATION
from tunecli.spec.tuners import TUNER_SPELLINGS

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SCALAR: Schema = {"type": ["boolean", "number", "string", "null"]}
_WIDTHS: Schema = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
_CHOICE: Schema = {"type": "array", "items": {"anyOf": [_SCALAR, _WIDTHS]}, "minItems": 1, "uniqueItems": True}
_LISTS: Schema = {"type": "array", "items": _WIDTHS, "minItems": 1, "uniqueItems": True}


def json_schema(*, datasets: Registry[Any], families: Registry[Any], metrics: Sequence[str]) -> Schema:
    """Returns the schema of a spec file, draft 2020-12.

    Args:
        datasets: The data sets that may be named.
        families: The model families that may be named.
        metrics: The objectives that may be named.
    """
    schema = ExperimentSpec.model_json_schema()
    definitions = schema["$defs"]
    _add_titles(schema)
    for name, spellings in TUNER_SPELLINGS.items():
        definition = definitions[f"{name.capitalize()}Tuner"]
        definition["properties"]["name"] |= _spelled([name, *spellings], [name, *spellings])
        definition["properties"]["name"].pop("const")
    _add_tuner_shorthand(schema["properties"]["tuner"])
    _add_word(definitions, "DatasetSpec", "name", _spelled(datasets.names, datasets.spellings))
    _add_word(definitions, "ModelSpec", "family", _spelled(families.names, families.spellings))
    _add_word(definitions, "ObjectiveSpec", "metric", {"enum": list(metrics)})
    _rewrite_model(_block(definitions["ModelSpec"]))
    _rewrite_objective(_block(definitions["ObjectiveSpec"]))
    _rewrite_limits(definitions["LimitsSpec"])
    definitions["ParameterSpec"] = _parameter(definitions["ParameterSpec"])
    return {"$schema": DIALECT, **schema, "title": "tunecli spec"}


def _add_titles(schema: Schema) -> None:
    """Gives every field a title; pydantic leaves it out where a field is a block."""
    for block in (schema, *schema["$defs"].values()):
        for name, field in block.get("properties", {}).items():
            field["title"] = name.replace("_", " ")


def _spelled(names: Iterable[str], spellings: Iterable[str]) -> Schema:
    """Returns the schema of a name: completed by an editor as in `names`, accepted however it is written."""
    patterns = ["[-_ ]*".join(f"[{each.lower()}{each.upper()}]" for each in _letters(name)) for name in spellings]
    pattern = f"^[-_ ]*({'|'.join(dict.fromkeys(patterns))})[-_ ]*$"
    return {"type": "string", "anyOf": [{"enum": list(dict.fromkeys(names))}, {"pattern": pattern}]}


def _letters(name: str) -> str:
    return "".join(each for each in name if each.isalnum())


def _add_tuner_shorthand(field: Schema) -> None:
    del field["discriminator"]  # OpenAPI's, not JSON schema's
    spellings = [each for name, others in TUNER_SPELLINGS.items() for each in (name, *others)]
    field["anyOf"] = [_spelled(spellings, spellings), {"oneOf": field.pop("oneOf")}]


def _add_word(definitions: Schema, block: str, key: str, word: Schema) -> None:
    """Restricts a block's key to known words, and lets the word alone stand for the block."""
    definition = definitions[block]
    definition["properties"][key] |= word
    titles = {each: definition.pop(each) for each in ("title", "description")}
    definitions[block] = {**titles, "anyOf": [word, definition]}


def _block(definition: Schema) -> Schema:
    block: Schema = definition["anyOf"][1]
    return block


def _rewrite_model(block: Schema) -> None:
    """Lets hyperparameters stand beside `family`."""
    block["additionalProperties"] = block["properties"].pop("parameters")["additionalProperties"]


def _rewrite_objective(block: Schema) -> None:
    goal = block["properties"]["goal"]
    goal["anyOf"][0]["enum"] += GOAL_SYNONYMS
    block["properties"]["direction"] = {**goal, "title": "direction", "description": "The same as goal."}
    block["not"] = {"required": ["goal", "direction"]}


def _rewrite_limits(definition: Schema) -> None:
    text = {"type": "string", "pattern": f"^(?=.)({DURATION})$"}
    duration = {"anyOf": [text, {"type": "number", "exclusiveMinimum": 0}]}
    for field in definition["properties"].values():
        if any("gt" in each for each in field.get("anyOf", ())):
            field["anyOf"][0] = duration


def _parameter(definition: Schema) -> Schema:
    """Returns the schema of a parameter: a value, a list of values, a list of lists of widths, or a block."""
    fields = definition["properties"]
    fields["step"]["exclusiveMinimum"] = 0
    fields["values"] |= {"anyOf": [_CHOICE, {"type": "null"}]}
    fields["layers"] |= {"anyOf": [_WIDTHS, _LISTS, {"type": "null"}]}
    fields["when"]["additionalProperties"] = {"anyOf": [_SCALAR, {**_CHOICE, "uniqueItems": False}]}
    for ours in ("min", "max", "values"):
        for other in PARAMETER_SYNONYMS[ours]:
            fields[other] = {**fields[ours], "title": other, "description": f"The same as {ours}."}
    for key, words in WORDS.items():
        fields[key] = {"title": key, "description": f"Another tuner's {key}.", "enum": list(words)}
    block = {**definition, "anyOf": _forms(), "allOf": [_positive_if_log(), _whole_if_int()]}
    titles = {each: block.pop(each) for each in ("title", "description")}
    return {**titles, "anyOf": [_SCALAR, _CHOICE, block]}


def _forms() -> list[Schema]:
    """Returns the ways to say what a parameter is, each without the others; null says nothing, except as `value`."""
    keys = {
        "min": ("min", *PARAMETER_SYNONYMS["min"]),
        "max": ("max", *PARAMETER_SYNONYMS["max"]),
        "values": ("values", *PARAMETER_SYNONYMS["values"]),
        "layers": ("layers",),
        "value": ("value",),
    }
    forms: list[tuple[str, ...]] = [("min", "max"), ("values",), ("layers",), ("value",)]
    found: list[Schema] = [
        {
            "allOf": [{"oneOf": [_given(key) for key in keys[name]]} for name in form],
            "not": {"anyOf": [_given(key) for name in keys if name not in form for key in keys[name]]},
        }
        for form in forms
    ]
    nothing = {"not": {"anyOf": [_given(key) for each in keys.values() for key in each]}}
    return [*found, {**_has("type", {"const": "bool"}), **nothing}]


def _given(key: str) -> Schema:
    return {"required": [key]} if key == "value" else _has(key, {"not": {"type": "null"}})


def _has(key: str, schema: Schema) -> Schema:
    return {"required": [key], "properties": {key: schema}}


def _positive_if_log() -> Schema:
    lowest = {key: {"exclusiveMinimum": 0} for key in ("min", *PARAMETER_SYNONYMS["min"])}
    is_log = [_has("log", {"const": True}), _has("sampling", {"const": "log"})]
    return {
        "if": {"anyOf": [*is_log, _has("distribution", {"const": "log_uniform_values"})]},
        "then": {"properties": lowest},
    }


def _whole_if_int() -> Schema:
    bounds = ("min", "max", *PARAMETER_SYNONYMS["min"], *PARAMETER_SYNONYMS["max"], "step")
    return {
        "if": {"anyOf": [_has("type", {"const": "int"}), _has("distribution", {"const": "int_uniform"})]},
        "then": {"properties": {key: {"type": ["integer", "null"]} for key in bounds}},
    }
