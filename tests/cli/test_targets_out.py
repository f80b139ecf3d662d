"""What leaves of models with several targets, labels or one-hot classes: predictions, figures, exports, bundles."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from tunecli.cli.main import run as run_cli
from tunecli.training.bundle import Bundle

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]

LABELS = ("rain", "wind", "fog")
SKIES = ("is_clear", "is_grey", "is_dark")
NUMBERS = ("heating", "cooling")

FORMATS = ["keras", "h5", "saved_model", "tflite", *(["onnx"] if find_spec("tf2onnx") else [])]


def weather(rows: int = 120) -> pl.DataFrame:
    """Three labels, of which any number hold; a sky in one of three columns; two numbers of unlike size."""
    random = np.random.default_rng(0)
    damp, cold = random.random(rows), random.random(rows)
    sky = np.digitize(damp, (0.3, 0.7))
    return pl.DataFrame(
        {
            "damp": damp.round(4),
            "cold": cold.round(4),
            "town": [("Oslo", "Rome")[each] for each in random.integers(2, size=rows)],
            **{
                name: (place > 0.5).astype(int)
                for name, place in zip(LABELS, (damp, cold, damp * cold * 2), strict=True)
            },
            **{name: (sky == code).astype(int) for code, name in enumerate(SKIES)},
            "heating": (3 * damp + cold).round(4),
            "cooling": (2000 + 500 * damp - 900 * cold).round(2),
        }
    )


TARGETS = {
    "numbers": {"target": list(NUMBERS)},
    "labels": {"target": list(LABELS), "task": "multilabel"},
    "skies": {"target": list(SKIES)},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a retrained study of each kind, from a table in Parquet."""
    folder = tmp_path_factory.mktemp("targets")
    table = weather()
    table.write_parquet(folder / "weather.parquet")
    table.write_csv(folder / "weather.csv")
    for name, target in TARGETS.items():
        model = {"family": "mlp", "units": 4, **({"target_scaling": "standard"} if name == "numbers" else {})}
        dataset = {"name": "csv", "path": "weather.parquet", "features": ["damp", "cold", "town"], **target}
        spec = {
            "dataset": dataset,
            "model": model,
            "search_space": {"learning_rate": [0.05]},
            "tuner": "grid",
            "training": {"epochs": 5},
            "baselines": False,
        }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(spec))
        arguments = ["--runs", str(folder / "runs"), "--quiet"]
        assert run_cli(["search", str(folder / f"{name}.yaml"), *arguments]) == 0
        assert run_cli(["retrain", name, *arguments]) == 0
    return folder / "runs"


def predicted(cli: Cli, runs: Path, *arguments: str) -> pl.DataFrame:
    code, out, err = cli("predict", *arguments, "--data", str(runs.parent / "weather.csv"), "--runs", runs)
    assert code == 0, err
    return pl.read_csv(io.StringIO(out))


def test_each_number_has_a_column_in_its_own_units(cli: Cli, runs: Path) -> None:
    found = predicted(cli, runs, "numbers", "--id", "damp")
    assert found.columns == ["damp", "prediction_heating", "prediction_cooling"]
    truth = weather()
    assert found["damp"].to_list() == truth["damp"].to_list()
    assert abs(found["prediction_cooling"] - truth["cooling"]).mean() < truth["cooling"].std()
    assert abs(found["prediction_heating"] - truth["heating"]).mean() < truth["heating"].std()


def test_each_label_has_its_own_probability(cli: Cli, runs: Path) -> None:
    found = predicted(cli, runs, "labels", "--proba")
    assert found.columns == [*(f"prediction_{name}" for name in LABELS), *(f"probability_{name}" for name in LABELS)]
    for name in LABELS:
        assert found[f"prediction_{name}"].to_list() == (found[f"probability_{name}"] > 0.5).cast(int).to_list()
    assert set(found.select(pl.sum_horizontal(found.columns[:3])).to_series()) > {1}
    code, _, err = cli("predict", "numbers", "--proba", "--data", runs.parent / "weather.csv", "--runs", runs)
    assert code == 2
    assert "no probabilities" in err


def test_one_hot_classes_are_told_by_the_names_of_their_columns(cli: Cli, runs: Path) -> None:
    found = predicted(cli, runs, "skies", "--proba")
    assert found.columns == ["prediction", *(f"probability_{name}" for name in SKIES)]
    assert set(found["prediction"]) <= set(SKIES)
    assert np.allclose(found.select(found.columns[1:]).sum_horizontal(), 1, atol=1e-5)


FIGURES = {
    "numbers": (NUMBERS, "rmse"),
    "labels": (LABELS, "roc_auc"),
    "skies": (("is_clear, is_grey, is_dark",), "accuracy"),
}


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_is_scored_on_the_test_part_as_the_retraining_did(
    name: str, cli: Cli, cli_json: CliJson, runs: Path
) -> None:
    names, figure = FIGURES[name]
    document = cli_json("evaluate", name, "--by", "town", "--runs", runs)
    assert [each["name"] for each in document["targets"]] == list(names)
    assert [group["rows"] for group in document["by"]["groups"]]
    metrics = json.loads((runs / name / "best" / "metrics.json").read_text())
    for target in document["targets"]:
        found = target["figures"][figure]
        assert found["low"] <= found["value"] <= found["high"]
        if name == "numbers":
            expected = metrics["target_scores"]["test"][target["name"]]["rmse"]
            assert found["value"] == pytest.approx(expected, rel=1e-4)
        elif name == "labels":
            expected = metrics["target_scores"]["test"][target["name"]]["accuracy"]
            assert target["figures"]["accuracy"]["value"] == pytest.approx(expected, rel=1e-4)
            assert [each["name"] for each in target["classes"]] == ["0", "1"]
        else:
            assert [each["name"] for each in target["classes"]] == list(SKIES)
            assert found["value"] == pytest.approx(metrics["scores"]["test"]["accuracy"], rel=1e-4)
    shown = cli("evaluate", name, "--runs", runs, "--part", "validation")[1]
    assert all(each in shown for each in (SKIES if name == "skies" else names))


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_of_a_file_is_scored_by_itself(name: str, cli_json: CliJson, runs: Path, tmp_path: Path) -> None:
    document = cli_json("evaluate", name, "--data", runs.parent / "weather.csv", "--runs", runs)
    assert document["rows"] == 120
    swapped = weather().with_columns((1 - pl.col("rain")).alias("rain"), (-pl.col("heating")).alias("heating"))
    swapped.write_parquet(tmp_path / "swapped.parquet")
    changed = cli_json("evaluate", name, "--data", tmp_path / "swapped.parquet", "--runs", runs)
    same = [
        one["figures"] == other["figures"] for one, other in zip(document["targets"], changed["targets"], strict=True)
    ]
    assert same == {"numbers": [False, True], "labels": [False, True, True], "skies": [True]}[name]


def test_a_mark_that_is_none_is_named(cli: Cli, runs: Path, tmp_path: Path) -> None:
    lines = weather().write_csv().splitlines()
    cells = lines[4].split(",")
    cells[lines[0].split(",").index("rain")] = "2"
    cells[lines[0].split(",").index("is_grey")] = cells[lines[0].split(",").index("is_dark")] = "1"
    (tmp_path / "a.csv").write_text("\n".join([*lines[:4], ",".join(cells), *lines[5:]]))
    code, _, err = cli("evaluate", "labels", "--data", tmp_path / "a.csv", "--runs", runs)
    assert code == 3
    assert "a.csv:5: 2 is neither 0 nor 1, as 'rain' was in training" in err
    code, _, err = cli("evaluate", "skies", "--data", tmp_path / "a.csv", "--runs", runs)
    assert code == 3
    assert "a.csv:5: not exactly one of is_clear, is_grey, is_dark is 1" in err


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", ["numbers", "labels"])
def test_exports_predict_every_target(name: str, format_: str, cli_json: CliJson, runs: Path, tmp_path: Path) -> None:
    document = cli_json("export", name, "--format", format_, "-o", tmp_path / "out", "--runs", runs)
    assert document["check"]["greatest_difference"] <= 1e-4
    (output,) = document["outputs"]
    assert output["name"] == {"numbers": "prediction", "labels": "probabilities"}[name]
    assert [each["name"] for each in output["columns"]] == list({"numbers": NUMBERS, "labels": LABELS}[name])


def test_the_bundle_names_what_it_predicts(runs: Path) -> None:
    manifests = {name: Bundle.open(runs / name / "best").manifest for name in TARGETS}
    assert [each.name for each in manifests["numbers"].targets] == list(NUMBERS)
    scaling = manifests["numbers"].target_scaling
    assert scaling is not None
    assert isinstance(scaling.offset, tuple)
    assert scaling.offset == pytest.approx((weather()["heating"].mean(), weather()["cooling"].mean()), rel=0.1)
    assert [each.name for each in manifests["labels"].targets] == list(LABELS)
    assert manifests["skies"].targets[0].classes == SKIES
    assert manifests["skies"].target_columns == SKIES


def test_the_checks_leave_several_targets_alone(cli: Cli, runs: Path) -> None:
    for name in ("numbers", "labels"):
        code, out, err = cli("check", runs.parent / f"{name}.yaml", "--strict", "--accept", "drift")
        assert code == 0, out + err


def test_a_result_of_labels_is_held_to_their_metrics(cli: Cli, runs: Path, tmp_path: Path) -> None:
    spec = runs.parent / "labels.yaml"
    assert cli("search", spec, "--runs", runs, "--fail-if", "val_auc < 0.01", "--fail-if", "val_f1 > 1")[0] == 0
    assert cli("search", spec, "--runs", runs, "--fail-if", "val_auc > 0.01")[0] == 1
    code, _, err = cli("search", spec, "--runs", tmp_path, "--fail-if", "val_rmse > 1")
    assert code == 2
    assert "there is no metric 'val_rmse'" in err


def npz_spec(**dataset: Any) -> Path:
    spec = {
        "name": "arrays",
        "dataset": {"name": "npz", "path": "data.npz", **dataset},
        "model": "linear",
        "search_space": {"learning_rate": [0.05]},
        "tuner": "grid",
        "training": {"epochs": 2},
        "baselines": False,
    }
    Path("arrays.yaml").write_text(yaml.safe_dump(spec))
    return Path("arrays.yaml")


@pytest.mark.parametrize("task", [None, "multilabel"])
def test_columns_of_an_array_are_numbers_or_labels(
    task: str | None, cli: Cli, cli_json: CliJson, tmp_path: Path
) -> None:
    table = weather()
    x, y = table.select("damp", "cold").to_numpy(), table.select(LABELS if task else NUMBERS).to_numpy()
    names = np.array(LABELS if task else NUMBERS)
    np.savez("data.npz", x=x[:90], y=y[:90], x_test=x[90:], y_test=y[90:], class_names=names)
    spec = npz_spec(**({"task": task} if task else {}))
    assert cli_json("search", spec, "--dry-run")["targets"] == names.tolist()
    assert cli("search", spec)[0] == 0
    assert cli("retrain")[0] == 0
    on_part = cli_json("evaluate")
    assert [each["name"] for each in on_part["targets"]] == names.tolist()
    np.savez("rows.npz", x=x[90:], y=y[90:])
    on_file = cli_json("evaluate", "--data", "rows.npz")
    assert on_file["targets"] == on_part["targets"]
    np.savez("rows.npz", x=x[90:], y=y[90:, :1])
    code, _, err = cli("evaluate", "--data", "rows.npz")
    assert code == 3
    assert f"give it {len(names)} columns: {', '.join(names)}" in err


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        (
            [[0, 1], [1, 1], [0, 0]],
            {},
            "'y0', 'y1' are 1, so that the targets are not one class for each row, in row 1",
        ),
        ([[0, 1], [1, 2], [0, 0]], {"task": "multilabel"}, "2 is neither 0 nor 1, as 'y1' must be"),
        ([0, 1, 0], {"task": "multilabel"}, "multilabel needs a column for each label"),
        ([[0.5, 1], [np.nan, 1], [0, 2]], {}, "y is missing or infinite in 1 row, in row 1"),
    ],
)
def test_arrays_that_cannot_be(y: Any, options: dict[str, Any], message: str, cli: Cli) -> None:
    np.savez("data.npz", x=np.arange(6.0).reshape(3, 2), y=np.array(y))
    code, _, err = cli("validate", npz_spec(**options))
    assert code == 3, err
    assert message in err


def test_codes_and_marks_of_classes_are_read_alike_from_arrays(cli: Cli, cli_json: CliJson) -> None:
    table = weather()
    x, marks = (np.ascontiguousarray(table.select(each)) for each in (["damp", "cold"], SKIES))
    np.savez("data.npz", x=x, y=marks.argmax(axis=1), class_names=np.array(SKIES))
    assert cli("search", npz_spec())[0] == 0
    assert cli("retrain")[0] == 0
    figures = []
    for y in (marks, marks.argmax(axis=1), np.array(SKIES)[marks.argmax(axis=1)]):
        np.savez("rows.npz", x=x, y=y)
        figures.append(cli_json("evaluate", "--data", "rows.npz")["targets"])
    assert figures[0] == figures[1] == figures[2]
