"""The axes of hyperparameters."""

from __future__ import annotations

import pytest

from tests.studies import MOMENTUM, OPTIMIZER, RATE, UNITS
from tunecli.reports.figures.parameters import parameter_axes, parameter_axis
from tunecli.spec.space import Kind, Parameter


def test_a_range_by_magnitude() -> None:
    axis = parameter_axis(RATE)
    assert axis.share({"learning_rate": 1e-4}) == 0.0
    assert axis.share({"learning_rate": 10**-2.5}) == pytest.approx(0.5)
    assert axis.place_at(0.5) == pytest.approx(10**-2.5)
    assert axis.layout["ticktext"] == ["0.0001", "0.001", "0.01", "0.1"]
    assert axis.ticks[0] == (0.0, "0.0001")
    assert axis.ticks[-1] == (1.0, "0.1")


def test_a_plain_range() -> None:
    axis = parameter_axis(UNITS)
    assert axis.share({"units": 36}) == pytest.approx(0.5)
    assert axis.place_at(1.0) == 64.0
    assert axis.ticks == [(0.0, "8"), (1.0, "64")]
    assert axis.layout["range"] == [pytest.approx(5.2), pytest.approx(66.8)]


def test_choices_keep_their_order_unless_they_are_numbers() -> None:
    assert parameter_axis(OPTIMIZER).layout["ticktext"] == ["adam", "sgd"]
    numbers = parameter_axis(Parameter(name="a", kind=Kind.CHOICE, values=(64, 32, 128)))
    assert numbers.layout["ticktext"] == ["32", "64", "128"]
    assert numbers.place({"a": 64}) == 1.0
    mixed = parameter_axis(Parameter(name="a", kind=Kind.CHOICE, values=(1, True, None, [8, 4])))
    assert [mixed.place({"a": value}) for value in (1, True, None, [8, 4])] == [0.0, 1.0, 2.0, 3.0]


def test_a_trial_may_not_have_it() -> None:
    axis = parameter_axis(MOMENTUM)
    assert not axis.holds({"optimizer": "adam"})
    assert axis.holds({"optimizer": "sgd", "momentum": 0.5})
    assert not axis.holds({"momentum": 1.5})


def test_of_many_choices_some_are_named() -> None:
    axis = parameter_axis(Parameter(name="a", kind=Kind.CHOICE, values=tuple(range(40))))
    assert axis.layout["tickvals"] == list(range(0, 40, 4))


def test_names_and_values_are_shown_literally_and_shortened() -> None:
    axis = parameter_axis(Parameter(name="</script><b>%{x}", kind=Kind.CHOICE, values=("<i>", "x" * 99)))
    assert axis.name == "&lt;/script&gt;&lt;b&gt;%&#123;x}"
    assert axis.layout["ticktext"] == ["&lt;i&gt;", f"{'x' * 17}…"]


def test_axes_come_in_the_order_asked_for() -> None:
    axes = parameter_axes([RATE, UNITS], ["units", "learning_rate"])
    assert [axis.parameter.name for axis in axes] == ["units", "learning_rate"]
