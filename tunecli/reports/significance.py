"""Whether the difference between two searches may be chance.

    best_of_n_test([0.51, 0.53, inf], [0.50, 0.55, 0.52])       # p of the difference of the bests
    corrected_t_test(folds_of_one_winner, folds_of_the_other, 1 / 4)
    welch_t_test(seeds_of_one_winner, seeds_of_the_other)
    holm([0.01, 0.04, 0.2])

A study's best score is the best of n draws: it grows with n, and has no error of its own to hold a difference against.
What can be tested is whether both searches draw from one distribution of scores, and whether the winners differ on the
folds, or over the seeds, that both were scored by. All scores here are better when lower; a trial that failed is a draw
that came to nothing, `inf`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_ROUNDING = 1e-12
"""Differences that are apart by less than this share are equal."""


@dataclass(frozen=True)
class TTest:
    """What a t-test came to.

    Attributes:
        difference: The mean of the first less that of the second.
        t: The statistic.
        df: Its degrees of freedom.
        p: How often chance alone gives one so large, of either sign.
    """

    difference: float
    t: float
    df: float
    p: float


def best_of_n_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Returns how often the bests of two searches are so far apart when both draw from one distribution of scores.

    A permutation test (Fisher 1935, "The design of experiments"; Pitman 1937, "Significance tests which may be applied
    to samples from any populations") of the difference of the bests: given all scores, each way to deal them out to
    searches of these sizes is equally likely. The best score of all goes to one search, and the other's best is the
    j-th of all if the first has all before it; so the probabilities are known, and no sample is drawn. Both signs are
    allowed for by doubling, since searches of different sizes are not equally likely to be ahead.

    The trials must be independent draws, as those of random search are. It is the distributions that are held equal,
    so that a small p may also say that one of them is wider.

    Args:
        first: A search's scores, at least one of them finite.
        second: Another's.

    Returns:
        p, from `smallest_p` of the two sizes up to 1.
    """
    gap = abs(min(first) - min(second)) * (1 - _ROUNDING)
    if not gap:
        return 1.0
    scores = sorted([*first, *second])
    ahead = len(first) if min(first) < min(second) else len(second)
    p, has_all_before = 0.0, 1.0  # the probability that the search that is ahead has the scores before the j-th
    for index in range(1, ahead + 1):
        left = len(scores) - index
        has_all_before *= (ahead - index + 1) / (left + 1)
        if scores[index] - scores[0] >= gap:
            p += has_all_before * (len(scores) - ahead) / left
    return min(1.0, 2 * p)  # the other might have been ahead


def smallest_p(first: int, second: int) -> float:
    """Returns the smallest p that `best_of_n_test` can come to with so many trials: all of one before all others."""
    return min(1.0, 2 / math.comb(first + second, first))


def best_of_n(scores: Sequence[float], count: int, share: float) -> float:
    """Returns the score that the best of `count` draws from `scores` reaches with a probability of `share`.

    The draws are made with replacement, so that this is a quantile of what Dodge et al. (2019, "Show your work",
    arXiv:1909.03004) take the mean of, and the limit of a bootstrap of the best of `count`. A mean would
    be ruled by the trials that diverge. Near the number of trials it is too pessimistic (Tang et al. 2020, "Showing
    your work doesn't always work", arXiv:2004.13705), and never better than the best that was seen.

    Args:
        scores: At least one; `inf` for a trial that failed.
        count: From 1.
        share: Above 0, up to 1.
    """
    rank = math.ceil(len(scores) * (1 - (1 - share) ** (1 / count)) * (1 - _ROUNDING))
    return float(sorted(scores)[max(1, rank) - 1])


def corrected_t_test(first: Sequence[float], second: Sequence[float], test_share: float) -> TTest | None:
    """Compares two models by their scores on the same folds.

    The corrected resampled t-test (Nadeau and Bengio 2003, "Inference for the generalization error", Machine Learning
    52): folds share most of their training rows, so that their scores are not independent; the
    variance of the mean is taken to be (1/J + n_test/n_train) times that of the J differences. For repeated folds as in
    Bouckaert and Frank 2004, "Evaluating the replicability of significance tests for comparing learning algorithms".

    Args:
        first: A score for each fold of each repeat, at least two.
        second: The other model's, in the same order.
        test_share: Rows that a fold scores, to rows that it trains on: 1 / (k - 1) of k folds.

    Returns:
        What came of it; None where all differences are equal, so that nothing says how large chance is.
    """
    differences = [one - other for one, other in zip(first, second, strict=True)]
    variance = statistics.variance(differences)
    if not variance:
        return None
    mean = statistics.fmean(differences)
    t = mean / math.sqrt((1 / len(differences) + test_share) * variance)
    return TTest(mean, t, len(differences) - 1, _two_sided(t, len(differences) - 1))


def welch_t_test(first: Sequence[float], second: Sequence[float]) -> TTest | None:
    """Compares two models by their scores with several seeds each (Welch 1947, Biometrika 34).

    Args:
        first: At least two.
        second: The other model's, at least two.

    Returns:
        What came of it; None where neither varies.
    """
    errors = [statistics.variance(each) / len(each) for each in (first, second)]
    if not sum(errors):
        return None
    difference = statistics.fmean(first) - statistics.fmean(second)
    t = difference / math.sqrt(sum(errors))
    shares = [error**2 / (len(each) - 1) for error, each in zip(errors, (first, second), strict=True)]
    df = sum(errors) ** 2 / sum(shares)
    return TTest(difference, t, df, _two_sided(t, df))


def holm(ps: Sequence[float]) -> list[float]:
    """Returns the p of several tests, raised so that one below 0.05 among them all is chance at most 1 time in 20.

    Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6.
    """
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda each: ps[each])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = highest
    return adjusted


def _two_sided(t: float, df: float) -> float:
    from scipy.special import stdtr  # the distribution of t, without all of scipy.stats

    return float(2 * stdtr(df, -abs(t)))
