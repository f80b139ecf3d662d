"""Rows that are arrays of a `.npz` file."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tunecli.datasets.arrays import columns_of_images
from tunecli.datasets.base import Columns
from tunecli.datasets.schema import ColumnKind
from tunecli.errors import DataError
from tunecli.training.manifest import Manifest
from tunecli.training.rows.blocks import BLOCK_ELEMENTS, Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INPUTS, _TARGETS = ("x", "images", "x_test", "x_train"), ("y", "labels", "y_test", "y_train")
"""What arrays are called; the first that is there counts."""


def npz_blocks(manifest: Manifest, path: Path, where: str, others: Sequence[str]) -> Iterator[Block]:
    """Reads arrays row by row as they are unpacked, so that a small file cannot fill the memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            inputs = _Array.find(archive, where, _INPUTS)
            step = max(1, BLOCK_ELEMENTS // max(1, inputs.row_elements))
            beside = _beside(archive, manifest, where, others)
            for array in beside.values():
                if array.rows != inputs.rows:
                    what = f"{array.name} has {array.rows:,} rows, {inputs.name} has {inputs.rows:,}"
                    raise DataError(what, where=where, hint="give each row one")
            for start in range(0, inputs.rows, step):
                count = min(step, inputs.rows - start)
                columns = _columns_of(manifest, inputs.read(count), where)
                yield Block(
                    columns,
                    {
                        name: values
                        for names, array in beside.items()
                        for name, values in _by_name(manifest, names, array, count, where).items()
                    },
                )
    except FileNotFoundError:
        raise DataError("no such file or directory", where=where, hint="see --data") from None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"is no whole .npz file ({error})", where=where, hint="save it anew with numpy.savez"
        ) from error


def _beside(
    archive: zipfile.ZipFile, manifest: Manifest, where: str, others: Sequence[str]
) -> dict[tuple[str, ...], _Array]:
    """Returns the arrays that hold what else was asked for, by its names: all targets may be columns of one array.

    Raises:
        DataError: There is none of such a name.
    """
    members, targets = archive.namelist(), manifest.target_columns
    in_one = targets if len(targets) > 1 and not any(f"{name}.npy" in members for name in targets) else ()
    found = {}
    if in_one and set(in_one) <= set(others):
        found[in_one] = _Array.find(archive, where, _TARGETS)
    for name in dict.fromkeys(others):
        if name not in in_one:
            found[name,] = _Array.find(archive, where, (name, *_TARGETS) if name in targets else (name,))
    return found


def _by_name(manifest: Manifest, names: tuple[str, ...], array: _Array, count: int, where: str) -> dict[str, Any]:
    """Returns the next rows of what an array holds, by the names that its columns stand for.

    Raises:
        DataError: It has another number of columns.
    """
    import numpy as np

    values = array.read(count)
    flat = values.reshape(count, -1)
    if len(names) == flat.shape[1]:
        return dict(zip(names, flat.T, strict=True))
    classes = manifest.targets[0].classes
    is_marked = (
        len(flat) and flat.dtype.kind in "biuf" and np.isin(flat, (0, 1)).all() and (flat.sum(axis=1) == 1).all()
    )
    if names == manifest.target_columns and flat.shape[1] == len(classes) and is_marked:
        return {names[0]: np.array(classes)[flat.argmax(axis=1)]}
    wanted = f"{len(names)} columns: {', '.join(names[:20])}" if len(names) > 1 else "one value a row"
    raise DataError(f"{array.name} is of shape {values.shape[1:]} a row", where=where, hint=f"give it {wanted}")


class _Array:
    """An array of a `.npz` file, read from its begin to its end."""

    def __init__(self, archive: zipfile.ZipFile, member: str, where: str) -> None:
        import numpy as np

        self.name = member.removesuffix(".npy")
        self._file: IO[bytes] = archive.open(member)
        version = np.lib.format.read_magic(self._file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, self.dtype = read(self._file)
        if self.dtype.hasobject or is_fortran or not shape:
            what = "holds Python objects" if self.dtype.hasobject else "is not stored row by row"
            hint = "save it with numpy.ascontiguousarray, as numbers"
            raise DataError(f"{self.name} {what}", where=where, hint=hint)
        self.rows, self._row_shape = int(shape[0]), tuple(map(int, shape[1:]))

    @classmethod
    def find(cls, archive: zipfile.ZipFile, where: str, names: Sequence[str]) -> _Array:
        """Returns the first that is there; the only one, whatever it is called.

        Raises:
            DataError: None is.
        """
        members = archive.namelist()
        found = next((f"{name}.npy" for name in names if f"{name}.npy" in members), None)
        if found is None and len(members) == 1 and names is _INPUTS:
            found = members[0]
        if found is None:
            there = ", ".join(each.removesuffix(".npy") for each in members)
            raise DataError(f"has no array {' or '.join(names)}", where=where, hint=f"rename one of: {there}")
        return cls(archive, found, where)

    @property
    def row_elements(self) -> int:
        """How many elements a row has."""
        return math.prod(self._row_shape)

    def read(self, rows: int) -> NDArray[Any]:
        """Returns the next rows.

        Raises:
            EOFError: There are not as many.
        """
        import numpy as np

        size = rows * self.row_elements * self.dtype.itemsize
        content = self._file.read(size)
        if len(content) < size:
            raise EOFError(f"{self.name} ends too early")
        return np.frombuffer(content, dtype=self.dtype).reshape(rows, *self._row_shape)


def _columns_of(manifest: Manifest, x: NDArray[Any], where: str) -> Columns:
    """Returns an array of inputs as columns.

    Raises:
        DataError: It is not what the model reads.
    """
    import numpy as np

    shape = manifest.image_shape
    if shape is not None:
        given = x[..., None] if x.ndim == 3 else x
        if given.shape[1:] != shape or given.dtype != np.uint8:
            what = f"holds rows of shape {x.shape[1:]} and type {x.dtype}; the model reads images of {shape}, uint8"
            raise DataError(what, where=where, hint="resize them, 0 … 255")
        return columns_of_images(np.ascontiguousarray(given))
    names = tuple(each.name for each in manifest.columns)
    texts = [each.name for each in manifest.columns if each.kind is not ColumnKind.NUMERIC]
    if texts or x.ndim != 2 or x.shape[1] != len(names) or x.dtype.kind not in "biuf":
        what = f"holds rows of shape {x.shape[1:]} and type {x.dtype}; the model reads {len(names)} columns"
        hint = "bring a table with the columns' names" if texts else f"in this order: {', '.join(names[:20])}"
        raise DataError(what, where=where, hint=hint)
    return Columns(x.astype(np.float64), names, np.empty((len(x), 0), dtype=np.int32))
