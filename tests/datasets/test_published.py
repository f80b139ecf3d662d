"""The published data, figure by figure, and what happens to small stand-ins of them."""

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tunecli.datasets import advertising, california_housing, fashion_mnist, fetch
from tunecli.datasets.base import DatasetOptions, RawData
from tunecli.datasets.csv_file import CsvFile
from tunecli.datasets.fashion_mnist import FashionMnist
from tunecli.datasets.fetch import RemoteFile
from tunecli.errors import DataError
from tunecli.spec.experiment import Task

NO_OPTIONS = DatasetOptions()


def rmse_of_least_squares(data: RawData) -> float:
    inputs = np.column_stack([np.ones(len(data.target)), data.columns.numeric])
    weights = np.linalg.lstsq(inputs, data.target, rcond=None)[0]
    return float(np.sqrt(np.mean((inputs @ weights - data.target) ** 2)))


def test_advertising_is_the_published_table() -> None:
    path = advertising.DATASET.find()
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith("ef973a09a9016e09842ab01b081ff8ab")
    data = advertising.DATASET.load(NO_OPTIONS)
    assert data.columns.numeric_names == ("TV", "radio", "newspaper")
    assert data.target_name == "sales"
    assert data.target.shape == (200,)
    assert rmse_of_least_squares(data) == pytest.approx(1.668570, abs=5e-7)


def test_advertising_by_television_alone_is_the_book_s_line() -> None:
    data = advertising.DATASET.load(DatasetOptions(features=("TV",)))
    slope, intercept = np.polyfit(data.columns.numeric[:, 0], data.target, 1)
    assert (intercept, slope) == (pytest.approx(7.03259, abs=5e-6), pytest.approx(0.0475366, abs=5e-8))


@pytest.mark.parametrize("form", ["lower case", "quoted, numbered, other line ends"])
def test_copies_of_advertising_read_as_the_original(form: str, tmp_path: Path) -> None:
    lines = advertising.DATASET.find().read_text().splitlines()
    if form == "lower case":
        text = "\n".join(lines).lower()
    else:
        rows = [",".join(f'"{cell}"' for cell in line.split(",")) for line in lines]
        text = "\r\n".join(f'"{index or ""}",{row}' for index, row in enumerate(rows))
    path = tmp_path / "copy.csv"
    path.write_text(text, newline="")
    copy = CsvFile().load(DatasetOptions(path=str(path), target="Sales"))
    assert copy.task is Task.REGRESSION
    assert copy.fingerprint() == advertising.DATASET.load(NO_OPTIONS).fingerprint()


def test_california_is_scikit_learn_s_form(real_data: Path) -> None:
    data = california_housing.DATASET.load(NO_OPTIONS)
    assert data.columns.numeric.shape == (20_640, 8)
    assert data.target.mean() == pytest.approx(2.06855817, abs=5e-9)
    first = dict(zip(data.columns.numeric_names, data.columns.numeric[0], strict=True))
    assert first == pytest.approx(
        {
            "MedInc": 8.3252,
            "HouseAge": 41,
            "AveRooms": 880 / 126,
            "AveBedrms": 129 / 126,
            "Population": 322,
            "AveOccup": 322 / 126,
            "Latitude": 37.88,
            "Longitude": -122.23,
        }
    )


def test_fashion_mnist_has_two_parts_of_even_classes(real_data: Path) -> None:
    data = fashion_mnist.DATASET.load(NO_OPTIONS)
    assert data.columns.images is not None
    assert data.columns.images.shape == (70_000, 28, 28, 1)
    assert data.own_test_rows == 10_000
    assert np.bincount(data.target[:60_000]).tolist() == [6000] * 10
    assert np.bincount(data.target[60_000:]).tolist() == [1000] * 10
    assert data.classes[data.target[0]] == "Ankle boot"
    # the means that everybody finds who normalises these images
    assert data.columns.images[:60_000].mean() / 255 == pytest.approx(0.2860, abs=5e-5)


def test_idx_files_are_read_and_joined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNECLI_DATA", str(tmp_path))
    images = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
    labels = np.array([0, 1, 2, 1, 0], dtype=np.uint8)
    small = FashionMnist(
        put_idx(tmp_path / "a.gz", images[:3]),
        put_idx(tmp_path / "b.gz", labels[:3]),
        put_idx(tmp_path / "c.gz", images[3:]),
        put_idx(tmp_path / "d.gz", labels[3:]),
    )
    data = small.load(NO_OPTIONS)
    np.testing.assert_array_equal(data.columns.images, images[..., np.newaxis])
    assert data.target.tolist() == labels.tolist()
    assert data.own_test_rows == 2
    assert small.find() == small.fetch() == tmp_path


def test_one_missing_file_means_that_it_must_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNECLI_DATA", str(tmp_path))
    monkeypatch.setenv("TUNECLI_OFFLINE", "1")
    monkeypatch.setattr(fetch, "DEBIAN", tmp_path / "debian")
    file = put_idx(tmp_path / "a.gz", np.zeros(3, dtype=np.uint8))
    partial = FashionMnist(file, file, file, replace(file, fname="absent.gz"))
    assert partial.find() is None
    with pytest.raises(DataError, match="offline"):
        partial.fetch()


def put_idx(path: Path, array: np.ndarray) -> RemoteFile:
    content = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()
    path.write_bytes(gzip.compress(content))
    return RemoteFile("http://127.0.0.1:9/", path.name, "", hashlib.sha256(content).hexdigest())
