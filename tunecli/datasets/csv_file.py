"""A table of the user's own, from a file: CSV, Parquet or Feather.

Copies of one table read alike: the case of names, quotes, a byte-order mark, line ends, the separator (`,` `;` tab `|`)
and a first column of row numbers do not matter. Columns of numbers are numeric, dates become numbers, all others are
categorical.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets import dates
from tunecli.datasets.base import Columns, DatasetOptions, Description, LoadScript, OptionError, RawData
from tunecli.datasets.column import Column, ColumnKind, as_numbers, has_strays
from tunecli.datasets.columns import (
    choose_features,
    find_column,
    find_columns,
    find_targets,
    is_pattern,
    of_types,
    refuse,
)
from tunecli.datasets.csv_rows import first_text, read_groups, read_times, read_weights
from tunecli.datasets.csv_script import csv_script
from tunecli.datasets.csv_target import Target
from tunecli.datasets.csv_targets import read_targets
from tunecli.datasets.formats import Source, open_source
from tunecli.datasets.image_columns import pixel_columns, pixel_notes, read_pixels
from tunecli.datasets.joined import join
from tunecli.datasets.own import OwnData
from tunecli.datasets.table import Table, read_table
from tunecli.spec.own_data import ImageColumnsSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PATHS = ("path", "validation_path", "test_path")
"""The options that name files, in the order of their rows."""

MOST_CATEGORIES = 1000
"""With more texts than these, and more than half as many as rows, a column identifies rows and predicts nothing."""

MOST_ENCODED_BYTES = 4_000_000_000
"""What the features of one column of texts may take, those of all rows together."""

PROSE_LENGTH = 25
"""Characters on average from which texts, more than half as many as rows, are written by people and not categories."""

_LEAST_ROWS_OF_PROSE = 20
"""Fewer rows say nothing of whether texts repeat."""


@dataclass(frozen=True)
class _Chosen:
    """What the options come to for one file."""

    table: Table
    target_name: str
    target: Target
    features: tuple[str, ...]
    weights: NDArray[np.float64] | None
    groups: NDArray[np.int64] | None
    times: NDArray[np.float64] | None
    own_validation_rows: int
    own_test_rows: int
    images: ImageColumnsSpec | None

    @property
    def own_rows(self) -> int:
        """How many rows are in files of their own."""
        return self.own_validation_rows + self.own_test_rows


class CsvFile(OwnData):
    """The data set that `path` names."""

    title = "A table of yours, CSV, Parquet or Feather: dataset.path and dataset.target"
    shape = "as the file"

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
            rows=chosen.table.rows - chosen.own_rows,
            has_own_test=chosen.own_test_rows > 0,
            own_validation_rows=chosen.own_validation_rows,
            targets=chosen.target.names,
            notes=pixel_notes(options, chosen.table) if chosen.images else _notes(chosen.table, chosen.features),
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
            times=chosen.times,
            own_validation_rows=chosen.own_validation_rows,
            own_test_rows=chosen.own_test_rows,
            targets=chosen.target.names,
        )

    def script(self, options: DatasetOptions) -> LoadScript:
        """Writes how to read the file as it is now: what its columns hold, and whether values are missing.

        Raises:
            OptionError: As `describe`; or a script has no counterpart.
            DataError: As `describe`.
        """
        chosen = _choose(options)
        assert isinstance(options.target, str), "a script of several targets is refused"
        return csv_script(chosen.table, chosen.features, chosen.target_name, chosen.target.task)


def _choose(options: DatasetOptions) -> _Chosen:
    refuse(options, "csv", "arrays", "image_size", "channels", "args")
    if options.path is None:
        raise OptionError("path", "csv needs the path of a file", hint="write dataset.path")
    source = open_source(Path(options.path))
    if options.target is None:
        columns = ", ".join(source.names)
        raise OptionError("target", "csv needs the column to predict", hint=f"write dataset.target, one of: {columns}")
    names = find_targets(options.target, source.names)
    weight = _other_column("sample_weight", options.sample_weight, source, names)
    group = _other_column("group", options.group, source, names)
    time = _other_column("time", options.time, source, names)
    others = (names, weight, group)
    exclude = find_columns("exclude", options.exclude or (), source.names)
    # columns that were asked for are looked up before the file is read, others once it is known what they hold
    if options.image_columns is not None:
        pixel_columns(options, source.names, *names, weight, group, time)
    if options.features is not None:
        choose_features(options.features, source.names, *others, exclude=exclude)
    tables = {field: read_table(Path(path)) for field in _PATHS if (path := getattr(options, field)) is not None}
    table = join([*tables.values()])
    target = read_targets(table, names, options.task)
    name = ", ".join(names)
    own_validation, own_test = (tables[field].rows if field in tables else 0 for field in _PATHS[1:])
    _check_classes(table, name, target, tables["path"].rows)
    weights = None if weight is None else read_weights(table, weight)
    groups = None if group is None else read_groups(table, group)
    features = _features(table, options, others, exclude)
    check_features(table, features)
    times = None if time is None else read_times(table, time)
    return _Chosen(
        table, name, target, features, weights, groups, times, own_validation, own_test, options.image_columns
    )


def _check_classes(table: Table, name: str, target: Target, rows: int) -> None:
    """Makes sure that every class is in the file that is trained on.

    Raises:
        DataError: One is not.
    """
    import numpy as np

    if not target.classes or rows == table.rows:
        return
    unknown = ~np.isin(target.values, target.values[:rows])
    if unknown.any():
        row = int(unknown.argmax())
        what = f"the target '{name}' is {target.classes[target.values[row]]}, as in no row of {table.source.path.name}"
        raise table.error(what, row=row, hint="bring rows of this class to train on, or delete the row")


def _features(
    table: Table,
    options: DatasetOptions,
    others: tuple[tuple[str, ...], str | None, str | None],
    exclude: tuple[str, ...],
) -> tuple[str, ...]:
    """Returns the columns to learn from."""
    if options.image_columns is not None:
        targets, *rows = others
        return pixel_columns(options, table.names, *targets, *rows)
    columns = table.features if options.features is None else table.names
    chosen = choose_features(options.features, columns, *others, exclude=[each for each in exclude if each in columns])
    plain = [each for each in options.features or () if each in columns or not is_pattern(each)]
    named = [find_column("features", each, columns) for each in plain]
    return of_types(chosen, {each: table.about[each].kind for each in chosen}, options.types, named)


def _other_column(field: str, wanted: str | None, source: Source, targets: tuple[str, ...]) -> str | None:
    """Returns the column that an option names, which is no target."""
    if wanted is None:
        return None
    name = find_column(field, wanted, source.names)
    if name in targets:
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
    """Reads columns as they are learnt from, which all can be."""
    import numpy as np

    numeric: dict[str, NDArray[np.float64]] = {}
    day_first: dict[str, bool] = {}
    categorical: dict[str, NDArray[np.int32]] = {}
    categories = []
    for name in features:
        column = table.column(name)
        if column.kind is ColumnKind.TEXT:
            assert column.texts is not None, "texts have texts"
            categorical[name] = column.values
            categories.append(tuple(column.texts.to_list()))
        else:
            found = _numbers(name, column)
            numeric |= found
            if column.day_first is not None:
                day_first |= dict.fromkeys(found, column.day_first)
    return Columns(
        numeric=np.stack([*numeric.values()], axis=1) if numeric else np.empty((table.rows, 0)),
        numeric_names=tuple(numeric),
        categorical=np.stack([*categorical.values()], axis=1)
        if categorical
        else np.empty((table.rows, 0), dtype=np.int32),
        categorical_names=tuple(categorical),
        categories=tuple(categories),
        day_first=day_first,
    )


def _numbers(name: str, column: Column) -> dict[str, NDArray[np.float64]]:
    """Returns the columns of numbers that a column comes to."""
    if column.kind is ColumnKind.NUMBER:
        return {name: column.values}
    parts = dates.parts(column.values, has_time=column.has_time)
    return dict(zip(dates.names(name, has_time=column.has_time), parts.T, strict=True))


def check_features(table: Table, features: tuple[str, ...]) -> None:
    """Makes sure that columns can be learnt from.

    Raises:
        DataError: One holds what no model reads, a stray text among numbers, texts that only tell rows apart, or prose.
    """
    faults = {name: fault for name in features if (fault := _fault(table, name))}
    if not faults:
        return
    others = f" and {len(faults) - 1} more like it" if len(faults) > 1 else ""
    listed = ", ".join(name if re.fullmatch(r"[A-Za-z_]\w*", name) else repr(name) for name in faults)
    first = next(iter(faults.values()))
    raise table.error(f"{first}{others}", hint=f"leave {'it' if len(faults) == 1 else 'them'} out: exclude: [{listed}]")


def _fault(table: Table, name: str) -> str:
    """Says why a column cannot be learnt from; "" if it can.

    Raises:
        DataError: It holds numbers, and a stray text.
    """
    about = table.about[name]
    if about.fault:
        return f"'{name}' {about.fault}"
    if about.kind is not ColumnKind.TEXT:
        return ""
    texts = table.column(name).texts
    assert texts is not None, "texts have texts"
    if not table.source.is_typed and has_strays(as_numbers(texts, has_decimal_comma=table.source.has_decimal_comma)):
        row, text = first_text(table, name)
        what = f"'{text}' is not a finite number, as the others in '{name}' are"
        raise table.error(what, row=row, hint="correct it, or leave it empty if it is missing")
    many = f"{about.distinct} different texts"
    if (
        about.mean_length >= PROSE_LENGTH
        and about.distinct > table.rows // 2
        and about.distinct >= _LEAST_ROWS_OF_PROSE
    ):
        return (
            f"'{name}' holds prose, which no model here reads: {many} of {about.mean_length:.0f} characters on average"
        )
    if about.distinct > max(MOST_CATEGORIES, table.rows // 2):
        return f"'{name}' has {many} in {table.rows} rows"
    encoded_bytes = 4 * about.distinct * table.rows
    if encoded_bytes > MOST_ENCODED_BYTES:
        return f"'{name}' has {many}, which with a feature each take {encoded_bytes / 1e9:.0f} GB"
    return ""


def _notes(table: Table, features: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{name} holds dates, learnt from as {', '.join(dates.names(name, has_time=table.about[name].has_time))}"
        for name in features
        if table.about[name].kind is ColumnKind.DATE
    )


DATASET = CsvFile()
