from __future__ import annotations

import pytest

from tunecli.reports.plain_values import Form, PlainValues
from tunecli.spec.space import Kind, Parameter, Value


@pytest.mark.parametrize(
    ("values", "form", "given"),
    [
        ((True, False), Form.BOOL, [True, False]),
        ((16, 32), Form.INT, [16, 32]),
        ((1, 0.5), Form.FLOAT, [1.0, 0.5]),
        (("adam", "sgd"), Form.TEXT, ["adam", "sgd"]),
        (([300, 100], [50]), Form.TEXT, ["[300, 100]", "[50]"]),
        (("relu", None, True), Form.TEXT, ["relu", "null", "true"]),
        ((1, "1"), Form.TEXT, ["1", '"1"']),
        ((True, 1), Form.TEXT, ["true", "1"]),
    ],
)
def test_the_values_of_a_choice_have_one_type_and_stay_apart(
    values: tuple[Value, ...], form: Form, given: list[object]
) -> None:
    plain = PlainValues.of(Parameter(name="a", kind=Kind.CHOICE, values=values))
    found = [plain(value) for value in values]
    assert plain.form is form
    assert found == given
    assert [type(each) for each in found] == [type(each) for each in given]


def test_a_range_keeps_its_type() -> None:
    assert PlainValues.of(Parameter(name="a", kind=Kind.INT, min=1, max=3)).form is Form.INT
    assert PlainValues.of(Parameter(name="a", kind=Kind.FLOAT, min=0, max=1)).form is Form.FLOAT
