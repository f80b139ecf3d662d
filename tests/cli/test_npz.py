"""Arrays of one's own in a `.npz` file, from the command line."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tunecli.datasets import DATASETS
from tunecli.datasets.base import DatasetOptions
from tunecli.training.data import load

Cli = Callable[..., tuple[int, str, str]]


def write(dataset: dict[str, Any], **changes: Any) -> str:
    document = {
        "name": "own",
        "dataset": {"name": "npz", "path": "data.npz", **dataset},
        "model": "linear",
        "search_space": {"learning_rate": [0.001, 0.01]},
        "tuner": "grid",
        "training": {"epochs": 1, "batch_size": 64},
        "limits": {"workers": 1},
        "baselines": False,
        **changes,
    }
    Path("own.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return "own.yaml"


def table(**changes: Any) -> dict[str, Any]:
    """Returns twelve rows of two features and a number to predict; None takes an array away."""
    x = np.arange(24.0).reshape(12, 2)
    arrays = {"x": x, "y": x.sum(axis=1) / 7, **changes}
    return {name: array for name, array in arrays.items() if array is not None}


def test_images_with_parts_of_their_own_are_searched_retrained_and_tested(cli: Cli, real_data: Path) -> None:
    fashion = DATASETS.load("fashion_mnist").load(DatasetOptions())
    images, labels = fashion.columns.images, fashion.target.astype(np.uint8)
    assert images is not None
    np.savez_compressed(
        "data.npz",
        x_train=images[:500, :, :, 0],
        y_train=labels[:500],
        x_validation=images[500:550, :, :, 0],
        y_validation=labels[500:550],
        x_test=images[-100:, :, :, 0],
        y_test=labels[-100:],
        class_names=np.array(fashion.classes),
    )
    spec = write({})
    assert cli("validate", spec)[0] == 0
    assert cli("search", spec, "--quiet")[0] == 0
    code, out, _ = cli("retrain", "--full", "--json")
    assert code == 0
    dataset = json.loads(out)["dataset"]
    assert dataset["rows"] == {"train": 500, "validation": 50, "test": 100}
    assert dataset["task"] == "multiclass"
    assert DATASETS.load("npz").describe(DatasetOptions(path="data.npz")).classes == fashion.classes


def test_a_table_takes_names_weights_and_groups_from_the_file(cli: Cli) -> None:
    names = np.array(["length", "width"])
    weights, groups = np.arange(1, 13), np.repeat(np.arange(6), 2)
    np.savez("data.npz", **table(feature_names=names, w=weights, g=groups))
    spec = write({"sample_weight": "w", "group": "g", "features": ["width"]})
    assert cli("search", spec, "--quiet", "--json")[0] == 0
    kept = json.loads(Path("runs/own/data.json").read_text())
    assert (kept["numeric"]["shape"], kept["weights"]["shape"], kept["groups"]["shape"]) == ([12, 1], [12], [12])
    code, _, err = cli("validate", write({"features": ["widht"]}))
    assert code == 2
    assert "no column is called 'widht'" in err
    assert "did you mean 'width'?" in err


def test_arrays_go_by_any_name(cli: Cli) -> None:
    x = np.arange(24.0).reshape(12, 2)
    np.savez("data.npz", inputs=x, label=np.array(["low", "high"])[(x[:, 0] > 10).astype(int)])
    code, _, err = cli("validate", write({}))
    assert code == 2
    assert "own.yaml:4:9: dataset.path" in err
    assert "has no array 'x'" in err
    assert "it has inputs, label" in err
    code, out, _ = cli("validate", write({"arrays": {"x": "inputs", "y": "label"}}), "--json")
    assert code == 0
    plan = json.loads(out)["plan"]
    assert plan["task"] == "binary"
    assert {name: each for name, each in plan["dataset"]["options"]["arrays"].items() if each} == {
        "x": "inputs",
        "y": "label",
    }
    code, _, err = cli("validate", write({"arrays": {"x": "input", "y": "label"}}))
    assert (code, "did you mean 'inputs'?" in err) == (2, True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": np.arange(11.0)}, "y has 11 rows, x has 12"),
        ({"y": np.where(np.arange(12) == 3, np.nan, 1.5)}, "y is missing or infinite in 1 row, in row 3"),
        ({"y": np.ones(12)}, "y is 1.0 in every row"),
        ({"y": np.ones((12, 2))}, "the target 'y0' is 1 in every row"),
        ({"y": np.array([{}] * 12)}, "'y' holds Python objects, which only a pickle can: it is not opened"),
        ({"x": np.array([[None, 1]] * 12)}, "x holds Python objects"),
        ({"x": np.array([["a", "b"]] * 12)}, "x is of type <U1; columns of a table are numbers"),
        ({"x": np.ones((12, 4, 4))}, "images are uint8, 0 … 255"),
        ({"x": np.ones((12, 3, 32, 32), dtype="uint8")}, "the channels of images come last"),
        ({"x": np.ones((12, 2, 2, 2, 2))}, "a table is (rows, features)"),
        ({"x_test": np.ones((3, 2))}, "has x_test, but no y_test"),
        ({"x_test": np.ones((3, 5)), "y_test": np.ones(3)}, "a row of x_test is of shape (5,), one of x of (2,)"),
        ({"feature_names": np.array(["a", "a"])}, "feature_names has 'a' twice"),
        ({"feature_names": np.array(["a"])}, "feature_names has 1 names for 2 columns"),
        ({"class_names": np.array(["a", "b"])}, "with 2 class names it is 0 … 1"),
    ],
)
def test_what_is_wrong_with_an_array_is_said(changes: dict[str, Any], message: str, cli: Cli) -> None:
    np.savez("data.npz", **table(**changes))
    code, _, err = cli("validate", write({}))
    assert code == 3
    assert message in err
    assert f"{Path('data.npz').resolve()}: " in err
    assert "hint: " in err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": np.where(np.arange(24).reshape(12, 2) == 5, np.inf, 1.5)}, "x is infinite in row 2, column 1"),
        ({"w": -np.ones(12)}, "w is -1.0 in row 0"),
        ({"y": np.arange(12) % 2, "x_test": np.ones((1, 2)), "y_test": np.array([2])}, "y_test has the class 2"),
    ],
)
def test_values_are_looked_at_when_a_search_starts(changes: dict[str, Any], message: str, cli: Cli) -> None:
    np.savez("data.npz", **table(**{"w": np.ones(12), **changes}))
    code, _, err = cli("search", write({"sample_weight": "w"}), "--quiet")
    assert (code, message in err) == (3, True), err
    assert not Path("runs/own").exists()


def test_a_pickle_inside_the_file_is_not_opened(cli: Cli) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path("opened").touch, ()

    np.savez("data.npz", **table(y=np.array([Evil()] * 12, dtype=object)))
    assert cli("search", write({}), "--quiet")[0] == 3
    with zipfile.ZipFile("data.npz", "a") as archive:
        archive.writestr("z.npy", pickle.dumps(Evil()))
    assert cli("search", write({}), "--quiet")[0] == 3
    assert not Path("opened").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"cut"])
def test_a_damaged_file_is_named(content: bytes, cli: Cli) -> None:
    np.savez("data.npz", **table())
    Path("data.npz").write_bytes(Path("data.npz").read_bytes()[:-40] if content == b"cut" else content)
    code, _, err = cli("validate", write({}))
    assert code == 3
    assert "data.npz: cannot be read as a .npz file" in err
    Path("data.npz").unlink()
    code, _, err = cli("validate", write({}))
    assert (code, "no such file" in err) == (3, True)


def test_a_header_that_lies_about_the_size_is_no_array(cli: Cli) -> None:
    """Sixty bytes that claim to be 80 GB."""
    np.savez("data.npz", **table(x=None))
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 100000), }"
    with zipfile.ZipFile("data.npz", "a") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    code, _, err = cli("validate", write({}))
    assert (code, "x.npy is not as long as its header says" in err) == (3, True), err


def test_other_data_are_refused_when_a_study_goes_on(cli: Cli) -> None:
    np.savez("data.npz", **table())
    spec = write({})
    assert cli("search", spec, "--quiet")[0] == 0
    np.savez("data.npz", **table(x=np.ones((12, 2))))
    load.cache_clear()  # of this process, which a second command would not share
    code, _, err = cli("search", spec, "--quiet")
    assert (code, "was begun on other data: numeric differ" in err) == (2, True)


def test_it_is_not_ejected(cli: Cli) -> None:
    np.savez("data.npz", **table())
    code, _, err = cli("eject", write({}), "-o", "-")
    assert code == 2
    assert "an ejected script reads no npz" in err
