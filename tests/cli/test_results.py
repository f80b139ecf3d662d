from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from tests.studies import Planted, write_study
from tunecli.cli.main import run
from tunecli.plan import Plan
from tunecli.spec.parameter import ParameterSpec
from tunecli.spec.space import Values
from tunecli.store.files import write_json, write_lines, write_whole
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy
from tunecli.study.baseline import Baseline, Baselines
from tunecli.study.trial import Measurement

Capture = pytest.CaptureFixture[str]
MakeRun = Callable[..., Run]

BETTER: tuple[Values, float] = ({"units": [300, 100], "learning_rate": 0.00123, "optimizer": "sgd"}, 0.5)
WORSE: tuple[Values, float] = ({"units": [50], "learning_rate": 0.01, "optimizer": "adam"}, 0.9)
FAILED: tuple[Values, str] = ({"units": [9], "learning_rate": 1.0, "optimizer": "adam"}, "MemoryError: out of memory")

CURVE = [
    Measurement(epoch=epoch, metrics={"val_rmse": float("nan")}).model_dump_json().encode() + b"\n"
    for epoch in range(1, 6)
]
LAYERS = [{"name": "output", "kind": "Dense", "output_shape": [1], "parameters": 4}]


@pytest.fixture
def make_run(make_plan: Callable[..., Plan]) -> MakeRun:
    """Makes a study in `runs` of trials that were best at epoch 4 of 5."""

    def make(*trials: tuple[Values, float | str], name: str = "study") -> Run:
        plan = make_plan(name=name, model="mlp", search_space={"optimizer": ["adam", "sgd"]}, tuner="grid")
        return write_study(Path("runs"), plan, [_planted(values, result) for values, result in trials])

    return make


def _planted(values: Values, result: float | str) -> Planted:
    if isinstance(result, str):
        return Planted(values, result)
    nan = float("nan")
    return Planted(values, result, {"val_rmse": [nan, nan, nan, result, nan]}, end_epoch=30)


def document(capsys: Capture, *arguments: str) -> dict[str, Any]:
    assert run([*arguments, "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    found: dict[str, Any] = json.loads(printed.out)
    return found


def document_with_errors(capsys: Capture, *arguments: str) -> dict[str, Any]:
    assert run([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_best_shows_the_leaderboard_and_what_to_do_next(make_run: MakeRun, capsys: Capture) -> None:
    make_run(WORSE, BETTER)
    assert run(["best"]) == 0

    printed = capsys.readouterr()
    assert printed.out.index("0.5000") < printed.out.index("0.9000")
    assert "learning_rate" in printed.out
    assert printed.err == "next: tunecli retrain --full study\n"


def test_best_as_json_has_exactly_the_promised_keys(make_run: MakeRun, capsys: Capture) -> None:
    make_run(WORSE, BETTER)

    assert document(capsys, "best", "study", "--top", "1") == {
        "schema_version": 1,
        "study": "study",
        "objective": {"metric": "val_rmse", "goal": "minimize"},
        "targets": [],
        "trials": [{"id": 1, "rank": 1, "score": 0.5, "values": BETTER[0], "best_epoch": 4}],
        "baselines": [],
    }


BASELINE = Baseline(
    name="least squares", score=0.4, metrics={"val_rmse": 0.4}, duration_s=0.5, rows=120, train_rows=120
)


def write_baselines(run: Run, *baselines: Baseline) -> None:
    document = Baselines(packages={"scikit-learn": "1"}, baselines=baselines)
    write_json(run.layout.baselines, document.model_dump(mode="json"))


def test_best_shows_baselines_without_a_rank(make_run: MakeRun, capsys: Capture) -> None:
    write_baselines(make_run(WORSE, BETTER), BASELINE)
    assert run(["best"]) == 0

    out = capsys.readouterr().out
    assert out.index("0.9000") < out.index("least squares")
    assert "no trial beats the best baseline (least squares, val_rmse 0.4000), which is better by 20.0 %" in out
    found = document(capsys, "best")
    assert [each["rank"] for each in found["trials"]] == [1, 2]
    assert found["baselines"] == [BASELINE.model_dump()]
    assert document(capsys, "list")["studies"][0]["best_score"] == 0.5


@pytest.mark.parametrize("content", [b"", b"[]", b'{"packages": {}, "baselines": [{}]}'])
def test_damaged_baselines_hide_no_trial(content: bytes, make_run: MakeRun, capsys: Capture) -> None:
    found = make_run(BETTER)
    found.layout.baselines.write_bytes(content)
    assert run(["best"]) == 0

    out, err = capsys.readouterr()
    assert "0.5000" in out
    assert f"{found.layout.baselines}: is damaged: it has no list of baselines\nhint: delete it: " in err


def test_best_as_yaml_can_be_pasted_into_a_spec(make_run: MakeRun, capsys: Capture) -> None:
    make_run(WORSE, BETTER)
    assert run(["best", "--yaml"]) == 0

    written = yaml.safe_load(capsys.readouterr().out)
    assert written == {"units": {"layers": [300, 100]}, "learning_rate": 0.00123, "optimizer": "sgd"}
    assert ParameterSpec.model_validate(written["units"]).layers == [300, 100]


def test_best_takes_one_format(make_run: MakeRun, capsys: Capture) -> None:
    make_run(BETTER)

    assert run(["best", "--yaml", "--json"]) == 2
    assert "--json and --yaml exclude each other" in capsys.readouterr().err


def test_best_of_nothing_but_failures_says_what_went_wrong(make_run: MakeRun, capsys: Capture) -> None:
    make_run(FAILED, FAILED, ({}, "val_rmse was not finite in any epoch"))
    assert run(["best", "--json"]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no trial has completed: 3 failed, 0 not ended; 2 with: MemoryError: out of memory" in printed.err
    assert "hint: see why: tunecli why study 2" in printed.err


def test_best_of_an_empty_study_says_how_to_go_on(make_run: MakeRun, capsys: Capture) -> None:
    make_run()

    assert run(["best"]) == 1
    assert "run the same tunecli search command again" in capsys.readouterr().err


def test_best_while_the_search_runs_is_a_leaderboard_so_far(make_run: MakeRun, capsys: Capture) -> None:
    with OpenStudy(make_run(BETTER)):
        assert run(["best"]) == 0

    assert capsys.readouterr().err == "the search still runs; this is the leaderboard so far\n"


def test_a_misspelt_study_gets_a_suggestion(make_run: MakeRun, capsys: Capture) -> None:
    make_run(BETTER)

    assert run(["best", "studdy"]) == 2
    assert "did you mean 'study'?" in capsys.readouterr().err


def test_values_are_not_cut_on_a_narrow_terminal(
    make_run: MakeRun, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    make_run(BETTER)
    assert run(["best"]) == 0

    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 60
    assert "learning_rate=0.00123" in printed


def test_nothing_is_coloured_in_a_pipe(make_run: MakeRun, capsys: Capture) -> None:
    make_run(BETTER)
    for command in (["best"], ["list"], ["show"], ["show", "study", "0"]):
        assert run(command) == 0

    assert "\x1b" not in capsys.readouterr().out


def test_list_shows_every_study(make_run: MakeRun, capsys: Capture) -> None:
    make_run(BETTER, name="one")
    make_run(FAILED, name="two")
    found = {each["name"]: each for each in document(capsys, "list")["studies"]}

    assert (found["one"]["state"], found["one"]["best_score"], found["one"]["completed"]) == ("finished", 0.5, 1)
    assert (found["two"]["best_trial"], found["two"]["failed"]) == (None, 1)


def test_list_draws_a_table(make_run: MakeRun, capsys: Capture) -> None:
    make_run(BETTER, name="one")
    assert run(["list"]) == 0

    assert "finished" in capsys.readouterr().out


def test_a_damaged_study_hides_no_other(make_run: MakeRun, capsys: Capture) -> None:
    make_run(BETTER, name="sound")
    journal = make_run(BETTER, name="broken").layout.journal
    journal.write_bytes(b"nonsense\n" + journal.read_bytes())
    assert run(["list", "--json"]) == 0

    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert [each["name"] for each in found["studies"]] == ["sound"]
    assert found["damaged"] == ["broken"]
    assert "broken" in printed.err


def test_an_empty_list_says_how_to_start(capsys: Capture) -> None:
    assert run(["list"]) == 0

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "tunecli search CONFIG" in printed.err


def test_show_a_study(make_run: MakeRun, capsys: Capture) -> None:
    make_run(BETTER, FAILED)
    assert run(["show"]) == 0

    printed = capsys.readouterr().out
    for text in ("advertising (regression)", "minimize val_rmse", "adam, sgd", "MemoryError: out of memory", "0.5000"):
        assert text in printed


def test_show_a_study_as_json(make_run: MakeRun, capsys: Capture) -> None:
    make_run(BETTER, FAILED)
    found = document(capsys, "show", "study")

    assert [each["status"] for each in found["trials"]] == ["completed", "failed"]
    assert found["plan"]["family"] == "mlp"


def test_show_a_trial(make_run: MakeRun, capsys: Capture) -> None:
    files = make_run(BETTER).layout.trial(0)
    write_lines(files.epochs, CURVE)
    write_json(files.layers, LAYERS)
    write_whole(files.log, b"a word of warning\n")
    assert run(["show", "study", "0"]) == 0

    printed = capsys.readouterr().out
    for text in ("[300, 100]", "val_rmse 0.5000 at epoch 4", "Dense", "a word of warning"):
        assert text in printed
    found = document(capsys, "show", "study", "0")
    assert found["measurements"][0]["metrics"] == {"val_rmse": None}
    assert found["layers"][0]["parameters"] == 4
    assert found["damage"] == []


def test_a_trial_with_damaged_files_is_shown_as_far_as_they_go(make_run: MakeRun, capsys: Capture) -> None:
    files = make_run(BETTER).layout.trial(0)
    write_lines(files.epochs, CURVE[:3])
    write_whole(files.layers, b"[{")
    assert run(["show", "study", "0"]) == 0

    printed = capsys.readouterr()
    assert "val_rmse 0.5000 at epoch 4" in printed.out
    assert "curves" in printed.out
    assert f"{files.epochs}: is damaged: the measurements of epoch 4-5 are missing\nhint: " in printed.err
    assert f"{files.layers}: is damaged: not JSON" in printed.err

    assert run(["show", "study", "0", "--json", "--quiet"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert [each["epoch"] for each in found["measurements"]] == [1, 2, 3]
    assert found["layers"] is None
    assert [each["where"] for each in found["damage"]] == [str(files.epochs), str(files.layers)]
    assert str(files.layers) in printed.err, "damage is said in quiet, too"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"dataset": 1}'])
def test_a_damaged_plan_is_named_where_it_is_needed(content: bytes, make_run: MakeRun, capsys: Capture) -> None:
    found = make_run(BETTER)
    found.layout.plan.write_bytes(content)
    for command in (["best"], ["list"], ["show", "study", "0"]):
        assert run(command) == 0
    assert "plan.json" not in capsys.readouterr().err

    assert run(["show"]) == 1
    assert f"{found.layout.plan}: is damaged" in capsys.readouterr().err


def test_a_journal_that_ends_within_a_record_is_read_up_to_there(make_run: MakeRun, capsys: Capture) -> None:
    found = make_run(BETTER, WORSE)
    for trial in (0, 1):
        write_lines(found.layout.trial(trial).epochs, CURVE)
    journal = found.layout.journal
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:5]) + b'{"at"')
    for command in (["best"], ["list"], ["show"], ["show", "study", "0"]):
        assert run(command) == 0
        printed = capsys.readouterr()
        assert "0.5000" in printed.out
        assert f"{journal}: ends within a record" in printed.err

    assert run(["show", "study", "1"]) == 1
    assert f"{journal}: has lost trial 1\nhint: it has 0 to 0" in capsys.readouterr().err


def test_an_emptied_journal_is_named(make_run: MakeRun, capsys: Capture) -> None:
    found = make_run(BETTER)
    write_json(found.layout.data, {})
    found.layout.journal.write_bytes(b"")
    for command in (["best"], ["show"], ["show", "study", "0"], ["best", "study"]):
        assert run(command) == 1
        assert f"{found.layout.journal}: holds no event any more" in capsys.readouterr().err
    assert document_with_errors(capsys, "list")["damaged"] == ["study"]


def test_show_says_which_trials_there_are(make_run: MakeRun, capsys: Capture) -> None:
    make_run(BETTER, WORSE)

    assert run(["show", "study", "7"]) == 2
    assert "has no trial 7\nhint: it has 0 to 1" in capsys.readouterr().err


def test_delete_needs_yes_where_nobody_can_be_asked(make_run: MakeRun, capsys: Capture) -> None:
    found = make_run(BETTER)

    assert run(["delete", "study"]) == 2
    assert "hint: add --yes" in capsys.readouterr().err
    assert found.exists()


def test_delete_with_yes(make_run: MakeRun, capsys: Capture) -> None:
    found = make_run(BETTER)

    assert run(["delete", "study", "--yes"]) == 0
    assert capsys.readouterr() == ("", "deleted runs/study\n")
    assert not found.path.exists()


def test_delete_asks_about_a_damaged_study_too(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    found = make_run(BETTER)
    found.layout.journal.write_bytes(b"nonsense\n" + found.layout.journal.read_bytes())
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda text, err: bool(asked.append(text)) or True)

    assert run(["delete", "study"]) == 0
    assert asked == ["delete runs/study, which is damaged?"]
    assert not found.exists()


@pytest.mark.parametrize("is_agreed", [True, False])
def test_delete_asks_on_a_terminal(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, is_agreed: bool) -> None:
    found = make_run(BETTER)
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda text, err: bool(asked.append(text)) or is_agreed)

    assert run(["delete", "study"]) == 0
    assert asked == ["delete runs/study with 1 trials?"]
    assert found.exists() is not is_agreed


def test_delete_refuses_while_a_search_runs(make_run: MakeRun, capsys: Capture) -> None:
    with OpenStudy(make_run(BETTER)) as study:
        assert run(["delete", "study", "--yes"]) == 2
        assert study.run.exists()
    assert "is in use by" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["best"], ["list"], ["show"], ["show", "study", "0"], ["best", "--yaml"]])
def test_results_are_shown_without_anything_heavy(make_run: MakeRun, command: list[str]) -> None:
    write_baselines(make_run(BETTER), BASELINE)
    heavy = ["tensorflow", "keras", "keras_tuner", "sklearn", "scipy", "numpy", "polars"]
    script = (
        "import sys; from tunecli.cli.main import run\n"
        f"assert run({command}) == 0\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stderr.splitlines()[-1] == "[]"


def test_a_long_leaderboard_is_cut(make_run: MakeRun, capsys: Capture) -> None:
    make_run(*(({"optimizer": "adam"}, 1.0 + number) for number in range(103)))
    assert run(["show", "study"]) == 0
    out, said = capsys.readouterr()
    assert re.search(r"^ *100 +99 ", out, re.M)
    assert not re.search(r"^ *101 ", out, re.M)
    assert "and 3 more: tunecli best study --top 103" in said
