"""What a data set is: its card, what its headers say, and its unscaled columns.

description = DATASETS.load("california_housing").describe(options)   # headers only, for `validate`
data = DATASETS.load("california_housing").load(options)              # arrays, for a search
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from tunecli.errors import UsageError
from tunecli.scripting import Lines
from tunecli.spec.experiment import Task
from tunecli.spec.own_data import ArraysSpec, ImageColumnsSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class DatasetOptions(BaseModel):
    """What a spec says about the data themselves, apart from how they are split.

    Attributes:
        path: The file's absolute path (csv only).
        validation_path: That of a file of the rows that score the trials; None for a part of the first (csv only).
        test_path: That of a file of the rows that no search may see; None for a part of the first (csv only).
        target: The column to predict, or several (csv only).
        task: What is predicted; None to infer it from the target (csv only).
        features: The columns to learn from, by name or pattern; None for all but the target.
        types: The types of those columns; None for all (csv only).
        exclude: Columns that are left out, by name or pattern; None for none.
        sample_weight: The column that says how much each row counts; None if all count alike (csv only).
        group: The column that says which rows belong together; None if each stands for itself (csv only).
        time: The column that says when each row was taken; None if that does not matter (csv only).
        arrays: What the arrays of a file are called, where that is not as usual (npz only).
        image_columns: The columns that are the pixels of images (csv only).
        image_size: The height and the width that images are brought to (image_folder only).
        channels: 1 for grey images, 3 for coloured ones (image_folder only).
        function: The function in the file at `path`, None for `load` (python only).
        args: What it is called with, as JSON; None for nothing (python only).
        sha256: Of that file's content (python only).
        kept: The study's copy of that file; never written down (python only).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = None
    target: str | tuple[str, ...] | None = None
    task: Task | None = None
    features: tuple[str, ...] | None = None
    # left out where it is not given, so that plans of earlier versions stay as they were
    sample_weight: Annotated[str | None, Field(exclude_if=lambda name: name is None)] = None
    group: Annotated[str | None, Field(exclude_if=lambda name: name is None)] = None
    time: Annotated[str | None, Field(exclude_if=lambda name: name is None)] = None
    validation_path: Annotated[str | None, Field(exclude_if=lambda path: path is None)] = None
    test_path: Annotated[str | None, Field(exclude_if=lambda path: path is None)] = None
    types: Annotated[tuple[str, ...] | None, Field(exclude_if=lambda types: types is None)] = None
    exclude: Annotated[tuple[str, ...] | None, Field(exclude_if=lambda names: names is None)] = None
    arrays: Annotated[ArraysSpec | None, Field(exclude_if=lambda arrays: arrays is None)] = None
    image_columns: Annotated[ImageColumnsSpec | None, Field(exclude_if=lambda columns: columns is None)] = None
    image_size: Annotated[tuple[int, int] | None, Field(exclude_if=lambda size: size is None)] = None
    channels: Annotated[int | None, Field(exclude_if=lambda channels: channels is None)] = None
    function: Annotated[str | None, Field(exclude_if=lambda name: name is None)] = None
    args: Annotated[str | None, Field(exclude_if=lambda args: args is None)] = None
    sha256: Annotated[str | None, Field(exclude_if=lambda digest: digest is None)] = None
    kept: Annotated[str | None, Field(exclude=True)] = None


PLACE_HINT = "see where it is: dataset.path in a spec, --data on the command line"
"""What to do about a file that cannot be read."""


@dataclass(frozen=True)
class DatasetCard:
    """What a person wants to know before using a data set.

    Attributes:
        title: Its full name.
        shape: Such as `20,640 rows × 8 features`.
        task: What is predicted, or None if that depends on the file.
        source: Where it comes from.
        licence: Under what terms.
        is_yours: Whether it is the user's own, and stands in the spec.
    """

    title: str
    shape: str
    task: Task | None
    source: str
    licence: str
    is_yours: bool = False


@dataclass(frozen=True)
class Description:
    """What headers and metadata say, without loading the data.

    Attributes:
        task: What is predicted.
        target: The name of what is predicted; of several columns, all their names.
        features: The names of the columns used, or () for images.
        image_shape: `(height, width, channels)` for images, else None.
        classes: The classes' names in the order of their codes, where they are known; else ().
        rows: The number of rows that may be split, or None if unknown; parts of its own are not counted.
        has_own_test: Whether the data come with a test part, so that no fraction may be asked for.
        notes: What people should know of how the data are read.
        own_validation_rows: How many rows a validation part of its own has.
        targets: The columns where several numbers or labels are predicted, in order; else ().
    """

    task: Task
    target: str
    features: tuple[str, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    classes: tuple[str, ...] = ()
    rows: int | None = None
    has_own_test: bool = False
    notes: tuple[str, ...] = ()
    own_validation_rows: int = 0
    targets: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """The width of a model's last layer; see `output_count`."""
        return output_count(self.task, self.classes, self.targets)


@dataclass(frozen=True)
class Columns:
    """Unscaled input columns; rows are the first axis of every array.

    Attributes:
        numeric: float64, shape `(rows, numeric columns)`; NaN where missing.
        numeric_names: Their names.
        categorical: int32 codes into `categories`, shape `(rows, categorical columns)`; -1 where missing.
        categorical_names: Their names.
        categories: For each categorical column its distinct texts, sorted.
        images: uint8, shape `(rows, height, width, channels)`, or None for a table.
        day_first: How dates such as 3/4/2024 were read, by the name of each part of theirs; only where it mattered.
    """

    numeric: NDArray[np.float64]
    numeric_names: tuple[str, ...]
    categorical: NDArray[np.int32]
    categorical_names: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    images: NDArray[np.uint8] | None = None
    day_first: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class RawData:
    """A loaded data set.

    Attributes:
        task: What is predicted.
        columns: The inputs of all rows, those of a test part of its own last.
        target: float64 values for regression, else int64 class codes; shape `(rows,)`. Of several columns, float64
            values or int64 labels of 0 and 1; shape `(rows, columns)`.
        target_name: What is predicted; of several columns, all their names.
        classes: The classes' names in the order of their codes; () where there are none.
        own_test_rows: How many of the last rows are a test part of the data set's own.
        weights: How much each row counts, 0 or more and not all 0; float64 of shape `(rows,)`, or None if all count
            alike.
        groups: Codes of the rows that belong together, which no split takes apart; int64 of shape `(rows,)`, or None.
        times: When each row was taken, in any unit; float64 of shape `(rows,)` without NaN, or None.
        own_validation_rows: How many of the rows before those of the own test part are an own validation part.
        targets: The columns of `target` where it has several, at least two; else ().
    """

    task: Task
    columns: Columns
    target: NDArray[np.float64] | NDArray[np.int64]
    target_name: str
    classes: tuple[str, ...] = ()
    own_test_rows: int = 0
    weights: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None
    times: NDArray[np.float64] | None = None
    own_validation_rows: int = 0
    targets: tuple[str, ...] = ()

    @property
    def target_names(self) -> tuple[str, ...]:
        """What each column of the target is called; of one target, its name alone."""
        return self.targets or (self.target_name,)

    @property
    def outputs(self) -> int:
        """The width of a model's last layer; see `output_count`."""
        return output_count(self.task, self.classes, self.targets)

    def fingerprint(self) -> dict[str, dict[str, object]]:
        """Returns shape, dtype and sha256 of every array, to tell on resume whether the data are the same."""
        arrays: dict[str, NDArray[Any] | None] = {
            "numeric": self.columns.numeric,
            "categorical": self.columns.categorical,
            "images": self.columns.images,
            "target": self.target,
            "weights": self.weights,
            "groups": self.groups,
            "times": self.times,
        }
        return {name: _fingerprint(array) for name, array in arrays.items() if array is not None and array.size}


@dataclass(frozen=True)
class LoadScript:
    """How a script reads a data set with NumPy, Keras and the standard library alone.

    Attributes:
        functions: Functions, the last of which is `load(path)`, or `load()` where the script holds the data itself. It
            returns what there is of numbers `(rows, columns)`, NaN where missing; texts `(rows, columns)`, "" where
            missing; images `(rows, height, width, channels)` from 0 to 255; and behind them the target `(rows,)`. A
            test part of the data set's own is left out.
        imports: The modules of the standard library that they use.
        constants: What they use, for the top of the script.
        figures: The data themselves, for the end of the script.
        path: Where the data are, or would be; None where the script holds them itself.
        path_help: What may be named instead, for people.
        has_numbers: Whether there are columns of numbers.
        has_texts: Whether there are columns of texts.
        has_missing_numbers: Whether a number is missing.
        has_missing_texts: Whether a text is missing.
    """

    functions: Lines
    imports: tuple[str, ...] = ()
    constants: Lines = field(default_factory=list)
    figures: Lines = field(default_factory=list)
    path: Path | None = None
    path_help: str = ""
    has_numbers: bool = True
    has_texts: bool = False
    has_missing_numbers: bool = False
    has_missing_texts: bool = False


class OptionError(UsageError):
    """An option of `dataset:` does not fit; `field` names it."""

    def __init__(self, field: str, what: str, *, hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.field = field


class Dataset(Protocol):
    """A source of data."""

    @property
    def card(self) -> DatasetCard:
        """What a person wants to know before using it."""
        ...

    def describe(self, options: DatasetOptions) -> Description:
        """Says what headers and metadata tell; reads no data that need a download.

        Raises:
            OptionError: The options name a column that does not exist, or an option this data set does not have.
            DataError: A file is missing or cannot be read.
        """
        ...

    def load(self, options: DatasetOptions) -> RawData:
        """Loads the unscaled columns, downloading them first if need be.

        Raises:
            DataError: The data are missing, damaged, or not usable for the task.
        """
        ...

    def find(self) -> Path | None:
        """Returns where the data are on this machine, or None if they must be fetched (or depend on the spec)."""
        ...

    def fetch(self) -> Path:
        """Makes sure that the data are on this machine, and returns where.

        Raises:
            DataError: They could not be fetched.
        """
        ...

    def script(self, options: DatasetOptions) -> LoadScript:
        """Writes what `load` does, for `tunecli eject`; reads no data that need a download.

        Raises:
            OptionError: As `describe`.
            DataError: As `describe`.
        """
        ...


def output_count(task: Task, classes: Sequence[str], targets: Sequence[str]) -> int:
    """Returns the width of a model's last layer: classes, targets or labels; 1 for one number, and for two classes."""
    return len(classes) if task is Task.MULTICLASS else max(1, len(targets))


def _fingerprint(array: NDArray[Any]) -> dict[str, object]:
    import numpy as np

    # not through `tobytes`: a second copy of large data would be felt
    digest = hashlib.sha256(np.ascontiguousarray(array).view(np.uint8).data).hexdigest()
    return {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": digest}
