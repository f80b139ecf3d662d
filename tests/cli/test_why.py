"""`tunecli why` on planted studies: one story for each way to end."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.studies import Planted, write_study
from tunecli.plan import Plan
from tunecli.store.run import Run
from tunecli.study.events import EndReason

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
Story = Callable[..., Any]

FALLING = [3.0 - 0.1 * epoch for epoch in range(8)]
GOOD = {"rmse": FALLING, "val_rmse": FALLING}
BAD = {"rmse": [5.0, math.nan], "val_rmse": [6.0, math.nan]}
DIVERGED = "loss is nan in epoch 2"

SPACE: dict[str, Any] = {
    "learning_rate": {"min": 0.001, "max": 1.0, "log": True},
    "optimizer": ["adam", "sgd"],
}


def completed(rate: float, score: float = 1.0, optimizer: str = "adam", **options: Any) -> Planted:
    curves = {name: [value + score for value in values] for name, values in GOOD.items()}
    return Planted({"learning_rate": rate, "optimizer": optimizer}, curves["val_rmse"][-1], curves, **options)


def failed(rate: float, cause: str = DIVERGED, **options: Any) -> Planted:
    return Planted({"learning_rate": rate, "optimizer": "adam"}, cause, BAD, end_epoch=8, **options)


@pytest.fixture
def story(make_plan: Callable[..., Plan], tmp_path: Path, cli_json: CliJson) -> Story:
    """Plants trials, and returns the story of the last of them, or of another."""

    def tell(*trials: Planted, trial: int | None = None, end: EndReason | None = None, **spec: Any) -> Any:
        plan = make_plan(**{"search_space": SPACE, "training": {"epochs": 8}, **spec})
        write_study(tmp_path / "runs", plan, trials, end=end)
        return cli_json("why", "study", len(trials) - 1 if trial is None else trial, "--runs", tmp_path / "runs")

    return tell


RATES = (0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.06)


def test_a_trial_that_diverged(story: Story) -> None:
    found = story(*map(completed, RATES), *map(failed, (0.4, 0.5, 0.6, 0.7)), failed(0.9))
    assert found["what"] == "training diverged: the loss was nan in epoch 2"
    assert (found["status"], found["epochs"], found["attempts"]) == ("failed", "2 of 8", 1)
    rate, optimizer = found["values"]
    assert rate["note"] == "above all 7 completed trials (at most 0.06)"
    assert optimizer["note"] == ""
    assert found["same_cause"] == [7, 8, 9, 10]
    assert found["findings"] == [
        "all 4 other trials with learning_rate above 0.2 failed too; none of the 7 without did",
        "4 other trials failed with the same cause: 7, 8, 9, 10",
    ]
    assert found["next_steps"][0].endswith("under search_space: learning_rate: {min: 0.001, max: 0.2, log: true}")
    assert [each["trial"] for each in found["neighbours"][:2]] == [10, 9]
    assert found["curve"]["trainings"][0]["validation"] == [6.0, None]


def test_a_choice_that_only_failed_is_left_out_of_the_next_space(story: Story) -> None:
    sgd = [Planted({"learning_rate": rate, "optimizer": "sgd"}, DIVERGED, BAD) for rate in RATES[:6]]
    found = story(*map(completed, RATES), *sgd)
    assert found["next_steps"][0].endswith("under search_space: optimizer: [adam]")


def test_unscaled_inputs_are_named(story: Story) -> None:
    found = story(completed(0.1), failed(0.9), model={"family": "linear", "normalization": "none"})
    assert any("normalization: standard" in step for step in found["next_steps"])
    assert any("lr-find" in step for step in found["next_steps"])


@pytest.mark.parametrize(
    ("cause", "what", "step"),
    [
        ("took longer than 60 s", "limits.trial_time", "limits: {trial_time: 120s}"),
        ("took more than 1,024 MiB of memory", "limits.trial_memory", "limits: {trial_memory: 2048MiB}"),
        ("ResourceExhaustedError: OOM", "ran out of memory", "limits: {workers: 1}"),
        ("its worker died: killed by SIGKILL", "the operating system", "limits: {workers: 1}"),
        ("fold 1 of 2: ValueError: no", "fold 1 of 2: its code raised ValueError: no", "tunecli show study 1"),
    ],
)
def test_each_cause_has_its_words_and_its_remedy(story: Story, cause: str, what: str, step: str) -> None:
    found = story(completed(0.1), failed(0.9, cause, attempts=2))
    assert what in found["what"]
    assert any(step in each for each in found["next_steps"])
    assert found["attempts"] == 2


def test_memory_is_told_as_far_as_it_is_known(story: Story) -> None:
    found = story(failed(0.9), limits={"trial_memory": "2GiB"})
    assert found["memory"] == "what it used was not recorded; limits.trial_memory is 2,048 MiB"


def test_a_log_s_own_line_is_shown(story: Story) -> None:
    log = (
        'Traceback (most recent call last):\n  File "/home/me/model.py", line 3, in build\n    1 / 0\nZeroDivisionError'
    )
    found = story(failed(0.9, "ZeroDivisionError: division by zero", log=log))
    assert found["own_line"] == {"place": "/home/me/model.py:3 in build", "code": "1 / 0"}
    assert found["log"][-1] == "ZeroDivisionError"


def test_a_trial_of_a_failed_parent_points_to_it(story: Story) -> None:
    child = Planted({"learning_rate": 0.9}, "its parent, trial 0, failed", start_epoch=2, end_epoch=8, parent=0)
    found = story(failed(0.9), child)
    assert "trial 0, which had failed" in found["what"]
    assert found["epochs"] == "2 of 8, the first 2 by trial 0"
    assert found["next_steps"][0] == "see why its parent failed: tunecli why study 0"


def test_a_trial_that_was_cut_off_goes_on(story: Story) -> None:
    found = story(Planted({"learning_rate": 0.1}, curves=GOOD, end_epoch=20))
    assert "goes on with it" in found["what"]
    assert found["epochs"] == "8 of 20"


def test_a_completed_trial_is_compared_with_the_better_ones(story: Story) -> None:
    better = [completed(rate, score=rate) for rate in RATES]
    found = story(*better, completed(0.5, score=2.0, optimizer="sgd"))
    assert (found["status"], found["rank"]) == ("completed", 8)
    assert found["what"] == "it was trained for all 8 epochs"
    assert found["findings"] == [
        "the best is trial 0, with val_rmse 2.3010",
        "the 5 best have learning_rate from 0.001 to 0.016; it has 0.5",
        "5 of the 5 best have optimizer=adam; it has sgd",
    ]
    assert found["next_steps"][0] == "it was still getting better: training: {epochs: 16}"


def test_the_winner_of_a_study_that_met_its_target(story: Story) -> None:
    found = story(completed(0.1), objective={"metric": "val_rmse", "target": 5}, end=EndReason.TARGET)
    assert found["what"].endswith("its score met stop_when.target, which ended the search")
    assert found["findings"] == ["no trial is better"]


def test_early_stopping_says_since_when(story: Story) -> None:
    values = [3.0, 2.0, 2.5, 2.6]
    stopped = Planted({"learning_rate": 0.1}, 2.0, {"rmse": values, "val_rmse": values}, end_epoch=8)
    found = story(stopped, training={"epochs": 8, "early_stopping": {"patience": 2}})
    assert found["what"] == "early stopping: no better val_rmse after epoch 2 for 2 epochs"


def test_an_optimiser_s_own_words(story: Story) -> None:
    assert story(completed(0.1, stopped="L-BFGS-B: converged"))["what"] == "its optimiser stopped: L-BFGS-B: converged"


def test_hyperband_says_who_was_promoted(story: Story) -> None:
    def rung(score: float) -> Planted:
        return Planted({"learning_rate": score}, score, end_epoch=1)

    child = Planted({"learning_rate": 0.1}, 0.1, GOOD, start_epoch=1, end_epoch=9, parent=0)
    trials = (rung(0.1), rung(0.2), rung(0.3), child)
    hyperband = {"name": "hyperband", "max_epochs": 9}
    told = [story(*trials, trial=trial, tuner=hyperband, name="study")["what"] for trial in (0,)]
    assert told == ["Hyperband promoted it, 1st of the 3 trials of its rung: trial 3 went on after epoch 1"]


def test_hyperband_says_who_was_not_promoted(story: Story) -> None:
    rung = [Planted({"learning_rate": s}, s, end_epoch=1) for s in (0.1, 0.2, 0.3)]
    child = Planted({"learning_rate": 0.1}, 0.1, GOOD, start_epoch=1, end_epoch=9, parent=0)
    found = story(*rung, child, trial=2, tuner={"name": "hyperband", "max_epochs": 9})
    assert found["what"] == "Hyperband did not promote it: it came 3rd of the 3 trials of its rung, of which 1 went on"


@pytest.fixture
def study(make_plan: Callable[..., Plan], tmp_path: Path) -> Run:
    trials = (*map(completed, RATES), failed(0.9), completed(0.02), failed(0.8, "ValueError: [red]no[/red]"))
    return write_study(tmp_path / "runs", make_plan(search_space=SPACE, training={"epochs": 8}), trials)


def test_a_story_fits_a_narrow_terminal(study: Run, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = cli("why", "study", 7, "--runs", study.path.parent)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    for part in ("what ", "values", "curve", "similar trials", "compared with the others", "next"):
        assert part in out
    assert "▁" in out


def test_without_a_trial_it_is_the_last_that_failed(study: Run, cli: Cli) -> None:
    code, out, err = cli("why", "study", "--runs", study.path.parent)
    assert code == 0
    assert "9 of study (failed)" in out
    assert "[red]no[/red]" in out
    assert "the last of 2 failed trials; before it failed 7" in err


def test_a_lone_number_is_a_trial_of_the_newest_study(study: Run, cli: Cli) -> None:
    assert "3 of study (rank" in cli("why", "3", "--runs", study.path.parent)[1]
    study.path.rename(study.path.with_name("3"))
    assert "9 of 3 (failed)" in cli("why", "3", "--runs", study.path.parent)[1]


def test_mistakes_are_told(study: Run, cli: Cli, make_plan: Callable[..., Plan], tmp_path: Path) -> None:
    code, _, err = cli("why", "study", 44, "--runs", study.path.parent)
    assert (code, "has no trial 44" in err) == (2, True)
    write_study(tmp_path / "other", make_plan(search_space=SPACE), [completed(0.1)])
    code, _, err = cli("why", "--runs", tmp_path / "other")
    assert code == 2
    assert "no trial has failed" in err
    assert "tunecli why study 0" in err


@pytest.mark.parametrize("plan", ["", "[]", "{}", '{"training": 3, "space": []}'])
def test_damaged_files_are_told_and_the_rest_is_shown(study: Run, cli: Cli, plan: str) -> None:
    study.layout.plan.write_text(plan)
    study.layout.trial(7).epochs.write_text("nonsense\n")
    code, out, err = cli("why", "study", 7, "--runs", study.path.parent)
    assert code == 0
    assert "training diverged" in out
    assert "plan.json" in err
    assert "epochs.jsonl" in err


def test_a_journal_without_its_end_is_read_as_far_as_it_goes(study: Run, cli: Cli) -> None:
    lines = study.layout.journal.read_bytes().split(b"\n")
    at = next(index for index, line in enumerate(lines) if b'"finished"' in line and b'"trial":7' in line)
    study.layout.journal.write_bytes(b"\n".join(lines[: at + 1])[:-20])
    code, out, err = cli("why", "study", 7, "--runs", study.path.parent)
    assert code == 0
    assert "was under way when its search ended" in out
    assert "ends within a record" in err
