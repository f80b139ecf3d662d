"""Rows that are images: files, a folder of them, or columns of pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets.arrays import columns_of_images
from tunecli.datasets.base import Columns
from tunecli.datasets.image_files import SUFFIXES, BrokenImage, read_image, without_bomb_warnings
from tunecli.errors import DataError
from tunecli.training.manifest import Manifest
from tunecli.training.rows.blocks import BLOCK_ELEMENTS, Block

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

FILE = "file"
"""What the names of image files are asked for by."""


def images_of(
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


def image_blocks(shape: tuple[int, int, int], path: Path, others: Sequence[str]) -> Iterator[Block]:
    """Decodes images, those of a folder and of the folders in it by name; what is no image by its name is left out.

    Beside them may be asked for `file`, and for the class that a file's folder is called by.

    Raises:
        DataError: There are none, one is broken, or links lead out of the folder.
    """
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
