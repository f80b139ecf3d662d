"""The words of a report, on studies of which it is known what to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.studies import Planted, any_plan, study_events
from tunecli.reports.data import StudyState
from tunecli.reports.plan_facts import PlanFacts
from tunecli.reports.space.findings import Advice, AdviceKind, Change
from tunecli.reports.summary import Facts, Step, Summary, paired_difference, summarise
from tunecli.spec.evaluation import EvaluationSpec
from tunecli.spec.space import Kind, Parameter, SearchSpace
from tunecli.study.baseline import Baseline
from tunecli.study.check import Checks, Finding, Severity
from tunecli.study.events import EndReason
from tunecli.study.objective import Goal
from tunecli.study.snapshot import Snapshot

MakeSnapshot = Callable[..., Snapshot]

SPACE = SearchSpace(
    parameters=(
        Parameter(name="units", kind=Kind.INT, min=16, max=256, log=True),
        Parameter(name="optimizer", kind=Kind.CHOICE, values=("adam", "sgd")),
    )
)
PLAN: dict[str, Any] = {
    "family": "mlp",
    "dataset": "advertising",
    "task": "regression",
    "tuner": "random",
    "space": SPACE,
    "epochs": 30,
    "patience": 5,
    "seed": 0,
    "split_seed": 0,
    "validation": 0.2,
    "test": 0.2,
}
ROWS = {"train": 120, "validation": 40, "test": 40}


def summary(snapshot: Snapshot, *, plan: dict[str, Any] | None = None, **given: Any) -> Summary:
    facts = {"state": StudyState.FINISHED, "checks": Checks(rows=ROWS, sampled_rows=120), **given}
    return summarise(Facts(snapshot, PlanFacts(**PLAN | (plan or {})), "study", **facts))


def scores(*given: float | str | None) -> list[tuple[dict[str, Any], float | str | None]]:
    return [({"units": 16 + place}, score) for place, score in enumerate(given)]


def of_folds(*trials: list[float], folds: int | None = 3) -> Snapshot:
    """Returns a study of trials of several trainings each."""
    plan = any_plan(metric="fold_rmse" if folds else "val_rmse")
    return Snapshot.of(study_events(plan, [Planted({}, given) for given in trials], end=None))


def test_what_was_searched(make_snapshot: MakeSnapshot) -> None:
    found = summary(make_snapshot(*scores(0.5, 0.4, "loss is nan", None), end=EndReason.EXHAUSTED))
    assert found.headline == "Trial 1 is the best of 2 trials with a score: val_rmse 0.4000."
    assert found.searched == (
        "A random search tried 4 settings of 2 hyperparameters (units and optimizer) of the model family mlp on the "
        "data set advertising.",
        "A trial's score is its val_rmse on the 40 validation rows, which it was not trained on: the usual size of an "
        "error (root mean squared error), in the units of the target. Lower is better.",
        "A trial is trained for 30 epochs at most; one that does not gain for 5 epochs ends early.",
        "2 trials came to a score, 1 failed and 1 have not ended.",
        "The search ran to its end; it took 40.0 s.",
    )


@pytest.mark.parametrize(
    ("end", "state", "said"),
    [
        (None, StudyState.RUNNING, "The search still runs: this is what 10.0 s of it have come to."),
        (None, StudyState.INTERRUPTED, "The search stopped without a word (it was killed, or the power failed)"),
        (EndReason.TARGET, StudyState.STOPPED, "The search ended when a score reached the target"),
        (EndReason.INTERRUPTED, StudyState.INTERRUPTED, "The search was interrupted and can go on"),
    ],
)
def test_how_it_stands(end: EndReason | None, state: StudyState, said: str, make_snapshot: MakeSnapshot) -> None:
    assert said in summary(make_snapshot(*scores(0.5), end=end), state=state).searched[-1]


def test_nothing_is_claimed_of_a_study_without_a_winner(make_snapshot: MakeSnapshot) -> None:
    found = summary(make_snapshot())
    assert found.headline == "No trial has ended yet: there is no winner."
    assert (found.winner, found.certainty) == ((), ())
    assert summary(make_snapshot(*scores("x", "x"))).headline == (
        "None of the 2 trials came to a score: there is no winner."
    )


@pytest.mark.parametrize(
    ("metric", "goal", "given", "said"),
    [
        ("val_rmse", Goal.MINIMIZE, (0.5,), "There is no second trial with a score to compare it with."),
        (
            "val_rmse",
            Goal.MINIMIZE,
            (0.5, 0.6),
            "The second best, trial 1, is 0.1000 behind (20.0 %). No other trial comes within 1 % of the best score.",
        ),
        (
            "val_rmse",
            Goal.MINIMIZE,
            (0.5, 0.502, 0.504, 0.51),
            "The second best, trial 1, is 0.0020 behind (0.4 %). 2 other trials come within 1 % of the best score.",
        ),
        (
            "val_accuracy",
            Goal.MAXIMIZE,
            (0.9, 0.895, 0.8),
            "The second best, trial 1, is 0.0050 behind. 1 other trial comes within 0.01 of the best score.",
        ),
        ("val_rmse", Goal.MINIMIZE, (0.0, 0.1), "The second best, trial 1, is 0.1000 behind."),
    ],
)
def test_the_gap_to_the_second(
    metric: str, goal: Goal, given: tuple[float, ...], said: str, make_snapshot: MakeSnapshot
) -> None:
    assert summary(make_snapshot(*scores(*given), metric=metric, goal=goal)).certainty[0] == said


def test_equals_are_named(make_snapshot: MakeSnapshot) -> None:
    found = summary(make_snapshot(*scores(0.5, 0.5, 0.5)))
    assert found.winner[-1] == "Trials 1 and 2 have the very same score; of equals, the earliest wins."


def test_what_was_not_measured_is_said(make_snapshot: MakeSnapshot) -> None:
    found = summary(make_snapshot(*scores(0.5, 0.6)))
    assert found.certainty[1].startswith("Each trial was trained once, so that how much of its score is luck")
    assert "picked among 2 trials" in found.certainty[2]
    assert found.certainty[3] == "The test rows have not been looked at: they are still good for one honest estimate."


def test_an_accuracy_has_an_interval(make_snapshot: MakeSnapshot) -> None:
    found = summary(
        make_snapshot(*scores(0.9, 0.8), metric="val_accuracy", goal=Goal.MAXIMIZE),
        plan={"task": "multiclass"},
        checks=Checks(rows={"train": 1, "validation": 10_000, "test": 0}, sampled_rows=1),
    )
    # 1.96 √(0.9 · 0.1 / 10,000) = 0.00588
    assert "an accuracy from 10,000 rows is known to about ± 0.0059 (95 %)" in found.certainty[1]
    assert "No rows are held back for a test." in found.certainty


def test_a_score_on_training_rows_says_nothing_of_new_ones(make_snapshot: MakeSnapshot) -> None:
    found = summary(make_snapshot(*scores(0.5, 0.6), metric="rmse"), plan={"validation": 0.0})
    assert "It says nothing of how well they do on new rows." in found.certainty[2]
    assert "on the rows that it was trained on" in found.searched[1]


def test_folds_tell_clear_differences_from_chance() -> None:
    plan = {"evaluation": EvaluationSpec(folds=3)}
    clear = summary(of_folds([0.50, 0.60, 0.70], [0.90, 1.01, 1.10]), plan=plan)
    assert clear.headline.endswith("fold_rmse 0.6000 ± 0.1000.")
    assert (
        "It beats trial 1 in 3 of 3 of them, by more than chance between folds explains (at 95 %)."
        in (clear.certainty[1])
    )
    unclear = summary(of_folds([0.50, 0.60, 0.70], [0.40, 0.80, 0.75]), plan=plan)
    assert "It beats trial 1 in 2 of 3 of them; what so few folds that differ so much say" in unclear.certainty[1]


def test_the_variance_of_folds_is_corrected() -> None:
    """Differences 0.1, 0.2, 0.3: mean 0.2, variance 0.01; folds 1/3 + 1/2, repeats 1/3; t(2) = 4.303."""
    snapshot = of_folds([0.5, 0.5, 0.5], [0.6, 0.7, 0.8])
    first, second = snapshot.completed
    corrected = paired_difference(first, second, snapshot.objective, folds=3)
    assert corrected is not None
    assert (corrected.wins, corrected.count) == (3, 3)
    assert not corrected.is_clear  # 4.303 √(0.01 · 5/6) = 0.393
    spread = of_folds([0.5, 0.5, 0.5], [0.7, 0.8, 0.9], folds=None)
    first, second = spread.completed
    plain = paired_difference(first, second, spread.objective, folds=None)
    assert plain is not None
    assert plain.is_clear  # 0.3 > 4.303 √(0.01 / 3) = 0.248
    assert paired_difference(first, first.__class__(first.suggestion, 0, "", ""), spread.objective, folds=None) is None


@pytest.mark.parametrize(
    ("looks", "said"),
    [(None, "cannot be read"), (1, "looked at once."), (4, "looked at 4 times. Each look makes")],
)
def test_looks_are_counted(looks: int | None, said: str, make_snapshot: MakeSnapshot) -> None:
    assert said in summary(make_snapshot(*scores(0.5)), looks=looks).certainty[-1]


def baseline(score: float | None) -> Baseline:
    return Baseline(name="least squares", score=score, train_rows=120)


def test_simple_models_are_compared(make_snapshot: MakeSnapshot) -> None:
    snapshot = make_snapshot(*scores(0.5))
    assert summary(snapshot).comparison == ("No simple models were fitted to compare with.",)
    worse = summary(snapshot, baselines=[baseline(1.0)])
    assert worse.comparison == ("The best trial beats the best baseline (least squares, val_rmse 1.0000) by 50.0 %.",)
    better = summary(snapshot, baselines=[baseline(0.25)])
    assert better.comparison[0].startswith("No trial beats the best baseline (least squares, val_rmse 0.2500)")
    assert any(each.what.startswith("A simple model does better") for each in better.steps)


def steps(found: Summary) -> dict[str, str]:
    return {each.what: each.command for each in found.steps}


def test_what_to_do_next(make_snapshot: MakeSnapshot) -> None:
    found = steps(summary(make_snapshot(*scores(0.5, 0.501), end=EndReason.EXHAUSTED)))
    assert found == {
        "When you are done choosing: train the winner on all training data, and test it once.": (
            "tunecli retrain --full study"
        ),
        "Others come close to the winner: train each trial several times to see which is really better.": (
            "evaluation: {repeats: 3}"
        ),
    }


def test_advice_on_the_space_stands_before_the_test(make_snapshot: MakeSnapshot) -> None:
    text = "the best 5 of 60 trials have units above 240"
    advice = Advice(AdviceKind.EDGE, ("units",), text, "units: {min: 16, max: 512}", Change(max=512))
    found = summary(make_snapshot(*scores(0.5)), advice=[advice]).steps
    assert found[:2] == (
        Step("the best 5 of 60 trials have units above 240.", "units: {min: 16, max: 512}"),
        Step(
            "The spec of the next search, with what is advised for the space written into it:", "tunecli refine study"
        ),
    )
    assert found[2].command == "tunecli retrain --full study"


def test_a_test_is_not_proposed_twice(make_snapshot: MakeSnapshot) -> None:
    snapshot = make_snapshot(*scores(0.5), end=EndReason.EXHAUSTED)
    assert summary(snapshot, looks=1).steps == ()
    assert summary(snapshot, looks=0, state=StudyState.RUNNING).steps == ()


def test_failures_and_findings_come_first(make_snapshot: MakeSnapshot) -> None:
    finding = Finding(kind="constant", severity=Severity.WARNING, what="w")
    checks = Checks(rows=ROWS, sampled_rows=120, findings=(finding,))
    found = summary(make_snapshot(*scores("x", "x", 0.5), end=EndReason.EXHAUSTED), checks=checks).steps
    assert found[0] == Step("2 of 3 trials failed: see why, and leave out what cannot work.", "tunecli why study 1")
    assert found[1].what.startswith("The checks of the data gave 1 warning")


@pytest.mark.parametrize(("best", "said"), [(29, "The best came late, as number 30 of 30"), (2, "The last 27 trials")])
def test_whether_more_trials_may_gain(best: int, said: str, make_snapshot: MakeSnapshot) -> None:
    given = [0.1 if place == best else 1.0 + place for place in range(30)]
    assert any(said in each for each in steps(summary(make_snapshot(*scores(*given)))))


def test_trainings_that_were_best_at_their_end_may_be_too_short() -> None:
    turned = {"val_rmse": [9.0] * 19 + [2.5] + [9.0] * 10}
    trials = [Planted({}, 0.5), Planted({}, 1.5), Planted({}, 2.5, turned)]
    found = steps(summary(Snapshot.of(study_events(any_plan(epochs=30), trials, end=None))))
    said = "2 of the best 3 were best in their very last epoch: longer trainings may gain."
    assert found[said] == "training: {epochs: 60}"


def test_trials_of_hyperband_that_go_on_count_once() -> None:
    """Trial 1 goes on from trial 0; trial 2 is the second best configuration."""
    trials = [
        Planted({}, 0.55, end_epoch=3),
        Planted({}, 0.5, start_epoch=3, end_epoch=9, parent=0),
        Planted({}, 0.7, end_epoch=3),
    ]
    events = study_events(any_plan(tuner="hyperband", epochs=9), trials, end=None)
    found = summary(Snapshot.of(events), plan={"tuner": "hyperband", "epochs": 9})
    assert found.searched[0].startswith("Hyperband tried 2 settings of")
    assert "1 of them go on from an earlier one" in found.searched[2]
    assert found.certainty[0].startswith("The second best, trial 2, is 0.2000 behind")


def test_a_lost_plan_leaves_what_the_journal_knows(make_snapshot: MakeSnapshot) -> None:
    facts = Facts(make_snapshot(*scores(0.5, 0.6)), PlanFacts(), "study", StudyState.FINISHED)
    found = summarise(facts)
    assert found.searched[0] == "2 trials came to a score and 0 failed."
    assert found.headline.startswith("Trial 0 is the best")
