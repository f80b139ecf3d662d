"""Studies beside each other: what they came to, what differs in their plans, and whether that may be chance.

    studies = [gather(run, label)[0] for run, label in …]
    found = compare_studies(studies)          # or: metric="val_mae"
    found.obstacles                           # why they cannot be ranked
    found.pairs[0].tests                      # what says whether a difference is noise

Studies whose scores do not mean the same are shown, and never ranked.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tunecli.errors import UsageError
from tunecli.registry import did_you_mean
from tunecli.reports.comparison.pairs import Pair, compare_pairs
from tunecli.reports.comparison.plans import Difference, differences, notes, obstacles
from tunecli.reports.comparison.study import Study, common_metrics, score_of, training_scores, winner
from tunecli.reports.data import StudyState
from tunecli.spec.space import Value
from tunecli.study.objective import Objective, find_metric, plain_metric


@dataclass(frozen=True)
class Point:
    """A trial on the curve of a study.

    Attributes:
        trial: Its id.
        spent_s: Wall-clock seconds of all sessions, up to its end.
        score: Its score; None if it has none.
        best: The best score so far; None before the first.
    """

    trial: int
    spent_s: float
    score: float | None
    best: float | None


@dataclass(frozen=True)
class Figures:
    """What a study came to.

    Attributes:
        label: What the study is called beside the others.
        path: Its folder.
        state: How it stands.
        tuner: Who proposes.
        completed: How many trials ended with a score.
        failed: How many ended without one.
        running: How many have not ended.
        spent_s: Wall-clock seconds of all sessions.
        best_trial: The winner's id, or None.
        best_score: Its score, or None.
        best_sd: The standard deviation of the scores of its folds and repeats, or None.
        best_values: Its searched hyperparameters.
        best_after: How many trials had ended when it had.
        best_at_s: When it ended, in wall-clock seconds of all sessions.
        mean: Of the scores of all completed trials, or None.
        median: The same.
        curve: The trials that have ended, in the order of ending.
        test: The metric of the retrained model on the test part, with `low` and `high`; None where it was not tested.
    """

    label: str
    path: str
    state: StudyState
    tuner: str
    completed: int
    failed: int
    running: int
    spent_s: float
    best_trial: int | None
    best_score: float | None
    best_sd: float | None
    best_values: Mapping[str, Value]
    best_after: int | None
    best_at_s: float | None
    mean: float | None
    median: float | None
    curve: tuple[Point, ...]
    test: Mapping[str, float | None] | None


@dataclass(frozen=True)
class StudyComparison:
    """Studies beside each other.

    Attributes:
        objective: What they are compared by; None where they have different ones.
        figures: What each came to, in the order given.
        differences: Between their plans.
        obstacles: Why their scores do not mean the same; () where they do.
        notes: What to keep in mind otherwise.
        pairs: Each two of them that have a winner; () where there are obstacles.
    """

    objective: Objective | None
    figures: tuple[Figures, ...]
    differences: tuple[Difference, ...]
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def ranking(self) -> tuple[str, ...]:
        """The studies that have a winner, best first; () where they cannot be ranked."""
        if self.objective is None or self.obstacles:
            return ()
        sort_key = self.objective.sort_key
        ranked = [(sort_key(each.best_score), each.label) for each in self.figures if each.best_score is not None]
        return tuple(label for _, label in sorted(ranked, key=lambda each: each[0]))


def compare_studies(studies: Sequence[Study], metric: str | None = None) -> StudyComparison:
    """Puts studies beside each other.

    Args:
        studies: At least two.
        metric: What to compare by; None for their objective.

    Raises:
        UsageError: No trial of a study has the metric, or nobody knows which way it is better.
    """
    objective = _objective(studies, metric)
    in_the_way = obstacles(studies, objective)
    pairs = compare_pairs(studies, objective) if objective is not None and not in_the_way else []
    return StudyComparison(
        objective,
        tuple(_figures(each, objective) for each in studies),
        tuple(differences(studies)),
        tuple(in_the_way),
        tuple(notes(studies, objective)),
        tuple(pairs),
    )


def comparison_document(found: StudyComparison) -> dict[str, Any]:
    """Returns the document of `compare --json`."""
    return {
        "objective": None if found.objective is None else found.objective.model_dump(mode="json"),
        "is_comparable": found.objective is not None and not found.obstacles,
        "obstacles": list(found.obstacles),
        "notes": list(found.notes),
        "ranking": list(found.ranking),
        "studies": [asdict(each) for each in found.figures],
        "differences": [asdict(each) for each in found.differences],
        "pairs": [asdict(each) for each in found.pairs],
    }


def _objective(studies: Sequence[Study], metric: str | None) -> Objective | None:
    """Returns what to compare by; None where the studies have different objectives and no metric is named."""
    own = {(each.snapshot.objective.metric, each.snapshot.objective.goal): each.snapshot.objective for each in studies}
    if metric is None:
        return next(iter(own.values())) if len(own) == 1 else None
    known = common_metrics(studies)
    if metric not in known:
        hint = did_you_mean(metric, known) if known else "leave --metric out: only their specs can be compared"
        raise UsageError(f"'{metric}' is not measured in all of these studies", where="--metric", hint=hint)
    found = find_metric(metric)
    goals = {objective.goal for objective in own.values() if objective.metric == metric}
    goals |= {found.goal} if found is not None else set()
    if len(goals) != 1:
        what = f"which way '{metric}' is better is not known" if not goals else f"'{metric}' is better both ways"
        raise UsageError(
            what, where="--metric", hint=f"choose one of {', '.join(each for each in known if find_metric(each))}"
        )
    return Objective(metric=metric, goal=goals.pop())


def _figures(study: Study, objective: Objective | None) -> Figures:
    by = objective or study.snapshot.objective
    won = winner(study, by)
    scores = [score for each in study.ended if (score := score_of(each.trial.outcome, study, by)) is not None]
    place = next((number for number, each in enumerate(study.ended) if won and each.trial.id == won.id), None)
    trainings = [] if won is None else training_scores(won, study, by)
    return Figures(
        label=study.label,
        path=study.path,
        state=study.state,
        tuner=study.tuner,
        completed=len(scores),
        failed=len(study.ended) - len(scores),
        running=len(study.snapshot.running),
        spent_s=study.snapshot.spent_s,
        best_trial=won.id if won else None,
        best_score=score_of(won.outcome, study, by) if won else None,
        best_sd=statistics.stdev(trainings) if len(trainings) > 1 else None,
        best_values=won.suggestion.values if won else {},
        best_after=None if place is None else place + 1,
        best_at_s=None if place is None else study.ended[place].spent_s,
        mean=statistics.fmean(scores) if scores else None,
        median=statistics.median(scores) if scores else None,
        curve=_curve(study, by),
        test=_test_score(study, by),
    )


def _curve(study: Study, objective: Objective) -> tuple[Point, ...]:
    points: list[Point] = []
    best: float | None = None
    for each in study.ended:
        score = score_of(each.trial.outcome, study, objective)
        best = score if score is not None and objective.is_better(score, best) else best
        points.append(Point(each.trial.id, each.spent_s, score, best))
    return tuple(points)


def _test_score(study: Study, objective: Objective) -> Mapping[str, float | None] | None:
    """Returns the metric of the retrained model on the test part."""
    scores = (study.card or {}).get("scores") or {}
    found: Mapping[str, float | None] | None = (scores.get("test") or {}).get(plain_metric(objective.metric))
    return found
