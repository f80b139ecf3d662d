from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.store.disks import FailingDisk
from tunecli.datasets import spool, table, table_cache
from tunecli.datasets.base import DatasetOptions, RawData
from tunecli.datasets.csv_file import CsvFile
from tunecli.datasets.fetch import cache_folder
from tunecli.errors import DataError, StudyError
from tunecli.store import files

TEXT = "x,size,sold,empty,id,y\n" + "".join(
    f"{i / 8},{['S', '', 'ä', '1'][i % 4]},2024-0{1 + i % 9}-1{i % 10} 0{i % 9}:00,,u{i},{'nyo'[i % 3]}\n"
    for i in range(500)
)


@pytest.fixture(autouse=True)
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST_IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr("tunecli.datasets.csv_text._BLOCK_CELLS", 600)
    table._read.cache_clear()


@pytest.fixture
def load() -> Callable[..., RawData]:
    """Loads the table as a new process would."""
    Path("a.csv").write_text(TEXT)

    def anew(**options: object) -> RawData:
        table._read.cache_clear()
        return CsvFile().load(DatasetOptions(path="a.csv", target="y", exclude=("id",), **options))

    return anew


def tables() -> list[Path]:
    folder = cache_folder() / "tables"
    return sorted(folder.iterdir()) if folder.exists() else []


def no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the file was read again")

    monkeypatch.setattr("tunecli.datasets.table.Spool", fail)


def test_what_is_kept_is_what_was_read(load: Callable[..., RawData], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST_IN_MEMORY_BYTES", 10**9)
    expected = load()
    assert tables() == []
    monkeypatch.setattr(spool, "MOST_IN_MEMORY_BYTES", 1000)
    first = load()
    assert len(tables()) == 1
    no_reading(monkeypatch)
    second = load()
    assert first.fingerprint() == second.fingerprint() == expected.fingerprint()
    assert first.columns.categories == second.columns.categories == expected.columns.categories
    assert second.columns.numeric_names == expected.columns.numeric_names
    assert second.classes == ("n", "o", "y")
    Path("b.csv").write_text(TEXT)  # the same content elsewhere
    assert (
        CsvFile().load(DatasetOptions(path="b.csv", target="y", exclude=("id",))).fingerprint() == second.fingerprint()
    )


def test_another_content_is_read(load: Callable[..., RawData]) -> None:
    load()
    Path("a.csv").write_text(TEXT.replace("0.125,", "7.5,"))
    assert load().columns.numeric[1, 0] == 7.5
    assert len(tables()) == 2


def test_errors_point_at_lines_and_texts_are_as_written(load: Callable[..., RawData]) -> None:
    load()
    with pytest.raises(DataError, match=r"a\.csv:3: the weight 'size' is missing|'S' is not a number"):
        load(sample_weight="size")
    with pytest.raises(DataError, match=r"a\.csv:3: the group 'size' is missing"):
        load(group="size")
    sold = CsvFile().load(DatasetOptions(path="a.csv", target="sold", task="multiclass", exclude=("id",)))
    assert sold.classes[0] == "2024-01-10 00:00"


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a changed byte": lambda folder: _change(folder / "0.npy"),
    "a changed text": lambda folder: _change(folder / "1.parquet"),
    "a file that is cut": lambda folder: (folder / "0.npy").write_bytes((folder / "0.npy").read_bytes()[:-8]),
    "a missing file": lambda folder: (folder / "2.npy").unlink(),
    "no about.json": lambda folder: (folder / "about.json").unlink(),
    "half an about.json": lambda folder: (folder / "about.json").write_text('{"version": 1'),
    "another about.json": lambda folder: (folder / "about.json").write_text("{}"),
    "an empty folder": lambda folder: [path.unlink() for path in folder.iterdir()],
}


def _change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_read_anew(damage: Callable[[Path], object], load: Callable[..., RawData]) -> None:
    expected = load().fingerprint()
    damage(tables()[0])
    assert load().fingerprint() == expected
    assert table_cache.find(tables()[0]) is not None


def test_a_full_disk_is_one_error_and_leaves_nothing(
    load: Callable[..., RawData], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "disk", FailingDisk("write"))
    with pytest.raises(StudyError, match="cannot be written"):
        load()
    assert tables() == []


def test_what_was_not_used_for_longest_makes_room(
    load: Callable[..., RawData], monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    (old,) = tables()
    os.utime(old / "about.json", (0, 0))
    monkeypatch.setattr(table_cache, "MOST_BYTES", int(table_cache._size_bytes(old) * 2.5))
    for number in range(2):
        Path("a.csv").write_text(TEXT.replace("0.125,", f"{number}.5,"))
        load()
    assert old not in tables()
    assert len(tables()) == 2
    monkeypatch.setattr(table_cache, "MOST_BYTES", 1)
    Path("a.csv").write_text(TEXT.replace("0.125,", "9.5,"))
    assert load().columns.numeric[1, 0] == 9.5
    assert len(tables()) == 1, "the newest stays, whatever its size"


def test_what_a_killed_process_has_left_is_removed_in_time(load: Callable[..., RawData]) -> None:
    folder = cache_folder() / "tables"
    for name, age in ((".a.1.tmp", 0), (".b.2.tmp", 1)):
        (folder / name).mkdir(parents=True)
        if age:
            os.utime(folder / name, (0, 0))
    load()
    assert [path.name for path in tables() if path.name.startswith(".")] == [".a.1.tmp"]


def test_values_are_memory_mapped(load: Callable[..., RawData]) -> None:
    load()
    table._read.cache_clear()
    values = table.read_table(Path("a.csv")).column("x").values
    assert isinstance(values, np.memmap)
    assert not values.flags.writeable


def test_a_process_that_was_faster_keeps_its_folder(load: Callable[..., RawData]) -> None:
    load()
    (folder,) = tables()
    before = (folder / "about.json").stat().st_ino
    found = table.read_table(Path("a.csv"))
    table_cache.keep(folder, found.rows, found.features, ((name, found.column(name)) for name in found.names))
    assert (folder / "about.json").stat().st_ino == before
    assert tables() == [folder]
