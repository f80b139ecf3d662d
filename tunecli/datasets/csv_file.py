"""A table of the user's own, from a CSV file.

Copies of one table read alike: the case of names, quotes, a byte-order mark, line ends, the separator (`,` `;` tab `|`)
and a first column of row numbers do not matter. Columns of numbers are numeric, all others categorical.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets.base import Columns, DatasetCard, DatasetOptions, Description, LoadScript, OptionError, RawData
from tunecli.datasets.columns import choose_features, find_column, find_targets
from tunecli.datasets.csv_rows import read_groups, read_weights
from tunecli.datasets.csv_script import csv_script
from tunecli.datasets.csv_target import Target, is_number_column
from tunecli.datasets.csv_targets import read_targets
from tunecli.datasets.csv_text import MISSING, NUMBER, PADDING, Header, Table, read_header, scan
from tunecli.errors import DataError
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
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
    weights: list[float] | None
    groups: list[int] | None


class CsvFile:
    """The data set that `path` names."""

    @property
    def card(self) -> DatasetCard:
        """What a person wants to know before using it."""
        return DatasetCard(
            title="A CSV file of yours: dataset.path and dataset.target",
            shape="as the file",
            task=None,
            source="your file",
            licence="yours",
        )

    def describe(self, options: DatasetOptions) -> Description:
        """Reads the header and the target; of all other columns only how many there are.

        Raises:
            OptionError: Path or target is not given, or a column does not exist.
            DataError: The file is missing, irregular, or its target does not fit the task.
        """
        chosen = _choose(options)
        return Description(
            task=chosen.target.task,
            target=chosen.target_name,
            features=chosen.features,
            classes=chosen.target.classes,
            rows=chosen.table.rows,
            targets=chosen.target.names,
        )

    def load(self, options: DatasetOptions) -> RawData:
        """Reads the file.

        Raises:
            OptionError: As `describe`.
            DataError: As `describe`; or a column of numbers holds a text, or a column of texts is an identifier.
        """
        import numpy as np

        chosen = _choose(options)
        values, is_regression = chosen.target.values, chosen.target.task is Task.REGRESSION
        return RawData(
            task=chosen.target.task,
            columns=_read_columns(chosen.table, chosen.features),
            target=np.array(values, dtype=np.float64) if is_regression else np.array(values, dtype=np.int64),
            target_name=chosen.target_name,
            classes=chosen.target.classes,
            weights=None if chosen.weights is None else np.array(chosen.weights, dtype=np.float64),
            groups=None if chosen.groups is None else np.array(chosen.groups, dtype=np.int64),
            targets=chosen.target.names,
        )

    def find(self) -> None:
        """Returns None: where the file is stands in the spec."""
        return

    def fetch(self) -> Path:
        """Fetches nothing.

        Raises:
            DataError: Always.
        """
        raise DataError("a CSV file is yours; there is nothing to fetch", hint="write its place as dataset.path")

    def script(self, options: DatasetOptions) -> LoadScript:
        """Writes how to read the file as it is now: what its columns hold, and whether values are missing.

        Raises:
            OptionError: As `describe`.
            DataError: As `describe`.
        """
        chosen = _choose(options)
        assert isinstance(options.target, str), "a script of several targets is refused"
        return csv_script(chosen.table.header, chosen.features, chosen.target_name, chosen.target.task)


def _choose(options: DatasetOptions) -> _Chosen:
    if options.path is None:
        raise OptionError("path", "csv needs the path of a file", hint="write dataset.path")
    header = read_header(Path(options.path))
    if options.target is None:
        columns = ", ".join(header.names)
        raise OptionError("target", "csv needs the column to predict", hint=f"write dataset.target, one of: {columns}")
    names = find_targets(options.target, header.names)
    weight = _other_column("sample_weight", options.sample_weight, header, names)
    group = _other_column("group", options.group, header, names)
    others = (names, weight, group)
    # columns that were asked for are looked up before the file is read, others once it is known what they hold
    asked = None if options.features is None else choose_features(options.features, header.names, *others)
    table = scan(header, *dict.fromkeys(each for each in (*names, weight, group) if each is not None))
    target = read_targets(table, names, options.task)
    weights = None if weight is None else read_weights(table, weight)
    groups = None if group is None else read_groups(table, group)
    return _Chosen(
        table, ", ".join(names), target, asked or choose_features(None, table.features, *others), weights, groups
    )


def _other_column(field: str, wanted: str | None, header: Header, targets: tuple[str, ...]) -> str | None:
    """Returns the column that an option names, which is no target."""
    if wanted is None:
        return None
    name = find_column(field, wanted, header.names)
    if name in targets:
        raise OptionError(field, f"'{name}' is the target", hint="choose another column, or drop it")
    return name


def _read_columns(table: Table, features: tuple[str, ...]) -> Columns:
    import numpy as np

    numeric: dict[str, NDArray[np.float64]] = {}
    categorical: dict[str, tuple[NDArray[np.int32], tuple[str, ...]]] = {}
    frame = _read_texts(table, features)
    for name in features:
        numbers = _numbers(frame[name], table.header)
        if numbers is not None:
            numeric[name] = numbers
        else:
            categorical[name] = _codes(frame[name], table, name)
    return Columns(
        numeric=np.stack([*numeric.values()], axis=1) if numeric else np.empty((table.rows, 0)),
        numeric_names=tuple(numeric),
        categorical=np.stack([codes for codes, _ in categorical.values()], axis=1)
        if categorical
        else np.empty((table.rows, 0), dtype=np.int32),
        categorical_names=tuple(categorical),
        categories=tuple(texts for _, texts in categorical.values()),
    )


def _read_texts(table: Table, features: tuple[str, ...]) -> pl.DataFrame:
    """Reads the columns as texts, cleaned, null where missing."""
    import polars as pl

    header = table.header
    try:
        frame = pl.read_csv(
            header.path,
            has_header=False,
            new_columns=[f"{index}" for index in range(len(header.cells))],
            separator=header.separator,
            infer_schema=False,
            glob=False,  # a file may be called `table [1].csv`
        )
    except pl.exceptions.PolarsError as error:
        cause = str(error).splitlines()[0]
        raise header.error(f"cannot be read: {cause}", hint="look for stray quotes, or save it anew as CSV") from error
    skipped = pl.Series([0, *table.blank])
    filled = frame.with_row_index("row").filter(~pl.col("row").is_in(skipped.implode()))
    if len(filled) != table.rows:
        raise header.error("has unusual line ends or quotes", hint="save it anew as CSV")
    cleaned = [
        pl.col(str(header.cells.index(name))).fill_null("").str.strip_chars(PADDING).alias(name) for name in features
    ]
    is_missing = pl.all().str.to_lowercase().is_in(list(MISSING))
    return filled.select(cleaned).select(pl.when(~is_missing).then(pl.all()))


def _numbers(texts: pl.Series, header: Header) -> NDArray[np.float64] | None:
    """Returns a column of numbers, NaN where missing; None if a text is no number."""
    import polars as pl

    plain = texts.str.replace(",", ".", literal=True) if header.has_decimal_comma else texts
    if not plain.str.contains(f"^(?:{NUMBER})$").all():
        return None
    # a plus sign is the one thing in our numbers that polars does not read
    return plain.str.strip_prefix("+").cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _codes(texts: pl.Series, table: Table, name: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Returns the codes of a column of texts, -1 where missing, and the sorted texts that they stand for."""
    import polars as pl

    distinct = tuple(sorted(texts.drop_nulls().unique().to_list()))
    numbers = {text: table.header.number(text) for text in distinct}
    if is_number_column(numbers):
        row = next(row for row, text in enumerate(texts) if text is not None and numbers[text] is None)
        raise table.header.error(
            f"'{texts[row]}' is not a finite number, as the others in '{name}' are",
            line=table.line(row),
            hint="correct it, or leave it empty if it is missing",
        )
    if len(distinct) > max(MOST_CATEGORIES, table.rows // 2):
        raise table.header.error(
            f"'{name}' has {len(distinct)} different texts in {table.rows} rows",
            hint="leave it out: list the other columns as dataset.features",
        )
    codes = texts.replace_strict(distinct, range(len(distinct)), default=-1, return_dtype=pl.Int32)
    return codes.to_numpy(), distinct


DATASET = CsvFile()
