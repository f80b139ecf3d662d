"""`tunecli export`: what a model becomes elsewhere predicts as its bundle does, without tunecli."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tunecli.cli.main import run
from tunecli.training.bundle import Bundle
from tunecli.training.exports import FORMATS
from tunecli.training.exports import export as exporting
from tunecli.training.exports.sample import Sample, made_up_rows

Cli = Callable[..., tuple[int, str, str]]
CliJson = Callable[..., Any]

EVERYWHERE = [name for name in FORMATS.names if name != "onnx"]
HERE = [*EVERYWHERE, *(["onnx"] if find_spec("tf2onnx") and find_spec("onnxruntime") else [])]

MIXED = {"family": "mlp", "units": 4, "numeric_embedding": "periodic", "ensemble_heads": 2}
"""Every kind of layer that Keras does not have."""


def awkward_table(path: Path, rows: int = 1500) -> None:
    """A table with a byte-order mark, semicolons, decimal commas, quotes, line breaks and missing values."""
    random = np.random.default_rng(0)
    places = ["Nord;see", 'the "old" town', "line\nbreak", "[UNK]", "é", ""]
    lines = ["\ufeffsize;rooms;=1+1;</script>;price"]
    for number in range(rows):
        size, rooms = random.lognormal(4, 1), int(random.integers(1, 9))
        place = places[random.integers(len(places))].replace('"', '""')
        kind = ["flat", "house", "NA"][random.integers(3)]
        price = f"{1000 * size + 100 * rooms + random.normal():.2f}".replace(".", ",")
        cells = ["" if number % 7 == 0 else f"{size:.3f}".replace(".", ","), str(rooms), f'"{place}"', kind, price]
        lines.append(";".join(cells))
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8", newline="")


def study(folder: Path, name: str, *options: str, **spec: Any) -> Path:
    """Searches and retrains; returns the study's folder."""
    document = {
        "name": name,
        "tuner": {"name": "random", "max_trials": 1},
        "training": {"epochs": 1, "batch_size": 32},
        "baselines": False,
        **spec,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    runs = ["--runs", str(folder / "runs"), "--quiet"]
    assert run(["search", str(path), *runs]) == 0
    assert run(["retrain", name, "--full", *options, *runs]) == 0
    return folder / "runs" / name


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of a table with texts and missing values, whose best is an ensemble of two."""
    folder = tmp_path_factory.mktemp("awkward")
    awkward_table(folder / "table.csv")
    return study(
        folder,
        "awkward",
        "--seeds",
        "2",
        "--ensemble",
        dataset={"name": "csv", "path": "table.csv", "target": "price"},
        model={**MIXED, "normalization": "quantile", "target_scaling": "standard", "learning_rate": 0.01},
    )


@pytest.fixture(scope="module")
def exported(awkward: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The awkward study in every format, each in a folder of its name."""
    folder = tmp_path_factory.mktemp("exported")
    for name in HERE:
        arguments = ["export", awkward.name, "--format", name, "-o", str(folder / name)]
        assert run([*arguments, "--runs", str(awkward.parent), "--quiet"]) == 0, name
    return folder


def read(folder: Path) -> Any:
    return json.loads((folder / "export.json").read_text())


@pytest.mark.parametrize("name", HERE)
def test_every_format_predicts_as_the_bundle_does(name: str, exported: Path) -> None:
    document = read(exported / name)
    check = document["check"]
    assert check["rows"] == 1100
    assert check["origin"] == "1,000 rows of the training and validation part, and 100 made up"
    assert check["greatest_difference"] <= 1e-4
    assert (exported / name / document["file"]).exists()
    assert document["models"] == 2
    assert document["preprocessing"] == ("beside" if name in ("h5", "weights") else "inside")
    assert [each["name"] for each in document["outputs"][0]["columns"]] == ["price"]


@pytest.mark.parametrize(
    "dataset", [{"name": "california_housing", "max_rows": 1500}, {"name": "fashion_mnist", "max_rows": 1100}]
)
def test_published_data_in_every_format(dataset: dict[str, Any], real_data: Path, tmp_path: Path) -> None:
    is_images = dataset["name"] == "fashion_mnist"
    model = {"family": "cnn", "filters": 2} if is_images else {"family": "mlp", "normalization": "quantile"}
    path = study(tmp_path, "published", dataset=dataset, model=model)
    for name in HERE:
        folder = tmp_path / name
        assert run(["export", "--format", name, "-o", str(folder), "--runs", str(path.parent), "--quiet"]) == 0
        check = read(folder)["check"]
        assert check["rows"] == 1100
        assert check["greatest_difference"] <= 1e-4


ALONE = """
import contextlib, io, json, os, re, sys

class NoTunecli:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tunecli":
            raise ImportError("tunecli is not here")

sys.meta_path.insert(0, NoTunecli())
found = {}
for name in sys.argv[2:]:
    if name == "tflite":  # the interpreter of TensorFlow in place of its package of its own
        import tensorflow, types
        sys.modules["ai_edge_litert"] = sys.modules["ai_edge_litert.interpreter"] = types.ModuleType("stand-in")
        sys.modules["ai_edge_litert.interpreter"].Interpreter = tensorflow.lite.Interpreter
    os.chdir(os.path.join(sys.argv[1], name))
    sys.path.insert(0, os.getcwd())
    text = open("README.md", encoding="utf-8").read()
    scope = {}
    code = re.search("```python\\n(.*?)\\n```", text, re.DOTALL)[1]
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, scope)
    outputs = scope["outputs"]
    outputs = next(iter(outputs.values())) if isinstance(outputs, dict) else outputs
    found[name] = [float(each) for each in __import__("numpy").asarray(outputs).ravel()]
    sys.path.pop(0), sys.modules.pop("preprocess", None)
    if name == "saved_model":
        found["keras was imported"] = "keras" in sys.modules
print(json.dumps(found))
"""


def test_the_readme_predicts_without_tunecli(awkward: Path, exported: Path) -> None:
    names = ["saved_model", *(name for name in HERE if name not in ("saved_model", "h5"))]  # h5 needs layers of ours
    command = [sys.executable, "-I", "-c", ALONE, str(exported), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])

    bundle = Bundle.open(awkward / "best")
    texts = [each.categories[0] or "" for each in bundle.preprocessor.categorical]
    codes = [each.categories[0] for each in bundle.preprocessor.categorical]
    assert codes == texts
    row = Sample(np.ones((1, 2)), np.array([texts], dtype=object))
    expected = float(bundle.predict(row.columns(bundle.preprocessor))[0, 0])
    del found["keras was imported"]
    assert set(found) == set(names)
    for name, outputs in found.items():
        assert outputs == pytest.approx([expected], rel=1e-4), name


def test_the_saved_model_takes_columns_as_they_stand_in_the_table(awkward: Path, exported: Path) -> None:
    import tensorflow as tf

    signature = tf.saved_model.load(str(exported / "saved_model" / "saved_model")).signatures["serving_default"]
    bundle = Bundle.open(awkward / "best")
    sample = made_up_rows(bundle.manifest, bundle.preprocessor, 50)
    found = signature(numbers=tf.constant(sample.numbers), texts=tf.constant(sample.texts.tolist()))["prediction"]
    np.testing.assert_allclose(found, bundle.predict(sample.columns(bundle.preprocessor)), rtol=1e-4)
    assert np.isnan(sample.numbers).any()
    assert {"", "a text that is no category"} < set(sample.texts[:, 0])


def test_the_readme_names_columns_as_text_and_the_manifest_as_they_are(exported: Path) -> None:
    readme = (exported / "saved_model" / "README.md").read_text()
    assert "=1\\+1, &lt;/script&gt;" in readme
    assert "</script>" not in re.sub("```.*?```", "", readme, flags=re.DOTALL)
    numbers, rest, texts = read(exported / "tflite")["inputs"]
    assert [each["name"] for each in numbers["columns"]] == ["size", "rooms"]
    assert rest["columns"] == numbers["columns"]
    place, kind = texts["columns"]
    assert (place["name"], kind["name"]) == ("=1+1", "</script>")
    assert place["categories"] == ["Nord;see", "[UNK]", "line\nbreak", 'the "old" town', "é", None]
    assert kind["categories"] == ["flat", "house", None]
    assert any("codes are positions" in note for note in read(exported / "tflite")["notes"])


def test_classes_are_named_in_the_order_of_the_outputs(cli_json: CliJson, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [f"{a:.3f},{'xyz'[int(a * 3)]},{'no' if a < 0.4 else 'yes'}" for a in random.random(120)]
    (tmp_path / "table.csv").write_text("a,kind,is_it\n" + "\n".join(rows) + "\n")
    expected = {"kind": (["x", "y", "z"], ["x", "y", "z"]), "is_it": (["no", "yes"], ["yes"])}
    for target, (classes, outputs) in expected.items():
        dataset = {"name": "csv", "path": "table.csv", "target": target, "features": ["a"]}
        path = study(tmp_path, target, dataset=dataset, model="linear")
        document = cli_json("export", target, "--runs", path.parent, "-o", tmp_path / "out", "--force")
        assert document["targets"] == [{"name": target, "classes": classes}]
        assert document["outputs"][0]["name"] == "probabilities"
        assert [each["name"] for each in document["outputs"][0]["columns"]] == outputs
        assert document["files"].keys() == {"README.md", "model.keras"}


def test_a_model_of_keras_own_layers_is_one_in_h5_too(cli_json: CliJson, trained: Path, tmp_path: Path) -> None:
    import keras

    runs = Path(shutil.copytree(trained, tmp_path / "runs"))
    cli_json("retrain", "--runs", runs)
    document = cli_json("export", "--format", "h5", "--runs", runs, "-o", tmp_path / "out")
    assert not any("loading needs" in note for note in document["notes"])
    model = keras.saving.load_model(tmp_path / "out" / "model.h5")
    assert [type(each).__name__ for each in model.layers] == ["InputLayer", "Dense"]


@pytest.fixture
def linear(trained: Path, tmp_path: Path, cli: Cli) -> Path:
    """A retrained study of three columns."""
    runs = Path(shutil.copytree(trained, tmp_path / "runs"))
    assert cli("retrain", "--runs", runs)[0] == 0
    return runs / "linear"


def test_it_is_written_beside_where_nothing_is_said(cli: Cli, linear: Path) -> None:
    code, out, err = cli("export", "--runs", linear.parent)
    assert code == 0
    assert out.splitlines()[0] == "linear-keras/model.keras: preprocessing inside"
    assert "greatest difference to the bundle: " in out
    assert "(0.0001 is allowed) on 160 rows of the training and validation part, and 100 made up" in out
    assert "linear-keras/README.md" in err
    assert sorted(each.name for each in Path("linear-keras").iterdir()) == ["README.md", "export.json", "model.keras"]


def test_an_export_is_replaced_only_by_force(cli: Cli, linear: Path) -> None:
    arguments = ["export", "--runs", linear.parent, "-o", "out"]
    assert cli(*arguments)[0] == 0
    (Path("out") / "mine.txt").write_text("mine")
    code, _, err = cli(*arguments)
    assert code == 2
    assert "out: is there already" in err
    assert "--force" in err
    assert (Path("out") / "mine.txt").exists()
    assert cli(*arguments, "--format", "h5", "--force")[0] == 0
    assert sorted(each.name for each in Path("out").iterdir()) == [
        "README.md",
        "export.json",
        "model.h5",
        "preprocess.py",
        "preprocessing.json",
    ]


def test_what_predicts_otherwise_is_not_written(cli: Cli, linear: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunecli.training.exports.keras_file import KerasFile

    def wrong(self: Any, model: Any, folder: Path) -> None:
        model.layers[-1].set_weights([each * 1.001 for each in model.layers[-1].get_weights()])
        model.save(folder / self.file)

    monkeypatch.setattr(KerasFile, "write", wrong)
    code, _, err = cli("export", "--runs", linear.parent, "-o", "out")
    assert code == 1
    assert "differ from the bundle's by 0.001, where 0.0001 is allowed" in err
    assert "nothing was written" in err
    assert list(Path().iterdir()) == []


def test_an_interrupted_export_leaves_nothing_behind(cli: Cli, linear: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "_put_beside", interrupt)
    assert cli("export", "--runs", linear.parent, "-o", "out")[0] == 130
    assert list(Path().iterdir()) == []


def test_a_bundle_without_its_study_is_checked_on_made_up_rows(cli_json: CliJson, linear: Path) -> None:
    shutil.copytree(linear / "best", "elsewhere")
    shutil.rmtree(linear)
    document = cli_json("export", "elsewhere", "--format", "saved_model", "-o", "out")
    assert document["check"]["origin"] == "1,000 rows made up from the schema"
    assert document["check"]["greatest_difference"] <= 1e-4


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--format", "kers"], 2, "unknown format 'kers'"),
        (["nothing"], 2, "no study is called 'nothing'"),
        (["-o", "."], 2, "holds no export"),
    ],
)
def test_what_cannot_be(arguments: list[str], code: int, message: str, cli: Cli, linear: Path) -> None:
    Path("mine.txt").write_text("mine")
    found, _, err = cli("export", *arguments, "--runs", linear.parent)
    assert found == code
    assert message in err
    assert "hint: " in err


def test_a_study_that_was_not_retrained(cli: Cli, trained: Path) -> None:
    code, _, err = cli("export", "--runs", trained)
    assert code == 2
    assert "has no trained model yet" in err
    assert "tunecli retrain linear --full" in err


def test_a_changed_bundle_is_refused(cli: Cli, linear: Path) -> None:
    (linear / "best" / "preprocessing.json").write_text("{}")
    code, _, err = cli("export", "--runs", linear.parent)
    assert code == 3
    assert "preprocessing.json: has " in err


def test_a_format_without_its_packages(cli: Cli, linear: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "tf2onnx" else True)
    code, _, err = cli("export", "--format", "onnx", "--runs", linear.parent)
    assert code == 2
    assert "onnx takes packages that are not installed: tf2onnx" in err
    assert "pip install 'tunecli[onnx]'" in err


OWN = """
    import keras

    @keras.saving.register_keras_serializable("mine")
    class Doubled(keras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    def build_model(hp):
        inputs = keras.Input((3,))
        model = keras.Model(inputs, keras.layers.Dense(1)(Doubled()(inputs)))
        model.compile(optimizer=keras.optimizers.SGD(hp.Float("rate", 1e-5, 1e-3, sampling="log")), loss="mse")
        return model
"""


def test_layers_of_ones_own_stay_ones_own(cli: Cli, cli_json: CliJson, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(textwrap.dedent(OWN))
    path = study(tmp_path, "own", dataset="advertising", model={"family": "custom", "path": "mine.py"})
    keras_file = cli_json("export", "--runs", path.parent, "-o", "out")
    (note,) = keras_file["notes"]
    assert note == "loading needs the classes Doubled of model.py, which lies beside: pass them as custom_objects"
    assert "custom_objects=vars(own)" in Path("out/README.md").read_text()
    assert Path("out/model.py").exists()
    graph = cli_json("export", "--format", "saved_model", "--runs", path.parent, "-o", "graph")
    assert graph["notes"] == []
    assert not Path("graph/model.py").exists()

    shutil.copytree(path / "best", "elsewhere")
    code, _, err = cli("export", "elsewhere", "-o", "other")
    assert code == 2
    assert "--trust-code" in err
    assert cli("export", "elsewhere", "-o", "other", "--trust-code")[0] == 0
