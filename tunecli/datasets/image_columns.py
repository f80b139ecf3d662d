"""Columns of a table that are images: a value from 0 to 255 for every pixel.

label,pixel1,pixel2, … ,pixel784          image_columns: {pattern: 'pixel{1..784}', shape: [28, 28]}
"""

from __future__ import annotations

from collections.abc import Sequence

from tunecli.datasets.arrays import columns_of_images
from tunecli.datasets.base import Columns, DatasetOptions, OptionError
from tunecli.datasets.column import ColumnKind
from tunecli.datasets.memory import check_memory
from tunecli.datasets.table import Table
from tunecli.spec.own_data import ImageColumnsSpec

_SHOWN = 5
"""So many missing columns a message names."""

_HINT = "pixels are whole numbers, 0 … 255"


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


def pixel_notes(options: DatasetOptions, table: Table) -> tuple[str, ...]:
    """Returns what people should know: that other columns of the table are not learnt from."""
    assert options.image_columns is not None
    used = {options.target, options.sample_weight, options.group, options.time, *options.image_columns.names}
    left_out = [name for name in table.features if name not in used]
    if not left_out:
        return ()
    more = f" and {len(left_out) - _SHOWN:,} more" if len(left_out) > _SHOWN else ""
    return (f"image_columns leaves out {', '.join(left_out[:_SHOWN])}{more}",)


def read_pixels(spec: ImageColumnsSpec, table: Table) -> Columns:
    """Reads the columns of pixels.

    Raises:
        DataError: A value is no whole number from 0 to 255, or they are too many for this machine.
    """
    import numpy as np

    check_memory(table.rows * len(spec.names), "these images", where=str(table.source.path))
    pixels = np.empty((table.rows, len(spec.names)), dtype=np.uint8)
    for position, name in enumerate(spec.names):
        column = table.column(name)
        if column.kind is not ColumnKind.NUMBER:
            raise table.error(f"'{name}' holds something else than numbers", hint=_HINT)
        with np.errstate(invalid="ignore"):  # what does not fit is found below
            pixels[:, position] = column.values
        if wrong := np.flatnonzero(pixels[:, position] != column.values).tolist():
            value = column.values[wrong[0]]
            what = f"'{name}' is {'missing' if np.isnan(value) else f'{value:g}'}"
            raise table.error(what, row=wrong[0], hint=_HINT)
    return columns_of_images(pixels.reshape(table.rows, *spec.image_shape))
