"""What large CSV files hold, kept by their content in the user's cache: the next search begins where reading ended.

    folder = place(sha256)                    # of the file
    kept = find(folder)                       # None if there is none, or it is damaged
    keep(folder, rows, features, columns)     # a column at a time

An array a column, as `.npy`; its texts as Parquet. A folder that has its `about.json` is complete: it is written beside
its place and renamed. Every file is checked by its hash when a folder is opened; what does not fit is read anew. The
folders that were not used for longest make room for new ones.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tunecli.datasets.column import Column, ColumnKind
from tunecli.datasets.fetch import cache_folder
from tunecli.errors import StudyError
from tunecli.store import files
from tunecli.store.files import beside, read_json, sync_folder, write_json, writing

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = 2
"""Of what is kept; raised whenever a file is read otherwise than before."""

MOST_BYTES = 10_000_000_000
"""What all folders may take together."""

_ABOUT = "about.json"
_BLOCK_BYTES = 16_000_000
_STALE_S = 86_400
"""A half-written folder of this age belongs to a process that was killed."""


class _Kept(BaseModel):
    """A column on disk.

    Attributes:
        name: Its name.
        kind: As in `Column`.
        has_time: As in `Column`.
        day_first: As in `Column`.
        fault: As in `Column`.
        values: The file of its values.
        texts: The file of its texts, or None.
        sha256: Of each file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: ColumnKind
    has_time: bool
    day_first: bool | None
    fault: str
    values: str
    texts: str | None
    sha256: dict[str, str]


class _About(BaseModel):
    """What the arrays do not say.

    Attributes:
        version: Of what is kept.
        rows: How many.
        features: As in `Table`.
        columns: All columns that have a name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    rows: int
    features: tuple[str, ...]
    columns: tuple[_Kept, ...]


@dataclass(frozen=True)
class KeptTable:
    """A complete and undamaged folder.

    Attributes:
        folder: Where.
        rows: How many.
        features: As in `Table`.
        columns: What is kept of each column, by its name.
    """

    folder: Path
    rows: int
    features: tuple[str, ...]
    columns: Mapping[str, _Kept]

    def column(self, name: str) -> Column:
        """Opens a column; its values are memory-mapped and read-only."""
        import numpy as np
        import polars as pl

        kept = self.columns[name]
        values = np.load(self.folder / kept.values, mmap_mode="r", allow_pickle=False)
        texts = None if kept.texts is None else pl.read_parquet(self.folder / kept.texts, glob=False).to_series()
        return Column(kept.kind, values, texts, has_time=kept.has_time, day_first=kept.day_first, fault=kept.fault)


def place(sha256: str) -> Path:
    """Returns the folder for a file of this content."""
    return cache_folder() / "tables" / f"{sha256[:32]}-v{VERSION}"


def scratch(folder: Path) -> Path:
    """Returns where a folder is written before it is renamed."""
    return beside(folder)


def find(folder: Path) -> KeptTable | None:
    """Opens a folder; None if there is none, or a file in it is missing or is not what was written."""
    try:
        about = _About.model_validate(read_json(folder / _ABOUT))
        is_whole = about.version == VERSION and all(_is_whole(folder, kept, about.rows) for kept in about.columns)
    except (OSError, ValidationError, StudyError):  # StudyError is no JSON
        return None
    if not is_whole:
        return None
    with suppress(OSError):  # another user's cache may be read-only
        os.utime(folder / _ABOUT)
    return KeptTable(folder, about.rows, about.features, {kept.name: kept for kept in about.columns})


def keep(folder: Path, rows: int, features: tuple[str, ...], columns: Iterable[tuple[str, Column]]) -> None:
    """Writes a folder, in place of a damaged one if there is one.

    Args:
        folder: As `place` gives it.
        rows: How many.
        features: As in `Table`.
        columns: The columns that have a name, read one at a time.

    Raises:
        StudyError: The disk is full or fails; the scratch folder is left to the caller.
    """
    new = scratch(folder)
    files.disk.make_folder(new)
    kept = tuple(_write(new, index, name, column) for index, (name, column) in enumerate(columns))
    about = _About(version=VERSION, rows=rows, features=features, columns=kept)
    write_json(new / _ABOUT, about.model_dump(mode="json"))
    if find(folder) is not None:  # another process was faster, and may be reading it
        shutil.rmtree(new, ignore_errors=True)
        return
    shutil.rmtree(folder, ignore_errors=True)
    with writing(folder):
        try:
            files.disk.replace(new, folder)
        except OSError:
            if find(folder) is None:  # as above, by a hair
                raise
        sync_folder(folder.parent)
    make_room(folder)


def _write(folder: Path, index: int, name: str, column: Column) -> _Kept:
    values, texts = f"{index}.npy", None if column.texts is None else f"{index}.parquet"
    _write_array(folder / values, column.values)
    if texts is not None and column.texts is not None:
        with writing(folder / texts):
            column.texts.to_frame("text").write_parquet(folder / texts)
    names = [values] if texts is None else [values, texts]
    return _Kept(
        name=name,
        kind=column.kind,
        has_time=column.has_time,
        day_first=column.day_first,
        fault=column.fault,
        values=values,
        texts=texts,
        sha256={each: _sha256(folder / each) for each in names},
    )


def _write_array(path: Path, array: NDArray[Any]) -> None:
    import numpy as np

    head = BytesIO()
    header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(head, header)
    rows = _BLOCK_BYTES // array.dtype.itemsize
    with writing(path), files.disk.open(path, "wb") as file:
        files.disk.write(file, head.getvalue())
        for start in range(0, len(array), rows):
            files.disk.write(file, array[start : start + rows].tobytes())
        files.disk.sync(file.fileno())


def _is_whole(folder: Path, kept: _Kept, rows: int) -> bool:
    import numpy as np

    if any(_sha256(folder / name) != sha256 for name, sha256 in kept.sha256.items()):
        return False
    return bool(np.load(folder / kept.values, mmap_mode="r", allow_pickle=False).shape == (rows,))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_room(newest: Path) -> None:
    """Removes what killed processes have left, and the folders that were not used for longest, but never the newest."""
    folders = [path for path in newest.parent.iterdir() if path.is_dir() and path != newest]
    for path in folders:
        if path.name.startswith(".") and time.time() - path.stat().st_mtime > _STALE_S:
            shutil.rmtree(path, ignore_errors=True)
    used = sorted(
        ((about.stat().st_mtime, path) for path in folders if (about := path / _ABOUT).exists()), reverse=True
    )
    room = MOST_BYTES - _size_bytes(newest)
    for _, path in used:
        room -= _size_bytes(path)
        if room < 0:
            shutil.rmtree(path, ignore_errors=True)


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
