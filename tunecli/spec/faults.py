"""How validators say what is wrong: a place below the model that is being validated, what, and a hint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from tunecli.spec.space import spell_value

Loc = tuple[str | int, ...]
"""The keys and positions that lead to a value of a spec."""

Fault = tuple[Loc, str, str]
"""Where, what, hint."""

FAULT = "spec_fault"
"""The type of our own among pydantic's errors; `what` and `hint` are in its context."""

_SHOWN = 60


def fault(loc: Loc, what: str, hint: str = "") -> NoReturn:
    """Raises a validation error at `loc`, below the model that is being validated."""
    raise _error([(loc, what, hint)])


def raise_faults(found: Iterable[Fault]) -> None:
    """Raises one validation error that holds all faults; does nothing without any."""
    if faults := list(found):
        raise _error(faults)


def _error(found: Iterable[Fault]) -> ValidationError:
    details = [
        InitErrorDetails(type=PydanticCustomError(FAULT, "{what}", {"what": what, "hint": hint}), loc=loc, input=None)
        for loc, what, hint in found
    ]
    return ValidationError.from_exception_data("spec", details)


def received(value: Any) -> str:
    """Returns a value as a message names it: texts in quotes, and nothing long."""
    if isinstance(value, Mapping):
        return "a block of keys"
    if isinstance(value, list):
        shown = f"[{', '.join(map(received, value))}]"
        return shown if len(shown) <= _SHOWN else "this list"
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= _SHOWN else f"'{value[:_SHOWN]}…'"
    return spell_value(value)


def unquoted(value: Any) -> str:
    """Returns a hint if `value` is a number in quotes, else nothing."""
    try:
        float(value if isinstance(value, str) else "")
    except ValueError:
        return ""
    return "drop the quotes"
