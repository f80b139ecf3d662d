"""Costs over two parameters, and what is seen of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tunecli.tools.trace.parameters import LeastSquares
from tunecli.tools.trace.pictures import elided, emptiest_corner, equation, short
from tunecli.tools.trace.surface import CROSSENTROPY, FORMULAS, GRID, Line, cost_surface, spread, window
from tunecli.tools.trace.table import row_words

X = np.arange(1.0, 13)
Y = np.array([5.0, 8.8, 9.6, 14.2, 18.8, 19.5, 21.4, 26.8, 28.9, 32.0, 33.8, 38.2])
BEST = LeastSquares(np.array([[2.959441]]), np.array([2.180303]), 0.935478)


def line(weights: list[float], biases: list[float], **changes: object) -> Line:
    found = {"x": X, "y": Y, "row_weights": np.ones(12), "best": BEST, "is_probability": False, **changes}
    return Line("x", "y", weights=np.array(weights), biases=np.array(biases), **found)  # type: ignore[arg-type]


@pytest.mark.parametrize(("cost", "divisor"), [("sse", 1), ("mse", 12), ("sse/2m", 24)])
def test_costs_are_those_of_their_formulas(cost: str, divisor: int) -> None:
    surface = cost_surface(line([0.5, 3], [0, 2]), cost, ((0, 4), (-2, 6)), 10)
    assert surface.formula == FORMULAS[cost]
    assert surface.costs.shape == (GRID, GRID)
    for i, j in ((0, 0), (100, 3), (GRID - 1, 40)):
        sse = ((Y - surface.weights[j] * X - surface.biases[i]) ** 2).sum()
        assert surface.costs[i, j] == pytest.approx(sse / divisor, rel=1e-12)
    assert len(surface.levels) == 10
    assert (np.diff(surface.levels, 2) > 0).all()
    assert surface.costs.min() < surface.levels[0]
    assert surface.levels[-1] < surface.costs.max()


def test_rows_that_count_twice_do_so() -> None:
    twice = line([0, 1], [0, 1], row_weights=np.array([2.0] + [1.0] * 11))
    surface = cost_surface(twice, "mse", ((0, 4), (0, 4)), 5)
    squares = (Y - surface.weights[7] * X - surface.biases[9]) ** 2
    assert surface.costs[9, 7] == pytest.approx((squares.sum() + squares[0]) / 13)


def test_two_classes_cost_their_crossentropy() -> None:
    classes = line([0, 1], [0, 1], y=(X > 6).astype(float), best=None, is_probability=True)
    surface = cost_surface(classes, "sse", ((-4, 4), (-9, 9)), 5)
    assert surface.formula == CROSSENTROPY
    weight, bias = surface.weights[90], surface.biases[60]
    chance = 1 / (1 + np.exp(-(weight * X + bias)))
    mean = -np.mean(np.where(X > 6, np.log(chance), np.log(1 - chance)))
    assert surface.costs[60, 90] == pytest.approx(mean)
    assert np.isfinite(surface.costs).all()
    assert classes.predict(0.0, 0.0, X).tolist() == [0.5] * 12


def test_the_window_shows_the_path_and_its_goal_if_that_is_not_too_far() -> None:
    near = window(line([0.5, 2.5, np.nan], [0, 1.5, np.inf]))
    assert near[0][0] < 0.5
    assert near[0][1] > 2.959
    assert near[1][0] < 0
    assert near[1][1] > 2.18
    far = window(line([0.5, 0.6], [0, 0.1]))
    assert far[0][1] < 1
    still = window(line([0.5, 0.5], [0, 0], best=None))
    assert still == ((0.0, 1.0), (-0.5, 0.5))


def test_the_legend_keeps_away_from_the_path() -> None:
    rising = line([0.5, 2.9], [0, 2.1])
    assert emptiest_corner(cost_surface(rising, "mse", window(rising), 5), rising) in ("upper left", "lower right")


def test_numbers_and_lines_in_words() -> None:
    assert equation(line([1], [1]), 2.959441, -2.180303) == "y = 2.95944·x − 2.1803"
    assert elided("TV", 5) == "TV"
    assert elided("a budget in thousands", 10) == "a budg…nds"
    long = replace(line([1], [1]), column="average monthly budget", target="sales")
    assert equation(long, -2, 3) == "sales = −2·x + 3"
    assert short(23456.7) == "23,457"
    assert short(0.01234) == "0.0123"
    assert short(1e29) == "1e+29"
    assert row_words(np.array([0, 1, 2, 7, 9, 10, 4])) == "0-2 7 9-10 4"
    assert row_words(np.array([3])) == "3"


def test_positions_are_spread_from_end_to_end() -> None:
    assert spread(5, 10).tolist() == [0, 1, 2, 3, 4]
    found = spread(1001, 120)
    assert len(found) == 120
    assert (found[0], found[-1]) == (0, 1000)
