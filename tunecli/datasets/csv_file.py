"""A table of the user's own, from a file: CSV, Parquet or Feather.

Copies of one table read alike: the case of names, quotes, a byte-order mark, line ends, the separator (`,` `;` tab `|`)
and a first column of row numbers do not matter. Columns of numbers are numeric, dates become numbers, all others are
categorical.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets import dates
from tunecli.datasets.base import Columns, DatasetCard, DatasetOptions, Description, LoadScript, OptionError, RawData
from tunecli.datasets.column import Column, ColumnKind, as_numbers, has_strays
from tunecli.datasets.columns import choose_features, find_column, refuse
from tunecli.datasets.csv_rows import first_text, read_groups, read_weights
from tunecli.datasets.csv_script import csv_script
from tunecli.datasets.csv_target import Target, read_target
from tunecli.datasets.formats import Source, open_source
from tunecli.datasets.image_columns import pixel_columns, read_pixels
from tunecli.datasets.table import Table, read_table
from tunecli.errors import DataError
from tunecli.spec.own_data import ImageColumnsSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CATEGORIES = 1000
"""With more texts than these, and more than half as many as rows, a column identifies rows and predicts nothing."""


@dataclass(frozen=True)
class _Chosen:
    """What the options come to for one file."""

    table: Table
    target_name: str
    target: Target
    features: tuple[str, ...]
    weights: NDArray[np.float64] | None
    groups: NDArray[np.int64] | None
    images: ImageColumnsSpec | None


class CsvFile:
    """The data set that `path` names."""

    @property
    def card(self) -> DatasetCard:
        """What a person wants to know before using it."""
        return DatasetCard(
            title="A table of yours, CSV, Parquet or Feather: dataset.path and dataset.target",
            shape="as the file",
            task=None,
            source="your file",
            licence="yours",
            is_yours=True,
        )

    def describe(self, options: DatasetOptions) -> Description:
        """Reads what the columns hold, and the target.

        Raises:
            OptionError: Path or target is not given, or a column does not exist.
            DataError: The file is missing, irregular, or its target does not fit the task.
        """
        chosen = _choose(options)
        return Description(
            task=chosen.target.task,
            target=chosen.target_name,
            features=() if chosen.images else feature_names(chosen.table, chosen.features),
            image_shape=chosen.images.image_shape if chosen.images else None,
            classes=chosen.target.classes,
            rows=chosen.table.rows,
        )

    def load(self, options: DatasetOptions) -> RawData:
        """Reads the file.

        Raises:
            OptionError: As `describe`.
            DataError: As `describe`; or a column of numbers holds a text, or a column of texts is an identifier.
        """
        chosen = _choose(options)
        return RawData(
            task=chosen.target.task,
            columns=read_pixels(chosen.images, chosen.table)
            if chosen.images
            else read_columns(chosen.table, chosen.features),
            target=chosen.target.values,
            target_name=chosen.target_name,
            classes=chosen.target.classes,
            weights=chosen.weights,
            groups=chosen.groups,
        )

    def find(self) -> None:
        """Returns None: where the file is stands in the spec."""
        return

    def fetch(self) -> Path:
        """Fetches nothing.

        Raises:
            DataError: Always.
        """
        raise DataError("a table is yours; there is nothing to fetch", hint="write its place as dataset.path")

    def script(self, options: DatasetOptions) -> LoadScript:
        """Writes how to read the file as it is now: what its columns hold, and whether values are missing.

        Raises:
            OptionError: As `describe`; or a script has no counterpart.
            DataError: As `describe`.
        """
        chosen = _choose(options)
        return csv_script(chosen.table, chosen.features, chosen.target_name, chosen.target.task)


def _choose(options: DatasetOptions) -> _Chosen:
    refuse(options, "csv", "arrays", "image_size", "channels", "args")
    if options.path is None:
        raise OptionError("path", "csv needs the path of a file", hint="write dataset.path")
    source = open_source(Path(options.path))
    if options.target is None:
        columns = ", ".join(source.names)
        raise OptionError("target", "csv needs the column to predict", hint=f"write dataset.target, one of: {columns}")
    name = find_column("target", options.target, source.names)
    weight = _other_column("sample_weight", options.sample_weight, source, name)
    group = _other_column("group", options.group, source, name)
    others = (name, weight, group)
    # columns that were asked for are looked up before the file is read, others once it is known what they hold
    images = options.image_columns
    asked = None if options.features is None else choose_features(options.features, source.names, *others)
    pixels = None if images is None else pixel_columns(options, source.names, *others)
    table = read_table(source.path)
    target = read_target(table, name, options.task)
    weights = None if weight is None else read_weights(table, weight)
    groups = None if group is None else read_groups(table, group)
    features = pixels or asked or choose_features(None, table.features, *others)
    return _Chosen(table, name, target, features, weights, groups, images)


def _other_column(field: str, wanted: str | None, source: Source, target: str) -> str | None:
    """Returns the column that an option names, which is not the target."""
    if wanted is None:
        return None
    name = find_column(field, wanted, source.names)
    if name == target:
        raise OptionError(field, f"'{name}' is the target", hint="choose another column, or drop it")
    return name


def feature_names(table: Table, features: tuple[str, ...]) -> tuple[str, ...]:
    """Returns what a model is told of: the columns, and of dates their parts."""
    return tuple(
        part
        for name in features
        for part in (
            dates.names(name, has_time=table.about[name].has_time)
            if table.about[name].kind is ColumnKind.DATE
            else (name,)
        )
    )


def read_columns(table: Table, features: tuple[str, ...]) -> Columns:
    """Reads columns as they are learnt from.

    Raises:
        DataError: One cannot be learnt from.
    """
    import numpy as np

    numeric: dict[str, NDArray[np.float64]] = {}
    categorical: dict[str, NDArray[np.int32]] = {}
    categories = []
    for name in features:
        check_feature(table, name)
        column = table.column(name)
        if column.kind is ColumnKind.TEXT:
            assert column.texts is not None, "texts have texts"
            categorical[name] = column.values
            categories.append(tuple(column.texts.to_list()))
        else:
            numeric |= _numbers(name, column)
    return Columns(
        numeric=np.stack([*numeric.values()], axis=1) if numeric else np.empty((table.rows, 0)),
        numeric_names=tuple(numeric),
        categorical=np.stack([*categorical.values()], axis=1)
        if categorical
        else np.empty((table.rows, 0), dtype=np.int32),
        categorical_names=tuple(categorical),
        categories=tuple(categories),
    )


def _numbers(name: str, column: Column) -> dict[str, NDArray[np.float64]]:
    """Returns the columns of numbers that a column comes to."""
    if column.kind is ColumnKind.NUMBER:
        return {name: column.values}
    parts = dates.parts(column.values, has_time=column.has_time)
    return dict(zip(dates.names(name, has_time=column.has_time), parts.T, strict=True))


def check_feature(table: Table, name: str) -> None:
    """Makes sure that a column can be learnt from.

    Raises:
        DataError: It holds what no model reads, a stray text among numbers, or texts that only tell rows apart.
    """
    about = table.about[name]
    hint = f"leave it out: exclude: ['{name}']"
    if about.fault:
        raise table.error(f"'{name}' {about.fault}", hint=f"correct it, or {hint}")
    if about.kind is not ColumnKind.TEXT:
        return
    texts = table.column(name).texts
    assert texts is not None, "texts have texts"
    if not table.source.is_typed and has_strays(as_numbers(texts, has_decimal_comma=table.source.has_decimal_comma)):
        row, text = first_text(table, name)
        what = f"'{text}' is not a finite number, as the others in '{name}' are"
        raise table.error(what, row=row, hint="correct it, or leave it empty if it is missing")
    if about.distinct > max(MOST_CATEGORIES, table.rows // 2):
        raise table.error(f"'{name}' has {about.distinct} different texts in {table.rows} rows", hint=hint)


DATASET = CsvFile()
