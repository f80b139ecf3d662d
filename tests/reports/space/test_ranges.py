from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tunecli.reports.space.ranges import End, Limits, at_share, ends, entry, moved, share, widened
from tunecli.spec.parameter import ParameterSpec
from tunecli.spec.space import Condition, Kind, Parameter
from tunecli.spec.spelling import spell
from tunecli.spec.yaml12 import compose, plain

ANY = Limits()


def of(kind: str, low: float, high: float, **more: Any) -> Parameter:
    return Parameter.model_validate({"name": "p", "kind": kind, "min": low, "max": high, **more})


@pytest.mark.parametrize(
    ("parameter", "limits", "low", "high"),
    [
        (of("float", 1e-4, 1e-1, log=True), Limits(above=0), 1e-5, 1.0),
        (of("float", 1e-3, 1e-1, log=True), Limits(above=0), 2e-4, 0.5),
        (of("float", 0.01, 0.1), Limits(above=0), 0.001, 0.145),
        (of("int", 16, 128, log=True), Limits(min=1), 8, 256),
        (of("int", 1, 4, log=True), Limits(min=1), None, 8),
        (of("int", 1, 4), Limits(min=0), 0, 6),
        (of("int", 1, 4), Limits(min=1, max=5), None, 5),
        (of("int", 8, 32, step=8), Limits(min=1), None, 48),
        (of("float", 0.0, 0.4, step=0.1), Limits(min=0, below=1), None, 0.6),
        (of("float", 0.0, 0.9, step=0.1), Limits(min=0, below=1), None, None),
        (of("float", 0.2, 0.9), Limits(min=0, below=1), 0.0, 0.99),
        (of("float", 0.0, 0.99), Limits(min=0, below=1), None, 0.999),
        (of("float", 0.0, 1.0), Limits(min=0, max=1), None, None),
    ],
)
def test_a_range_grows_by_round_steps_as_far_as_values_are_legal(
    parameter: Parameter, limits: Limits, low: float | None, high: float | None
) -> None:
    assert widened(parameter, End.MIN, limits) == low
    assert widened(parameter, End.MAX, limits) == high


def test_a_last_step_below_max_is_where_a_range_ends() -> None:
    parameter = of("float", 0.0, 1.0, step=0.3)
    assert ends(parameter) == (0.0, 0.9)
    assert share(parameter, 0.9) == 1
    assert widened(parameter, End.MAX, ANY) == 1.5


def test_shares_follow_the_scale() -> None:
    assert share(of("float", 1e-4, 1.0, log=True), 0.01) == pytest.approx(0.5)
    assert share(of("float", 0.0, 4.0), 1.0) == 0.25
    assert at_share(of("float", 1e-4, 1.0, log=True), 0.5) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("parameter", "end", "target", "keep", "bound"),
    [
        (of("float", 1e-4, 1.0, log=True), End.MAX, 0.031622, 0.02, 0.032),
        (of("float", 1e-4, 1.0, log=True), End.MAX, 0.0314, 0.03138, 0.0314),
        (of("float", 1e-4, 1.0, log=True), End.MIN, 0.0316, 0.04, 0.032),
        (of("float", 1e-4, 1.0, log=True), End.MAX, 2.0, 0.5, None),
        (of("int", 1, 9), End.MAX, 4.7, 3, 4),
        (of("int", 1, 9), End.MIN, 4.2, 6, 5),
        (of("int", 1, 9), End.MAX, 1.2, 1, None),
        (of("int", 8, 64, step=8), End.MAX, 40.0, 32, 40),
        (of("float", 0.0, 0.9, step=0.1), End.MAX, 0.34, 0.3, 0.3),
    ],
)
def test_a_bound_moves_inwards_to_a_short_number(
    parameter: Parameter, end: End, target: float, keep: float, bound: float | None
) -> None:
    assert moved(parameter, end, target=target, keep=keep) == bound


@pytest.mark.parametrize(
    ("parameter", "counter", "line"),
    [
        (of("float", 1e-4, 0.1, log=True), "", "{min: 1e-4, max: 0.1, log: true}"),
        (of("float", 0.0, 0.4, step=0.1, default=0.1), "", "{min: 0.0, max: 0.4, step: 0.1, default: 0.1}"),
        (
            of("float", 0.0, 0.9, when=(Condition(parameter="optimizer", values=("sgd",)),)),
            "",
            "{min: 0.0, max: 0.9, when: {optimizer: sgd}}",
        ),
        (of("int", 8, 64, log=True), "hidden_layers", "{min: 8, max: 64, log: true, per: hidden_layers}"),
        (Parameter(name="p", kind=Kind.CHOICE, values=("a", "b")), "", "[a, b]"),
        (Parameter(name="p", kind=Kind.CHOICE, values=("a",)), "", "a"),
        (Parameter(name="p", kind=Kind.CHOICE, values=([3, 2], [4])), "", "{layers: [[3, 2], [4]]}"),
        (Parameter(name="p", kind=Kind.CHOICE, values=([3, 2],)), "", "{layers: [3, 2]}"),
    ],
)
def test_a_parameter_is_written_as_a_spec_has_it(parameter: Parameter, counter: str, line: str) -> None:
    assert spell(entry(parameter, counter=counter)) == line


@st.composite
def ranges(draw: st.DrawFn) -> tuple[Parameter, float]:
    """A range and one of its values."""
    if draw(st.booleans()):
        low, width = draw(st.integers(1, 500)), draw(st.integers(1, 1000))
        log = draw(st.booleans())
        step = None if log else draw(st.one_of(st.none(), st.integers(1, width)))
        parameter = of("int", low, low + width, log=log, step=step)
    else:
        low = draw(st.floats(1e-6, 10).map(lambda x: float(f"{x:.3g}")))
        log = draw(st.booleans())
        high = float(f"{low * draw(st.floats(1.5, 1e5)):.3g}")
        step = None if log else draw(st.one_of(st.none(), st.just(float(f"{(high - low) / 7:.2g}"))))
        parameter = of("float", low, high, log=log, step=step)
    values = parameter.finite_values()
    number = draw(st.floats(*parameter.bounds)) if values is None else draw(st.sampled_from(values))
    assert isinstance(number, int | float)
    return parameter, number


@given(drawn=ranges(), end=st.sampled_from(End), target=st.floats(0, 1))
@example(drawn=(of("float", 1.0, 2.0, step=0.14), 1.14), end=End.MAX, target=0.0)
def test_other_ranges_are_valid_and_keep_the_winner(drawn: tuple[Parameter, float], end: End, target: float) -> None:
    parameter, winner = drawn
    for bound in (
        widened(parameter, end, Limits(above=0, below=1e9)),
        moved(parameter, end, target=at_share(parameter, target), keep=winner),
    ):
        if bound is None:
            continue
        other = parameter.model_copy(update={end.value: bound})
        root, flaws = compose(f"p: {spell(entry(other))}", source="line")
        assert root is not None
        assert not flaws
        read = ParameterSpec.model_validate(plain(root)["p"])
        assert (read.min, read.max, read.log, read.step) == (other.min, other.max, other.log, other.step)
        assert other.contains(winner)
