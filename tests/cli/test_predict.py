"""`tunecli predict`: rows in, predictions out, in the order of the rows."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

from tunecli.cli.main import run as run_cli
from tunecli.plan import Plan
from tunecli.store.run import Run
from tunecli.training.bundle import Bundle
from tunecli.training.data import load

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]

HEADER = "id,size,city,date,y\n"
CITIES = ("=Rome", "Oslo", "-7")


def rows_of(count: int = 60) -> str:
    random = np.random.default_rng(0)
    return "".join(
        f"{i},{random.random():.3f},{CITIES[i % 3]},2024-01-{1 + i % 28:02d},{CITIES[i % 3]}\n" for i in range(count)
    )


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a retrained study, `classes`, whose classes and texts are formulas."""
    folder = tmp_path_factory.mktemp("classes")
    (folder / "t.csv").write_text(HEADER + rows_of())
    spec = {
        "dataset": {"name": "csv", "path": "t.csv", "target": "y", "features": ["size", "city", "date"]},
        "model": {"family": "mlp", "units": 8},
        "search_space": {"learning_rate": [0.1]},
        "tuner": "grid",
        "training": {"epochs": 30},
        "baselines": False,
    }
    (folder / "classes.yaml").write_text(yaml.safe_dump(spec))
    runs = ["--runs", str(folder / "runs"), "--quiet"]
    assert run_cli(["search", str(folder / "classes.yaml"), *runs]) == 0
    assert run_cli(["retrain", "--full", *runs]) == 0
    return folder / "runs"


@pytest.fixture(scope="module")
def numbers(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shared study's folder, retrained."""
    runs = shutil.copytree(trained, tmp_path_factory.mktemp("numbers") / "runs")
    assert run_cli(["retrain", "--full", "--runs", str(runs), "--quiet"]) == 0
    return Path(runs)


def frame(text: str) -> pl.DataFrame:
    return pl.read_csv(io.StringIO(text), infer_schema=False)


def write(text: str, name: str = "in.csv") -> str:
    Path(name).write_text(text)
    return name


def test_numbers_come_in_the_order_of_the_rows(cli: Cli, numbers: Path) -> None:
    data, _ = load(Plan.of(Run(numbers / "linear")).dataset)
    text = "x,Newspaper,RADIO, tv\n" + "".join(f"a,{n},{r},{t}\n" for t, r, n in data.columns.numeric.tolist())
    code, out, err = cli("predict", "--data", write(text), "--runs", numbers)
    assert code == 0
    assert err.splitlines() == [
        "1 of 200 rows have missing, unseen or out-of-range values:",
        "  radio: 1 outside 0 … 49.4",
    ]
    expected = Bundle.open(numbers / "linear" / "best").predict(data.columns)[:, 0]
    lines = out.splitlines()
    assert lines[0] == "prediction"
    assert np.array(lines[1:], dtype=np.float32) == pytest.approx(expected, rel=1e-6)


def test_classes_have_their_names_and_probabilities(cli: Cli, classes: Path) -> None:
    path = write("DATE,city,size,note,id\n2024-01-05,=Rome,0.5,x,=1+1\n2024-01-05,Oslo,0.5,,-3\n2024-01-05,-7,.5,,@b\n")
    code, out, err = cli("predict", "--data", path, "--proba", "--id", "ID", "--runs", classes)
    assert code == 0
    found = frame(out)
    assert found.columns == ["ID", "prediction", "probability_-7", "probability_=Rome", "probability_Oslo"]
    assert found["prediction"].to_list() == ["'=Rome", "Oslo", "-7"], "a formula is made harmless, a number is none"
    assert found["ID"].to_list() == ["'=1+1", "-3", "'@b"]
    shares = found.select(found.columns[2:]).cast(pl.Float64)
    assert np.allclose(shares.sum_horizontal(), 1, atol=1e-5)
    assert "put behind an apostrophe: 3" in err


def test_dates_are_read_in_the_order_of_training(cli: Cli, tmp_path: Path) -> None:
    write("sold,y\n" + "".join(f"{1 + row % 28}/0{1 + row % 9}/2024,{row % 9}.5\n" for row in range(80)), "t.csv")
    spec = {"name": "days", "dataset": {"name": "csv", "path": "t.csv", "target": "y"}, "model": "linear"}
    spec |= {"training": {"epochs": 1}, "baselines": False}
    Path("days.yaml").write_text(yaml.safe_dump(spec))
    for command in (("search", "days.yaml"), ("retrain", "--full")):
        code, _, err = cli(*command, "--runs", tmp_path)
        assert code == 0, err
    found = []
    for text in ("3/4/2024", "2024-04-03"):
        code, out, err = cli("predict", "--data", write(f"sold\n{text}\n"), "--runs", tmp_path)
        assert code == 0, err
        found.append(out)
    assert found[0] == found[1]


def test_what_training_did_not_have_is_counted(cli: Cli, cli_json: CliJson, classes: Path) -> None:
    path = write(
        "city,size,date\nParis,0.5,2024-01-02\nOslo,77,2024-01-02\n,,\nOslo,,2024-01-03\nPar\x1bis,0,2024-01-04\n"
    )
    code, _, err = cli("predict", "--data", path, "--runs", classes)
    assert code == 0
    assert "4 of 4 rows" in err, "a line without any value is no row"
    assert "size: 2 outside 0.0" in err
    assert "such as 'Paris'" in err
    assert "\x1b" not in err
    document = cli_json("predict", "--data", path, "-o", "out.csv", "--runs", classes, "--quiet")
    by_name = {each["name"]: each for each in document["columns"]}
    assert by_name["city"] == {"name": "city", "missing": 0, "unseen": 2, "outside": 0}
    assert by_name["size"]["outside"] == 2
    assert len(Path("out.csv").read_text().splitlines()) == document["rows"] + 1


def test_standard_input_and_a_file(cli: Cli, numbers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "TV;radio;newspaper\n1,5;2;3\n4;5;6\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    code, out, _ = cli("predict", "linear", "--data", "-", "-o", "-", "--runs", numbers)
    assert code == 0
    assert len(out.splitlines()) == 3
    code, empty, _ = cli("predict", "--data", write(text), "-o", "out.csv", "--runs", numbers)
    assert (code, empty) == (0, "")
    assert Path("out.csv").read_text() == out


def test_a_table_of_another_format(cli: Cli, numbers: Path) -> None:
    pl.DataFrame({"TV": [1.5], "radio": [2], "newspaper": [3.0]}).write_parquet("a.parquet")
    code, out, _ = cli("predict", "--data", "a.parquet", "--runs", numbers)
    assert code == 0
    assert out == cli("predict", "--data", write("TV,radio,newspaper\n1.5,2,3\n"), "--runs", numbers)[1]


def test_a_folder_that_was_copied_away(cli: Cli, numbers: Path) -> None:
    shutil.copytree(numbers / "linear" / "best", "model")
    path = write("TV,radio,newspaper\n1.5,2,3\n")
    assert cli("predict", "model", "--data", path)[:2] == cli("predict", "--data", path, "--runs", numbers)[:2]
    code, _, err = cli("predict", "model", "--part", "test")
    assert code == 2
    assert "a folder brings no data" in err
    Path("model/model.keras").write_bytes(b"")
    code, _, err = cli("predict", "model", "--data", path)
    assert code == 3
    assert "model/model.keras: has 0 bytes" in err


def test_the_studys_own_part(cli: Cli, numbers: Path) -> None:
    code, out, _ = cli("predict", "--part", "test", "--runs", numbers)
    assert code == 0
    assert len(out.splitlines()) == 41
    assert len((numbers / "linear" / "test_looks.jsonl").read_text().splitlines()) == 1, "no target was looked at"


def test_a_header_alone_gives_a_header(cli: Cli, numbers: Path) -> None:
    assert cli("predict", "--data", write("TV,radio,newspaper\n"), "--runs", numbers)[:2] == (0, "prediction\n")


FAULTS = [
    ("TV,radio\n1,2\n", 3, "has no column 'newspaper', which the model reads"),
    ("TV,radio,newspaper\n1,2,3\n1,two,3\n", 3, "in.csv:3: 'two' is not a number"),
    ("TV,radio,newspaper\n1,2\n", 3, "in.csv:2: has 2 values; the header has 3"),
    ("", 3, "is empty"),
]


@pytest.mark.parametrize(("text", "code", "message"), FAULTS)
def test_rows_that_do_not_fit_leave_no_file(text: str, code: int, message: str, cli: Cli, numbers: Path) -> None:
    found, _, err = cli("predict", "--data", write(text), "-o", "out.csv", "--runs", numbers)
    assert found == code
    assert message in err
    assert "hint: " in err
    assert sorted(os.listdir()) == ["in.csv"]
    assert cli("predict", "--data", "in.csv", "--runs", numbers)[:2] == (code, ""), "nor half a table"


OPTIONS = [
    ([], "there are no rows to predict"),
    (["--data", "in.csv", "--part", "test"], "exclude each other"),
    (["--part", "test", "--id", "x"], "have no ids"),
    (["--data", "in.csv", "--proba"], "which have no probabilities"),
    (["--data", "in.csv", "--id", "nothing"], "no column is called 'nothing'"),
    (["--data", "in.csv", "--id", "prediction"], "is what a column of predictions is called"),
    (["--data", "in.csv", "-o", "nowhere/out.csv"], "nowhere/out.csv: its folder does not exist"),
    (["--data", "in.csv", "-o", "in.csv"], "in.csv: is the file that is read"),
    (["--data", "in.csv", "-o", "./in.csv", "--force"], "is the file that is read"),
    (["--data", "in.csv", "-o", "."], "is a folder"),
    (["--data", "in.csv", "-o", "there.csv"], "is there already"),
    (["--data", "in.csv", "--json"], "share stdout"),
    (["nothing", "--data", "in.csv"], "no study is called 'nothing'"),
]


@pytest.mark.parametrize(("arguments", "message"), OPTIONS)
def test_options_that_cannot_be_done(arguments: list[str], message: str, cli: Cli, numbers: Path) -> None:
    text = "TV,radio,newspaper,prediction\n1,2,3,4\n"
    write(text)
    write("mine", "there.csv")
    code, out, err = cli("predict", *arguments, "--runs", numbers)
    assert (code, out) == (2, "")
    assert message in err
    assert Path("in.csv").read_text() == text
    assert Path("there.csv").read_text() == "mine"


def test_a_study_that_was_not_retrained(cli: Cli, trained: Path) -> None:
    code, _, err = cli("predict", "--data", write("a\n"), "--runs", trained)
    assert code == 2
    assert "tunecli retrain linear --full" in err


def test_a_file_that_is_there_is_overwritten_when_asked(cli: Cli, numbers: Path) -> None:
    path = write("TV,radio,newspaper\n1,2,3\n")
    write("old", "out.csv")
    assert cli("predict", "--data", path, "-o", "out.csv", "--force", "--runs", numbers)[0] == 0
    assert Path("out.csv").read_text().startswith("prediction\n")
    assert cli("predict", "--data", path, "-o", os.devnull, "--runs", numbers)[0] == 0
    assert not Path(os.devnull).is_file(), "a device stays one"


def test_a_reader_that_goes_away_is_no_error(numbers: Path) -> None:
    lines = "1,2,3\n" * 400_000
    write("TV,radio,newspaper\n" + lines)
    predict = f"{sys.executable} -m tunecli predict --data in.csv --runs {numbers}"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {predict} | head -2"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2), done.stderr
    assert done.stderr == ""


def test_blocks_change_nothing(cli: Cli, classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(HEADER + rows_of())
    arguments = ("predict", "--data", path, "--id", "id", "--proba", "--runs", classes)
    whole = frame(cli(*arguments)[1])
    monkeypatch.setattr("tunecli.datasets.csv_text._BLOCK_CELLS", 35)
    blocks = frame(cli(*arguments)[1])
    assert blocks["id"].to_list() == [str(number) for number in range(60)]
    assert blocks["prediction"].equals(whole["prediction"])
    shares = [each.select(each.columns[2:]).cast(pl.Float64).to_numpy() for each in (whole, blocks)]
    assert np.allclose(*shares, atol=1e-6)


def test_a_long_cell_does_no_harm(cli: Cli, numbers: Path) -> None:
    path = write("TV,radio,newspaper,note\n1,2,3,fine\n4,5,6," + "x" * 10_000_000 + "\n7,8,9,\n")
    code, out, err = cli("predict", "--data", path, "--runs", numbers)
    assert (code, len(out.splitlines())) == (0, 4) or (code == 3 and "in.csv:3" in err and len(err) < 1000)


def test_arrays_of_a_table(cli: Cli, numbers: Path) -> None:
    rows = np.array([[1.5, 2, 3], [4, 5, 6]])
    np.savez_compressed("a.npz", x=rows)
    code, out, _ = cli("predict", "--data", "a.npz", "--runs", numbers)
    assert code == 0
    text = "TV,radio,newspaper\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    assert out == cli("predict", "--data", write(text), "--runs", numbers)[1]
    np.savez("a.npz", x=np.array([[1.0, 2]]))
    code, _, err = cli("predict", "--data", "a.npz", "--runs", numbers)
    assert code == 3
    assert "the model reads 3 columns" in err
    np.savez("a.npz", x=np.array([{"a": 1}], dtype=object))
    assert "holds Python objects" in cli("predict", "--data", "a.npz", "--runs", numbers)[2]
    Path("a.npz").write_bytes(b"PK\x03\x04 and no more")
    assert cli("predict", "--data", "a.npz", "--runs", numbers)[0] == 3


def test_code_of_a_strangers_bundle_is_not_run(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import keras, pathlib\npathlib.Path('ran').touch()\n"
        "class Net(keras.layers.Layer):\n    def call(self, x):\n        return x[:, :1]\n"
        "def build_model(hp):\n"
        "    model = keras.Sequential([keras.Input((3,)), Net(), keras.layers.Dense(hp.Int('units', 1, 1))])\n"
        "    model.compile('sgd', 'mse')\n    return model\n"
    )
    spec = {
        "dataset": "advertising",
        "model": {"family": "custom", "path": "mine.py"},
        "objective": "val_loss",
        "tuner": {"name": "random", "max_trials": 1},
        "training": {"epochs": 1},
        "baselines": False,
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(spec))
    runs = tmp_path / "runs"
    assert cli("search", tmp_path / "own.yaml", "--runs", runs, "--quiet")[0] == 0
    assert cli("retrain", "--runs", runs, "--quiet")[0] == 0
    path = write("TV,radio,newspaper\n1,2,3\n")
    assert cli("predict", "--data", path, "--runs", runs)[0] == 0, "a study's own code may be run"
    shutil.copytree(runs / "own" / "best", "given")
    Path("ran").unlink(missing_ok=True)
    code, _, err = cli("predict", "given", "--data", path)
    assert code == 2
    assert "Python code of its own, model.py" in err
    assert "--trust-code" in err
    assert cli("predict", "given", "--data", path, "--trust-code")[0] == 0


def test_images_of_fashion_mnist(cli: Cli, write_spec: Callable[..., Path], real_data: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    spec = write_spec(
        dataset={"name": "fashion_mnist", "max_rows": 4000},
        model={"family": "mlp", "units": 64, "optimizer": "adam"},
        objective="val_accuracy",
        search_space={"learning_rate": [0.002]},
        tuner="grid",
        training={"epochs": 4, "batch_size": 64},
    )
    assert cli("search", spec, "--runs", runs, "--quiet")[0] == 0
    assert cli("retrain", "--full", "--runs", runs, "--quiet")[0] == 0
    code, out, _ = cli("predict", "--part", "test", "--runs", runs)
    assert code == 0
    assert len(out.splitlines()) == 4001
    data, _ = load(Plan.of(Run(runs / "linear")).dataset)
    images = data.columns.images[60_000:60_003]  # type: ignore[index]
    np.savez("first.npz", images[..., 0])
    code, out, _ = cli("predict", "--data", "first.npz", "--runs", runs)
    assert (code, out.splitlines()) == (0, ["prediction", "Ankle boot", "Pullover", "Trouser"])
    assert (
        json.loads((runs / "linear" / "best" / "bundle.json").read_text())["targets"][0]["classes"][9] == "Ankle boot"
    )
    assert cli("predict", "--data", write("a\n"), "--runs", runs)[0] == 3

    Path("shoes").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(f"shoes/{number}.png")
    code, out, _ = cli("predict", "--data", "shoes", "--id", "file", "--runs", runs)
    assert (code, out.splitlines()[1:]) == (0, ["0.png,Ankle boot", "1.png,Pullover", "2.png,Trouser"])
    assert cli("predict", "--data", "shoes/1.png", "--runs", runs)[1].splitlines()[1:] == ["Pullover"]
