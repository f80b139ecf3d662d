"""Arrays of the user's own, from a file or a function, as a data set: what they must be, and what they come to.

    given = Given(x=…, y=…, x_test=…, y_test=…, where="data.npz")
    given.describe(options)         # looks at the values of y alone: for the rest, shapes and types will do
    given.load(options)

Two axes are a table, `(rows, features)`; three or four are images, uint8 and `(rows, height, width[, channels])`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tunecli.datasets.array_target import ArrayTarget, held_out_values, read_array_target
from tunecli.datasets.base import Columns, DatasetOptions, Description, OptionError, RawData
from tunecli.datasets.columns import choose_features
from tunecli.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CHANNELS = 4
"""With more than these as its last axis, an array of four is images with their channels first, or none at all."""

_OWN_PARTS = ("validation", "test")
"""The parts that data may bring, in the order of their rows."""

_TARGET_NAMES = ("y", "target", "label")
"""What is predicted is called by the first of these that no feature is called."""


@dataclass(frozen=True)
class Form:
    """An array without its values.

    Attributes:
        shape: As of the array.
        dtype: As of the array.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Given:
    """Arrays of the user's own.

    Attributes:
        where: The file that they come from, for messages.
        x: The inputs; a `Form` will do to describe them.
        y: What is predicted, `(rows,)`; or `(rows, 1)`, or one column for each class, of 0 and a single 1.
        x_validation: Inputs of a validation part of the data's own, or None.
        y_validation: What is predicted there, or None.
        x_test: Inputs of a test part of the data's own, or None.
        y_test: What is predicted there, or None.
        feature_names: Of the columns of a table, or None.
        class_names: By class code, or None.
        sample_weight: How much each row counts that is in no such part, or None.
        groups: Which of these rows belong together, or None.
        names: What an array is called where it comes from, if it is not called as here.
    """

    where: str
    x: Form | NDArray[Any]
    y: NDArray[Any]
    x_validation: Form | NDArray[Any] | None = None
    y_validation: NDArray[Any] | None = None
    x_test: Form | NDArray[Any] | None = None
    y_test: NDArray[Any] | None = None
    feature_names: NDArray[Any] | None = None
    class_names: NDArray[Any] | None = None
    sample_weight: NDArray[Any] | None = None
    groups: NDArray[Any] | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def describe(self, options: DatasetOptions) -> Description:
        """Says what the arrays are.

        Raises:
            OptionError: A feature does not exist.
            DataError: An array has another form than it must have, or the target does not fit the task.
        """
        image_shape = self._image_shape("x", self.x)
        target = self._target(options)
        return Description(
            task=target.task,
            target=self._target_name,
            features=self._chosen(options) if image_shape is None else self._no_features(options),
            image_shape=image_shape,
            classes=target.classes,
            rows=self.x.shape[0],
            has_own_test=bool(self._part_rows("test")),
            own_validation_rows=self._part_rows("validation"),
        )

    def load(self, options: DatasetOptions) -> RawData:
        """Returns the data, those of a validation and of a test part last.

        Raises:
            OptionError: As `describe`.
            DataError: As `describe`; or a value is none that can be learnt from.
        """
        import numpy as np

        description, target = self.describe(options), self._target(options)
        own_rows = {part: self._part_rows(part) for part in _OWN_PARTS}
        values: list[NDArray[Any]] = [target.values]
        for part, rows in own_rows.items():
            if rows:
                role = f"y_{part}"
                values.append(held_out_values(target, getattr(self, role), self._called(role), self.where))
        if description.image_shape is None:
            columns = self._table(description.features)
        else:
            columns = self._images(description.image_shape)
        return RawData(
            task=target.task,
            columns=columns,
            target=np.concatenate(values),
            target_name=description.target,
            classes=target.classes,
            own_test_rows=own_rows["test"],
            weights=self._weights(sum(own_rows.values())),
            groups=self._group_codes(sum(own_rows.values())),
            own_validation_rows=own_rows["validation"],
        )

    def _part_rows(self, part: str) -> int:
        """Returns how many rows a part of the data's own has; 0 if there is none.

        Raises:
            DataError: There is half a one, or it does not fit the rest.
        """
        roles = f"x_{part}", f"y_{part}"
        x, y = (getattr(self, role) for role in roles)
        if x is None and y is None:
            return 0
        if x is None or y is None:
            there, missing = reversed(roles) if x is None else roles
            raise self._error(f"has {self._called(there)}, but no {missing}", "bring both, or neither")
        self._image_shape(roles[0], x)
        if x.shape[1:] != self.x.shape[1:]:
            what = f"a row of {self._called(roles[0])} is of shape {x.shape[1:]}"
            raise self._error(f"{what}, one of {self._called('x')} of {self.x.shape[1:]}", "give both the same columns")
        self._check_rows(roles[1], y, roles[0], x)
        return int(x.shape[0])

    @property
    def _target_name(self) -> str:
        own = [self._called("y").removesuffix("_train"), *_TARGET_NAMES]
        return next(name for name in own if name not in self._feature_names)

    @property
    def _feature_names(self) -> tuple[str, ...]:
        """The names of the columns of a table."""
        if len(self.x.shape) > 2:
            return ()
        count = self.x.shape[1] if len(self.x.shape) == 2 else 1
        if self.feature_names is None:
            return tuple(f"x{number}" for number in range(count))
        return self._texts("feature_names", self.feature_names, count, "columns")

    def _chosen(self, options: DatasetOptions) -> tuple[str, ...]:
        return choose_features(options.features, (*self._feature_names, self._target_name), self._target_name)

    def _no_features(self, options: DatasetOptions) -> tuple[str, ...]:
        if options.features is not None:
            raise OptionError("features", "images have no columns to choose from", hint="drop features")
        return ()

    def _target(self, options: DatasetOptions) -> ArrayTarget:
        self._check_rows("y", self.y, "x", self.x)
        if self.x.shape[0] < 2:
            rows = f"{self.x.shape[0] or 'no'} row{'s' * (self.x.shape[0] != 1)}"
            raise self._error(f"{self._called('x')} has {rows}", "bring more rows")
        names = None
        if self.class_names is not None:
            names = self._texts("class_names", self.class_names, len(self.class_names), "classes")
        return read_array_target(self.y, options.task, names, self._called("y"), self.where)

    def _image_shape(self, role: str, array: Form | NDArray[Any]) -> tuple[int, int, int] | None:
        """Returns `(height, width, channels)`, or None for a table.

        Raises:
            DataError: The array is neither.
        """
        name, shape, dtype = self._called(role), array.shape, array.dtype
        if dtype.kind == "O":
            raise self._error(f"{name} holds Python objects", "make it an array of numbers, all rows of one length")
        if len(shape) not in (1, 2, 3, 4) or 0 in shape[1:]:
            what = f"{name} is of shape {shape}; a table is (rows, features), images (rows, height, width, channels)"
            raise self._error(what, "reshape it")
        if len(shape) <= 2:
            if dtype.kind not in "biuf":
                raise self._error(
                    f"{name} is of type {dtype}; columns of a table are numbers", "encode texts as numbers"
                )
            return None
        if dtype != "uint8":
            what = f"{name} is of shape {shape} and type {dtype}; images are uint8, 0 … 255"
            raise self._error(what, f"{name} = (255 * {name}).astype('uint8') if it goes from 0 to 1")
        height, width, channels = (*shape[1:], 1)[:3]
        if channels > MOST_CHANNELS:
            what = f"{name} is of shape {shape}; the channels of images come last, {MOST_CHANNELS} at most"
            raise self._error(what, f"np.moveaxis({name}, 1, -1) puts them there")
        return height, width, channels

    def _check_rows(self, role: str, array: NDArray[Any], other: str, inputs: Form | NDArray[Any]) -> None:
        rows = array.shape[0] if array.shape else 0
        if rows != (inputs.shape[0] if inputs.shape else 0):
            what = f"{self._called(role)} has {rows:,} rows, {self._called(other)} has {inputs.shape[0]:,}"
            raise self._error(what, "give each row its target, and each target its row")

    def _table(self, features: Sequence[str]) -> Columns:
        import numpy as np

        names = self._feature_names
        positions = [names.index(name) for name in features]
        parts = [self._numbers(role, array) for role, array in self._inputs.items()]
        numeric = np.concatenate(parts)[:, positions]
        return Columns(
            numeric=np.ascontiguousarray(numeric),
            numeric_names=tuple(features),
            categorical=np.empty((len(numeric), 0), dtype=np.int32),
        )

    @property
    def _inputs(self) -> dict[str, NDArray[Any]]:
        """The inputs of all parts, in their order."""
        given = {"x": self.x, **{f"x_{part}": getattr(self, f"x_{part}") for part in _OWN_PARTS}}
        assert not any(isinstance(array, Form) for array in given.values()), "a form has no values"
        return {role: array for role, array in given.items() if array is not None}

    def _numbers(self, role: str, array: NDArray[Any]) -> NDArray[np.float64]:
        import numpy as np

        numbers = array.reshape(len(array), -1).astype(np.float64)
        if np.isinf(numbers).any():
            row, column = np.argwhere(np.isinf(numbers))[0]
            what = f"{self._called(role)} is infinite in row {row}, column {column}"
            raise self._error(what, "correct it, or write NaN if it is missing")
        return numbers

    def _images(self, image_shape: tuple[int, int, int]) -> Columns:
        import numpy as np

        images = [part.reshape(len(part), *image_shape) for part in self._inputs.values()]
        return columns_of_images(images[0] if len(images) == 1 else np.concatenate(images))

    def _weights(self, own_rows: int) -> NDArray[np.float64] | None:
        """Returns the weights of the rows; those of parts of the data's own count alike."""
        import numpy as np

        if self.sample_weight is None:
            return None
        self._check_rows("sample_weight", self.sample_weight, "x", self.x)
        name, array = self._called("sample_weight"), self.sample_weight
        if array.ndim != 1 or array.dtype.kind not in "biuf":
            raise self._error(f"{name} is of shape {array.shape} and type {array.dtype}", "give one number a row")
        weights = array.astype(np.float64)
        if not np.isfinite(weights).all() or (weights < 0).any():
            row = int(np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))[0])
            raise self._error(f"{name} is {weights[row]} in row {row}", "weights are 0 or more")
        if not weights.any():
            raise self._error(f"{name} is 0 in every row", "leave it out")
        return np.concatenate([weights, np.ones(own_rows)])

    def _group_codes(self, own_rows: int) -> NDArray[np.int64] | None:
        """Returns codes of the rows that belong together; parts of the data's own are no matter of splits."""
        import numpy as np

        if self.groups is None:
            return None
        self._check_rows("groups", self.groups, "x", self.x)
        name, array = self._called("groups"), self.groups
        if array.ndim != 1 or array.dtype.kind not in "biufUS" or (array.dtype.kind == "f" and np.isnan(array).any()):
            what = f"{name} is of shape {array.shape} and type {array.dtype}, or NaN"
            raise self._error(what, "give one number or text a row")
        codes = np.unique(array, return_inverse=True)[1].astype(np.int64)
        return np.concatenate([codes, np.full(own_rows, codes.max() + 1, dtype=np.int64)])

    def _texts(self, role: str, array: NDArray[Any], count: int, of: str) -> tuple[str, ...]:
        """Returns an array of names.

        Raises:
            DataError: They are no texts, too many or too few, or one comes twice.
        """
        name = self._called(role)
        if array.ndim != 1 or array.dtype.kind not in "US":
            raise self._error(f"{name} is of shape {array.shape} and type {array.dtype}", "give one text each")
        texts = tuple(str(each) for each in array.astype("U").tolist())
        if len(texts) != count:
            raise self._error(f"{name} has {len(texts)} names for {count} {of}", "give one text each")
        if twice := [text for number, text in enumerate(texts) if text in texts[:number]]:
            raise self._error(f"{name} has '{twice[0]}' twice", "give each a name of its own")
        return texts

    def _called(self, role: str) -> str:
        return self.names.get(role, role)

    def _error(self, what: str, hint: str) -> DataError:
        return DataError(what, where=self.where, hint=hint)


def columns_of_images(images: NDArray[np.uint8]) -> Columns:
    """Returns the columns of data that are images, uint8 and of shape `(rows, height, width, channels)`."""
    import numpy as np

    return Columns(
        numeric=np.empty((len(images), 0)),
        numeric_names=(),
        categorical=np.empty((len(images), 0), dtype=np.int32),
        images=images,
    )
