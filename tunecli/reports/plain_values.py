"""Hyperparameters' values as other programs take them: one type a parameter, and never a list.

    plain = PlainValues.of(parameter)
    plain.form           # Form.TEXT
    plain([300, 100])    # "[300, 100]"

A choice whose values are all of one type keeps them; whole numbers among others become floats; lists, null and values
of mixed types become texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tunecli.spec.space import Kind, Parameter, Value, spell_value

Plain = bool | int | float | str


class Form(StrEnum):
    """The type that all values of a parameter have elsewhere."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    TEXT = "text"


_FORMS = {frozenset({bool}): Form.BOOL, frozenset({int}): Form.INT}
_FORMS |= {frozenset({float}): Form.FLOAT, frozenset({int, float}): Form.FLOAT}


@dataclass(frozen=True)
class PlainValues:
    """How the values of one parameter are given to other programs.

    Attributes:
        form: Their type.
        is_quoted: Whether texts are JSON, since two values would look alike otherwise: `1` and `"1"`.
    """

    form: Form
    is_quoted: bool = False

    @classmethod
    def of(cls, parameter: Parameter) -> PlainValues:
        """Returns the form of all values that a parameter may have."""
        if parameter.kind is Kind.CHOICE:
            return cls.of_values(parameter.values)
        return cls(Form.FLOAT if parameter.kind is Kind.FLOAT else Form.INT)

    @classmethod
    def of_values(cls, values: Iterable[Value]) -> PlainValues:
        """Returns the form that fits all of some values."""
        distinct = {json.dumps(value): value for value in values}
        form = _FORMS.get(frozenset(map(type, distinct.values())), Form.TEXT)
        shown = {_text(value) for value in distinct.values()}
        return cls(form, is_quoted=form is Form.TEXT and len(shown) < len(distinct))

    def __call__(self, value: Value) -> Plain:
        """Returns a value in this form."""
        if self.form is Form.TEXT:
            return json.dumps(value) if self.is_quoted else _text(value)
        assert isinstance(value, bool | int | float), f"{value!r} is no {self.form}"
        return float(value) if self.form is Form.FLOAT else value


def _text(value: Value) -> str:
    return json.dumps(value) if isinstance(value, list) else spell_value(value)
