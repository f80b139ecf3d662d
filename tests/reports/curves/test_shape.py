"""Planted curves: what is said of them is what was planted."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest

from tunecli.reports.curves.shape import Form, Shape, judge
from tunecli.study.objective import Goal


def shape(
    validation: Callable[[int], float],
    *,
    train: Callable[[int], float] | None = None,
    epochs: int = 40,
    noise: float = 0,
) -> Shape:
    """Judges a curve of errors, with normal noise of this standard deviation on the validation values."""
    numbers = range(1, epochs + 1)
    dice = random.Random(0)
    return judge(
        list(numbers),
        [(train or falling)(epoch) for epoch in numbers],
        [validation(epoch) + dice.gauss(0, noise) for epoch in numbers],
        Goal.MINIMIZE,
    )


def falling(epoch: int) -> float:
    return 1 + math.exp(-epoch / 5)


def slowly(epoch: int) -> float:
    return 3 - 0.02 * epoch


def turning(epoch: int) -> float:
    return 1 + 0.004 * (epoch - 12) ** 2


@pytest.mark.parametrize("noise", [0, 0.02])
def test_one_that_rises_while_training_goes_on_overfits_from_its_best_epoch(noise: float) -> None:
    found = shape(turning, noise=noise)
    assert found.form is Form.OVERFITS
    assert found.epoch is not None
    assert abs(found.epoch - 12) <= 3
    assert found.describe() == f"overfits from epoch {found.epoch}"


def test_one_that_rises_with_training_gets_worse() -> None:
    found = shape(turning, train=turning, noise=0.02)
    assert found.form is Form.WORSENS
    assert "in training too" in found.describe()


def test_one_that_rises_while_training_stands_still_overfits() -> None:
    assert shape(turning, train=lambda epoch: max(1.0, 2 - 0.1 * epoch)).form is Form.OVERFITS


@pytest.mark.parametrize("noise", [0, 0.005])
def test_one_that_falls_to_its_end_asks_for_more_epochs(noise: float) -> None:
    found = shape(slowly, noise=noise)
    assert found.form is Form.IMPROVES
    assert found.describe() == "still falling at the end: more epochs may help"


def test_one_that_falls_by_little_but_evenly_still_falls() -> None:
    assert shape(lambda epoch: 13.4 - 0.02 * epoch, epochs=10).form is Form.IMPROVES


def test_a_metric_that_is_better_when_higher_still_rises() -> None:
    epochs = range(1, 21)
    found = judge(epochs, [None] * 20, [0.5 + 0.01 * epoch for epoch in epochs], Goal.MAXIMIZE)
    assert found.describe() == "still rising at the end: more epochs may help"


@pytest.mark.parametrize("noise", [0, 0.01])
def test_one_that_has_converged_has_levelled_off(noise: float) -> None:
    found = shape(falling, noise=noise)
    assert found.form is Form.LEVEL
    assert found.epoch is not None
    assert 12 <= found.epoch <= 26


@pytest.mark.parametrize("noise", [0, 0.02])
def test_one_that_never_learns_is_flat(noise: float) -> None:
    assert shape(lambda epoch: 1.0, noise=noise).form is Form.FLAT


def test_one_whose_noise_hides_everything_jumps() -> None:
    assert shape(lambda epoch: 5 - 0.01 * epoch, noise=1.0).form is Form.NOISY


def test_noise_alone_is_rarely_taken_for_more() -> None:
    forms: Counter[Form] = Counter()
    for seed in range(200):
        dice = random.Random(seed)
        values = [1 + dice.gauss(0, 0.01) for _ in range(20)]
        forms[judge(range(1, 21), [None] * 20, values, Goal.MINIMIZE).form] += 1
    assert forms[Form.FLAT] >= 180
    assert forms[Form.OVERFITS] <= 10


def test_one_that_ends_without_a_number_diverges_at_the_first_of_them() -> None:
    found = judge([1, 2, 3, 4], [1.0] * 4, [1.0, math.nan, 2.0, math.inf], Goal.MINIMIZE)
    assert (found.form, found.epoch) == (Form.DIVERGES, 4)


def test_a_gap_within_a_curve_is_no_divergence() -> None:
    values = [math.nan if epoch == 7 else slowly(epoch) for epoch in range(1, 21)]
    assert judge(range(1, 21), values, values, Goal.MINIMIZE).form is Form.IMPROVES


def test_few_epochs_have_no_shape() -> None:
    assert shape(slowly, epochs=5).form is Form.SHORT
    assert shape(slowly, epochs=6).form is not Form.SHORT


def test_nothing_validated_leaves_the_training_values_to_judge() -> None:
    values = [slowly(epoch) for epoch in range(1, 21)]
    found = judge(range(1, 21), values, [None] * 20, Goal.MINIMIZE)
    assert found.form is Form.IMPROVES
    assert "nothing was validated" in found.describe()


def test_nothing_measured_leaves_nothing_to_judge() -> None:
    assert judge([], [], [], Goal.MINIMIZE).form is Form.UNKNOWN
    assert judge([1], [None], [None], Goal.MINIMIZE).form is Form.UNKNOWN


@pytest.mark.parametrize("form", Form)
def test_every_form_has_its_words(form: Form) -> None:
    assert Shape(form, Goal.MINIMIZE, 3).describe()
