"""The preprocessing as a graph of Keras' own layers and operations: raw columns in, what a model reads out.

    raw = RawInputs.of(preprocessor, texts=True)
    features = raw.features()             # a tensor of the same figures as `Preprocessor.transform` gives
    model = keras.Model(raw.tensors, {"prediction": trained(features)})

A file that holds it needs no code of ours to be read. Numbers come in as one matrix, texts as another (or as the codes
of their categories, for formats that know no texts), and images as bytes: names of columns, which may be anything, are
in the manifest and not in the graph.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.preprocessing import Preprocessor
from tunecli.preprocessing.preprocessor import CategoricalColumn, NumericColumn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Constant = NDArray[np.generic]

NUMBERS, REST, TEXTS, CODES, IMAGES = "numbers", "rest", "texts", "codes", "images"
"""The names of inputs."""

MISSING_TEXT = ""
"""Stands for a text that is missing."""

UNKNOWN = -1
"""The code of a text that is no category."""

_FAR_FROM_0 = 100
"""Numbers so many times larger than their scale lose digits in single precision that a model may notice."""


@dataclass(frozen=True)
class RawInputs:
    """The inputs of a graph that begins with raw columns.

    Attributes:
        preprocessor: What was fitted.
        tensors: Symbolic tensors by name: `numbers` `(rows, numeric columns)`, NaN where missing; `rest` of the same
            shape, see `needs_rest`; `texts` `(rows, categorical columns)`, "" where missing, or `codes` of the same
            shape; `images` `(rows, height, width, channels)`, from 0 to 255.
        float_type: Of numbers: float64 as the preprocessing calculates, or float32.
    """

    preprocessor: Preprocessor
    tensors: Mapping[str, Any]
    float_type: str

    @classmethod
    def of(
        cls, preprocessor: Preprocessor, *, texts: bool, float_type: str = "float64", has_rest: bool = False
    ) -> RawInputs:
        """Makes the inputs that a preprocessing reads.

        Args:
            preprocessor: What was fitted.
            texts: Whether categorical columns come as texts; else as codes, see `codes`.
            float_type: Of numbers.
            has_rest: Whether what numbers lose in single precision comes as a second matrix.
        """
        import keras

        if preprocessor.image_shape is not None:
            image = keras.Input(preprocessor.image_shape, dtype="uint8", name=IMAGES)
            return cls(preprocessor, {IMAGES: image}, float_type)
        found: dict[str, Any] = {}
        if width := len(preprocessor.numeric):
            names = (NUMBERS, REST) if has_rest else (NUMBERS,)
            found |= {name: keras.Input((width,), dtype=float_type, name=name) for name in names}
        if width := len(preprocessor.categorical):
            name, dtype = (TEXTS, "string") if texts else (CODES, "int32")
            found[name] = keras.Input((width,), dtype=dtype, name=name)
        return cls(preprocessor, found, float_type)

    def features(self) -> Any:
        """Returns what `Preprocessor.transform` does, as a symbolic tensor of float32."""
        import keras

        if IMAGES in self.tensors:
            return keras.layers.Rescaling(1 / 255, dtype="float32", name="scaled_images")(self.tensors[IMAGES])
        parts = []
        if NUMBERS in self.tensors:
            numbers = _Numbers(self.tensors[NUMBERS], self.tensors.get(REST), self.float_type)
            parts += _scaled(numbers, self.preprocessor.numeric)
        if categorical := self.preprocessor.categorical:
            codes = self.tensors.get(CODES)
            encoded = _one_hot(_looked_up(self.tensors[TEXTS], categorical) if codes is None else codes, categorical)
            parts += [encoded] if encoded is not None else []
        return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="features")(parts)


def codes(columns: CategoricalColumn, texts: NDArray[np.object_]) -> NDArray[np.int32]:
    """Returns the codes of a column's texts: their positions among its categories, -1 for a text that is none.

    Args:
        columns: What was fitted.
        texts: Shape `(rows,)`, "" where missing.
    """
    import numpy as np

    known = {MISSING_TEXT if each is None else each: code for code, each in enumerate(columns.categories)}
    return np.array([known.get(text, UNKNOWN) for text in texts], dtype=np.int32)


def needs_rest(preprocessor: Preprocessor, largest: Mapping[str, float]) -> bool:
    """Says whether single precision takes something from numbers that a model may notice.

    Then a graph in single precision takes them in two parts: what single precision has of them, and the rest. Quantiles
    may lie so close together that single precision does not tell them apart; a year is far from 0 for its range.

    Args:
        preprocessor: What was fitted.
        largest: The largest size of the numbers of each column, by its name.
    """
    return any(
        each.quantiles or largest.get(each.name, 0.0) > _FAR_FROM_0 * (each.scale or math.inf)
        for each in preprocessor.numeric
    )


def split(values: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns numbers in single precision, and the rest: both together are the numbers, to some 48 bits."""
    import numpy as np

    high = values.astype(np.float32)
    rest = np.subtract(values, high, out=np.zeros_like(values), where=np.isfinite(high))
    return high, rest.astype(np.float32)


@dataclass(frozen=True)
class _Numbers:
    """Symbolic numbers, in one part or two.

    Attributes:
        high: The numbers, or what single precision has of them.
        rest: What it has not, or None.
        float_type: Of both.
    """

    high: Any
    rest: Any | None
    float_type: str

    def constants(self, values: NDArray[np.float64]) -> tuple[Constant, Constant | None]:
        """Returns constants in as many parts."""
        return (values.astype(self.float_type), None) if self.rest is None else split(values)

    def where(self, condition: Any, values: NDArray[np.float64]) -> _Numbers:
        """Returns constants where the condition holds, and these numbers elsewhere."""
        import keras

        high, rest = self.constants(values)
        new_rest = None if self.rest is None else keras.ops.where(condition, rest, self.rest)
        return _Numbers(keras.ops.where(condition, high, self.high), new_rest, self.float_type)

    def less(self, high: Any, rest: Any | None) -> Any:
        """Returns the numbers less others, in one part."""
        import keras

        difference = keras.ops.subtract(self.high, high)
        return difference if self.rest is None else keras.ops.add(difference, keras.ops.subtract(self.rest, rest))

    def reach(self, high: Any, rest: Any | None) -> Any:
        """Says where the numbers are as large as others."""
        import keras

        ops = keras.ops
        if self.rest is None:
            return ops.greater_equal(self.high, high)
        is_equal = ops.logical_and(ops.equal(self.high, high), ops.greater_equal(self.rest, rest))
        return ops.logical_or(ops.greater(self.high, high), is_equal)


def _scaled(numbers: _Numbers, fitted: tuple[NumericColumn, ...]) -> list[Any]:
    """Returns the scaled numbers and, where there are any, the indicators of missing ones."""
    import keras
    import numpy as np

    ops = keras.ops
    is_missing = ops.isnan(numbers.high)
    filled = numbers.where(is_missing, _row([each.median for each in fitted]))
    scales = _row([each.scale for each in fitted])
    centred = filled.less(*filled.constants(_row([each.offset for each in fitted])))
    scaled = ops.divide(centred, np.where(scales > 0, scales, 1).astype(numbers.float_type))
    if not np.all(scales > 0):
        scaled = ops.where(scales > 0, scaled, ops.zeros_like(scaled))
    if any(each.quantiles for each in fitted):
        scaled = _interpolated(filled, scaled, fitted)
    found = [ops.cast(scaled, "float32")]
    if with_indicator := [index for index, each in enumerate(fitted) if each.has_indicator]:
        found.append(ops.cast(_taken(is_missing, with_indicator, len(fitted)), "float32"))
    return found


def _interpolated(numbers: _Numbers, scaled: Any, fitted: tuple[NumericColumn, ...]) -> Any:
    """Returns scores of numbers between their quantiles, and `scaled` for columns without quantiles.

    A binary search without branches: every step asks all numbers at once whether they lie beyond the middle of what is
    left. Quantiles of all columns stand in one long table, each column in as many places as the longest needs.
    """
    import keras
    import numpy as np

    ops = keras.ops
    steps = max(len(each.quantiles) for each in fitted).bit_length()
    room = 2**steps
    values, scores, slopes = _quantile_tables(fitted, room)
    # what lies beyond the ends stays at them; above the last one all slopes are 0
    lowest = values[:, 0][np.newaxis]
    inside = numbers.where(ops.logical_not(numbers.reach(*numbers.constants(lowest))), lowest)
    begins = np.arange(len(fitted), dtype=np.int32)[np.newaxis] * room
    # Keras writes the sum of a tensor and a row as BiasAdd, which TensorFlow Lite does not have for integers
    place = ops.subtract(ops.zeros_like(numbers.high, dtype="int32"), -begins)
    high, rest = numbers.constants(values.ravel())
    for step in (2**exponent for exponent in reversed(range(steps))):
        further = ops.add(place, np.int32(step))
        is_beyond = inside.reach(_from(high, further), None if rest is None else _from(rest, further))
        place = ops.where(is_beyond, further, place)
    covered = inside.less(_from(high, place), None if rest is None else _from(rest, place))
    slope = _from(slopes.ravel().astype(numbers.float_type), place)
    risen = ops.where(ops.equal(slope, 0), ops.zeros_like(slope), ops.multiply(covered, slope))  # not infinity · 0
    found = ops.add(_from(scores.ravel().astype(numbers.float_type), place), risen)
    has_quantiles = np.array([[bool(each.quantiles) for each in fitted]])
    return found if has_quantiles.all() else ops.where(has_quantiles, found, scaled)


def _quantile_tables(fitted: tuple[NumericColumn, ...], room: int) -> tuple[NDArray[np.float64], ...]:
    """Returns the quantiles of each column, what they become, and how that rises up to the next: `(columns, room)`.

    The last quantile is repeated to the end, without a rise.
    """
    import numpy as np

    values, scores, slopes = (np.zeros((len(fitted), room)) for _ in range(3))
    for index, each in enumerate(fitted):
        if not each.quantiles:
            continue
        count = len(each.quantiles)
        values[index], scores[index] = each.quantiles[-1], each.scores[-1]
        values[index, :count], scores[index, :count] = each.quantiles, each.scores
        slopes[index, : count - 1] = np.diff(each.scores) / np.diff(each.quantiles)
    return values, scores, slopes


def _looked_up(texts: Any, fitted: tuple[CategoricalColumn, ...]) -> Any:
    """Returns the codes of texts: int32, shape `(rows, categorical columns)`."""
    import keras

    columns = []
    for index, each in enumerate(fitted):
        known = [MISSING_TEXT if text is None else text for text in each.categories]
        lookup = keras.layers.StringLookup(
            vocabulary=known, num_oov_indices=1, oov_token=_unused(known), name=f"category_{index}"
        )
        columns.append(lookup(texts[:, index : index + 1]))
    together = columns[0] if len(columns) == 1 else keras.layers.Concatenate(name="categories")(columns)
    return keras.ops.subtract(keras.ops.cast(together, "int32"), 1)


def _one_hot(column_codes: Any, fitted: tuple[CategoricalColumn, ...]) -> Any | None:
    """Returns a feature of 0 and 1 for each category, or None if there is none."""
    import keras
    import numpy as np

    sources = [index for index, each in enumerate(fitted) for _ in each.categories]
    if not sources:
        return None
    own = np.array([[code for each in fitted for code in range(len(each.categories))]], dtype=np.int32)
    return keras.ops.cast(keras.ops.equal(_taken(column_codes, sources, len(fitted)), own), "float32")


def _unused(known: list[str]) -> str:
    """Returns a text for what is unknown that is none of the known ones."""
    token = "[UNK]"
    while token in known:
        token = f"[{token}]"
    return token


def _row(values: list[float]) -> NDArray[np.float64]:
    """Returns constants of columns, shape `(1, columns)`."""
    import numpy as np

    return np.array(values, dtype=np.float64)[np.newaxis]


def _taken(tensor: Any, indices: list[int], width: int) -> Any:
    """Returns some columns of a tensor, or the tensor itself where these are all of them."""
    import keras
    import numpy as np

    if indices == list(range(width)):
        return tensor
    return keras.ops.take(tensor, np.asarray(indices, dtype=np.int32), axis=1)


def _from(table: Constant, places: Any) -> Any:
    import keras

    return keras.ops.take(table, places, axis=0)
