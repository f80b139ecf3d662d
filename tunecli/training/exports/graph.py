"""The preprocessing as a graph of Keras' own layers and operations: raw columns in, what a model reads out.

    raw = RawInputs.of(preprocessor, texts=True)
    features = raw.features()             # a tensor of the same figures as `Preprocessor.transform` gives
    model = keras.Model(raw.tensors, {"prediction": trained(features)})

A file that holds it needs no code of ours to be read. Numbers come in as one matrix, texts as another (or as the codes
of their categories, for formats that know no texts), and images as bytes: names of columns, which may be anything, are
in the manifest and not in the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.preprocessing import Preprocessor
from tunecli.preprocessing.preprocessor import CategoricalColumn, NumericColumn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Constant = NDArray[np.generic]

NUMBERS, TEXTS, CODES, IMAGES = "numbers", "texts", "codes", "images"
"""The names of inputs."""

MISSING_TEXT = ""
"""Stands for a text that is missing."""

UNKNOWN = -1
"""The code of a text that is no category."""


@dataclass(frozen=True)
class RawInputs:
    """The inputs of a graph that begins with raw columns.

    Attributes:
        preprocessor: What was fitted.
        tensors: Symbolic tensors by name: `numbers` `(rows, numeric columns)`, NaN where missing; `texts` `(rows,
            categorical columns)`, "" where missing, or `codes` of the same shape; `images` `(rows, height, width,
            channels)`, from 0 to 255.
        float_type: Of numbers: float64 as the preprocessing calculates, or float32.
    """

    preprocessor: Preprocessor
    tensors: Mapping[str, Any]
    float_type: str

    @classmethod
    def of(cls, preprocessor: Preprocessor, *, texts: bool, float_type: str = "float64") -> RawInputs:
        """Makes the inputs that a preprocessing reads.

        Args:
            preprocessor: What was fitted.
            texts: Whether categorical columns come as texts; else as codes, see `codes`.
            float_type: Of numbers.
        """
        import keras

        if preprocessor.image_shape is not None:
            image = keras.Input(preprocessor.image_shape, dtype="uint8", name=IMAGES)
            return cls(preprocessor, {IMAGES: image}, float_type)
        found = {}
        if width := len(preprocessor.numeric):
            found[NUMBERS] = keras.Input((width,), dtype=float_type, name=NUMBERS)
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
            parts += _scaled(self.tensors[NUMBERS], self.preprocessor.numeric, self.float_type)
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


def _scaled(numbers: Any, fitted: tuple[NumericColumn, ...], float_type: str) -> list[Any]:
    """Returns the scaled numbers and, where there are any, the indicators of missing ones."""
    import keras
    import numpy as np

    ops = keras.ops
    is_missing = ops.isnan(numbers)
    filled = ops.where(is_missing, _constant([each.median for each in fitted], float_type), numbers)
    scales = np.array([each.scale for each in fitted])
    centred = ops.subtract(filled, _constant([each.offset for each in fitted], float_type))
    scaled = ops.divide(centred, _constant(np.where(scales > 0, scales, 1), float_type))
    if not np.all(scales > 0):
        scaled = ops.where(np.asarray(scales > 0)[np.newaxis], scaled, ops.zeros_like(scaled))
    if any(each.quantiles for each in fitted):
        scaled = _interpolated(filled, scaled, fitted, float_type)
    found = [ops.cast(scaled, "float32")]
    if with_indicator := [index for index, each in enumerate(fitted) if each.has_indicator]:
        found.append(ops.cast(_taken(is_missing, with_indicator, len(fitted)), "float32"))
    return found


def _interpolated(numbers: Any, scaled: Any, fitted: tuple[NumericColumn, ...], float_type: str) -> Any:
    """Returns scores of numbers between their quantiles, and `scaled` for columns without quantiles.

    A binary search without branches: every step asks all numbers at once whether they lie beyond the middle of what is
    left. Quantiles of all columns stand in one long table, each column in as many places as the longest needs.
    """
    import keras
    import numpy as np

    ops = keras.ops
    steps = max(len(each.quantiles) for each in fitted).bit_length()
    room = 2**steps
    values, scores, slopes = (np.zeros((len(fitted), room)) for _ in range(3))
    for index, each in enumerate(fitted):
        known = each.quantiles or (0.0,)
        values[index], scores[index] = known[-1], (each.scores or (0.0,))[-1]
        values[index, : len(known)], scores[index, : len(known)] = known, each.scores or (0.0,)
        widths, rises = np.diff(values[index]), np.diff(scores[index])
        slopes[index, :-1] = np.divide(rises, widths, out=np.zeros_like(rises), where=widths > 0)
    # what lies beyond the ends stays at them
    inside = ops.minimum(
        ops.maximum(numbers, _constant(values[:, 0], float_type)), _constant(values[:, -1], float_type)
    )
    begins = np.arange(len(fitted), dtype=np.int32)[np.newaxis] * room
    # Keras writes the sum of a tensor and a row as BiasAdd, which TensorFlow Lite does not have for integers
    place = ops.subtract(ops.zeros_like(numbers, dtype="int32"), -begins)
    table = np.asarray(values.ravel(), dtype=float_type)
    for step in (2**exponent for exponent in reversed(range(steps))):
        further = ops.add(place, np.int32(step))
        place = ops.where(ops.greater_equal(inside, _from(table, further)), further, place)
    risen = ops.multiply(ops.subtract(inside, _from(table, place)), _from(slopes.ravel().astype(float_type), place))
    found = ops.add(_from(scores.ravel().astype(float_type), place), risen)
    has_quantiles = np.array([[bool(each.quantiles) for each in fitted]])
    return found if has_quantiles.all() else ops.where(has_quantiles, found, scaled)


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


def _constant(values: Any, float_type: str) -> Constant:
    """Returns a row of constants, shape `(1, columns)`."""
    import numpy as np

    return np.asarray(values, dtype=float_type)[np.newaxis]


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
