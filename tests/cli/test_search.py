"""`tunecli search`, from a spec to a leaderboard."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
WriteSpec = Callable[..., Path]


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained study's folder, free to change."""
    return Path(shutil.copytree(trained, tmp_path / "runs"))


def test_results_go_to_stdout_and_progress_to_stderr(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    spec = write_spec(training={"epochs": 1})
    code, out, err = cli("search", spec, "--runs", tmp_path / "r")
    assert code == 0
    assert "val_rmse" in out
    assert out.count("\n") > 3
    assert err.splitlines()[0].startswith("trial 0 (1/2)  val_rmse ")
    assert err.splitlines()[-1] == "next: tunecli retrain --full linear"


def test_quiet_leaves_only_the_result(cli: Cli, write_spec: WriteSpec, runs: Path) -> None:
    code, out, err = cli("search", write_spec(), "--runs", runs, "--quiet")
    assert (code, err) == (0, "")
    assert "val_rmse" in out


def test_running_it_again_trains_nothing(cli: Cli, write_spec: WriteSpec, runs: Path) -> None:
    before = (runs / "linear" / "journal.jsonl").read_bytes()
    code, _, err = cli("search", write_spec(), "--runs", runs)
    assert code == 0
    assert "trial 0 (" not in err
    after = (runs / "linear" / "journal.jsonl").read_bytes()
    assert after.startswith(before)
    assert b'"started"' not in after[len(before) :]


def test_a_larger_number_of_trials_adds_them(cli_json: CliJson, write_spec: WriteSpec, runs: Path) -> None:
    before = cli_json("best", "--runs", runs, "--top", 9)["trials"]
    after = cli_json("search", write_spec(), "-S", "tuner.max_trials=3", "--runs", runs)["trials"]
    assert len(after) == 3
    scores = [{each["id"]: each["score"] for each in trials} for trials in (before, after)]
    assert scores[1][0] == scores[0][0]


def test_fresh_starts_beside_the_old_study(cli: Cli, write_spec: WriteSpec, runs: Path) -> None:
    spec = write_spec(training={"epochs": 1, "batch_size": "full"})
    assert cli("search", spec, "--runs", runs, "--fresh")[0] == 0
    assert sorted(each.name for each in runs.iterdir()) == ["linear", "linear-2"]


def test_a_changed_spec_names_the_difference(cli: Cli, write_spec: WriteSpec, runs: Path) -> None:
    code, out, err = cli("search", write_spec(seed=5), "--runs", runs)
    assert (code, out) == (2, "")
    assert "was begun with another spec: seed: 0 → 5" in err
    assert "hint: " in err


@pytest.mark.parametrize("tuner", ["random", "grid", "bayesian", "hyperband"])
def test_smoke_takes_the_same_path_in_two_short_trials(
    tuner: str, cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path
) -> None:
    spec = write_spec(tuner=tuner)
    for _ in range(2):
        document = cli_json("search", spec, "--smoke", "--runs", tmp_path / "r", "--quiet")
        assert document["study"] == "linear-smoke"
        assert len(document["trials"]) == 2
        assert all(each["best_epoch"] == 1 for each in document["trials"])
    assert [each.name for each in (tmp_path / "r").iterdir()] == ["linear-smoke"]


def test_a_dry_run_counts_and_writes_nothing(cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path) -> None:
    spec = write_spec(tuner={"name": "hyperband", "max_epochs": 10, "factor": 3, "iterations": 2})
    document = cli_json("search", spec, "--dry-run", "--runs", tmp_path / "r")
    assert (document["trials"], document["epochs"]) == (60, 240)
    assert [rung["trials"] for rung in document["brackets"][0]] == [12, 4, 2]
    assert document["disk_bytes"] > 0
    assert not (tmp_path / "r").exists()


def test_a_dry_run_reads_well(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    _, out, _ = cli("search", write_spec(), "--dry-run")
    assert "space      1 parameter, continuous" in out
    assert "work       2 trials, 50 epochs" in out


def test_a_space_of_one_point_runs_one_trial(cli_json: CliJson, write_spec: WriteSpec, tmp_path: Path) -> None:
    spec = write_spec(search_space={"learning_rate": 0.05}, training={"epochs": 1})
    assert len(cli_json("search", spec, "--runs", tmp_path / "r", "--quiet")["trials"]) == 1


def test_a_space_whose_every_trial_fails_ends_with_the_cause(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    spec = write_spec(search_space={"learning_rate": [1e25, 1e30]})
    code, out, err = cli("search", spec, "--runs", tmp_path / "r")
    assert (code, out) == (1, "")
    assert "2 of 2 trials failed" in err
    assert "loss is " in err
    assert "hint: see why: tunecli why linear" in err
    code, _, err = cli("best", "--runs", tmp_path / "r")
    assert code == 1


def test_missing_data_offline_say_where_to_put_them(
    cli: Cli, write_spec: WriteSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUNECLI_DATA", raising=False)
    monkeypatch.setenv("TUNECLI_OFFLINE", "1")
    spec = write_spec(dataset="california_housing")
    code, out, err = cli("search", spec, "--offline", "--runs", tmp_path / "r")
    assert (code, out) == (3, "")
    assert "sha256" in err
    assert not (tmp_path / "r" / "linear").exists()


def test_a_runs_folder_that_is_a_file(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    (tmp_path / "r").write_text("")
    code, _, err = cli("search", write_spec(), "--runs", tmp_path / "r")
    assert code == 2
    assert "choose another folder with --runs" in err


def test_a_name_that_would_leave_the_folder_is_refused(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    code, _, err = cli("search", write_spec(), "--runs", tmp_path / "r", "--name", "../elsewhere")
    assert code == 2
    assert "--name" in err


def test_the_study_holds_what_was_given(runs: Path) -> None:
    study = runs / "linear"
    assert (study / "spec.yaml").read_text().startswith("name: linear")
    assert json.loads((study / "plan.json").read_text())["family"] == "linear"
    assert json.loads((study / "environment.json").read_text())["sessions"][0]["packages"]["keras-tuner"] == "1.4.8"
    assert set(json.loads((study / "data.json").read_text())) == {"numeric", "target"}
    assert len((study / "trials" / "0" / "epochs.jsonl").read_text().splitlines()) == 25


def test_baselines_stand_below_the_leaderboard(cli: Cli, write_spec: WriteSpec, runs: Path) -> None:
    code, out, err = cli("search", write_spec(baselines=True), "--runs", runs)
    assert code == 0, err
    assert out.index("learning_rate") < out.index("least squares") < out.index("the best baseline (")
    assert cli("search", write_spec(), "--runs", runs)[1] == out
    assert cli("best", "--runs", runs)[1] == out
