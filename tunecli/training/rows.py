"""Rows for a trained model, wherever they come from: blocks that fit into memory, in the order of the rows.

    rows = open_rows(bundle.manifest, path, others=("id",))      # a table or .npz; reads no more than a header
    rows = part_rows(run, bundle.manifest, "test")               # a part of the study's own data
    for block in rows: bundle.predict(block.columns), block.others["id"]

Columns go by their names, what else a file has is left where it is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tunecli.datasets.arrays import columns_of_images
from tunecli.datasets.base import Columns, OptionError, RawData
from tunecli.datasets.chunks import read_blocks
from tunecli.datasets.columns import find_column
from tunecli.datasets.formats import ENDINGS, Source, open_source
from tunecli.datasets.image_files import SUFFIXES, BrokenImage, read_image, without_bomb_warnings
from tunecli.datasets.schema import ColumnKind
from tunecli.errors import DataError, TunecliError, UsageError
from tunecli.training.manifest import Manifest

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

STDIN = "-"

FILE = "file"
"""What the names of image files are asked for by."""

_STDIN_NAME = "standard input"

BLOCK_ELEMENTS = 8_000_000
"""Input elements of one block, of what is not read by a table's own reader."""

_NPZ = ".npz"
_INPUTS, _TARGETS = ("x", "images", "x_test", "x_train"), ("y", "labels", "y_test", "y_train")
"""What arrays are called; the first that is there counts."""

_MAGIC = {b"PAR1": ".parquet", b"ARRO": ".feather", b"\x1f\x8b": ".csv.gz", b"PK\x03\x04": _NPZ}


@dataclass(frozen=True)
class Block:
    """Some rows, one after the other.

    Attributes:
        columns: What the model reads.
        others: What else was asked for, by the name it was asked for; the rows are the first axis.
    """

    columns: Columns
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.columns.numeric if self.columns.images is None else self.columns.images)


@dataclass(frozen=True)
class Rows:
    """Rows that are read once, in their order.

    Attributes:
        where: What they come from, for people.
        blocks: They themselves.
        source: The table that they stand in, or None.
    """

    where: str
    blocks: Iterator[Block]
    source: Source | None = None

    def __iter__(self) -> Iterator[Block]:
        """Reads them."""
        return self.blocks

    def error(self, what: str, *, row: int | None = None, hint: str = "") -> DataError:
        """Returns an error that points at a row, counted from 0."""
        if self.source is not None:
            return self.source.error(what, row=row, hint=hint)
        return DataError(what, where=self.where if row is None else f"{self.where}: row {row + 1}", hint=hint)


@contextmanager
def open_rows(
    manifest: Manifest, data: str, *, others: Sequence[str] = (), optional: Sequence[str] = ()
) -> Iterator[Rows]:
    """Opens a file of rows, or standard input, which is kept in a temporary file meanwhile.

    Args:
        manifest: Of the bundle that is to read them.
        data: A path, or `-`.
        others: What else to read, columns of a table or arrays; case and spaces do not matter while one alone fits.
        optional: The same for what may be absent.

    Raises:
        DataError: There is no such file, it is damaged, or has not what the model reads.
        UsageError: It has not what else was asked for.
    """
    if data != STDIN:
        yield _opened(manifest, Path(data), data, others, optional)
        return
    with _spooled() as path:
        try:
            yield _opened(manifest, path, _STDIN_NAME, others, optional)
        except TunecliError as error:  # nobody knows the temporary file
            problems = (replace(each, where=each.where.replace(str(path), _STDIN_NAME)) for each in error.problems)
            error.problems = tuple(problems)
            raise


@contextmanager
def _spooled() -> Iterator[Path]:
    """Puts standard input where it can be read from its begin more than once."""
    stream = sys.stdin.buffer
    if sys.stdin.isatty():
        raise UsageError("there is nothing on standard input", hint="pipe a table into it, or name a file with --data")
    with tempfile.TemporaryDirectory(prefix="tunecli-") as folder:
        head = stream.read(4)
        ending = next((each for magic, each in _MAGIC.items() if head.startswith(magic)), ".csv")
        path = Path(folder) / f"stdin{ending}"
        with path.open("wb") as file:
            file.write(head)
            shutil.copyfileobj(stream, file)
        yield path


def _opened(manifest: Manifest, path: Path, where: str, others: Sequence[str], optional: Sequence[str]) -> Rows:
    if path.suffix.lower() == _NPZ:
        return _npz_rows(manifest, path, where, others)
    if manifest.image_shape is not None and (path.is_dir() or path.name.lower().endswith(SUFFIXES)):
        return Rows(where, _image_blocks(manifest.image_shape, path, others))
    if path.is_dir():
        raise DataError(
            "is a folder, not a file of rows", where=where, hint=f"name a file: {', '.join(ENDINGS)}, {_NPZ}"
        )
    if manifest.image_shape is not None and not manifest.pixel_columns:
        what = f"the model reads images of shape {manifest.image_shape}, and this is a table"
        raise DataError(what, where=where, hint="bring image files, or a .npz file with an array x of images, uint8")
    source = open_source(path)
    there = [name for name in optional if name in source.names]
    labels = {name: _label(source, name) for name in dict.fromkeys([*others, *there])}
    names = {kind: [each.name for each in manifest.columns if each.kind is kind] for kind in ColumnKind}
    found = read_blocks(
        source,
        numeric=manifest.pixel_columns or names[ColumnKind.NUMERIC],
        categorical=names[ColumnKind.CATEGORICAL],
        others=tuple(dict.fromkeys(labels.values())),
    )
    if manifest.pixel_columns:
        found = _images_of(found, manifest, where)
    blocks = (Block(columns, {name: frame[label] for name, label in labels.items()}) for columns, frame in found)
    return Rows(where, blocks, source)


def _images_of(
    blocks: Iterator[tuple[Columns, pl.DataFrame]], manifest: Manifest, where: str
) -> Iterator[tuple[Columns, pl.DataFrame]]:
    """Turns columns of pixels into images.

    Raises:
        DataError: A value is no whole number from 0 to 255.
    """
    import numpy as np

    assert manifest.image_shape is not None, "pixels are those of images"
    start = 0
    for columns, frame in blocks:
        values = columns.numeric
        is_pixel = (values >= 0) & (values <= 255) & (values % 1 == 0)
        if not is_pixel.all():
            row, column = (int(each) for each in np.argwhere(~is_pixel)[0])
            shown = "missing" if np.isnan(values[row, column]) else f"{values[row, column]:g}"
            what = f"'{columns.numeric_names[column]}' is {shown} in row {start + row + 1}"
            raise DataError(what, where=where, hint="pixels are whole numbers, 0 … 255")
        images = values.astype(np.uint8).reshape(-1, *manifest.image_shape)
        yield columns_of_images(images), frame
        start += len(values)


def _image_blocks(shape: tuple[int, int, int], path: Path, others: Sequence[str]) -> Iterator[Block]:
    """Decodes images, those of a folder and of the folders in it by name; what is no image by its name is left out.

    Beside them may be asked for `file`, and for the class that a file's folder is called by.

    Raises:
        DataError: There are none, one is broken, or links lead out of the folder.
    """
    import math

    import numpy as np

    files = _image_files(path)
    step = max(1, BLOCK_ELEMENTS // math.prod(shape))
    root = path if path.is_dir() else path.parent
    with without_bomb_warnings():
        for start in range(0, len(files), step):
            here = files[start : start + step]
            images = np.stack([_decoded(file, shape) for file in here])
            names = {name: [_named(file, root, name) for file in here] for name in others}
            yield Block(columns_of_images(images), names)


def _image_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = [each for each in path.rglob("*") if each.name.lower().endswith(SUFFIXES) and not each.name.startswith(".")]
    for each in found:
        if not each.resolve().is_relative_to(path.resolve()):
            raise DataError("is a link out of the folder", where=str(each), hint="copy there what it leads to")
    if not found:
        raise DataError("holds no images", where=str(path), hint=f"bring files that end in {', '.join(SUFFIXES)}")
    return sorted(found)


def _decoded(file: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    try:
        return read_image(file.read_bytes(), shape)
    except BrokenImage as error:
        raise DataError(str(error), where=str(file), hint="delete it, or bring it anew") from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(file), hint="see --data") from error


def _named(file: Path, root: Path, name: str) -> str:
    return file.relative_to(root).as_posix() if name == FILE else file.parent.name


def _label(source: Source, name: str) -> str:
    try:
        return find_column("--data", name, source.names)
    except OptionError as error:
        problem = error.problems[0]
        raise UsageError(problem.what, where=str(source.path), hint=problem.hint) from error


def part_rows(data: RawData, rows: NDArray[np.int64], manifest: Manifest, where: str) -> Rows:
    """Returns rows of a loaded data set.

    Args:
        data: The data set.
        rows: Which of its rows.
        manifest: Of the bundle that is to read them.
        where: What they are, for people.

    Raises:
        DataError: The data have other columns than the model reads.
    """
    columns = data.columns
    found = (*columns.numeric_names, *columns.categorical_names)
    if columns.images is None and found != tuple(each.name for each in manifest.columns):
        raise DataError("the data have other columns than the model reads", where=where, hint="retrain it")
    return Rows(where, _slices(data, rows))


def _slices(data: RawData, rows: NDArray[np.int64]) -> Iterator[Block]:
    whole = data.columns
    elements = whole.numeric[:1].size + whole.categorical[:1].size
    elements += 0 if whole.images is None else whole.images[:1].size
    step = max(1, BLOCK_ELEMENTS // max(1, elements))
    for start in range(0, len(rows), step):
        here = rows[start : start + step]
        images = None if whole.images is None else whole.images[here]
        yield Block(
            replace(whole, numeric=whole.numeric[here], categorical=whole.categorical[here], images=images),
            {"row": here},
        )


def _npz_rows(manifest: Manifest, path: Path, where: str, others: Sequence[str]) -> Rows:
    return Rows(where, _npz_blocks(manifest, path, where, others))


def _npz_blocks(manifest: Manifest, path: Path, where: str, others: Sequence[str]) -> Iterator[Block]:
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
        import math

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


def texts_of(values: Any) -> pl.Series:
    """Returns what stands beside the rows of a block as texts, null where missing."""
    import polars as pl

    series = values if isinstance(values, pl.Series) else pl.Series(values)
    return series.cast(pl.String)
