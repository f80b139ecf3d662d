"""Rows to compare an export with its bundle on: real ones, and some that hold what real ones may lack.

    sample = made_up_rows(bundle.manifest, bundle.preprocessor, 100)
    sample = real_rows(data, rows).joined(sample)

Made-up rows miss numbers and texts, go far beyond the ranges of training, and have texts that nobody has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunecli.datasets.base import Columns, RawData
from tunecli.datasets.schema import ColumnKind, ColumnSchema
from tunecli.preprocessing import Preprocessor
from tunecli.training.exports.graph import MISSING_TEXT
from tunecli.training.manifest import Manifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNSEEN_TEXT = "a text that is no category"

MISSING_SHARE = 0.1
"""Of made-up values."""


@dataclass(frozen=True)
class Sample:
    """Rows as they stand in a table.

    Attributes:
        numbers: float64 `(rows, numeric columns)`, NaN where missing.
        texts: Objects `(rows, categorical columns)`, "" where missing.
        images: uint8 `(rows, height, width, channels)`, or None.
    """

    numbers: NDArray[np.float64]
    texts: NDArray[np.object_]
    images: NDArray[np.uint8] | None = None

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.numbers)

    def joined(self, other: Sample) -> Sample:
        """Returns these rows and those of another one behind them."""
        import numpy as np

        images = None
        if self.images is not None and other.images is not None:
            images = np.concatenate([self.images, other.images])
        numbers = np.concatenate([self.numbers, other.numbers])
        return Sample(numbers, np.concatenate([self.texts, other.texts]), images)

    def columns(self, preprocessor: Preprocessor) -> Columns:
        """Returns the rows as a data set would."""
        import numpy as np

        categories, coded = [], np.full(self.texts.shape, -1, dtype=np.int32)
        for index in range(self.texts.shape[1]):
            column = self.texts[:, index]
            known = sorted({*column.tolist()} - {MISSING_TEXT})
            places = {text: place for place, text in enumerate(known)}
            coded[:, index] = [places.get(text, -1) for text in column]
            categories.append(tuple(known))
        return Columns(
            numeric=self.numbers,
            numeric_names=tuple(each.name for each in preprocessor.numeric),
            categorical=coded,
            categorical_names=tuple(each.name for each in preprocessor.categorical),
            categories=tuple(categories),
            images=self.images,
        )


def real_rows(data: RawData, rows: NDArray[np.int64]) -> Sample:
    """Returns some rows of a data set."""
    import numpy as np

    columns = data.columns
    texts = np.empty((len(rows), len(columns.categories)), dtype=object)
    for index, known in enumerate(columns.categories):
        # code -1, a missing value, finds the last entry
        texts[:, index] = np.array([*known, MISSING_TEXT], dtype=object)[columns.categorical[rows, index]]
    images = None if columns.images is None else np.asarray(columns.images[rows])
    return Sample(np.asarray(columns.numeric[rows], dtype=np.float64), texts, images)


def made_up_rows(manifest: Manifest, preprocessor: Preprocessor, count: int) -> Sample:
    """Returns rows that fit the schema of a bundle, and some values that do not."""
    import numpy as np

    random = np.random.default_rng(0)
    of_kind = {kind: [each for each in manifest.columns if each.kind is kind] for kind in ColumnKind}
    numbers = [_numbers(each, count, random) for each in of_kind[ColumnKind.NUMERIC]]
    texts = [_texts(each, count, random) for each in of_kind[ColumnKind.CATEGORICAL]]
    shape = preprocessor.image_shape
    return Sample(
        np.stack(numbers, axis=1) if numbers else np.empty((count, 0)),
        np.stack(texts, axis=1) if texts else np.empty((count, 0), dtype=object),
        None if shape is None else random.integers(0, 256, (count, *shape), dtype=np.uint8),
    )


def _numbers(column: ColumnSchema, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Returns numbers from half a range below the smallest to half a range above the largest one."""
    import numpy as np

    low, high = column.min or 0.0, column.max or 0.0
    beyond = (high - low) / 2
    # nothing more precise than the numbers of single precision that any format can be given
    values = random.uniform(low - beyond, high + beyond, count).astype(np.float32).astype(np.float64)
    values[random.random(count) < MISSING_SHARE] = np.nan
    return values


def _texts(column: ColumnSchema, count: int, random: np.random.Generator) -> NDArray[np.object_]:
    import numpy as np

    known = np.array([*column.categories, UNSEEN_TEXT, MISSING_TEXT], dtype=object)
    return known[random.integers(0, len(known), count)]
