"""What a model knows of its input columns: by it, rows of tomorrow are read as those of today were.

    schema = schema_of(data.columns, train_rows)      # kept in a bundle's manifest
    [each.name for each in schema]

Ranges and categories are those of the rows that the model was trained on, so that what lies outside of them can be
counted when it predicts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from tunecli.datasets.base import Columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ColumnKind(StrEnum):
    """What stands in a column."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    IMAGE = "image"


class ColumnSchema(BaseModel):
    """One input column.

    Attributes:
        name: Its name.
        kind: What stands in it.
        min: The smallest number in training; None for texts, or where every number was missing.
        max: The largest one.
        categories: The texts in training, sorted.
        has_missing: Whether values were missing in training.
        day_first: Of a part of a date, whether 3/4/2024 is a day in April; None where training left no doubt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: ColumnKind
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    has_missing: bool = False
    day_first: Annotated[bool | None, Field(exclude_if=lambda first: first is None)] = None


def schema_of(columns: Columns, rows: NDArray[np.int64]) -> tuple[ColumnSchema, ...]:
    """Returns what some rows show of their columns, numbers first; of images nothing but that they are images.

    Args:
        columns: The unscaled columns.
        rows: Those that a model was trained on, at least one.
    """
    if columns.images is not None:
        return (ColumnSchema(name="image", kind=ColumnKind.IMAGE, min=0, max=255),)
    numbers = [
        _numeric(name, columns.numeric[rows, i], columns.day_first.get(name))
        for i, name in enumerate(columns.numeric_names)
    ]
    texts = [
        _categorical(name, columns.categorical[rows, i], columns.categories[i])
        for i, name in enumerate(columns.categorical_names)
    ]
    return (*numbers, *texts)


def _numeric(name: str, column: NDArray[np.float64], day_first: bool | None) -> ColumnSchema:
    import numpy as np

    present = column[~np.isnan(column)]
    low, high = (float(present.min()), float(present.max())) if len(present) else (None, None)
    has_missing = len(present) < len(column)
    return ColumnSchema(
        name=name, kind=ColumnKind.NUMERIC, min=low, max=high, has_missing=has_missing, day_first=day_first
    )


def _categorical(name: str, codes: NDArray[np.int32], texts: tuple[str, ...]) -> ColumnSchema:
    import numpy as np

    seen = [int(code) for code in np.unique(codes)]
    return ColumnSchema(
        name=name,
        kind=ColumnKind.CATEGORICAL,
        categories=tuple(texts[code] for code in seen if code >= 0),
        has_missing=-1 in seen,
    )
