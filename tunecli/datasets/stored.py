"""What a search may see of a data set, in a folder that many processes read at the same time.

    store(folder, data, parts)             # once, by the process that loaded the data
    data, parts = open_stored(folder)      # by every process that trains

The folder holds the rows of the training part and behind them those of the validation part, unscaled, an array a file.
Nothing of the test part is in it. The arrays are memory-mapped: opening reads only their headers, and all processes of
a machine share one copy in its memory. The same data give the same bytes. What is fitted is `tunecli.preprocessing`'s.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from tunecli.datasets.base import Columns, RawData
from tunecli.datasets.split import Split
from tunecli.spec.experiment import Task
from tunecli.store.files import read_json, write_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NUMERIC, _CATEGORICAL, _IMAGES, _TARGET = "numeric.npy", "categorical.npy", "images.npy", "target.npy"
_WEIGHTS, _GROUPS, _TIMES = "weights.npy", "groups.npy", "times.npy"
_ABOUT = "about.json"

_BLOCK_BYTES = 16_000_000
"""So much is gathered before it is written: a second copy of all images would be felt."""


class _About(BaseModel):
    """What the arrays do not say.

    Attributes:
        task: As in `RawData`.
        target_name: As in `RawData`.
        classes: As in `RawData`.
        numeric_names: As in `Columns`.
        categorical_names: As in `Columns`.
        categories: As in `Columns`.
        has_images: Whether there is a file of images.
        has_weights: Whether there is one of weights.
        has_groups: Whether there is one of groups.
        has_times: Whether there is one of times.
        train_rows: How many of the rows, the first ones, are the training part.
        targets: As in `RawData`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Task
    target_name: str
    classes: tuple[str, ...]
    numeric_names: tuple[str, ...]
    categorical_names: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    has_images: bool
    has_weights: bool
    has_groups: bool
    has_times: bool
    train_rows: int
    targets: tuple[str, ...]


def store(folder: Path, data: RawData, parts: Split) -> None:
    """Writes the training and the validation part, in the order of their row numbers in `parts`.

    Args:
        folder: Made, with its parents; what it held is removed. Who has that open keeps reading it.
        data: The loaded data set.
        parts: Which rows go where; those of the test part are left out.

    Raises:
        OSError: The folder cannot be written or the disk is full; what was written until then is removed.
    """
    import numpy as np

    rows = np.concatenate([parts.train, parts.validation])
    columns = _without_unused_texts(data.columns, rows)
    about = _About(
        task=data.task,
        target_name=data.target_name,
        classes=data.classes,
        numeric_names=columns.numeric_names,
        categorical_names=columns.categorical_names,
        categories=columns.categories,
        has_images=columns.images is not None,
        has_weights=data.weights is not None,
        has_groups=data.groups is not None,
        has_times=data.times is not None,
        train_rows=len(parts.train),
        targets=data.targets,
    )
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    try:
        _write_rows(folder / _NUMERIC, columns.numeric, rows)
        _write_rows(folder / _CATEGORICAL, columns.categorical, rows)
        if columns.images is not None:
            _write_rows(folder / _IMAGES, columns.images, rows)
        _write_rows(folder / _TARGET, data.target, rows)
        if data.weights is not None:
            _write_rows(folder / _WEIGHTS, data.weights, rows)
        if data.groups is not None:
            _write_rows(folder / _GROUPS, data.groups, rows)
        if data.times is not None:
            _write_rows(folder / _TIMES, data.times, rows)
        write_json(folder / _ABOUT, about.model_dump(mode="json"))  # last: a folder that has it is complete
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def open_stored(folder: Path) -> tuple[RawData, Split]:
    """Opens what `store` wrote; the arrays are memory-mapped and read-only.

    Returns:
        The data, and their parts by the rows of this folder. The test part is empty; of the categories, those that
        occur in no row are missing.

    Raises:
        OSError: The folder is missing or incomplete.
    """
    import numpy as np

    about = _About.model_validate(read_json(folder / _ABOUT))
    target = _open(folder / _TARGET)
    columns = Columns(
        numeric=_open(folder / _NUMERIC),
        numeric_names=about.numeric_names,
        categorical=_open(folder / _CATEGORICAL),
        categorical_names=about.categorical_names,
        categories=about.categories,
        images=_open(folder / _IMAGES) if about.has_images else None,
    )
    rows = np.arange(len(target), dtype=np.int64)
    parts = Split(train=rows[: about.train_rows], validation=rows[about.train_rows :], test=rows[:0])
    weights = _open(folder / _WEIGHTS) if about.has_weights else None
    groups = _open(folder / _GROUPS) if about.has_groups else None
    times = _open(folder / _TIMES) if about.has_times else None
    data = RawData(
        about.task,
        columns,
        target,
        about.target_name,
        about.classes,
        weights=weights,
        groups=groups,
        times=times,
        targets=about.targets,
    )
    return data, parts


def _without_unused_texts(columns: Columns, rows: NDArray[np.int64]) -> Columns:
    """Forgets the categories that occur in none of the rows: they would tell what is in the others."""
    import numpy as np

    categorical = np.empty_like(columns.categorical)
    categories = []
    for column, texts in enumerate(columns.categories):
        codes = columns.categorical[:, column]
        used = np.unique(codes[rows])
        used = used[used >= 0]
        new_codes = np.full(len(texts) + 1, -1, dtype=np.int32)  # code -1, a missing value, finds the last entry
        new_codes[used] = np.arange(len(used))
        categorical[:, column] = new_codes[codes]
        categories.append(tuple(texts[code] for code in used))
    return replace(columns, categorical=categorical, categories=tuple(categories))


def _write_rows(path: Path, array: NDArray[Any], rows: NDArray[np.int64]) -> None:
    """Writes some rows of an array as a `.npy` file."""
    import numpy as np

    shape = (len(rows), *array.shape[1:])
    header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": shape}
    block_rows = max(1, _BLOCK_BYTES // max(1, array[:1].nbytes))
    # not through a writable memory map: on a full disk that kills the process, where `write` raises
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(rows), block_rows):
            file.write(array[rows[start : start + block_rows]].tobytes())


def _open(path: Path) -> Any:
    import numpy as np

    return np.load(path, mmap_mode="r", allow_pickle=False)
