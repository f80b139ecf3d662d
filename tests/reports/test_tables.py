from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from tunecli.reports.data import leaderboard, study_row, trial_document
from tunecli.reports.tables import (
    baselines_view,
    leaderboard_table,
    scores_table,
    seeds_table,
    studies_table,
    study_view,
    targets_table,
    top_table,
    trial_view,
)
from tunecli.study.baseline import Baseline
from tunecli.study.events import EndReason
from tunecli.study.objective import Goal
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement

Make = Callable[..., Snapshot]

MANY = {"hidden_layers": 3, "units": 128, "learning_rate": 0.00123, "optimizer": "adam", "batch_size": 64}
LAYERS = [
    {"name": "hidden_1", "kind": "Dense", "output_shape": [300], "parameters": 235_500},
    {"name": "output", "kind": "Dense", "output_shape": [10], "parameters": 3_010},
]
PLAN = {
    "name": "study",
    "seed": 7,
    "dataset": {"name": "advertising", "options": {"target": None}},
    "task": "regression",
    "family": "mlp",
    "tuner": {"name": "grid", "max_trials": None},
    "space": {"parameters": [{"name": "units", "kind": "int", "min": 16, "max": 256, "log": True}]},
    "fixed": {"activation": "relu"},
}


def draw(renderable: Any, width: int) -> str:
    file = StringIO()
    Console(file=file, width=width, highlight=False, color_system=None).print(renderable)
    lines = file.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    return "\n".join(line.rstrip() for line in lines)


def board(snapshot: Snapshot, width: int) -> str:
    return draw(leaderboard_table(leaderboard(snapshot), snapshot), width)


def test_a_wide_leaderboard_has_a_column_for_each_hyperparameter(make_snapshot: Make) -> None:
    header, _, first = board(make_snapshot((MANY, 0.51234)), 120).splitlines()[1:4]

    assert header.split() == ["rank", "trial", "val_rmse", "epoch", "time", *MANY]
    assert first.split() == ["1", "0", "0.5123", "4/5", "10.0", "s", "3", "128", "0.00123", "adam", "64"]


def test_a_narrow_leaderboard_keeps_every_value(make_snapshot: Make) -> None:
    drawn = board(make_snapshot((MANY, 0.51234)), 80)

    assert "values" in drawn
    for name, value in MANY.items():
        assert f"{name}={value}" in drawn
    assert "…" not in drawn


def test_a_small_leaderboard_is_wide_on_a_narrow_terminal_too(make_snapshot: Make) -> None:
    assert "values" not in board(make_snapshot(({"units": 64}, 0.5)), 80)


def test_very_narrow_terminals_wrap(make_snapshot: Make) -> None:
    drawn = board(make_snapshot((MANY, 0.51234)), 40)

    assert "0.5123" in drawn
    assert "…" not in drawn


def test_what_a_trial_does_not_have_is_a_dash(make_snapshot: Make) -> None:
    snapshot = make_snapshot(({"optimizer": "sgd", "momentum": 0.9}, 0.5), ({"optimizer": "adam"}, 0.6))

    assert board(snapshot, 120).splitlines()[4].split()[-2:] == ["adam", "–"]


def test_markup_in_names_and_values_is_text(make_snapshot: Make) -> None:
    drawn = board(make_snapshot(({"[bold]units": "[red]wide[/red]"}, 0.5), metric="val_[blue]"), 120)

    assert all(text in drawn for text in ("[bold]units", "[red]wide[/red]", "val_[blue]"))


BASELINES = [
    Baseline(name="mean", score=1.15, duration_s=0.004, rows=48_000, train_rows=48_000),
    Baseline(name="logistic regression", rows=5_102, train_rows=48_000, cause="took longer than 10 s"),
    Baseline(
        name="HistGradientBoosting", score=0.6, duration_s=4.2, rows=5_102, train_rows=48_000, note="7 of 100 rounds"
    ),
]


def test_baselines_stand_best_first_with_their_rows_and_whether_tuning_has_paid(make_snapshot: Make) -> None:
    lines = draw(baselines_view(BASELINES, make_snapshot((MANY, 0.57))), 80).splitlines()

    assert [line.split() for line in lines if line.strip()] == [
        ["baseline", "val_rmse", "time", "rows"],
        ["─" * len(lines[2].strip())],
        ["HistGradientBoosting", "0.6000", "4.2", "s", "5,102", "of", "48,000"],
        ["mean", "1.1500", "0.0", "s", "48,000"],
        ["logistic", "regression", "–", "–", "5,102", "of", "48,000"],
        ["HistGradientBoosting:", "7", "of", "100", "rounds"],
        ["logistic", "regression:", "took", "longer", "than", "10", "s"],
        *[line.split() for line in lines[-2:]],
    ]
    told = " ".join(" ".join(lines[-2:]).split())
    assert told == "the best trial beats the best baseline (HistGradientBoosting, val_rmse 0.6000) by 5.0 %"


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (0.75, "no trial beats the best baseline (HistGradientBoosting, val_rmse 0.6000), which is better by 20.0 %"),
        (0.6, "no trial beats the best baseline (HistGradientBoosting, val_rmse 0.6000)"),
    ],
)
def test_it_is_said_when_tuning_has_not_paid(score: float, verdict: str, make_snapshot: Make) -> None:
    assert draw(baselines_view(BASELINES, make_snapshot((MANY, score))), 120).splitlines()[-1] == verdict


def test_accuracies_differ_by_what_lies_between_them(make_snapshot: Make) -> None:
    snapshot = make_snapshot((MANY, 0.9), metric="val_accuracy", goal=Goal.MAXIMIZE)
    drawn = draw(baselines_view([Baseline(name="mean", score=0.85, train_rows=9)], snapshot), 80)

    assert drawn.splitlines()[-1] == "the best trial beats the best baseline (mean, val_accuracy 0.8500) by 0.0500"


def test_without_a_trial_or_a_score_nothing_is_compared(make_snapshot: Make) -> None:
    assert "beats" not in draw(baselines_view(BASELINES, make_snapshot()), 80)
    assert "beats" not in draw(baselines_view(BASELINES[1:2], make_snapshot((MANY, 0.5))), 80)


def test_the_list_of_studies_on_a_wide_terminal(make_snapshot: Make) -> None:
    snapshot = make_snapshot(({}, 0.5), ({}, "oom"), end=EndReason.EXHAUSTED)
    drawn = draw(studies_table([study_row(snapshot, name="a", is_held=False)], damaged=["b"]), 120)

    assert drawn.splitlines()[3].split()[:8] == ["a", "finished", "1", "1", "0.5000", "val_rmse", "20.0", "s"]
    assert drawn.splitlines()[4].split() == ["b", "damaged"]


def test_the_list_of_studies_on_a_narrow_terminal(make_snapshot: Make) -> None:
    name = "a-study-with-quite-a-long-name"
    drawn = draw(studies_table([study_row(make_snapshot(({}, 0.5)), name=name, is_held=True)]), 80)

    assert drawn.splitlines()[3].split() == [name, "running", "1", "val_rmse", "0.5000"]


@pytest.mark.parametrize("width", [80, 120])
def test_a_study_shows_what_it_is_about(make_snapshot: Make, width: int) -> None:
    row = study_row(make_snapshot(({}, 0.5), ({}, "oom")), name="study", is_held=False)
    drawn = draw(study_view(row, PLAN, [(1, "oom [red]")]), width)

    for text in ("study (interrupted)", "advertising (regression)", "minimize val_rmse", "1 completed, 1 failed"):
        assert text in drawn
    assert "0.5000 (trial 0)" in drawn
    assert "16 … 256 (log)" in drawn
    assert "relu (fixed)" in drawn
    assert "oom [red]" in drawn


def test_a_study_names_what_is_predicted(make_snapshot: Make) -> None:
    def drawn(plan: dict[str, Any]) -> str:
        row = study_row(make_snapshot(({}, 0.5)), name="study", is_held=False)
        return draw(study_view(row, plan, []), 80)

    one = {**PLAN, "dataset": {"name": "csv", "options": {"target": "price"}}}
    several = {**PLAN, "dataset": {"name": "csv", "options": {"target": ["A", "b"]}}, "targets": ["a", "b"]}
    assert re.search("target +price", drawn(one))
    assert re.search("target +a, b", drawn(several))
    assert "target" not in drawn(PLAN)


def test_a_study_shows_when_a_parameter_is_searched(make_snapshot: Make) -> None:
    parameter = {"name": "momentum", "kind": "float", "min": 0.0, "max": 0.9}
    parameter["when"] = [{"parameter": "optimizer", "values": ["sgd", "rmsprop"]}]
    row = study_row(make_snapshot(), name="s", is_held=True)
    drawn = draw(study_view(row, PLAN | {"space": {"parameters": [parameter]}}, []), 80)

    assert "0 … 0.9, when optimizer is sgd or rmsprop" in drawn


def test_a_study_without_a_winner(make_snapshot: Make) -> None:
    assert "none yet" in draw(study_view(study_row(make_snapshot(), name="s", is_held=True), PLAN, []), 80)


@pytest.mark.parametrize("width", [80, 120])
def test_a_trial_shows_its_values_curves_and_layers(make_snapshot: Make, width: int) -> None:
    curve = [Measurement(epoch=epoch, metrics={"rmse": 9.0 - epoch, "val_rmse": 8.0}) for epoch in range(1, 6)]
    document = trial_document(make_snapshot((MANY, 0.5)), 0, measurements=curve, layers=LAYERS, log="")
    drawn = draw(trial_view(document), width)

    assert "0 of study (rank 1)" in drawn
    assert "val_rmse 0.5000 at epoch 4" in drawn
    assert "keras (why)" in drawn
    assert "█▇▅▃▁" in drawn
    assert [line.split()[-3:] for line in drawn.splitlines() if line.split()[:1] == ["rmse"]] == [
        ["8.0000", "5.0000", "4.0000"]
    ]
    assert "238,510" in drawn


def test_a_failed_trial_shows_its_cause_and_the_end_of_its_log(make_snapshot: Make) -> None:
    log = "Traceback:\n  deep [in] here\nMemoryError: [red]"
    document = trial_document(
        make_snapshot(({"units": 9}, "MemoryError: [red]")), 0, measurements=[], layers=None, log=log
    )
    drawn = draw(trial_view(document), 80)

    assert "0 of study (failed)" in drawn
    assert drawn.count("MemoryError: [red]") == 2
    assert "  deep [in] here" in drawn
    assert "score" not in drawn


def test_a_promoted_trial_names_its_parent(make_snapshot: Make) -> None:
    document = trial_document(make_snapshot(({}, 0.5)), 0, measurements=[], layers=None, log="")
    document |= {"start_epoch": 10, "lineage": [3, 0], "parent": 3}

    assert "5 of 30, the first 10 by trial 3" in draw(trial_view(document), 80)


def test_scores_stand_by_part() -> None:
    scores = {"train": {"loss": 0.1, "rmse": 0.2}, "test": {"loss": 0.3, "rmse": 0.4}}

    assert draw(scores_table(scores), 80).splitlines()[4].split() == ["test", "0.3000", "0.4000"]


def test_scores_stand_by_metric_where_the_terminal_is_narrow() -> None:
    scores = {"train": {f"metric_{n}": 0.1 * n for n in range(12)}, "test": {"metric_1": 0.3}}
    drawn = draw(scores_table(scores), 80)

    assert [line.split() for line in drawn.splitlines() if "metric_1 " in line] == [["metric_1", "0.1000", "0.3000"]]
    assert drawn.splitlines()[3].split() == ["metric_0", "0.0000", "–"]


def retrained(**changes: Any) -> dict[str, Any]:
    """The part of `metrics.json` that tables show, of two seeds."""
    summary = {part: {"rmse": {"mean": 0.5, "sd": 0.0123}} for part in ("train", "test")}
    scores = {part: {"rmse": 0.51} for part in summary}
    return {
        "search": {"objective": {"metric": "val_rmse", "goal": "minimize"}},
        "seeds": [{"seed": 1, "scores": scores}, {"seed": 2, "scores": scores}],
        "scores": scores,
        "summary": summary,
        "ensemble": None,
        "top": [{"rank": 1, "trial": 7, "score": 0.4, "summary": summary}],
        **changes,
    }


def test_scores_of_several_seeds() -> None:
    together = {"members": 2, "scores": {part: {"rmse": 0.49} for part in ("train", "test")}}
    rows = draw(seeds_table(retrained(ensemble=together)), 80).splitlines()
    assert [line.split() for line in rows if line.startswith(" test")] == [
        ["test", "mean", "of", "2", "0.5000", "±", "0.0123"],
        ["test", "ensemble", "0.4900"],
        ["test", "kept", "0.5100"],
    ]
    assert "ensemble" not in draw(seeds_table(retrained()), 80)


def test_scores_of_several_seeds_on_a_narrow_terminal() -> None:
    names = [f"metric_{n}" for n in range(12)]
    figures = dict.fromkeys(names, 0.25)
    summary = {"test": {name: {"mean": None, "sd": None} for name in names}}
    drawn = draw(seeds_table(retrained(summary=summary, scores={"test": figures})), 80)
    rows = [line.split() for line in drawn.splitlines() if " metric_11 " in line]
    assert rows == [["test", "mean", "of", "2", "metric_11", "–"], ["test", "kept", "metric_11", "0.2500"]]


def test_the_best_trials_once_more() -> None:
    header, _, row = draw(top_table(retrained()), 90).splitlines()[1:4]
    assert header.split() == ["rank", "trial", "val_rmse", "in", "the", "search", "train", "rmse", "test", "rmse"]
    assert row.split() == ["1", "7", "0.4000", "0.5000", "±", "0.0123", "0.5000", "±", "0.0123"]


def test_the_best_trials_once_more_on_a_narrow_terminal() -> None:
    rows = [line.split() for line in draw(top_table(retrained()), 50).splitlines()[3:6]]
    assert rows == [
        ["1", "7", "search", "0.4000"],
        ["1", "7", "train", "0.5000", "±", "0.0123"],
        ["1", "7", "test", "0.5000", "±", "0.0123"],
    ]


def test_colours_are_dropped_where_they_are_not_wanted(make_snapshot: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    file = StringIO()
    snapshot = make_snapshot(({}, 0.5))
    console = Console(file=file, force_terminal=True, width=80)
    console.print(leaderboard_table(leaderboard(snapshot), snapshot))

    assert "\x1b[3" not in file.getvalue()


@pytest.mark.parametrize("width", [80, 44])
def test_each_target_has_its_scores(width: int) -> None:
    scores = {"test": {"heating": {"rmse": 0.5, "mae": 0.25, "r2": 0.9}, "cooling": {"rmse": 1.5, "mae": 1.25}}}
    drawn = draw(targets_table(scores), width)
    assert re.search("heating .*0.5", drawn)
    assert re.search("cooling .*1.5", drawn)
