from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.studies import Planted, write_study
from tunecli.plan import Plan
from tunecli.store.files import write_json
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]
MakeRun = Callable[..., Run]

DATA = {"target": {"shape": [200], "dtype": "float64", "sha256": "a" * 64}}


@pytest.fixture
def make_run(make_plan: Callable[..., Plan]) -> MakeRun:
    """Makes a study of trials of ten seconds each, in two sessions with an hour between, if they are several."""

    def make(name: str, *scores: float, runs: str = "runs", data: Any = DATA, **spec: Any) -> Run:
        given = {"model": "mlp", "search_space": {"units": [4, 8, 16, 32]}, "tuner": {"name": "random"}, **spec}
        plan = make_plan(name=name, **given)
        trials = [
            Planted(
                {"units": 4 * 2**number},
                score,
                {plan.objective.metric: [score], "val_mae": [score / 2]},
                pause_s=3600.0 if number == 1 else 0.0,
            )
            for number, score in enumerate(scores)
        ]
        found = write_study(Path(runs), plan, trials)
        write_json(found.layout.data, data)
        return found

    return make


def test_studies_beside_each_other(make_run: MakeRun, cli: Cli) -> None:
    make_run("one", 0.7, 0.5, 0.6)
    make_run("two", 0.8, 0.9, 0.55, search_space={"units": [4, 8, 16]})
    code, out, err = cli("compare", "one", "two")
    assert (code, err) == (0, "")
    assert "one is better than two by 0.0500: val_rmse 0.5000 against 0.5500" in out
    assert "2 trials, 20.0 s" in out, "the hour between sessions is not spent"
    assert "search_space.units   4, 8, 16, 32   4, 8, 16" in out
    assert "this may be chance" in out


def test_as_json(make_run: MakeRun, cli_json: CliJson) -> None:
    make_run("one", 0.7, 0.5, 0.6)
    make_run("two", 0.8, 0.9, 0.55)
    found = cli_json("compare", "one", "two")
    assert found["schema_version"] == 1
    assert found["ranking"] == ["one", "two"]
    assert found["differences"] == []
    assert [point["spent_s"] for point in found["studies"][1]["curve"]] == [10.0, 20.0, 30.0]
    assert found["pairs"][0]["tests"][0]["counts"] == [3, 3]


def test_by_another_metric(make_run: MakeRun, cli: Cli, cli_json: CliJson) -> None:
    make_run("one", 0.7, 0.5)
    make_run("two", 0.8, objective="val_mse")
    assert cli_json("compare", "one", "two")["is_comparable"] is False
    code, out, _ = cli("compare", "one", "two")
    assert code == 0
    assert "other objectives: minimize val_rmse (one), minimize val_mse (two)" in out
    code, out, err = cli("compare", "one", "two", "--metric", "val_mae")
    assert code == 0
    assert "one is better than two" in out
    assert err.startswith("note: one and two searched for another objective")
    code, _, err = cli("compare", "one", "two", "--metric", "val_mea")
    assert code == 2
    assert "--metric: 'val_mea' is not measured in all of these studies\nhint: did you mean 'val_mae'?" in err


def test_other_data_are_not_ranked(make_run: MakeRun, cli: Cli) -> None:
    make_run("one", 0.7)
    make_run("two", 0.8, data={})
    code, out, _ = cli("compare", "one", "two")
    assert code == 0
    assert "not ranked" in out
    assert "is better" not in out


def test_damaged_files_that_can_be_done_without(make_run: MakeRun, cli: Cli) -> None:
    make_run("one", 0.7)
    two = make_run("two", 0.8)
    two.layout.data.write_bytes(b"{")
    two.layout.environment.write_bytes(b"[]")
    code, out, err = cli("compare", "one", "two")
    assert code == 0
    assert "the data of two are not known" in out
    assert f"{two.layout.data}: is damaged: not JSON" in err
    assert f"{two.layout.environment}: is damaged" in err


def test_a_damaged_plan_is_an_error(make_run: MakeRun, cli: Cli) -> None:
    make_run("one", 0.7)
    two = make_run("two", 0.8)
    for content in (b"{", b"{}", b'{"dataset": 1}'):
        two.layout.plan.write_bytes(content)
        code, out, err = cli("compare", "one", "two")
        assert (code, out) == (1, "")
        assert f"{two.layout.plan}: is damaged" in err


def test_a_journal_that_ends_within_a_record_is_read_up_to_there(make_run: MakeRun, cli: Cli) -> None:
    make_run("one", 0.7)
    two = make_run("two", 0.8)
    with two.layout.journal.open("ab") as file:
        file.write(b'{"at"')
    code, out, err = cli("compare", "one", "two")
    assert code == 0
    assert "one is better than two" in out
    assert f"{two.layout.journal}: ends within a record" in err


def test_a_study_that_runs_is_compared_as_it_stands(make_run: MakeRun, cli: Cli) -> None:
    make_run("one", 0.7)
    with OpenStudy(make_run("two", 0.8)):
        code, out, err = cli("compare", "one", "two")
    assert code == 0
    assert "running" in out
    assert err == "note: two still runs: these are its figures so far\n"


def test_studies_of_one_name_are_told_apart_by_their_folders(make_run: MakeRun, cli_json: CliJson) -> None:
    make_run("one", 0.7)
    make_run("one", 0.8, runs="other")
    found = cli_json("compare", "one", "other/one")
    assert [each["label"] for each in found["studies"]] == ["runs/one", "other/one"]


def test_it_takes_two_studies(make_run: MakeRun, cli: Cli) -> None:
    make_run("one", 0.7)
    assert cli("compare", "one")[0] == 2
    code, _, err = cli("compare", "one", "runs/one")
    assert code == 2
    assert "runs/one: is named twice\nhint: name each study once" in err
    code, _, err = cli("compare", "one", "onne")
    assert code == 2
    assert "did you mean 'one'?" in err


@pytest.mark.parametrize("out", ["new/folder", "new/curves.png"])
def test_curves_are_drawn(out: str, make_run: MakeRun, cli: Cli) -> None:
    make_run("one", 0.7, 0.5)
    make_run("two", 0.8)
    code, _, err = cli("compare", "one", "two", "-o", out)
    assert code == 0
    picture = Path(out) if out.endswith(".png") else Path(out) / "compare.png"
    written = [picture, picture.with_suffix(".csv"), picture.with_name(f"{picture.stem}_best_of_n.csv")]
    assert err == f"wrote {', '.join(map(str, written))}\n"
    assert picture.read_bytes().startswith(b"\x89PNG")

    code, printed, err = cli("compare", "one", "two", "-o", out)
    assert (code, printed) == (2, "")
    assert f"{picture}: is there already\nhint: write elsewhere with -o, or overwrite it with --force" in err
    assert cli("compare", "one", "two", "-o", out, "--force")[0] == 0


def test_curves_of_other_objectives_have_no_axis_in_common(make_run: MakeRun, cli: Cli) -> None:
    make_run("one", 0.7)
    make_run("two", 0.8, objective="val_mse")
    code, _, err = cli("compare", "one", "two", "-o", "x.png")
    assert code == 2
    assert "-o: the studies have other objectives" in err
    assert not Path("x.png").exists()


def test_nothing_heavy_is_imported(make_run: MakeRun) -> None:
    make_run("one", 0.7, 0.5)
    make_run("two", 0.8)
    heavy = ["tensorflow", "keras", "keras_tuner", "sklearn", "scipy", "numpy", "matplotlib"]
    script = (
        "import json, sys; from tunecli.cli.main import run\n"
        "assert run(['compare', 'one', 'two']) == 0\n"
        f"print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
