"""Turns unscaled columns into the one array that a model reads.

    preprocessor = Preprocessor.fit(data.columns, split.train)     # sees these rows only
    x = preprocessor.transform(data.columns, split.validation)     # float32, (rows, features) or (rows, h, w, c)
    Preprocessor.from_json(preprocessor.to_json())                 # transforms to the same bits

What is fitted is kept as plain numbers and texts, so that a model's folder holds no pickle and predicting needs no more
than NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from tunecli.datasets.base import Columns
from tunecli.families.base import DataSignature
from tunecli.families.surroundings import STANDARD
from tunecli.preprocessing.normalization import fit_column
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_BLOCK_ROWS = 65_536
"""So many rows of a table are transformed at a time."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumericColumn(_Frozen):
    """What was fitted to a column of numbers.

    Attributes:
        name: The column.
        median: Stands in for a missing value; 0 if every value was missing.
        offset: What is taken off, such as the mean; files of older versions call it that.
        scale: What is divided by, such as the standard deviation; 0 for a column of one value, which becomes 0.
        has_indicator: Whether values were missing; then a feature of 0 and 1 says where.
        quantiles: As in `normalization.Fitted`.
        scores: As there.
    """

    name: str
    median: float
    offset: float = Field(validation_alias=AliasChoices("offset", "mean"))
    scale: float
    has_indicator: bool
    quantiles: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()


class CategoricalColumn(_Frozen):
    """What was fitted to a column of texts.

    Attributes:
        name: The column.
        categories: The texts that were seen, sorted, and None, last, if values were missing; one feature each. A text
            that was not seen has 0 in all of them.
    """

    name: str
    categories: tuple[str | None, ...]


class Preprocessor(_Frozen):
    """Scaling and encoding, fitted to the training rows of one trial or fold.

    Numbers: missing ones become the median, then all are scaled, by default to mean 0 and standard deviation 1; see
    `normalization.fit_column`. Texts: one feature of 0 and 1 for each. Images: 0 … 255 becomes 0 … 1.

    Attributes:
        numeric: The columns of numbers, in order.
        categorical: The columns of texts, in order.
        image_shape: `(height, width, channels)` for images, else None.
    """

    numeric: tuple[NumericColumn, ...] = ()
    categorical: tuple[CategoricalColumn, ...] = ()
    image_shape: tuple[int, int, int] | None = None

    @classmethod
    def fit(cls, columns: Columns, rows: NDArray[np.int64], normalization: str = STANDARD) -> Preprocessor:
        """Fits to the given rows, at least one, and looks at no other; `normalization` is for columns of numbers."""
        if columns.images is not None:
            height, width, channels = columns.images.shape[1:]
            return cls(image_shape=(height, width, channels))
        numeric = columns.numeric[rows]
        codes = columns.categorical[rows]
        return cls(
            numeric=tuple(
                _fit_numeric(name, numeric[:, i], normalization) for i, name in enumerate(columns.numeric_names)
            ),
            categorical=tuple(
                _fit_categorical(name, codes[:, i], columns.categories[i])
                for i, name in enumerate(columns.categorical_names)
            ),
        )

    def transform(self, columns: Columns, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns what a model reads: float32, `(rows, features)` for a table, `(rows, height, width, channels)` else.

        Args:
            columns: Columns of the same names as those that were fitted; their categories may differ.
            rows: Which rows, in which order.
        """
        import numpy as np

        if columns.images is not None:
            images = columns.images[rows].astype(np.float32)
            images /= 255  # in place: a second copy of all images would be felt
            return images
        assert columns.numeric_names == tuple(each.name for each in self.numeric), "other numeric columns"
        assert columns.categorical_names == tuple(each.name for each in self.categorical), "other categorical columns"
        features = np.empty((len(rows), len(self.feature_names)), dtype=np.float32)
        for start in range(
            0, len(rows), _BLOCK_ROWS
        ):  # what is computed on the way is in float64, and several times so
            block = rows[start : start + _BLOCK_ROWS]
            parts = [_scale(columns.numeric[block], self.numeric)]
            parts += [
                _one_hot(columns.categorical[block, i], columns.categories[i], fitted.categories)
                for i, fitted in enumerate(self.categorical)
            ]
            np.concatenate(parts, axis=1, out=features[start : start + len(block)])
        return features

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features of a table, in the order of `transform`; () for images."""
        scaled = [each.name for each in self.numeric]
        missing = [f"{each.name} is missing" for each in self.numeric if each.has_indicator]
        encoded = [
            f"{each.name} is missing" if category is None else f"{each.name}={category}"
            for each in self.categorical
            for category in each.categories
        ]
        return (*scaled, *missing, *encoded)

    @property
    def _source_columns(self) -> tuple[str, ...]:
        """The column that each feature comes from, in the order of `transform`; () for images."""
        scaled = [each.name for each in self.numeric]
        missing = [each.name for each in self.numeric if each.has_indicator]
        return (*scaled, *missing, *(each.name for each in self.categorical for _ in each.categories))

    def signature(self, task: Task, outputs: int) -> DataSignature:
        """Returns what a family must know to build a model; `outputs` is the width of its last layer."""
        return DataSignature(
            task=task,
            shape=self.image_shape or (len(self.feature_names),),
            outputs=outputs,
            columns=self._source_columns,
            numeric=len(self.numeric),
        )

    def to_json(self) -> dict[str, Any]:
        """Returns what was fitted, as plain JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Preprocessor:
        """Restores what `to_json` gave; it transforms to the same bits."""
        return cls.model_validate(document)


def _fit_numeric(name: str, column: NDArray[np.float64], normalization: str) -> NumericColumn:
    import numpy as np

    is_missing = np.isnan(column)
    median = float(np.median(column[~is_missing])) if not is_missing.all() else 0.0
    fitted = fit_column(np.where(is_missing, median, column), normalization)
    return NumericColumn(
        name=name,
        median=median,
        offset=fitted.offset,
        scale=fitted.scale,
        has_indicator=bool(is_missing.any()),
        quantiles=fitted.quantiles,
        scores=fitted.scores,
    )


def _fit_categorical(name: str, codes: NDArray[np.int32], texts: tuple[str, ...]) -> CategoricalColumn:
    import numpy as np

    seen = [int(code) for code in np.unique(codes)]
    missing = (None,) if -1 in seen else ()
    return CategoricalColumn(name=name, categories=(*(texts[code] for code in seen if code >= 0), *missing))


def _scale(values: NDArray[np.float64], fitted: tuple[NumericColumn, ...]) -> NDArray[np.float32]:
    """Returns the scaled columns, and behind them the indicators."""
    import numpy as np

    scale = np.array([each.scale for each in fitted], dtype=np.float64)
    is_missing = np.isnan(values)
    filled = np.where(is_missing, [each.median for each in fitted], values)
    centred = filled - np.array([each.offset for each in fitted], dtype=np.float64)
    scaled = np.divide(centred, scale, out=np.zeros_like(centred), where=scale > 0)
    for index, each in enumerate(fitted):
        if each.quantiles:
            scaled[:, index] = np.interp(filled[:, index], each.quantiles, each.scores)
    indicators = is_missing[:, [i for i, each in enumerate(fitted) if each.has_indicator]]
    return np.concatenate([scaled.astype(np.float32), indicators.astype(np.float32)], axis=1)


def _one_hot(
    codes: NDArray[np.int32], texts: tuple[str, ...], categories: tuple[str | None, ...]
) -> NDArray[np.float32]:
    import numpy as np

    features = {category: i for i, category in enumerate(categories)}
    # code -1, a missing value, finds the last entry
    lookup = np.array([features.get(text, -1) for text in (*texts, None)])
    feature = lookup[codes]
    encoded = np.zeros((len(codes), len(categories)), dtype=np.float32)
    known = np.flatnonzero(feature >= 0)
    encoded[known, feature[known]] = 1.0
    return encoded
