"""Images as columns of a table, as Fashion-MNIST is often passed around, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tunecli.datasets import DATASETS
from tunecli.datasets.base import DatasetOptions
from tunecli.spec.own_data import ImageColumnsSpec

Cli = Callable[..., tuple[int, str, str]]

SMALL = {"pattern": "pixel{1..4}", "shape": [2, 2]}


def write(image_columns: Any, **changes: Any) -> str:
    document = {
        "name": "own",
        "dataset": {"name": "csv", "path": "data.csv", "target": "label", "image_columns": image_columns, **changes},
        "model": {"family": "cnn", "blocks": 1, "filters": 4, "dense_units": 8},
        "search_space": {"learning_rate": [0.001, 0.01]},
        "tuner": {"name": "grid", "max_trials": 1},
        "training": {"epochs": 1, "batch_size": 64},
        "limits": {"workers": 1},
        "baselines": False,
    }
    Path("own.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return "own.yaml"


def table(*rows: str, header: str = "label,pixel1,pixel2,pixel3,pixel4") -> None:
    Path("data.csv").write_text("\n".join([header, *rows, ""]))


def test_fashion_mnist_as_a_table_is_what_it_is_as_images(cli: Cli, real_data: Path) -> None:
    fashion = DATASETS.load("fashion_mnist").load(DatasetOptions())
    images, labels = fashion.columns.images, fashion.target
    assert images is not None
    header = ",".join(["label", *(f"pixel{number}" for number in range(1, 785))])
    rows = [",".join(map(str, [labels[row], *images[row].ravel()])) for row in range(200)]
    table(*rows, header=header)
    spec = write({"pattern": "pixel{1..784}", "shape": [28, 28]}, task="multiclass")
    code, _, err = cli("search", spec, "--quiet")
    assert code == 0, err
    code, out, _ = cli("retrain", "--json")
    assert json.loads(out)["dataset"]["rows"] == {"train": 120, "validation": 40, "test": 40}
    loaded = DATASETS.load("csv").load(
        DatasetOptions(
            path="data.csv",
            target="label",
            image_columns=ImageColumnsSpec.model_validate({"pattern": "pixel{1..784}", "shape": [28, 28]}),
        )
    )
    np.testing.assert_array_equal(loaded.columns.images, images[:200])
    np.testing.assert_array_equal(loaded.target, labels[:200])


def test_columns_go_by_their_numbers_wherever_they_stand(cli_json: Callable[..., Any]) -> None:
    table("9,40,a,10,20,30", "9,41,b,11,21,31", "9,42,a,12,22,255", header="extra,p4,label,p1,p2,p3")
    columns = {"pattern": "p{1..4}", "shape": [2, 2]}
    plan = cli_json("validate", write(columns))["plan"]
    assert plan["dataset"]["options"]["image_columns"] == columns
    spec = ImageColumnsSpec.model_validate(columns)
    loaded = DATASETS.load("csv").load(DatasetOptions(path="data.csv", target="label", image_columns=spec))
    assert loaded.columns.images is not None
    assert loaded.columns.images[0, :, :, 0].tolist() == [[10, 20], [30, 40]]
    assert loaded.columns.images[2, 1].tolist() == [[255], [42]]
    assert loaded.classes == ("a", "b")


@pytest.mark.parametrize(
    ("image_columns", "changes", "message"),
    [
        ({"pattern": "pixel{1..6}", "shape": [2, 3]}, {}, "there is no column pixel5, pixel6"),
        ({"pattern": "px{0..8}", "shape": [3, 3]}, {}, "there is no column px0, px1, px2, px3, px4 and 4 more"),
        (SMALL, {"target": "pixel3"}, "'pixel3' is used for something else too"),
        (SMALL, {"features": ["pixel1"]}, "image_columns says what is learnt from"),
        ({"pattern": "pixel{1..4}", "shape": [2, 3]}, {}, "is 4 columns; an image of [2, 3] has 6 values"),
        ({"pattern": "pixel*", "shape": [2, 2]}, {}, "'pixel*' names no row of columns"),
        ({"pattern": "pixel{4..1}", "shape": [2, 2]}, {}, "names no row of columns"),
        ({"pattern": "pixel{1..4}", "shape": [4]}, {}, "is not the shape of an image"),
        ({"pattern": "pixel{1..8}", "shape": [2, 2, 2]}, {}, "is not the shape of an image"),
        ({"pattern": "pixel{1..4}"}, {}, "the key 'shape' is missing"),
        ("pixel{1..4}", {}, "is not a block of keys"),
    ],
)
def test_what_is_wrong_with_the_columns_is_said_at_its_line(
    image_columns: Any, changes: dict[str, Any], message: str, cli: Cli
) -> None:
    table("a,1,2,3,4", "b,5,6,7,8", "a,1,2,3,4")
    code, _, err = cli("validate", write(image_columns, **changes))
    assert (code, message in err) == (2, True), err
    assert err.startswith("own.yaml:")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("b,5,6,7,256", "'pixel4' is 256"),
        ("b,5,6,-1,8", "'pixel3' is -1"),
        ("b,5,0.5,7,8", "'pixel2' is 0.5"),
        ("b,,6,7,8", "'pixel1' is missing"),
        ("b,five,6,7,8", "'pixel1' holds something else than numbers"),
    ],
)
def test_pixels_are_whole_numbers_of_a_byte(row: str, message: str, cli: Cli) -> None:
    table("a,1,2,3,4", row, "a,1,2,3,4")
    code, _, err = cli("search", write(SMALL), "--quiet")
    assert (code, message in err) == (3, True), err
    assert not Path("runs/own").exists()


def test_it_is_not_ejected(cli: Cli) -> None:
    table("a,1,2,3,4", "b,5,6,7,8", "a,1,2,3,4")
    code, _, err = cli("eject", write(SMALL), "-o", "-")
    assert (code, "an ejected script makes no images of columns" in err) == (2, True)
