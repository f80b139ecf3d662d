"""`tunecli trace`: the reference figures, what is written, and what is refused."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]

PICTURES = {"weights.png", "bias.png", "loss.png", "epochs.png"}
OF_A_LINE = PICTURES | {"line.png", "contour.png"}


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "trace.csv").open() as file:
        return list(csv.DictReader(file))


def column(folder: Path, name: str) -> list[float]:
    return [float(row[name]) for row in rows_of(folder)]


def names_in(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_the_twelve_points_come_to_the_reference_figures(configs: Path, cli_json: CliJson) -> None:
    changes = ("model.learning_rate=0.05", "training.batch_size=3", "training.epochs=1")
    found = cli_json("trace", configs / "line.yaml", *(part for each in changes for part in ("-S", each)))
    trace = Path("trace")
    assert column(trace, "weight[x]_after") == pytest.approx([0.65811, 0.81327, 0.95735, 1.09246], abs=5e-6)
    assert column(trace, "bias_after") == pytest.approx([0.15811, 0.30181, 0.42670, 0.54093], abs=5e-6)
    assert column(trace, "batch_loss") == pytest.approx([48.9000, 200.9296, 363.2630, 565.5593], rel=1e-6)
    losses = [352.3351, 306.3082, 266.7119, 232.1553]
    assert column(trace, "loss_after") == pytest.approx(losses, rel=1e-6)
    assert column(trace, "loss_before") == pytest.approx([402.985, *losses[:-1]], rel=1e-6)
    assert [row["rows"] for row in rows_of(trace)] == ["0-2", "3-5", "6-8", "9-11"]
    weight, bias = found["parameters"]
    assert weight["least_squares"] == pytest.approx(2.959441, abs=5e-7)
    assert bias["least_squares"] == pytest.approx(2.180303, abs=5e-7)
    assert found["least_squares"]["rmse"] == pytest.approx(0.935478, abs=5e-7)


@pytest.mark.parametrize(("batch", "updates"), [("full", 1), (4, 3), (1, 12)])
def test_batch_mini_batch_and_stochastic_descent(batch: object, updates: int, configs: Path, cli: Cli) -> None:
    options = ("-S", f"training.batch_size={batch}", "-S", "model.learning_rate=0.05", "--epochs", "2", "-o", "out/a")
    code, out, err = cli("trace", configs / "line.yaml", *options)
    assert code == 0, err
    assert f"2 epochs of {updates} update{'s' * (updates > 1)}: {2 * updates} in all" in out
    assert [row["epoch"] for row in rows_of(Path("out/a"))] == ["1"] * updates + ["2"] * updates
    if batch == "full":
        assert column(Path("out/a"), "loss_before")[0] == pytest.approx(402.985, rel=1e-6)
        assert column(Path("out/a"), "loss_after")[0] == pytest.approx(352.3351, rel=1e-6)


def test_the_running_metric_begins_anew_with_each_epoch(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{x},{0.5 * x + 0.2}\n" for x in range(16)))
    spec = {
        "dataset": {"name": "csv", "path": "a.csv", "target": "y", "validation": 0, "test": 0},
        "model": {
            "family": "linear",
            "normalization": "none",
            "optimizer": "rmsprop",
            "learning_rate": 0.01,
            "initial_weights": {"x": -0.4310441},
            "initial_bias": 0,
        },
        "objective": "rmse",
        "training": {"epochs": 2, "batch_size": 8, "shuffle": False},
    }
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(spec))
    assert cli("trace", tmp_path / "a.yaml")[0] == 0
    assert column(Path("trace"), "running_rmse")[:3] == pytest.approx([4.063646, 8.101129, 3.747721], abs=1e-6)


def test_a_line_is_drawn_and_filmed(configs: Path, cli: Cli) -> None:
    surface = ("--cost", "mse", "--weight-range", "0", "4", "--bias-range", "-1", "5", "--levels", "8")
    code, out, err = cli("trace", configs / "line.yaml", "--animate", *surface)
    assert code == 0, err
    assert "weight[x]" in out
    assert "least squares" in out
    trace = Path("trace")
    assert names_in(trace) == OF_A_LINE | {"trace.csv", "trace.gif", "trace.webp"}
    assert len(rows_of(trace)) == 12
    for name in OF_A_LINE:
        with Image.open(trace / name) as image:
            assert len(set(image.convert("L").resize((64, 64)).tobytes())) > 8, name
    for name in ("trace.gif", "trace.webp"):
        with Image.open(trace / name) as film:
            assert getattr(film, "n_frames", 1) == 13  # the start, and each update
            film.seek(12)
    assert cli("trace", configs / "line.yaml", "--epochs", "1")[0] == 0
    assert names_in(trace) == OF_A_LINE | {"trace.csv"}  # no film of another training stays behind


def test_a_long_film_shows_some_of_the_updates(configs: Path, cli: Cli) -> None:
    options = ("-S", "training.batch_size=1", "-S", "training.epochs=12", "--animate", "--quiet")
    assert cli("trace", configs / "line.yaml", *options)[0] == 0
    with Image.open("trace/trace.webp") as film:
        assert getattr(film, "n_frames", 1) == 120
    from tunecli.tools.trace.film import frames_of

    assert len(frames_of(144)) == 120
    assert frames_of(12) == list(range(13))


def test_the_best_trial_of_a_study_is_trained_as_it_was(trained: Path, tmp_path: Path, cli_json: CliJson) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(trained, runs)
    best = cli_json("best", "--runs", runs)["trials"][0]["id"]
    found = cli_json("trace", "linear", "--runs", runs)
    assert found["trial"] == best
    folder = runs / "linear" / "trace" / str(best)
    assert names_in(folder) == PICTURES | {"trace.csv"}
    assert found["files"][0] == str(folder / "trace.csv")
    epochs = [json.loads(line) for line in (runs / "linear" / "trials" / str(best) / "epochs.jsonl").open()]
    assert len(epochs) == found["epochs"] == 25
    for searched, traced in zip(epochs, found["by_epoch"], strict=True):
        for name in ("rmse", "val_rmse"):
            assert traced[name] == pytest.approx(searched["metrics"][name], rel=1e-4)
    other = cli_json("trace", "linear", "--runs", runs, "--trial", 1 - best, "--epochs", 2, "-o", tmp_path / "o")
    assert (other["trial"], other["epochs"], other["updates"]) == (1 - best, 2, 8)
    assert (tmp_path / "o" / "trace.csv").exists()


def test_a_perceptron_has_norms_and_no_line(write_spec: Callable[..., Path], cli: Cli) -> None:
    spec = write_spec(model={"family": "mlp", "units": 4}, search_space={}, training={"epochs": 2, "batch_size": 64})
    code, out, err = cli("trace", spec)
    assert code == 0, err
    assert "norm of hidden_1" in out
    trace = Path("trace")
    assert names_in(trace) == {"norms.png", "loss.png", "epochs.png", "trace.csv"}
    assert {"norm[hidden_1]_before", "norm[output]_after", "gradient_norm[output]"} <= set(rows_of(trace)[0])
    code, _, err = cli("trace", spec, "--animate")
    assert code == 2
    assert "--animate is of a linear model with one column of numbers and one target" in err


def test_two_classes_of_one_column_have_a_surface(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "a.csv").write_text("x,kind\n" + "".join(f"{n},{'no' if n < 9 else 'yes'}\n" for n in range(20)))
    spec = {
        "dataset": {"name": "csv", "path": "a.csv", "target": "kind", "validation": 0, "test": 0},
        "model": {"family": "linear", "optimizer": "sgd", "learning_rate": 0.5, "initial_weights": [0.1]},
        "objective": "accuracy",
        "training": {"epochs": 2, "batch_size": 5},
    }
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(spec))
    code, _, err = cli("trace", tmp_path / "a.yaml", "--animate")
    assert code == 0, err
    assert names_in(Path("trace")) >= OF_A_LINE
    assert column(Path("trace"), "weight[x]_before")[0] == pytest.approx(0.1, rel=1e-6)
    assert "own weight[x]_before" in rows_of(Path("trace"))[0]
    code, _, err = cli("trace", tmp_path / "a.yaml", "--cost", "sse")
    assert code == 2
    assert "--cost: two classes have one cost, the cross-entropy" in err


def test_open_ranges_are_refused_before_anything_is_trained(write_spec: Callable[..., Path], cli: Cli) -> None:
    spec = write_spec()
    code, out, err = cli("trace", spec)
    assert (code, out) == (2, "")
    assert re.search(r"linear.yaml:\d+:\d+: search_space.learning_rate: is searched in 0.02 … 0.1 \(log\)", err)
    assert "hint: fix them: tunecli trace " in err
    assert "-S search_space.learning_rate=0.045" in err
    assert not Path("trace").exists()


def test_a_column_that_is_not_there_has_no_weight(configs: Path, cli: Cli) -> None:
    code, _, err = cli("trace", configs / "line.yaml", "-S", "model.initial_weights={z: 1}")
    assert code == 2
    assert "model.initial_weights.z: no column is called 'z'\nhint: columns: x" in err


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("linear", "--trial", "9"), "linear: there is no trial 9\nhint: see them: tunecli show linear"),
        (("linar",), "no study is called 'linar'\nhint: did you mean 'linear'?"),
        (("nothing.yaml",), "nothing.yaml: does not exist"),
        (("linear", "-S", "seed=1"), "--set seed=1: a study's values are what they are\nhint: trace the spec"),
        (("linear", "--cost", "mes"), "--cost: 'mes' is no cost\nhint: did you mean 'mse'?"),
        (("linear", "--bias-range", "3", "1"), "--bias-range: 3 is not below 1"),
        (("linear", "-o", "file"), "file: is a file"),
    ],
)
def test_what_cannot_be_traced(arguments: tuple[str, ...], found: str, trained: Path, cli: Cli) -> None:
    Path("file").write_text("")
    code, _, err = cli("trace", *arguments, "--runs", trained)
    assert code == 2
    assert found in err


def test_a_search_and_a_retraining_begin_where_the_trace_does(configs: Path, cli: Cli, cli_json: CliJson) -> None:
    spec = configs / "line.yaml"
    changes = ("-S", "baselines=false", "-S", "model.normalization=standard")
    traced = cli_json("trace", spec, *changes)
    code, _, err = cli("search", spec, *changes, "--quiet")
    assert code == 0, err
    searched = cli_json("best", "line")["trials"][0]
    assert searched["score"] == pytest.approx(traced["by_epoch"][-1]["rmse"], rel=1e-5)
    retrained = cli_json("retrain", "line")
    assert retrained["scores"]["train"]["rmse"] == pytest.approx(traced["rmse"]["end"], rel=1e-5)
    drawn = cli_json("trace", "line", "-o", "again")
    assert drawn["parameters"] == traced["parameters"]


def test_a_config_has_no_trials(configs: Path, cli: Cli) -> None:
    code, _, err = cli("trace", configs / "line.yaml", "--trial", 0)
    assert code == 2
    assert "--trial: a config has no trials" in err


def test_a_training_that_diverges_is_shown_as_far_as_it_came(configs: Path, cli: Cli) -> None:
    options = ("-S", "model.optimizer=sgd", "-S", "model.learning_rate=1e12", "-S", "training.epochs=9")
    code, out, err = cli("trace", configs / "line.yaml", *options)
    assert code == 0, err
    assert "ended early: the loss is " in err
    assert "–" in out
    assert names_in(Path("trace")) >= OF_A_LINE
