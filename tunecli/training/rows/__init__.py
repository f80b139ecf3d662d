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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets.base import OptionError, RawData
from tunecli.datasets.chunks import read_blocks
from tunecli.datasets.columns import find_column
from tunecli.datasets.formats import ENDINGS, Source, open_source
from tunecli.datasets.image_files import SUFFIXES
from tunecli.datasets.schema import ColumnKind
from tunecli.errors import DataError, TunecliError, UsageError
from tunecli.training.manifest import Manifest
from tunecli.training.rows.blocks import BLOCK_ELEMENTS, Block, Rows, texts_of
from tunecli.training.rows.images import image_blocks, images_of
from tunecli.training.rows.npz import npz_blocks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STDIN = "-"

_STDIN_NAME = "standard input"

_NPZ = ".npz"

_MAGIC = {b"PAR1": ".parquet", b"ARRO": ".feather", b"\x1f\x8b": ".csv.gz", b"PK\x03\x04": _NPZ}

__all__ = ["STDIN", "Block", "Rows", "open_rows", "part_rows", "texts_of"]


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
        return Rows(where, npz_blocks(manifest, path, where, others))
    if manifest.image_shape is not None and (path.is_dir() or path.name.lower().endswith(SUFFIXES)):
        return Rows(where, image_blocks(manifest.image_shape, path, others))
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
        day_first={each.name: each.day_first for each in manifest.columns if each.day_first is not None},
        others=tuple(dict.fromkeys(labels.values())),
    )
    if manifest.pixel_columns:
        found = images_of(found, manifest, where)
    blocks = (Block(columns, {name: frame[label] for name, label in labels.items()}) for columns, frame in found)
    return Rows(where, blocks, source)


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
