"""What a comparison says of its pairs, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunecli.reports.comparison.compare import StudyComparison
from tunecli.reports.comparison.pairs import ChanceTest, ChanceTestKind, Pair
from tunecli.reports.text import show_score


def pair_lines(found: StudyComparison) -> list[str]:
    """Returns for each two studies which is better, and below it, indented, what was tested and what that says."""
    if found.objective is None:
        return []
    scores = {each.label: each.best_score for each in found.figures}
    lines = []
    for pair in found.pairs:
        lines.append(_lead(pair, scores, found.objective.metric))
        lines += [f"  {line}" for test in pair.tests for line in _test_lines(test, len(found.pairs))]
        lines += [f"  {each}" for each in pair.untested]
    return lines


def odds(p: float) -> str:
    """Returns a probability as people say it: `4 times in 10`."""
    for of, text in ((10, "10"), (100, "100"), (1000, "1,000")):
        if p * of >= 0.95:
            times = round(p * of)
            return "nearly always" if times == of else f"{times} time{'s' * (times > 1)} in {text}"
    return "less than once in 1,000 times"


def _lead(pair: Pair, scores: Mapping[str, float | None], metric: str) -> str:
    one, other = pair.labels
    if pair.better is None:
        return f"{one} and {other} are equal: {metric} {show_score(scores[one])}"
    worse = other if pair.better == one else one
    by, best, second = abs(pair.difference), scores[pair.better], scores[worse]
    against = f"{show_score(best)} against {show_score(second)}"
    return f"{pair.better} is better than {worse} by {show_score(by)}: {metric} {against}"


def _test_lines(test: ChanceTest, pairs: int) -> Sequence[str]:
    p = f"p {_show_p(test.p)}" + (f" (by Holm, of {pairs} pairs: {_show_p(test.p_holm)})" if pairs > 1 else "")
    verdict = "more than chance" if test.is_more_than_chance else "this may be chance"
    end = f"; {verdict}" if test.is_sound else ""
    if test.kind is ChanceTestKind.BEST_OF_N:
        first, second = test.counts
        by_chance = "if both drew from the same scores, their bests would be so far apart"
        text = (
            f"the searches: best of {first:,} against best of {second:,} trials, {p}; {by_chance} {odds(test.p)}{end}"
        )
    else:
        assert test.t is not None, f"{test.kind} is a t-test"
        of_what = {
            ChanceTestKind.FOLDS: f"the winners: on the same {test.counts[0]} folds, corrected t",
            ChanceTestKind.SEEDS: f"the winners: over {test.counts[0]} and {test.counts[1]} seeds, Welch's t",
        }[test.kind]
        text = f"{of_what} = {test.t:.2f} with {test.df:.3g} degrees of freedom, {p}{end}"
    return [text, *(f"  {each}" for each in test.caveats)]


def _show_p(p: float) -> str:
    return f"= {p:.2g}" if p >= 0.001 else "< 0.001"
