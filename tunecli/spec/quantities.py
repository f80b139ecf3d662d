"""How people write durations, sizes, counts, features, targets and weights, and what they become."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tunecli.spec.faults import fault, received, unquoted

DURATION = r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?"
"""How a duration is written; the empty text, which matches too, is none."""


def parse_duration(value: Any) -> Any:
    """Turns `90s`, `10m`, `1h30m` or a number of seconds into seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    match = re.fullmatch(DURATION, value) if isinstance(value, str) and value else None
    if match is None:
        fault((), f"{received(value)} is not a duration", "write it as 90s, 10m or 1h30m")
    days, hours, minutes, seconds = (float(each or 0) for each in match.groups())
    return 86400 * days + 3600 * hours + 60 * minutes + seconds


Duration = Annotated[
    float, BeforeValidator(parse_duration, json_schema_input_type=str | float), Field(gt=0, allow_inf_nan=False)
]
"""Seconds; written as `90s`, `10m` or `1h30m`."""


def _read_batch_size(value: Any) -> Any:
    if value != "full" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        fault((), f"{received(value)} is not a number of rows", "write a whole number above 0, or full")
    return value


BatchSize = Annotated[
    int | Literal["full"],
    BeforeValidator(_read_batch_size, json_schema_input_type=Annotated[int, Field(ge=1)] | Literal["full"]),
]


AUTO_WORKERS: Literal["auto"] = "auto"
"""As many trials at a time as make the search faster on this machine."""


def _read_workers(value: Any) -> Any:
    if value != AUTO_WORKERS and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        fault((), f"{received(value)} is not a number of workers", "write a whole number above 0, or auto")
    return value


Workers = Annotated[
    int | Literal["auto"],
    BeforeValidator(_read_workers, json_schema_input_type=Annotated[int, Field(ge=1)] | Literal["auto"]),
]

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?)?B?", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_size(value: Any) -> Any:
    """Turns `2GiB`, `500 MB` or a number of bytes into bytes; leaves what it does not know to the validator."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        fault((), f"{received(value)} is not a size", "write it like 2GiB or 500MB")
    number, unit = match.groups(default="")
    return int(float(number) * (1024 if unit.lower().endswith("i") else 1000) ** _POWERS[unit[:1].upper()])


Size = Annotated[int, BeforeValidator(parse_size, json_schema_input_type=str | int), Field(gt=0)]
"""Bytes; written as `2GiB`, `500MB`."""


def _read_features(value: Any) -> Any:
    if not isinstance(value, list):
        fault((), f"{received(value)} is not a list", "write one name or position a feature: [MedInc, 3]")
    if not value:
        fault((), "lists no feature", "list one or more, or drop the key: all features")
    for index, each in enumerate(value):
        if not isinstance(each, str | int) or isinstance(each, bool):
            fault((index,), f"{received(each)} is no feature", "write its name, or its position counted from 0")
    return value


Features = Annotated[
    list[str | int],
    BeforeValidator(
        _read_features,
        json_schema_input_type=Annotated[list[str | Annotated[int, Field(ge=0)]], Field(min_length=1)],
    ),
]
"""Features of the data: names, or positions counted from 0."""


def _read_weights(value: Any) -> Any:
    if not isinstance(value, list | dict):
        what = f"{received(value)} is neither weights by column nor a list of them"
        fault((), what, "write {TV: 0.5}, or one for each column: [0.5]")
    if not value:
        fault((), "holds no weight", "write one or more, or drop the key")
    entries: Iterable[tuple[str | int, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in entries:
        if isinstance(each, bool) or not isinstance(
            each, int | float
        ):  # that they are finite, YAML's reader has seen to
            fault((key,), f"{received(each)} is not a number", unquoted(each))
    return value


InitialWeights = Annotated[
    dict[str, float] | list[float],
    BeforeValidator(
        _read_weights,
        json_schema_input_type=Annotated[dict[str, float], Field(min_length=1)]
        | Annotated[list[float], Field(min_length=1)],
    ),
]
"""Weights by column, or one for each column in their order."""


def _read_targets(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        fault((), f"{received(value)} is no column", "write its name, in quotes where YAML reads something else")
    if not value:
        fault((), "lists no column", "write the name of one, or several: [heating, cooling]")
    for index, each in enumerate(value):
        if not isinstance(each, str):
            fault(
                (index,), f"{received(each)} is no column", "write its name, in quotes where YAML reads something else"
            )
    return value[0] if len(value) == 1 else tuple(value)


Targets = Annotated[
    str | tuple[str, ...],
    BeforeValidator(_read_targets, json_schema_input_type=str | Annotated[list[str], Field(min_length=1)]),
]
"""The column to predict, or several; a list of one is that one."""
