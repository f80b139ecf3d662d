"""What a search and `retrain` are held to in CI, and what CI reads of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
WriteSpec = Callable[..., Path]


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained study's folder, free to change."""
    return Path(shutil.copytree(trained, tmp_path / "runs"))


@pytest.fixture
def in_actions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Runs the command line as GitHub Actions would; returns the file of the summary."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path / "summary.md"


def test_a_threshold_that_is_met_changes_nothing(cli: Cli, write_spec: WriteSpec, runs: Path) -> None:
    code, out, err = cli("search", write_spec(), "--runs", runs, "--fail-if", "val_rmse > 1000", "--fail-if", "loss<0")
    assert code == 0
    assert "val_rmse" in out
    assert "fails if" not in err


def test_a_threshold_that_is_missed_fails_with_what_was_measured(cli: Cli, write_spec: WriteSpec, runs: Path) -> None:
    conditions = ("--fail-if", "val_rmse > 0.001", "--fail-if", "val_r2 < 2", "--fail-if", "val_mae < 0")
    code, out, err = cli("search", write_spec(), "--runs", runs, *conditions)
    assert code == 1
    assert "rank" in out  # the leaderboard is shown all the same
    lines = [line for line in err.splitlines() if "fails if" in line]
    assert len(lines) == 2
    assert lines[0].startswith(f"{runs / 'linear'}: val_rmse is ")
    assert lines[0].endswith(": fails if val_rmse > 0.001")
    assert lines[1].endswith(": fails if val_r2 < 2")


def test_thresholds_are_in_the_json(cli: Cli, write_spec: WriteSpec, runs: Path) -> None:
    code, out, _ = cli("search", write_spec(), "--runs", runs, "--fail-if", "val_rmse > 0.001", "--json")
    assert code == 1
    document = json.loads(out)
    assert document["thresholds"] == [
        {
            "fail_if": "val_rmse > 0.001",
            "metric": "val_rmse",
            "value": document["trials"][0]["score"],
            "failed": True,
        }
    ]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("val_rmes > 1", "there is no metric 'val_rmes'\nhint: did you mean 'val_rmse'?"),
        ("val_accuracy < 1", "there is no metric 'val_accuracy'\nhint: known: "),
        ("val_rmse", "'val_rmse' is no condition\nhint: write a metric, one of "),
        ("val_rmse > high", "'high' is not a finite number"),
    ],
)
def test_a_condition_is_checked_before_the_search(
    condition: str, said: str, cli: Cli, write_spec: WriteSpec, tmp_path: Path
) -> None:
    code, out, err = cli("search", write_spec(), "--runs", tmp_path / "r", "--fail-if", condition)
    assert (code, out) == (2, "")
    assert err.startswith(f"--fail-if: {said}")
    assert not (tmp_path / "r").exists()


def test_a_search_without_a_winner_fails_and_is_written_down(
    cli: Cli, write_spec: WriteSpec, tmp_path: Path, in_actions: Path
) -> None:
    spec = write_spec(search_space={"learning_rate": [1e25, 1e30]}, training={"epochs": 1, "batch_size": 32})
    junit = tmp_path / "out" / "trials.xml"
    code, _, err = cli("search", spec, "--runs", tmp_path / "r", "--fail-if", "val_rmse > 9", "--junit", junit)
    assert code == 1
    assert "2 of 2 trials failed" in err
    warnings = [line for line in err.splitlines() if line.startswith("::warning ")]
    assert len(warnings) == 2
    assert warnings[0].startswith("::warning title=tunecli%3A linear::trial 0 failed: ")
    assert any(line.startswith("::error::") for line in err.splitlines())
    (suite,) = ET.parse(junit).getroot()
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("3", "3")
    assert "there is no winner" in in_actions.read_text()


def test_junit_has_the_trials_and_thresholds(cli: Cli, write_spec: WriteSpec, runs: Path, tmp_path: Path) -> None:
    junit = tmp_path / "trials.xml"
    junit.write_text("old")
    arguments = ("--junit", junit, "--fail-if", "val_rmse > 0.001")
    assert cli("search", write_spec(), "--runs", runs, *arguments)[0] == 1
    (suite,) = ET.parse(junit).getroot()
    cases = {case.attrib["name"]: case for case in suite.findall("testcase")}
    assert list(cases) == ["trial 0", "trial 1", "fails if val_rmse > 0.001"]
    assert float(cases["trial 0"].attrib["time"]) > 0
    assert [case.find("failure") is None for case in cases.values()] == [True, True, False]


def test_a_search_that_is_stopped_leaves_the_trials_so_far(
    cli: Cli, write_spec: WriteSpec, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunecli.search.loop import Search
    from tunecli.study.events import EndReason

    monkeypatch.setattr(Search, "run", lambda _: EndReason.INTERRUPTED)
    junit = tmp_path / "trials.xml"
    assert cli("search", write_spec(), "--runs", runs, "--junit", junit, "--fail-if", "val_rmse > 0.001")[0] == 130
    (suite,) = ET.parse(junit).getroot()
    assert [case.attrib["name"] for case in suite.findall("testcase")] == ["trial 0", "trial 1"]


def test_a_folder_is_no_junit_file(cli: Cli, write_spec: WriteSpec, tmp_path: Path) -> None:
    code, _, err = cli("search", write_spec(), "--runs", tmp_path / "r", "--junit", tmp_path)
    assert code == 2
    assert "is a folder" in err


def test_a_summary_is_added_to_what_is_there(cli: Cli, write_spec: WriteSpec, runs: Path, in_actions: Path) -> None:
    in_actions.write_text("before")
    code, out, err = cli("search", write_spec(), "--runs", runs, "--fail-if", "val_rmse > 0.001")
    assert code == 1
    text = in_actions.read_text()
    assert text.startswith("before\n### Search ` linear `")
    assert "| ` val_rmse > 0.001 ` | ❌ |" in text
    assert "::error::" in err
    assert "::" not in out


def test_a_wrong_spec_is_annotated_at_its_line(
    cli: Cli, write_spec: WriteSpec, tmp_path: Path, in_actions: Path
) -> None:
    spec = write_spec(model={"family": "liner"})
    code, _, err = cli("search", spec, "--runs", tmp_path / "r")
    assert code == 2
    line = next(number for number, text in enumerate(spec.read_text().splitlines(), 1) if "liner" in text)
    assert f"::error file=linear.yaml,line={line},col=11::model.family: unknown family 'liner'" in err
    assert "%0Ahint: did you mean 'linear'?" in err
    assert not in_actions.exists()


def test_a_summary_that_cannot_be_written_fails_nothing(
    cli: Cli, write_spec: WriteSpec, runs: Path, in_actions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(in_actions.parent))
    code, _, err = cli("search", write_spec(), "--runs", runs)
    assert code == 0
    assert "no step summary: " in err


def test_elsewhere_there_are_no_annotations(cli: Cli, write_spec: WriteSpec, runs: Path, tmp_path: Path) -> None:
    _, out, err = cli("search", write_spec(), "--runs", runs, "--fail-if", "val_rmse > 0.001")
    assert "::" not in out + err


def test_retrain_is_held_to_the_test_part(cli: Cli, runs: Path, in_actions: Path) -> None:
    conditions = ("--fail-if", "test_rmse > 0.001", "--fail-if", "train_rmse > 1000")
    code, out, err = cli("retrain", "linear", "--runs", runs, "--full", *conditions)
    assert code == 1
    assert "test" in out
    missed = [line for line in err.splitlines() if "fails if" in line and not line.startswith("::")]
    assert len(missed) == 1
    assert "test_rmse is " in missed[0]
    assert (runs / "linear" / "best" / "model.keras").exists()
    assert "trained once more" in in_actions.read_text()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [(("--fail-if", "rmse > 1"), "_rmse'?"), (("--full", "--fail-if", "val_rmse > 1"), "known: ")],
)
def test_retrain_checks_names_before_it_trains(arguments: tuple[str, ...], hint: str, cli: Cli, runs: Path) -> None:
    code, _, err = cli("retrain", "linear", "--runs", runs, *arguments)
    assert code == 2
    assert "there is no metric" in err
    assert hint in err or "did you mean" in err
    assert not (runs / "linear" / "best").exists()
