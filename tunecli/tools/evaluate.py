"""Evaluates a bundle on rows whose targets are known: on all of them, and group by group.

found = evaluate_file(bundle, rows, by="city")
found = evaluate_part(bundle, part)
found.document()                         # what `--json` prints
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tunecli.datasets.column import as_numbers
from tunecli.errors import UsageError
from tunecli.spec.experiment import Task
from tunecli.training.bundle import Bundle
from tunecli.training.intervals import LEVEL, RESAMPLES
from tunecli.training.manifest import Manifest
from tunecli.training.parts import Part
from tunecli.training.rows import Rows, texts_of
from tunecli.training.scoring import Scored, score
from tunecli.training.truth import read_truth
from tunecli.training.unusual import Unusual

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

MOST_VALUES = 20
"""Numbers of more different values are grouped by their quarters."""

MOST_GROUPS = 50
"""Of texts, so many groups are shown, the largest."""

_MOST_LISTED = 20

_MISSING = "(missing)"


@dataclass(frozen=True)
class Evaluated:
    """What a bundle comes to on some rows.

    Attributes:
        rows: How many.
        targets: The name of each target, and its figures.
    """

    rows: int
    targets: Sequence[tuple[str, Scored]]

    def document(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"rows": self.rows, "targets": [_target_document(name, scored) for name, scored in self.targets]}


@dataclass(frozen=True)
class Evaluation:
    """An evaluation.

    Attributes:
        task: What is predicted.
        whole: On all rows.
        by: The column that groups are made by, or "".
        groups: Each with its name.
        left_out: How many more groups there are.
        unusual: What the rows hold that those of training did not.
    """

    task: Task
    whole: Evaluated
    by: str
    groups: Sequence[tuple[str, Evaluated]]
    left_out: int
    unusual: Unusual

    def document(self) -> dict[str, Any]:
        """Returns it as JSON."""
        groups = [{"name": name, **each.document()} for name, each in self.groups]
        by = {"column": self.by, "groups": groups, "left_out": self.left_out} if self.by else None
        intervals = {"level": LEVEL, "resamples": RESAMPLES, "method": "percentile bootstrap"}
        return {"task": self.task.value, **self.whole.document(), "by": by, "intervals": intervals}


def evaluate_file(bundle: Bundle, rows: Rows, *, by: str | None = None, group: str | None = None) -> Evaluation:
    """Evaluates a bundle on the rows of a file.

    Args:
        bundle: The bundle.
        rows: With `needed_columns` beside them.
        by: The column to group by.
        group: The column of rows that belong together, for the intervals, where the file has it.

    Raises:
        DataError: The rows are damaged, or have not what the model reads or should predict; or there are none.
    """
    names = bundle.manifest.target_columns
    kept: dict[str, list[pl.Series]] = {
        name: [] for name in (*names, *([by] if by else []), *([group] if group else []))
    }
    outputs, unusual = [], Unusual(bundle.manifest.columns)
    for block in rows:
        unusual.add(block.columns)
        outputs.append(bundle.predict(block.columns))
        for name, parts in kept.items():
            if name in block.others:
                parts.append(_series(block.others[name]))
    if not outputs or not unusual.rows:
        raise rows.error("has no rows", hint="bring rows with their targets")
    joined = {name: _joined(parts) for name, parts in kept.items() if parts}
    truth = read_truth(bundle.manifest, [joined[name] for name in names], rows)
    values = None if by is None else joined[by]
    together = None if group is None or group not in joined else _codes(joined[group])
    answers = _Answers(bundle.manifest, truth, _stacked(outputs), together)
    return _evaluated(answers, values, by or "", unusual)


def evaluate_part(bundle: Bundle, part: Part, *, by: str | None = None) -> Evaluation:
    """Evaluates a bundle on a part of its study's own data.

    Args:
        bundle: The bundle.
        part: The part.
        by: A feature to group by.

    Raises:
        UsageError: There is no such feature.
    """
    require_feature(part, by)
    values = None if by is None else _feature(part, by)
    outputs, unusual = [], Unusual(bundle.manifest.columns)
    for block in part.rows:
        unusual.add(block.columns)
        outputs.append(bundle.predict(block.columns))
    answers = _Answers(bundle.manifest, part.targets, _stacked(outputs), part.groups)
    return _evaluated(answers, values, by or "", unusual)


@dataclass(frozen=True)
class _Answers:
    """What was predicted, and what is true; rows are the first axis of all."""

    manifest: Manifest
    truth: NDArray[Any]
    outputs: NDArray[np.float32]
    together: NDArray[np.int64] | None

    def of(self, rows: NDArray[np.int64]) -> _Answers:
        """Returns those of some rows."""
        together = None if self.together is None else self.together[rows]
        return _Answers(self.manifest, self.truth[rows], self.outputs[rows], together)


def _evaluated(answers: _Answers, values: pl.Series | None, by: str, unusual: Unusual) -> Evaluation:
    found = [] if values is None else groups_of(values)
    groups = [(name, _scored(answers.of(rows))) for name, rows in found[:MOST_GROUPS]]
    left_out = max(0, len(found) - MOST_GROUPS)
    return Evaluation(answers.manifest.task, _scored(answers), by, groups, left_out, unusual)


def _scored(answers: _Answers) -> Evaluated:
    """Scores each target by itself; a label is one of two classes."""
    targets, task = answers.manifest.targets, answers.manifest.task
    truth, outputs, together = answers.truth, answers.outputs, answers.together
    if task is Task.MULTICLASS:
        found = [(targets[0].name, score(task, truth, outputs, targets[0].classes, groups=together))]
        return Evaluated(len(truth), found)
    columns = truth.reshape(len(truth), -1)
    kind = Task.REGRESSION if task is Task.REGRESSION else Task.BINARY
    found = [
        (target.name, score(kind, columns[:, index], outputs[:, index], target.classes, groups=together))
        for index, target in enumerate(targets)
    ]
    return Evaluated(len(truth), found)


def groups_of(values: pl.Series) -> list[tuple[str, NDArray[np.int64]]]:
    """Returns groups of rows by the values of a column, each with its name: quarters of numbers that have many values.

    Texts come by their number of rows, numbers by size; what is missing is a group of its own.
    """
    import numpy as np
    import polars as pl

    texts = values.cast(pl.String) if values.dtype != pl.String else values
    numbers = as_numbers(values, has_decimal_comma=False) if values.dtype == pl.String else values.cast(pl.Float64)
    is_numeric = numbers.null_count() == values.null_count() and numbers.null_count() < len(values)
    missing = values.is_null().to_numpy()
    if is_numeric and numbers.n_unique() > MOST_VALUES:
        found = _quarters(numbers.to_numpy().astype(np.float64), missing)
    else:
        names = texts.fill_null(_MISSING).to_numpy()
        distinct, codes, counts = np.unique(names.astype(str), return_inverse=True, return_counts=True)
        order = sorted(range(len(distinct)), key=lambda code: -counts[code])
        if is_numeric:
            order = sorted(order, key=lambda code: _as_number(str(distinct[code])))
        return [(str(distinct[code]), np.flatnonzero(codes == code)) for code in order]
    return [*found, *([(_MISSING, np.flatnonzero(missing))] if missing.any() else [])]


def _as_number(text: str) -> float:
    return float("inf") if text == _MISSING else float(text)


def _quarters(numbers: NDArray[np.float64], missing: NDArray[np.bool_]) -> list[tuple[str, NDArray[np.int64]]]:
    import numpy as np

    edges = np.unique(np.quantile(numbers[~missing], [0, 0.25, 0.5, 0.75, 1]))
    quarter = np.clip(np.searchsorted(edges, numbers, side="left") - 1, 0, max(0, len(edges) - 2))
    names = [f"{low:.4g} … {high:.4g}" for low, high in pairwise(edges)]
    rows = [np.flatnonzero((quarter == number) & ~missing) for number in range(len(names))]
    return [(name, each) for name, each in zip(names, rows, strict=True) if len(each)]


def require_feature(part: Part, name: str | None) -> None:
    """Makes sure that rows can be grouped by a feature.

    Raises:
        UsageError: There is none of this name.
    """
    columns = part.data.columns
    known = (*columns.numeric_names, *columns.categorical_names)
    if name is None or name in known:
        return
    listed = ", ".join(known[:_MOST_LISTED]) + ", …" * (len(known) > _MOST_LISTED)
    hint = f"features: {listed}; another column is read with --data FILE" if known else "images have no columns"
    raise UsageError(f"the model has no feature '{name}'", where="--by", hint=hint)


def _feature(part: Part, name: str) -> pl.Series:
    """Returns a feature of a part's rows, null where missing."""
    import numpy as np
    import polars as pl

    columns = part.data.columns
    if name in columns.numeric_names:
        numbers = columns.numeric[part.numbers, columns.numeric_names.index(name)]
        return pl.Series(numbers, dtype=pl.Float64).fill_nan(None)
    index = columns.categorical_names.index(name)
    texts = np.array([*columns.categories[index], None], dtype=object)
    return pl.Series(texts[columns.categorical[part.numbers, index]].tolist(), dtype=pl.String)


def _target_document(name: str, scored: Scored) -> dict[str, Any]:
    figures = {
        figure: {
            "value": each.value,
            "low": None if each.interval is None else each.interval.low,
            "high": None if each.interval is None else each.interval.high,
        }
        for figure, each in scored.figures.items()
    }
    return {
        "name": name,
        "figures": figures,
        "residuals": dict(scored.residuals) or None,
        "classes": [asdict(each) for each in scored.per_class] or None,
        "confusion": scored.confusion,
    }


def _series(values: Any) -> pl.Series:
    import polars as pl

    return values if isinstance(values, pl.Series) else pl.Series(values)


def _joined(parts: Sequence[pl.Series]) -> pl.Series:
    import polars as pl

    return pl.concat(list(parts))


def _codes(values: pl.Series) -> NDArray[np.int64]:
    """Returns codes of rows that belong together; what is missing belongs together, too."""
    import numpy as np

    _, codes = np.unique(texts_of(values).fill_null(_MISSING).to_numpy().astype(str), return_inverse=True)
    return codes.astype(np.int64)


def _stacked(outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    import numpy as np

    return np.concatenate(list(outputs))
