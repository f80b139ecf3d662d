from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from tunecli.reports.significance import (
    best_of_n,
    best_of_n_test,
    corrected_t_test,
    holm,
    smallest_p,
    welch_t_test,
)


def p_by_dealing_out(first: list[float], second: list[float]) -> float:
    """Deals the scores out in every way there is."""
    pooled = [*first, *second]
    lead = min(second) - min(first)
    ways = list(itertools.combinations(range(len(pooled)), len(first)))
    leads = []
    for way in ways:
        one = min(pooled[index] for index in way)
        other = min(pooled[index] for index in range(len(pooled)) if index not in way)
        leads.append(other - one)
    as_far = sum(each * math.copysign(1, lead) >= abs(lead) - 1e-9 for each in leads)
    return min(1.0, 2 * as_far / len(ways))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([0.5, 0.7, 0.9], [0.6, 0.8, 1.0]),
        ([0.5, 0.7], [0.6, 0.8, 1.0, 1.1, 0.65]),
        ([0.1, 0.2, 0.3], [0.6, 0.8, 1.0]),
        ([0.5, 0.5, 0.9], [0.6, 0.8, 0.5000001]),
        ([0.5, 0.6, 0.6, 0.6], [0.6, 0.6]),
        ([0.5], [0.8]),
        ([0.5, math.inf, math.inf], [0.8, 0.9, math.inf, 0.7]),
        ([0.5], [0.8, 0.9, 0.4]),
    ],
)
def test_p_is_that_of_every_way_to_deal_the_scores_out(first: list[float], second: list[float]) -> None:
    assert best_of_n_test(first, second) == pytest.approx(p_by_dealing_out(first, second))
    assert best_of_n_test(second, first) == pytest.approx(best_of_n_test(first, second))


def test_searches_that_draw_alike_are_told_apart_1_time_in_20() -> None:
    random = np.random.default_rng(0)
    ps = [best_of_n_test(random.lognormal(size=40), random.lognormal(size=20)) for _ in range(2000)]
    assert 0.03 < np.mean(np.array(ps) <= 0.05) < 0.065
    assert np.mean(np.array(ps) <= 0.5) < 0.52, "p takes few values: some are too large, none too small"


def test_searches_that_try_the_same_values_are_told_apart_less_often() -> None:
    """Equal seeds propose equal values; the scores then differ by the noise of training alone."""
    random = np.random.default_rng(1)
    found = []
    for _ in range(500):
        shared = random.normal(size=20)
        found.append(best_of_n_test(shared + 0.1 * random.normal(size=20), shared + 0.1 * random.normal(size=20)))
    assert np.mean(np.array(found) <= 0.05) < 0.05


def test_a_large_difference_is_found() -> None:
    random = np.random.default_rng(0)
    p = best_of_n_test(random.normal(1.0, 0.1, size=20), random.normal(2.0, 0.1, size=20))
    assert p < 1e-6
    assert p == pytest.approx(smallest_p(20, 20))


def test_long_studies_are_no_trouble() -> None:
    random = np.random.default_rng(0)
    scores = [float(each) for each in random.normal(size=9000)]
    assert 0 < best_of_n_test(scores[:4000], scores[4000:]) <= 1
    assert smallest_p(4000, 5000) == 0.0


@pytest.mark.parametrize(("first", "second"), [([0.1, 0.2], [0.3, 0.4]), ([0.1, 0.2], [0.3, 0.4, 0.5])])
def test_the_smallest_p_is_reached_when_all_of_one_are_better(first: list[float], second: list[float]) -> None:
    assert best_of_n_test(first, second) == pytest.approx(smallest_p(len(first), len(second)))


def test_equal_bests_differ_by_chance() -> None:
    assert best_of_n_test([0.5, 0.6], [0.5, 0.9, 1.0]) == pytest.approx(1.0)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("count", [1, 3, 30])
def test_the_best_of_n_is_that_of_many_samples(share: float, count: int) -> None:
    random = np.random.default_rng(0)
    scores = random.normal(size=30)
    bests = scores[random.integers(30, size=(20_001, count))].min(axis=1)
    found = best_of_n(list(scores), count, share)
    assert np.mean(bests < found) < share + 0.01
    assert np.mean(bests <= found) > share - 0.01


def test_trials_that_fail_are_draws_that_come_to_nothing() -> None:
    scores = [0.5, math.inf, math.inf, math.inf]
    assert best_of_n(scores, 1, 0.5) == math.inf
    assert best_of_n(scores, 4, 0.5) == 0.5


def test_the_best_of_one_draw_is_any_trial() -> None:
    scores = [float(each) for each in range(1, 11)]
    assert [best_of_n(scores, 1, share) for share in (0.1, 0.5, 0.9, 1.0)] == [1.0, 5.0, 9.0, 10.0]


def test_the_corrected_t_test_by_hand() -> None:
    # differences 1, 2, 3 of three folds: mean 2, variance 1; 1/3 + 1/2 = 5/6
    found = corrected_t_test([2.0, 4.0, 6.0], [1.0, 2.0, 3.0], 1 / 2)
    assert found is not None
    assert (found.difference, found.df) == (2.0, 2)
    assert found.t == pytest.approx(2 / math.sqrt(5 / 6))
    assert found.p == pytest.approx(2 * stats.t.sf(found.t, 2))


def test_without_shared_rows_it_is_the_paired_t_test() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=8), random.normal(0.5, size=8)
    found = corrected_t_test(list(first), list(second), 0.0)
    expected = stats.ttest_rel(first, second)
    assert found is not None
    assert (found.t, found.p) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))


def test_folds_that_all_differ_alike_say_nothing_of_chance() -> None:
    assert corrected_t_test([1.0, 2.0], [0.5, 1.5], 1.0) is None
    assert welch_t_test([1.0, 1.0], [2.0, 2.0]) is None


def test_welch() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=5), random.normal(1.0, 3.0, size=9)
    found = welch_t_test(list(first), list(second))
    expected = stats.ttest_ind(first, second, equal_var=False)
    assert found is not None
    assert found.t == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.df == pytest.approx(expected.df)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([0.2]) == [0.2]
