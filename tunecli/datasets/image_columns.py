"""Columns of a table that are images: a value from 0 to 255 for every pixel.

    label,pixel1,pixel2, … ,pixel784          image_columns: {pattern: 'pixel{1..784}', shape: [28, 28]}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tunecli.datasets.arrays import columns_of_images
from tunecli.datasets.base import Columns, DatasetOptions, OptionError
from tunecli.datasets.memory import check_memory
from tunecli.errors import DataError
from tunecli.spec.own_data import ImageColumnsSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHOWN = 5
"""So many missing columns a message names."""


def pixel_columns(options: DatasetOptions, columns: Sequence[str], *others: str | None) -> tuple[str, ...]:
    """Returns the columns that are images, in the order of their numbers.

    Args:
        options: With `image_columns`.
        columns: All columns of the table.
        others: Those that are the target, a weight or a group.

    Raises:
        OptionError: Columns are missing or have another use, or other options choose columns too.
    """
    assert options.image_columns is not None
    for field in ("features", "types", "exclude"):
        if getattr(options, field) is not None:
            raise OptionError(field, "image_columns says what is learnt from", hint=f"drop {field}, or image_columns")
    names, known = options.image_columns.names, set(columns)
    if missing := [name for name in names if name not in known]:
        more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
        what = f"there is no column {', '.join(missing[:_SHOWN])}{more}"
        raise OptionError("image_columns", what, hint=f"the columns go from '{columns[0]}' to '{columns[-1]}'")
    if used := [name for name in others if name in names]:
        raise OptionError("image_columns", f"'{used[0]}' is used for something else too", hint="choose other columns")
    return names


def read_pixels(
    spec: ImageColumnsSpec, rows: int, column: Callable[[str], NDArray[np.float64] | None], where: str
) -> Columns:
    """Reads the columns of pixels.

    Args:
        spec: Which they are.
        rows: How many rows there are.
        column: Returns the numbers of a column by its name, NaN where missing; None if it holds something else.
        where: The file, for messages.

    Raises:
        DataError: A value is no whole number from 0 to 255, or they are too many for this machine.
    """
    import numpy as np

    check_memory(rows * len(spec.names), "these images", where=where)
    pixels = np.empty((rows, len(spec.names)), dtype=np.uint8)
    for position, name in enumerate(spec.names):
        values = column(name)
        if values is None:
            raise DataError(f"'{name}' holds something else than numbers", where=where, hint="pixels are 0 … 255")
        with np.errstate(invalid="ignore"):
            pixels[:, position] = values
        if wrong := np.flatnonzero(pixels[:, position] != values).tolist():
            value = "missing" if np.isnan(values[wrong[0]]) else f"{values[wrong[0]]:g}"
            what = f"'{name}' is {value} in row {wrong[0] + 1}"
            raise DataError(what, where=where, hint="pixels are whole numbers, 0 … 255")
    return columns_of_images(pixels.reshape(rows, *spec.image_shape))
