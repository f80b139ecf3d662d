"""Bundles: refused when damaged, light to look at, and predicting what the models did when they were trained."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunecli.datasets.base import Columns
from tunecli.datasets.schema import ColumnKind, schema_of
from tunecli.errors import DataError
from tunecli.store.layout import BestLayout
from tunecli.training.bundle import Bundle
from tunecli.training.manifest import read_manifest


def columns() -> Columns:
    return Columns(
        numeric=np.array([[1.0, np.nan], [5.0, np.nan], [9.0, 2.0]]),
        numeric_names=("age", "__proto__"),
        categorical=np.array([[0], [-1], [1]], dtype=np.int32),
        categorical_names=("</script>",),
        categories=(("=1+1", "b"),),
    )


def test_a_schema_is_that_of_the_rows_it_is_shown() -> None:
    age, proto, script = schema_of(columns(), np.array([0, 1]))
    assert (age.name, age.kind, age.min, age.max, age.has_missing) == ("age", ColumnKind.NUMERIC, 1.0, 5.0, False)
    assert (proto.name, proto.min, proto.max, proto.has_missing) == ("__proto__", None, None, True)
    assert (script.name, script.kind, script.categories) == ("</script>", ColumnKind.CATEGORICAL, ("=1+1",))
    assert script.has_missing


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a small search; copy it before changing it."""
    from tunecli.cli.main import run

    folder = tmp_path_factory.mktemp("bundle")
    random = np.random.default_rng(0)
    lines = [f"{a:.4f},{b},{2 * a + (b == 'x'):.4f}" for a, b in zip(random.random(80), "xyzx" * 20, strict=True)]
    (folder / "t.csv").write_text("a,b,y\n" + "\n".join(lines) + "\n")
    spec = {
        "dataset": {"name": "csv", "path": "t.csv", "target": "y"},
        "model": {"family": "mlp", "units": 4, "target_scaling": "standard"},
        "search_space": {"learning_rate": [0.01, 0.02]},
        "objective": "val_rmse",
        "tuner": "grid",
        "training": {"epochs": 2},
        "baselines": False,
    }
    (folder / "s.yaml").write_text(json.dumps(spec))
    runs = ["--runs", str(folder / "runs"), "--quiet"]
    assert run(["search", str(folder / "s.yaml"), *runs]) == 0
    assert run(["retrain", "--full", "--seeds", "2", "--ensemble", *runs]) == 0
    return folder / "runs" / "s" / "best"


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copied away"))


def change(bundle: Path, edit: Callable[[Any], Any]) -> None:
    document = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps(edit(document) or document))


def test_a_manifest_says_what_a_model_reads_and_predicts(bundle: Path) -> None:
    manifest = read_manifest(BestLayout(bundle))
    assert (manifest.format, manifest.study, manifest.family, manifest.task) == (1, "s", "mlp", "regression")
    assert manifest.full
    assert manifest.targets[0].name == "y"
    assert [(each.name, each.kind) for each in manifest.columns] == [("a", "numeric"), ("b", "categorical")]
    assert manifest.columns[1].categories == ("x", "y", "z")
    assert manifest.models == ("members/0.keras", "members/1.keras")
    assert manifest.options.path is None, "the place of a file is nobody's business"
    assert manifest.target_scaling is not None
    assert manifest.target_scaling.method == "standard"
    (scale,) = manifest.target_scaling.scale
    assert 0.3 < scale < 1.2
    on_disk = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert set(manifest.files) == on_disk - {"bundle.json"}
    assert "host" not in json.loads((bundle / "environment.json").read_text())


def test_looking_at_a_bundle_imports_nothing_heavy(bundle: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom tunecli.training.bundle import Bundle\n"
        "print(Bundle.open(Path(sys.argv[1])).manifest.study)\n"
        "print([each for each in ('tensorflow', 'keras', 'keras_tuner', 'sklearn') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(bundle)], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["s", "[]"]


@pytest.mark.parametrize(
    "name", ["model.keras", "preprocessing.json", "metrics.json", "card.md", "environment.json", "members/1.keras"]
)
@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
def test_a_file_that_is_not_as_it_was_is_named(name: str, damage: str, bundle: Path) -> None:
    path = bundle / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "cut" else content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError) as caught:
        Bundle.open(bundle)
    assert caught.value.exit_code == 3
    assert caught.value.problems[0].where == str(path)
    assert caught.value.problems[0].hint


CLIMBING = ["../outside.txt", "/etc/passwd", "members/../../outside.txt", "..\\outside.txt", "C:/x", "."]


@pytest.mark.parametrize("name", CLIMBING)
def test_a_name_that_leaves_the_folder_is_refused(name: str, bundle: Path) -> None:
    (bundle.parent / "outside.txt").write_text("not yours")
    change(bundle, lambda document: document["files"].update({name: {"sha256": "0" * 64, "size_bytes": 9}}))
    with pytest.raises(DataError, match="is damaged: files"):
        Bundle.open(bundle)


def test_a_link_out_of_the_folder_is_refused(bundle: Path) -> None:
    model = bundle / "model.keras"
    shutil.move(model, bundle.parent / "model.keras")
    model.symlink_to(bundle.parent / "model.keras")
    with pytest.raises(DataError, match="link that leaves the bundle"):
        Bundle.open(bundle)


def test_a_model_without_a_hash_is_refused(bundle: Path) -> None:
    shutil.copy(bundle / "model.keras", bundle / "other.keras")
    change(bundle, lambda document: document.update(models=["other.keras"]))
    with pytest.raises(DataError, match=r"no hash of other\.keras"):
        Bundle.open(bundle)


def test_code_that_the_manifest_does_not_name_is_never_run(bundle: Path) -> None:
    (bundle / "model.py").write_text("raise SystemExit('run')")
    assert len(Bundle.open(bundle).models) == 2


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda document: document.update(format=99), "is of format 99"),
        (lambda document: document.update(task="magic"), "is damaged: task"),
        (lambda document: document.pop("models") and None, "is damaged: models"),
        (lambda document: [1], "holds a list"),
    ],
)
def test_a_damaged_manifest(edit: Callable[[Any], Any], message: str, bundle: Path) -> None:
    change(bundle, edit)
    with pytest.raises(DataError, match=message):
        Bundle.open(bundle)


def test_a_folder_of_an_older_version_is_no_bundle(bundle: Path) -> None:
    (bundle / "bundle.json").unlink()
    with pytest.raises(DataError, match="is missing"):
        Bundle.open(bundle)


PREDICT = """
import json, sys
from pathlib import Path
import numpy as np
from tunecli.datasets.base import Columns
from tunecli.training.bundle import Bundle
rows = json.loads(sys.argv[2])
columns = Columns(np.array(rows)[:, :1], ("a",), np.array(rows)[:, 1:].astype("int32"), ("b",), (("x", "y", "z"),))
print(json.dumps(Bundle.open(Path(sys.argv[1])).predict(columns).tolist()))
"""


def test_a_fresh_process_predicts_what_was_predicted_when_it_was_trained(
    made: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunecli.cli.main import run
    from tunecli.plan import Plan
    from tunecli.store.run import Run
    from tunecli.training.data import final_parts, load
    from tunecli.training.series import SeriesTrainer

    seen: list[Any] = []
    study = made.parent
    plan = Plan.of(Run(study))
    inputs, _ = final_parts(plan, full=True).parts[2]
    keep = SeriesTrainer._keep

    def watch(self: SeriesTrainer, model: Any, *others: Any) -> None:
        seen.append(model.predict(inputs, verbose=0).astype("float64"))
        keep(self, model, *others)

    monkeypatch.setattr(SeriesTrainer, "_keep", watch)
    runs = shutil.copytree(study.parent, bundle.parent / "runs")
    assert run(["retrain", "--full", "--seeds", "2", "--ensemble", "--runs", str(runs), "--quiet"]) == 0
    data, parts = load(plan.dataset)
    rows = np.column_stack([data.columns.numeric, data.columns.categorical])[parts.test].tolist()
    command = [sys.executable, "-c", PREDICT, str(runs / "s" / "best"), json.dumps(rows)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    predicted = np.array(json.loads(done.stdout))
    assert len(seen) == 2
    assert np.abs(predicted - np.mean(seen, axis=0)).max() < 1e-6
