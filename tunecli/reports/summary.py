"""A study in plain words: what was searched, which trial won, how sure that is, and what to do next.

    summary = summarise(Facts(snapshot, plan, state=state, rows=rows))
    summary.headline, summary.searched, summary.winner, summary.certainty, summary.comparison, summary.steps

Everything is plain text of whole sentences; whoever shows it escapes it. Nothing is said that the records do not bear:
where something was not measured, that is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote

from tunecli.reports.data import Comparison, StudyState, compare
from tunecli.reports.plan_facts import PlanFacts
from tunecli.reports.significance import corrected_t_test
from tunecli.reports.space.findings import Advice
from tunecli.reports.text import counted, show_duration, show_score, show_spread
from tunecli.spec.experiment import Task
from tunecli.study.baseline import Baseline
from tunecli.study.check import Checks
from tunecli.study.events import EndReason
from tunecli.study.objective import FOLD, VALIDATION, Goal, Objective, plain_metric
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Trial

METRIC_WORDS = {
    "loss": "what the training itself makes small",
    "mse": "the mean of the squared errors, in squared units of the target",
    "rmse": "the usual size of an error (root mean squared error), in the units of the target",
    "mae": "the mean size of an error, in the units of the target",
    "r2": "the share of the target's variance that is explained (R²), 1 at best",
    "accuracy": "the share of rows that are put right, 1 at best",
    "auc": "how well rows with a label are ranked above those without (area under the ROC curve), 1 at best",
    "f1": "the harmonic mean of precision and recall, 1 at best",
}
"""What a score says, by metric."""

_ENDS = {
    EndReason.EXHAUSTED: "The search ran to its end",
    EndReason.TARGET: "The search ended when a score reached the target",
    EndReason.NO_GAIN: "The search ended because too many trials in a row brought no gain",
    EndReason.MAX_TIME: "The search ended because its time was up",
    EndReason.FAILURES: "The search ended because too many trials in a row failed",
    EndReason.INTERRUPTED: "The search was interrupted and can go on",
}
_TUNERS = {
    "random": "A random search",
    "hyperband": "Hyperband",
    "bayesian": "A Bayesian optimisation",
    "grid": "A grid search",
}

CLOSE = 0.01
"""Scores within 1 % of the best error, or within 0.01 of the best share, count as close to it."""

_MANY_FAILURES, _LATE, _FEWEST_FOR_TREND = 0.2, 0.8, 20
_MOST_NAMED = 8


@dataclass(frozen=True)
class Facts:
    """What is known of a study.

    Attributes:
        snapshot: Its trials.
        plan: Its plan.
        name: What it is called now.
        state: How it stands.
        baselines: The simple models that trials are compared with.
        checks: What was found in the data; None where nobody has looked.
        looks: How often the test rows were looked at; None where that cannot be read.
        card: What stands in `card.json` of the retrained winner, or None.
        advice: What the trials have shown about the search space, the most urgent first.
    """

    snapshot: Snapshot
    plan: PlanFacts
    name: str
    state: StudyState
    baselines: Sequence[Baseline] = ()
    checks: Checks | None = None
    looks: int | None = 0
    card: Mapping[str, object] | None = None
    advice: Sequence[Advice] = ()

    @property
    def rows(self) -> Mapping[str, int]:
        """How many rows each part has; empty where nobody has counted."""
        return {} if self.checks is None else self.checks.rows

    @property
    def has_test(self) -> bool:
        """Whether rows are held back for a test."""
        return bool(self.rows.get("test", 0) if self.rows else self.plan.test)


@dataclass(frozen=True)
class Step:
    """Something to do next.

    Attributes:
        what: Why and what, in words.
        command: The command or the line of the spec, or "".
    """

    what: str
    command: str = ""


@dataclass(frozen=True)
class Summary:
    """A study in words, each entry one or two sentences.

    Attributes:
        headline: The result in one sentence.
        searched: What was tried.
        winner: What came of it.
        certainty: How far that can be trusted.
        comparison: How simple models do.
        steps: What to do next.
    """

    headline: str
    searched: tuple[str, ...]
    winner: tuple[str, ...]
    certainty: tuple[str, ...]
    comparison: tuple[str, ...]
    steps: tuple[Step, ...] = field(default=())


def summarise(facts: Facts) -> Summary:
    """Puts a study in words."""
    best = facts.snapshot.best
    return Summary(
        headline=_headline(facts),
        searched=tuple(_searched(facts)),
        winner=() if best is None else tuple(_winner(facts, best)),
        certainty=() if best is None else tuple(_certainty(facts, best)),
        comparison=tuple(_comparison(facts)),
        steps=tuple(_steps(facts)),
    )


def verdict(found: Comparison, metric: str) -> str:
    """Returns whether tuning has paid, in a line."""
    baseline = f"the best baseline ({found.baseline.name}, {metric} {show_score(found.score)})"
    size = show_score(abs(found.gain)) if found.share is None else _percent(abs(found.share))
    if found.gain > 0:
        return f"the best trial beats {baseline} by {size}"
    return f"no trial beats {baseline}" + (f", which is better by {size}" if found.gain else "")


@dataclass(frozen=True)
class PairedDifference:
    """How two trials differ over the trainings that both have: the same folds, or the same repeats.

    Attributes:
        wins: In how many of them the first is better.
        count: How many there are; at least two.
        is_clear: Whether the mean difference is more than chance between them explains, at 95 %.
    """

    wins: int
    count: int
    is_clear: bool


def paired_difference(
    first: Trial, second: Trial, objective: Objective, *, folds: int | None
) -> PairedDifference | None:
    """Compares two trials training by training, by the corrected resampled t-test: see `significance`.

    Args:
        first: One trial.
        second: Another.
        objective: What decides.
        folds: Into how many folds the rows were dealt; None for repeats on the same rows.

    Returns:
        What was found; None for fewer than two trainings that both have.
    """
    both = [
        (objective.sort_key(theirs.score), objective.sort_key(ours.score))
        for number, ours in first.trainings.items()
        if (theirs := second.trainings.get(number)) and ours.score is not None and theirs.score is not None
    ]
    if len(both) < 2:
        return None
    theirs_by_training, ours_by_training = zip(*both, strict=True)
    wins = sum(ours < theirs for theirs, ours in both)
    found = corrected_t_test(theirs_by_training, ours_by_training, 1 / (folds - 1) if folds else 0.0)
    return PairedDifference(wins, len(both), wins > 0 if found is None else found.p < 0.05)


def configurations(snapshot: Snapshot) -> list[Trial]:
    """Returns the completed trials, best first; of those that go on from one another (Hyperband), the best alone."""
    found: dict[int, Trial] = {}
    for trial in snapshot.completed:
        found.setdefault(snapshot.lineage(trial.id)[0], trial)
    return list(found.values())


def close_to_best(snapshot: Snapshot) -> list[Trial]:
    """Returns the other configurations whose scores are close to the best (`CLOSE`), best first."""
    if snapshot.best is None or snapshot.best.score is None:
        return []
    best, objective = snapshot.best.score, snapshot.objective
    reach = CLOSE * abs(best) if objective.goal is Goal.MINIMIZE else CLOSE
    others = configurations(snapshot)[1:]
    return [each for each in others if each.score is not None and abs(each.score - best) <= reach]


def _headline(facts: Facts) -> str:
    snapshot, best = facts.snapshot, facts.snapshot.best
    metric = snapshot.objective.metric
    if best is None:
        ended = snapshot.ended_count
        nothing = "no trial has ended yet" if not ended else f"none of the {counted(ended, 'trial')} came to a score"
        return f"{nothing[0].upper()}{nothing[1:]}: there is no winner."
    assert best.outcome is not None
    scored = show_spread(best.score, best.outcome.score_sd)
    among = counted(len(snapshot.completed), "trial")
    return f"Trial {best.id} is the best of {among} with a score: {metric} {scored}."


def _searched(facts: Facts) -> list[str]:
    snapshot, plan = facts.snapshot, facts.plan
    if not plan.family:  # the plan cannot be read
        return [_counts(snapshot), *_state(facts)]
    names = [each.name for each in plan.space]
    settings = len({snapshot.lineage(trial)[0] for trial in snapshot.trials})
    what = f"{_TUNERS.get(plan.tuner, plan.tuner)} tried {counted(settings, 'setting')} of "
    what += f"{counted(len(names), 'hyperparameter')} ({_named(names)})" if names else "a model without open values"
    predicted = f", to predict {_named(plan.targets)}" if plan.targets else ""
    found = [f"{what} of the model family {plan.family} on the data set {plan.dataset}{predicted}."]
    found.append(_scoring(facts))
    found.append(_training(facts))
    found.append(_counts(snapshot))
    return [*found, *_state(facts)]


def _scoring(facts: Facts) -> str:
    objective, plan = facts.snapshot.objective, facts.plan
    metric = objective.metric
    words = METRIC_WORDS.get(plain_metric(metric), "")
    where = _scored_rows(facts)
    better = "Lower is better." if objective.goal is Goal.MINIMIZE else "Higher is better."
    score = f"A trial's score is its {metric} on {where}" + (f": {words}" if words else "")
    several = f" It is the mean of {plan.trainings} trainings." if plan.trainings > 1 else ""
    return f"{score}. {better}{several}"


def _scored_rows(facts: Facts) -> str:
    metric = facts.snapshot.objective.metric
    if metric.startswith(FOLD):
        return "rows that were held back from it, fold by fold"
    if metric.startswith(VALIDATION):
        count = facts.rows.get("validation")
        return f"the {count:,} validation rows, which it was not trained on" if count else "the validation rows"
    return "the rows that it was trained on"


def _training(facts: Facts) -> str:
    plan = facts.plan
    early = (
        "" if plan.patience is None else f"; one that does not gain for {counted(plan.patience, 'epoch')} ends early"
    )
    if plan.tuner == "hyperband":
        going_on = sum(each.suggestion.parent is not None for each in facts.snapshot.trials.values())
        return (
            "Most trials get a few epochs only, and the better ones go on, "
            f"to {counted(plan.epochs, 'epoch')} at most, each time as a trial of its own: "
            f"{going_on} of them go on from an earlier one{early}."
        )
    return f"A trial is trained for {counted(plan.epochs, 'epoch')} at most{early}."


def _counts(snapshot: Snapshot) -> str:
    parts = [f"{counted(len(snapshot.completed), 'trial')} came to a score", f"{len(snapshot.failed)} failed"]
    parts += [f"{len(snapshot.running)} have not ended"] if snapshot.running else []
    return f"{_listed(parts)}."


def _state(facts: Facts) -> list[str]:
    snapshot = facts.snapshot
    if facts.state is StudyState.RUNNING:
        return [f"The search still runs: this is what {show_duration(snapshot.spent_s)} of it have come to."]
    end = snapshot.end_reason
    said = _ENDS[end] if end else "The search stopped without a word (it was killed, or the power failed) and can go on"
    return [f"{said}; it took {show_duration(snapshot.spent_s)}."]


def _winner(facts: Facts, best: Trial) -> list[str]:
    outcome, snapshot = best.outcome, facts.snapshot
    assert outcome is not None
    metric = snapshot.objective.metric
    came = list(snapshot.trials).index(best.id) + 1
    found = [
        f"Trial {best.id} has {metric} {show_spread(outcome.score, outcome.score_sd)} at epoch {outcome.best_epoch} of "
        f"the {outcome.epochs_run} that it ran. It came as number {came} of {len(snapshot.trials)}."
    ]
    plain = plain_metric(metric)
    own = outcome.metrics.get(plain)
    if metric != plain and own is not None:
        found.append(f"On the rows that it was trained on, {plain} is {show_score(own)}.")
    ties = [each.id for each in configurations(snapshot)[1:] if each.score == best.score]
    if ties:
        found.append(f"{_trials(ties)} {_has(ties)} the very same score; of equals, the earliest wins.")
    return found


def _certainty(facts: Facts, best: Trial) -> list[str]:
    found = [_gap(facts), _noise(facts, best)]
    if facts.snapshot.objective.metric == plain_metric(facts.snapshot.objective.metric):
        found.append(
            "The score was measured on the rows that the models learnt from. It says nothing of how well they do on "
            "new rows."
        )
    elif len(facts.snapshot.completed) > 1:
        found.append(
            f"The winner was picked among {len(facts.snapshot.completed):,} trials for its score, and a score "
            "that was picked flatters: expect a somewhat worse one on new rows."
        )
    return [each for each in (*found, _looked(facts), *_retrained(facts)) if each]


def _gap(facts: Facts) -> str:
    snapshot = facts.snapshot
    ranked = configurations(snapshot)
    if len(ranked) < 2:
        return "There is no second trial with a score to compare it with."
    best, second = ranked[:2]
    assert best.score is not None
    assert second.score is not None
    gap = abs(second.score - best.score)
    is_error = snapshot.objective.goal is Goal.MINIMIZE
    share = f" ({_percent(gap / abs(best.score))})" if is_error and best.score else ""
    text = f"The second best, trial {second.id}, is {show_score(gap)} behind{share}."
    close = len(close_to_best(snapshot))
    if is_error and not best.score:
        return text
    reach = "1 % of the best score" if is_error else "0.01 of the best score"
    if close == 0:
        return f"{text} No other trial comes within {reach}."
    return f"{text} {counted(close, 'other trial')} {'comes' if close == 1 else 'come'} within {reach}."


def _noise(facts: Facts, best: Trial) -> str:
    plan, snapshot = facts.plan, facts.snapshot
    if plan.trainings > 1 and best.trainings:
        return _measured_noise(facts, best)
    text = (
        "Each trial was trained once, so that how much of its score is luck (its first weights, the order of its rows) "
        "was not measured."
    )
    rows = facts.rows.get("validation")
    is_share = snapshot.objective.metric == f"{VALIDATION}accuracy" and plan.task != Task.MULTILABEL
    if is_share and rows and best.score is not None and 0 < best.score < 1:
        # the normal approximation of a binomial share (Wald)
        half = 1.96 * math.sqrt(best.score * (1 - best.score) / rows)
        text += f" For new rows, an accuracy from {rows:,} rows is known to about ± {show_score(half)} (95 %)."
    return text


def _measured_noise(facts: Facts, best: Trial) -> str:
    evaluation, snapshot = facts.plan.evaluation, facts.snapshot
    assert evaluation is not None
    assert best.outcome is not None
    kind = "folds" if evaluation.folds else "repeats"
    text = f"The score is the mean of {counted(len(best.trainings), 'training')} on different {kind}"
    if best.outcome.score_sd is not None:
        text += f", whose scores differ by {show_score(best.outcome.score_sd)} (standard deviation)"
    text += "."
    ranked = configurations(snapshot)
    if len(ranked) < 2:
        return text
    second = ranked[1]
    found = paired_difference(best, second, snapshot.objective, folds=evaluation.folds)
    if found is None:
        return text
    text += f" It beats trial {second.id} in {found.wins} of {found.count} of them"
    if found.is_clear:
        return f"{text}, by more than chance between {kind} explains (at 95 %)."
    return f"{text}; what so few {kind} that differ so much say is not certain (at 95 %), and either may be better."


def _looked(facts: Facts) -> str:
    if facts.looks is None:
        return "How often the test rows were looked at cannot be read."
    if not facts.has_test:
        return "No rows are held back for a test." if facts.plan.family else ""
    if facts.looks == 0:
        return "The test rows have not been looked at: they are still good for one honest estimate."
    if facts.looks == 1:
        return "The test rows have been looked at once."
    return (
        f"The test rows have been looked at {facts.looks} times. Each look makes their score a little less honest, if "
        "what it said was acted on."
    )


def _retrained(facts: Facts) -> list[str]:
    """Returns what the winner came to when it was trained once more; nothing where it was not, or cannot be read."""
    card, metric = facts.card, plain_metric(facts.snapshot.objective.metric)
    if card is None:
        return []
    figure = test_figure(card, metric)
    if figure is None:
        return []
    value, low, high = figure
    interval = "" if low is None or high is None else f" (95 % interval {show_score(low)} to {show_score(high)})"
    return [f"Trained once more, trial {card['trial']} has {metric} {show_score(value)}{interval} on the test rows."]


def test_figure(card: Mapping[str, object], metric: str) -> tuple[float, float | None, float | None] | None:
    """Returns a metric on the test rows with its interval, as a card has it; None where it has none."""
    scores = card.get("scores")
    part = scores.get("test") if isinstance(scores, Mapping) else None
    figure = part.get(metric) if isinstance(part, Mapping) else None
    if not isinstance(figure, Mapping) or not isinstance(figure.get("value"), int | float):
        return None
    return figure["value"], figure.get("low"), figure.get("high")


def _comparison(facts: Facts) -> list[str]:
    snapshot = facts.snapshot
    if not facts.baselines:
        return ["No simple models were fitted to compare with."]
    found = compare(snapshot, facts.baselines)
    if found is None:
        return ["There is no score on both sides to compare with simple models."]
    said = verdict(found, snapshot.objective.metric)
    text = [f"{said[0].upper()}{said[1:]}."]
    if found.gain <= 0:
        text.append("As it stands, the simple model is the better choice, and the cheaper one.")
    return text


def _steps(facts: Facts) -> list[Step]:
    snapshot, best = facts.snapshot, facts.snapshot.best
    found = []
    can_go_on = facts.state is StudyState.INTERRUPTED or snapshot.end_reason in (EndReason.MAX_TIME, EndReason.FAILURES)
    if can_go_on and facts.state is not StudyState.RUNNING:
        more = " with a larger limits.max_time" if snapshot.end_reason is EndReason.MAX_TIME else ""
        found.append(Step(f"Run the same search again{more}: it goes on where it stopped.", "tunecli search CONFIG"))
    if snapshot.failed and len(snapshot.failed) >= _MANY_FAILURES * snapshot.ended_count:
        share = f"{len(snapshot.failed)} of {snapshot.ended_count}"
        what = f"{share} trials failed: see why, and leave out what cannot work."
        found.append(Step(what, f"tunecli why {quote(facts.name)} {snapshot.failed[-1].id}"))
    if facts.checks is not None and facts.checks.warnings:
        count = counted(len(facts.checks.warnings), "warning")
        found.append(Step(f"The checks of the data gave {count}, which may spoil the scores: see the data below."))
    if best is not None:
        compared = compare(snapshot, facts.baselines)
        if compared is not None and compared.gain <= 0:
            what = "A simple model does better: look at the data, the features and the family before searching longer."
            found.append(Step(what))
        found += _about_length(facts)
    found += [Step(f"{each.text}.", each.line) for each in facts.advice]
    if any(each.change is not None for each in facts.advice):
        found.append(
            Step(
                "The spec of the next search, with what is advised for the space written into it:",
                f"tunecli refine {quote(facts.name)}",
            )
        )
    return [*found, *_about_the_winner(facts)]


def _about_the_winner(facts: Facts) -> list[Step]:
    if facts.snapshot.best is None:
        return []
    found = []
    if facts.plan.family and facts.plan.trainings == 1 and close_to_best(facts.snapshot):
        what = "Others come close to the winner: train each trial several times to see which is really better."
        found.append(Step(what, "evaluation: {repeats: 3}"))
    if facts.has_test and facts.looks == 0 and facts.state is not StudyState.RUNNING:
        what = "When you are done choosing: train the winner on all training data, and test it once."
        found.append(Step(what, f"tunecli retrain --full {quote(facts.name)}"))
    return found


def _about_length(facts: Facts) -> list[Step]:
    """Returns whether more trials or more epochs may gain; what to change in the space is `space_advice`'s."""
    snapshot, best, plan = facts.snapshot, facts.snapshot.best, facts.plan
    assert best is not None
    found = []
    order = [each for each, trial in snapshot.trials.items() if trial.is_finished]
    place = order.index(best.id) + 1
    if len(order) >= _FEWEST_FOR_TREND and plan.tuner in ("random", "bayesian"):
        if place > _LATE * len(order):
            what = f"The best came late, as number {place} of {len(order)}: more trials may still gain."
            found.append(Step(what, f"tuner: {{max_trials: {2 * len(snapshot.trials)}}}"))
        elif place <= len(order) / 2:
            what = f"The last {len(order) - place} trials brought nothing better: more of the same may gain little."
            found.append(Step(what))
    longest = max(each.suggestion.end_epoch for each in snapshot.trials.values())
    top = [each.outcome for each in snapshot.completed[:5] if each.outcome]
    unfinished = sum(each.best_epoch == each.epochs_run >= longest for each in top)
    if len(top) >= 2 and unfinished > len(top) / 2:
        what = f"{unfinished} of the best {len(top)} were best in their very last epoch: longer trainings may gain."
        key = "tuner: {max_epochs" if plan.tuner == "hyperband" else "training: {epochs"
        found.append(Step(what, f"{key}: {2 * longest}}}"))
    return found


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %") if share >= 0.0005 or share == 0 else "less than 0.1 %"


def _trials(ids: Sequence[int]) -> str:
    return f"Trial{'' if len(ids) == 1 else 's'} {_named(list(map(str, ids)))}"


def _has(ids: Sequence[int]) -> str:
    return "has" if len(ids) == 1 else "have"


def _named(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return _listed(names)
    return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED:,} more"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
