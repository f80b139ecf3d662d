"""Trials as a table, one row each, or one row an epoch: CSV and Parquet.

Hyperparameters are the columns `values.<name>`, metrics at the best epoch `metrics.<name>`: no name of a user's hides a
column of the table. A list is JSON text. Moments are UTC.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.reports.formulas import guarded
from tunecli.reports.plain_values import Form, PlainValues
from tunecli.reports.study_data import StudyData
from tunecli.reports.trial_exports.base import Target
from tunecli.reports.trial_exports.epochs import own_epochs
from tunecli.spec.space import Value
from tunecli.store.files import write_new
from tunecli.store.run import Run
from tunecli.study.trial import Measurement, Trial

if TYPE_CHECKING:
    import polars as pl

MOST_INT = 2**63
"""Larger whole numbers do not fit a column of numbers, and become text."""

MOMENT = "%Y-%m-%dT%H:%M:%S%.3fZ"


def trials_table(study: StudyData) -> pl.DataFrame:
    """Returns a row a trial, in the order of asking; null is what is not known (yet)."""
    import polars as pl

    trials = list(study.snapshot.trials.values())
    ranks = {trial.id: rank for rank, trial in enumerate(study.snapshot.completed, start=1)}

    def of(name: str, dtype: Any, get: Callable[[Trial], Any]) -> pl.Series:
        return pl.Series(name, [get(trial) for trial in trials], dtype=dtype)

    def outcome(name: str, dtype: Any) -> pl.Series:
        return of(name, dtype, lambda trial: None if trial.outcome is None else getattr(trial.outcome, name))

    columns = [
        of("id", pl.Int64, lambda trial: trial.id),
        of("status", pl.String, lambda trial: trial.status.value),
        of("rank", pl.Int64, lambda trial: ranks.get(trial.id)),
        outcome("score", pl.Float64),
        outcome("score_sd", pl.Float64),
        outcome("best_epoch", pl.Int64),
        outcome("epochs_run", pl.Int64),
        outcome("duration_s", pl.Float64),
        _moments("asked_at", [trial.asked_at for trial in trials]),
        _moments("started_at", [trial.started_at for trial in trials]),
        _moments("ended_at", [trial.ended_at for trial in trials]),
        of("slot", pl.Int64, lambda trial: trial.slot),
        of("engine", pl.String, lambda trial: trial.engine),
        of("attempts", pl.Int64, lambda trial: trial.attempts),
        of("parent", pl.Int64, lambda trial: trial.suggestion.parent),
        of("start_epoch", pl.Int64, lambda trial: trial.suggestion.start_epoch),
        of("end_epoch", pl.Int64, lambda trial: trial.suggestion.end_epoch),
        of("cause", pl.String, lambda trial: (trial.outcome and trial.outcome.cause) or None),
        of("stopped", pl.String, lambda trial: (trial.outcome and trial.outcome.stopped) or None),
    ]
    for name, plain in _searched(study).items():
        given = [trial.suggestion.values.get(name, _ABSENT) for trial in trials]
        columns.append(_values(f"values.{name}", plain, given))
    metrics = [trial.outcome.metrics if trial.outcome else {} for trial in trials]
    columns += _metrics(metrics, first=study.objective.metric)
    return pl.DataFrame(columns)


def epochs_table(study: StudyData) -> pl.DataFrame:
    """Returns a row for each epoch that was trained, by trial and training; a metric that is not finite stays so.

    An epoch of a trial that others went on from stands once, as that trial's.
    """
    import polars as pl

    rows = [
        (trial.id, training, measurement)
        for trial in study.snapshot.trials.values()
        for training, measured in own_epochs(study, trial).items()
        for measurement in measured
    ]

    def of(name: str, dtype: Any, get: Callable[[int, int | None, Measurement], Any]) -> pl.Series:
        return pl.Series(name, [get(*row) for row in rows], dtype=dtype)

    columns = [
        of("id", pl.Int64, lambda trial, training, measurement: trial),
        of("training", pl.Int64, lambda trial, training, measurement: training),
        of("epoch", pl.Int64, lambda trial, training, measurement: measurement.epoch),
        of("duration_s", pl.Float64, lambda trial, training, measurement: measurement.duration_s),
    ]
    return pl.DataFrame([*columns, *_metrics([row[2].metrics for row in rows], first=study.objective.metric)])


@dataclass(frozen=True)
class Csv:
    """Comma-separated values, UTF-8."""

    name = "csv"
    target = Target.TEXT
    ending = ".csv"
    has_epochs = True
    package = None

    def write(self, study: StudyData, run: Run, path: Path, *, by_epoch: bool) -> list[str]:
        """Writes the table; a text that a spreadsheet would take for a formula is put behind an apostrophe."""
        import polars as pl

        table = epochs_table(study) if by_epoch else trials_table(study)
        columns, changed = [], 0
        for column in table:
            harmless, count = guarded(column) if column.dtype == pl.String else (column, 0)
            columns.append(harmless)
            changed += count
        write_new(path, pl.DataFrame(columns).write_csv(datetime_format=MOMENT).encode())
        return [f"texts that begin like a formula, and were put behind an apostrophe: {changed:,}"] if changed else []

    def usage(self, study: StudyData, path: Path) -> str:
        """Returns how it is opened."""
        return f"polars.read_csv({str(path)!r}), or any spreadsheet"


@dataclass(frozen=True)
class Parquet:
    """The same table, with its types."""

    name = "parquet"
    target = Target.FILE
    ending = ".parquet"
    has_epochs = True
    package = None

    def write(self, study: StudyData, run: Run, path: Path, *, by_epoch: bool) -> list[str]:
        """Writes the table."""
        content = io.BytesIO()
        (epochs_table(study) if by_epoch else trials_table(study)).write_parquet(content)
        write_new(path, content.getvalue())
        return []

    def usage(self, study: StudyData, path: Path) -> str:
        """Returns how it is opened."""
        return f"polars.read_parquet({str(path)!r})"


CSV, PARQUET = Csv(), Parquet()

_ABSENT: Any = object()
"""Stands for a hyperparameter that a trial does not have, which null may be a value of."""


def _searched(study: StudyData) -> dict[str, PlainValues]:
    """Returns the form of each searched hyperparameter, by name."""
    return {parameter.name: PlainValues.of(parameter) for parameter in study.space}


def _values(name: str, plain: PlainValues, given: Sequence[Value]) -> pl.Series:
    import polars as pl

    dtypes = {Form.BOOL: pl.Boolean, Form.INT: pl.Int64, Form.FLOAT: pl.Float64}
    values = [None if value is _ABSENT else plain(value) for value in given]
    if plain.form is Form.INT and any(isinstance(each, int) and abs(each) >= MOST_INT for each in values):
        return pl.Series(name, [None if each is None else str(each) for each in values], dtype=pl.String)
    return pl.Series(name, values, dtype=dtypes.get(plain.form, pl.String))


def _moments(name: str, seconds: Sequence[float | None]) -> pl.Series:
    import polars as pl

    whole = [None if each is None else round(each * 1000) for each in seconds]
    return pl.Series(name, whole, dtype=pl.Int64).cast(pl.Datetime("ms", "UTC"))


def _metrics(rows: Sequence[dict[str, float]], *, first: str) -> list[pl.Series]:
    """Returns a column for each metric that any row has, that which decides first."""
    import polars as pl

    names = dict.fromkeys(name for row in rows for name in row)
    ordered = [name for name in names if name == first] + [name for name in names if name != first]
    return [pl.Series(f"metrics.{name}", [row.get(name) for row in rows], dtype=pl.Float64) for name in ordered]
