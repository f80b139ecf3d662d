"""Says pydantic's errors in the words of someone who writes a spec, each at its place in the file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml import Node

from tunecli.errors import Problem
from tunecli.registry import did_you_mean, nearest
from tunecli.spec.experiment import ExperimentSpec
from tunecli.spec.faults import FAULT, Loc, received, unquoted
from tunecli.spec.outline import Outline
from tunecli.spec.parameter import whole_hint
from tunecli.spec.places import Place, find
from tunecli.spec.tuners import TUNER_SPELLINGS
from tunecli.spec.yaml12 import Mark

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a block of keys",
    "model_type": "a block of keys",
    "model_attributes_type": "a block of keys",
}
"""What each of pydantic's errors of type asks for."""

_BOUNDS = {
    "greater_than": ("is not above", "gt"),
    "greater_than_equal": ("is below", "ge"),
    "less_than": ("is not below", "lt"),
    "less_than_equal": ("is above", "le"),
}

_YAML_1_1 = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def problems_of(
    error: ValidationError, root: Node, data: Mapping[str, Any], *, known: Collection[Mark]
) -> list[Problem]:
    """Returns every problem of a spec, from the first line to the last.

    How names relate is not checked by pydantic while a field is wrong: that is added here.

    Args:
        error: What pydantic found.
        root: The file's tree.
        data: Its value.
        known: Where problems have been found already.
    """
    names = Outline.of_written(data).faults()
    found = [(find(root, loc, at_key=True), what, hint) for loc, what, hint in names]
    for each in error.errors(include_url=False):
        what, hint = _in_plain_words(each)
        if (each["loc"], what, hint) not in names:
            found.append((_place(each, root), what, hint))
    in_order = sorted((one for one in found if one[0].mark not in known), key=lambda one: one[0].order)
    return [place.problem(what, hint) for place, what, hint in in_order]


def _place(error: ErrorDetails, root: Node) -> Place:
    if error["type"] == "missing":
        return find(root, error["loc"][:-1], at_key=True)
    return find(root, error["loc"], at_key=error["type"] == "extra_forbidden")


def _in_plain_words(error: ErrorDetails) -> tuple[str, str]:
    """Returns what is wrong, and a hint."""
    words = _WORDS.get(error["type"])
    return words(error) if words else (error["msg"].lower(), "")


def _fault_words(error: ErrorDetails) -> tuple[str, str]:
    return error["ctx"]["what"], error["ctx"]["hint"]


def _unknown_key_words(error: ErrorDetails) -> tuple[str, str]:
    return f"unknown key '{error['loc'][-1]}'", _known_keys(error["loc"])


def _missing_words(error: ErrorDetails) -> tuple[str, str]:
    key = error["loc"][-1]
    return f"the key '{key}' is missing", f"write {key}: …, {_described(error['loc'])}"


def _type_words(error: ErrorDetails) -> tuple[str, str]:
    wanted, value = _WANTED[error["type"]], error["input"]
    if value is None and wanted == "a block of keys":
        return "is empty", "write its keys below, or drop it"
    return f"{received(value)} is not {wanted}", _type_hint(wanted, value)


def _type_hint(wanted: str, value: Any) -> str:
    if wanted in ("a number", "a whole number"):
        return whole_hint(value) if isinstance(value, float) else unquoted(value)
    if wanted == "true or false" and str(value).lower() in _YAML_1_1:
        return f"write {_YAML_1_1[str(value).lower()]}"
    return "put it in quotes" if wanted == "a text" and isinstance(value, bool | int | float) else ""


def _bound_words(error: ErrorDetails) -> tuple[str, str]:
    words, key = _BOUNDS[error["type"]]
    return f"{received(error['input'])} {words} {error['ctx'][key]:g}", _described(error["loc"])


def _choice_words(error: ErrorDetails) -> tuple[str, str]:
    value = error["input"]
    allowed = [each.strip("'") for each in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
    return f"{received(value)} is not one of {', '.join(allowed)}", _nearest_hint(value, allowed)


def _pattern_words(error: ErrorDetails) -> tuple[str, str]:
    return f"{received(error['input'])} cannot name a folder", "begin with a letter; use letters, digits, '.', '_', '-'"


def _empty_words(error: ErrorDetails) -> tuple[str, str]:
    del error
    return "is an empty list", "list one or more, or drop the key"


def _tuner_words(error: ErrorDetails) -> tuple[str, str]:
    tag = error["ctx"]["tag"]
    return f"unknown tuner '{tag}'", did_you_mean(tag, TUNER_SPELLINGS)


def _no_tuner_words(error: ErrorDetails) -> tuple[str, str]:
    del error
    return "the key 'name' is missing", f"write name: …, {', '.join(TUNER_SPELLINGS)}"


_WORDS: dict[str, Callable[[ErrorDetails], tuple[str, str]]] = {
    FAULT: _fault_words,
    "extra_forbidden": _unknown_key_words,
    "missing": _missing_words,
    "literal_error": _choice_words,
    "enum": _choice_words,
    "string_pattern_mismatch": _pattern_words,
    "too_short": _empty_words,
    "union_tag_invalid": _tuner_words,
    "union_tag_not_found": _no_tuner_words,
    **dict.fromkeys(_WANTED, _type_words),
    **dict.fromkeys(_BOUNDS, _bound_words),
}
"""Who puts each of pydantic's errors into words."""


def _nearest_hint(value: Any, allowed: list[str]) -> str:
    match = nearest(value, allowed) if isinstance(value, str) else None
    return f"did you mean '{match}'?" if match else ""


def _known_keys(loc: Loc) -> str:
    """Returns a hint on the keys that may stand where `loc` ends: the nearest, or the block that has this one."""
    *above, key = loc
    if loc == ("tuner", "hyperband", "max_trials"):
        return "more trials come from more iterations: write iterations: 2"
    model = _model_at(tuple(above))
    known = [] if model is None else list(model.model_fields)
    if not nearest(str(key), known) and (block := _block_with(str(key))):
        return f"{key} stands below {block}:"
    return did_you_mean(str(key), known)


def _block_with(key: str) -> str | None:
    """Returns the one block of a spec that has a key of this name."""
    blocks = [
        name
        for name, field in ExperimentSpec.model_fields.items()
        if name not in ("search_space", "model", "tuner")
        and any(key in model.model_fields for model in _models(field.annotation))
    ]
    return blocks[0] if len(blocks) == 1 else None


def _described(loc: Loc) -> str:
    """Returns the description of a field, as a hint."""
    model = _model_at(loc[:-1])
    field = model.model_fields.get(str(loc[-1])) if model else None
    text = (field.description or "").removesuffix(".") if field else ""
    return text[:1].lower() + text[1:]


def _model_at(loc: Loc) -> type[BaseModel] | None:
    """Returns the model of the block at `loc`; names of parameters are keys of a mapping, and have none."""
    models: list[type[BaseModel]] = [ExperimentSpec]
    for part in loc:
        fields = {name: field for model in models for name, field in model.model_fields.items()}
        if part in TUNER_SPELLINGS and len(models) > 1:
            models = [each for each in models if get_args(each.model_fields["name"].annotation) == (part,)]
        elif part in fields:
            models = list(_models(fields[str(part)].annotation))
    return models[0] if models else None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)
