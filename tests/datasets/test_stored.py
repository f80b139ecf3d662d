import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tunecli.datasets import stored
from tunecli.datasets.base import Columns, RawData
from tunecli.datasets.split import Split, split
from tunecli.datasets.stored import open_stored, store
from tunecli.spec.experiment import Task

ROWS = 30


def table(task: Task = Task.REGRESSION) -> RawData:
    """Every number and every text but the missing ones stand in one row alone, so that a row can be looked for."""
    numeric = np.arange(2.0 * ROWS).reshape(ROWS, 2) + 0.125
    numeric[3::7] = np.nan
    codes = np.arange(ROWS, dtype=np.int32)[::-1].copy()
    codes[::5] = -1
    texts = tuple(f"text-{code:02}-ä" for code in range(ROWS))
    columns = Columns(numeric, ("a", "b"), codes[:, np.newaxis], ("c",), (texts,))
    if task is Task.REGRESSION:
        return RawData(task, columns, np.arange(ROWS) + 1000.5, "y")
    return RawData(task, columns, np.arange(ROWS) % 3, "y", ("x", "y", "z"))


def several() -> RawData:
    """The same table with two targets."""
    target = np.arange(2.0 * ROWS).reshape(ROWS, 2) + 1000.5
    return replace(table(), target=target, target_name="y, z", targets=("y", "z"))


def images(rows: int = ROWS) -> RawData:
    pixels = np.random.default_rng(0).integers(0, 256, (rows, 4, 3, 2), dtype=np.uint8)
    columns = Columns(np.empty((rows, 0)), (), np.empty((rows, 0), dtype=np.int32), images=pixels)
    return RawData(Task.BINARY, columns, np.arange(rows) % 2, "y", ("no", "yes"), own_test_rows=5)


def texts_of(columns: Columns, rows: np.ndarray) -> list[list[str | None]]:
    return [
        [None if code < 0 else texts[code] for code in codes]
        for codes, texts in zip(columns.categorical[rows].T, columns.categories, strict=True)
    ]


CASES = {
    "regression": (table(), 0.2, 0.2),
    "several targets": (several(), 0.2, 0.2),
    "classes": (table(Task.MULTICLASS), 0.2, 0.2),
    "images": (images(), 0.2, 0),
    "no validation part": (table(), 0, 0.2),
    "no test part": (table(), 0.2, 0),
    "numbers in columns": (
        replace(table(), columns=replace(table().columns, numeric=np.asfortranarray(table().columns.numeric))),
        0.2,
        0.2,
    ),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request: pytest.FixtureRequest) -> tuple[RawData, Split]:
    data, validation, test = request.param
    return data, split(data, validation, test, 0)


def test_every_row_comes_back_as_it_was(case: tuple[RawData, Split], tmp_path: Path) -> None:
    data, parts = case
    store(tmp_path / "data", data, parts)
    opened, rows = open_stored(tmp_path / "data")
    assert (opened.task, opened.target_name, opened.classes) == (data.task, data.target_name, data.classes)
    assert opened.targets == data.targets
    assert opened.own_test_rows == 0
    assert opened.columns.numeric_names == data.columns.numeric_names
    assert opened.columns.categorical_names == data.columns.categorical_names
    for here, there in ((rows.train, parts.train), (rows.validation, parts.validation)):
        for name in ("numeric", "categorical"):
            assert getattr(opened.columns, name).dtype == getattr(data.columns, name).dtype
        np.testing.assert_array_equal(opened.columns.numeric[here], data.columns.numeric[there])
        assert texts_of(opened.columns, here) == texts_of(data.columns, there)
        assert opened.target[here].tobytes() == data.target[there].tobytes()
        if data.columns.images is not None:
            assert opened.columns.images is not None
            np.testing.assert_array_equal(opened.columns.images[here], data.columns.images[there])
    assert (opened.columns.images is None) == (data.columns.images is None)


def test_its_parts_number_the_rows_of_the_folder(case: tuple[RawData, Split], tmp_path: Path) -> None:
    data, parts = case
    store(tmp_path / "data", data, parts)
    opened, rows = open_stored(tmp_path / "data")
    assert [len(rows.train), len(rows.validation)] == [len(parts.train), len(parts.validation)]
    assert len(rows.test) == 0
    assert [*rows.train, *rows.validation] == list(range(len(opened.target)))
    assert all(part.dtype == np.int64 for part in (rows.train, rows.validation, rows.test))


def test_nothing_of_the_test_part_is_in_the_folder(tmp_path: Path) -> None:
    data = table()
    parts = split(data, 0.2, 0.2, 0)
    store(tmp_path / "data", data, parts)
    arrays = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("*.npy"))
    words = str(json.loads((tmp_path / "data" / "about.json").read_text()))

    def found(row: int) -> list[bool]:
        numbers = [*data.columns.numeric[row], data.target[row]]
        (text,) = (texts[0] for texts in texts_of(data.columns, np.array([row])))
        is_there = [number.tobytes() in arrays for number in numbers if not np.isnan(number)]
        return is_there if text is None else [*is_there, text in words]

    assert not any(any(found(row)) for row in parts.test)
    assert all(all(found(row)) for row in (*parts.train, *parts.validation))


def test_opening_copies_nothing(case: tuple[RawData, Split], tmp_path: Path) -> None:
    store(tmp_path / "data", *case)
    data, _ = open_stored(tmp_path / "data")
    for array in (data.columns.numeric, data.columns.categorical, data.columns.images, data.target):
        if array is not None:
            assert isinstance(array, np.memmap)
            assert not array.flags.writeable


def test_many_blocks_make_the_same_files_as_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = images()
    parts = split(data, 0.2, 0, 0)
    store(tmp_path / "one", data, parts)
    monkeypatch.setattr(stored, "_BLOCK_BYTES", 100)
    store(tmp_path / "many", data, parts)
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_the_same_data_give_the_same_bytes_in_place_of_what_was_there(tmp_path: Path) -> None:
    other, data = images(), table()
    store(tmp_path / "a" / "data", other, split(other, 0.2, 0, 0))
    opened, _ = open_stored(tmp_path / "a" / "data")
    before = opened.target.tolist()
    for folder in (tmp_path / "a" / "data", tmp_path / "b" / "data"):
        store(folder, data, split(data, 0.2, 0.2, 0))
    assert contents(tmp_path / "a" / "data") == contents(tmp_path / "b" / "data")
    assert opened.target.tolist() == before  # who has it open keeps reading what it opened


def test_a_full_disk_is_an_os_error_and_gets_its_room_back(tmp_path: Path) -> None:
    data = images(rows=200)
    with small_files(), pytest.raises(OSError, match="File too large"):
        store(tmp_path / "data", data, split(data, 0.2, 0, 0))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_data_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_stored(tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def small_files() -> Iterator[None]:
    """Stands in for a full disk: no file of this process may grow beyond 2000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
