from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reports.tensorboard_reader import read_events
from tests.reports.trial_exports.hostile import hostile_study
from tests.studies import Planted, any_plan, write_study
from tunecli.reports.trial_exports import TRIAL_FORMATS, Target
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def study() -> Run:
    """A study in `runs`."""
    return hostile_study(Path("runs"))


@pytest.mark.parametrize("name", TRIAL_FORMATS.names)
def test_each_format_is_written_whole_and_replaced_only_on_demand(name: str, study: Run, cli: Cli) -> None:
    path = Path(f"study{TRIAL_FORMATS.load(name).ending}")
    before = {each: each.stat().st_mtime_ns for each in study.path.rglob("*")}
    code, out, err = cli("export-trials", "study", "--format", name)
    assert (code, out) == (0, f"{path}: 5 trials of study\n")
    assert f"open it: {TRIAL_FORMATS.load(name).usage(_study(study), path)}\n" in err
    assert [each.name for each in Path().iterdir() if each.name != "runs"] == [path.name]
    assert {each: each.stat().st_mtime_ns for each in study.path.rglob("*")} == before, "a study is only read"

    code, _, err = cli("export-trials", "study", "--format", name)
    assert code == 2
    assert f"{path}: is there already\nhint: write to another place with -o, or replace it with --force" in err
    assert cli("export-trials", "study", "--format", name, "--force")[0] == 0
    assert [each.name for each in Path().iterdir() if each.name != "runs"] == [path.name]


def _study(run: Run) -> Any:
    from tunecli.reports.study_data import read_study_data

    return read_study_data(run)


def test_csv_goes_to_stdout_and_the_rest_to_stderr(study: Run, cli: Cli) -> None:
    code, out, err = cli("export-trials", "-o", "-")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["status"] for row in rows] == ["completed", "completed", "failed", "completed", "running"]
    assert err == "note: texts that begin like a formula, and were put behind an apostrophe: 4\n"
    code, out, _ = cli("export-trials", "-o", "-", "--epochs")
    assert len(out.splitlines()) == 1 + 18


def test_json_goes_to_stdout(study: Run, cli: Cli) -> None:
    code, out, err = cli("export-trials", "-f", "json", "-o", "-")
    assert (code, err) == (0, "")
    assert json.loads(out)["best_trial"] == 1


def test_an_export_is_described_as_json(study: Run, cli_json: Callable[..., Any]) -> None:
    assert cli_json("export-trials", "study", "-f", "parquet", "--epochs") == {
        "schema_version": 1,
        "study": "study",
        "format": "parquet",
        "path": "study-epochs.parquet",
        "trials": 5,
        "notes": [],
    }


def test_a_folder_that_is_no_export_is_never_replaced(study: Run, cli: Cli) -> None:
    logs = Path("logs")
    logs.mkdir()
    (logs / "events.out.tfevents.1.mine").write_bytes(b"mine")
    code, _, err = cli("export-trials", "-f", "tensorboard", "-o", "logs", "--force")
    assert code == 2
    assert "logs: is there already, and holds no tensorboard export" in err
    assert cli("export-trials", "-f", "tensorboard", "-o", "tb")[0] == 0
    code, _, err = cli("export-trials", "-f", "keras-tuner", "-o", "tb", "--force")
    assert "tb: is there already, and holds no keras-tuner export" in err
    (Path("tb") / "stale").mkdir()
    assert cli("export-trials", "-f", "tensorboard", "-o", "tb", "--force")[0] == 0
    assert not (Path("tb") / "stale").exists()
    assert len(read_events(Path("tb")).sessions) == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-f", "parquett"], "unknown format 'parquett'\nhint: did you mean 'parquet'?"),
        (["-f", "optuna", "-o", "-"], "-o: optuna cannot be written to stdout"),
        (["-f", "json", "--epochs"], "--epochs: json has no tables"),
        (["-o", "-", "--json"], "--json and the trials would share stdout"),
        (["-o", "missing/a.csv"], "missing/a.csv: its folder does not exist\nhint: make it: mkdir -p missing"),
        (["-o", "runs"], "runs: is a folder"),
        (["nobody"], "runs: no study is called 'nobody'"),
    ],
)
def test_mistakes_are_told(arguments: list[str], said: str, study: Run, cli: Cli) -> None:
    code, _, err = cli("export-trials", *arguments)
    assert code == 2
    assert said in err


def test_a_missing_extra_is_told_before_anything_is_done(
    study: Run, cli: Cli, monkeypatch: pytest.MonkeyPatch, write_spec: Callable[..., Path]
) -> None:
    monkeypatch.setattr("tunecli.cli.export_trials.find_spec", lambda name: None)
    code, _, err = cli("export-trials", "-f", "tensorboard")
    assert code == 2
    assert err == "--format: tensorboard is not installed\nhint: pip install 'tunecli[tensorboard]'\n"
    code, _, err = cli("search", write_spec(), "--tensorboard")
    assert code == 2
    assert err == "--tensorboard: tensorboard is not installed\nhint: pip install 'tunecli[tensorboard]'\n"
    assert not (Path("runs") / "linear").exists()


def test_a_full_disk_leaves_the_old_export(study: Run, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunecli.store import files

    class FullDisk(files.Disk):
        def sync(self, handle: int) -> None:
            raise OSError(28, "No space left on device")

    for name in TRIAL_FORMATS.names:
        assert cli("export-trials", "-f", name, "-o", f"old-{name}")[0] == 0
    monkeypatch.setattr(files, "disk", FullDisk())
    for name in TRIAL_FORMATS.names:
        code, _, err = cli("export-trials", "-f", name, "-o", f"old-{name}", "--force")
        assert (code, f"old-{name}: cannot be written: No space left on device" in err) == (1, True), err
    assert sorted(each.name for each in Path().iterdir()) == sorted(
        [*(f"old-{x}" for x in TRIAL_FORMATS.names), "runs"]
    )


def test_a_damaged_curve_is_told_and_the_rest_exported(study: Run, cli: Cli) -> None:
    study.layout.trial(1).epochs.write_text("{}\n")
    code, out, err = cli("export-trials", "-o", "-")
    assert code == 0
    assert len(out.splitlines()) == 6
    assert "epochs.jsonl: is damaged: line 1 is not a measurement" in err


@pytest.mark.parametrize(
    "content", ["{}", '{"space": 3, "tuner": {"name": "random"}}', '{"space": {"parameters": []}}', "["]
)
def test_a_damaged_plan_is_told(content: str, study: Run, cli: Cli) -> None:
    study.layout.plan.write_text(content)
    code, _, err = cli("export-trials")
    assert code == 1
    assert err.startswith(f"{study.layout.plan}: is damaged: not ")


def test_a_study_that_runs_can_be_exported(study: Run, cli: Cli) -> None:
    with OpenStudy(study):
        assert cli("export-trials", "-o", "-")[0] == 0


def test_a_study_without_a_trial_can_be_exported(cli: Cli) -> None:
    write_study(Path("runs"), any_plan("empty"), [])
    for name in TRIAL_FORMATS.names:
        assert cli("export-trials", "-f", name)[:2] == (
            0,
            f"empty{TRIAL_FORMATS.load(name).ending}: 0 trials of empty\n",
        )


def test_long_names_and_one_trial_are_no_trouble(cli: Cli) -> None:
    write_study(Path("runs"), any_plan("x" * 80, space=()), [Planted({}, 0.5)])
    for name in TRIAL_FORMATS.names:
        assert cli("export-trials", "-f", name)[0] == 0


def test_only_formats_of_text_go_to_stdout() -> None:
    targets = {name: TRIAL_FORMATS.load(name).target for name in TRIAL_FORMATS.names}
    assert [name for name, target in targets.items() if target is Target.TEXT] == ["csv", "json"]
    assert all(TRIAL_FORMATS.load(name).name == name for name in targets)


def test_search_writes_events_as_it_goes(write_spec: Callable[..., Path], cli: Cli) -> None:
    code, _, err = cli("search", write_spec(training={"epochs": 3, "batch_size": 32}), "--tensorboard")
    assert code == 0
    assert "for TensorBoard: tensorboard --logdir runs/linear/tensorboard\n" in err
    found = read_events(Path("runs/linear/tensorboard"))
    assert set(found.sessions) == {"trial-000", "trial-001"}
    assert {step for step, _ in found.scalars["trial-000/validation"]["epoch_rmse"]} == {1, 2, 3}
    names = [info.display_name for info in found.experiment.metric_infos]
    assert names[0] == "val_rmse"
    assert {"loss", "r2", "val_mae"} < set(names)
    assert "tensorflow" in sys.modules, "which the events are written without, and the training is not"
