"""Predicts rows with a bundle, block by block, as CSV.

    predictions = Predictions(bundle, proba=True, id_column="id")
    for text in predictions.csv(rows): file.write(text)      # the header first, then block after block
    predictions.unusual                                      # what rows hold that those of training did not

A text that a spreadsheet would take for a formula has an apostrophe put before it (`reports.formulas`): only ids, their
header and the names of classes are texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tunecli.errors import UsageError
from tunecli.reports.formulas import guarded
from tunecli.reports.text import printable
from tunecli.spec.experiment import Task
from tunecli.training.bundle import Bundle
from tunecli.training.rows import Block, Rows, texts_of
from tunecli.training.unusual import Unusual

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

PREDICTION, PROBABILITY = "prediction", "probability"

_CERTAIN = 0.5
"""A label with a higher probability is predicted, and so is the second of two classes."""


class Predictions:
    """The table of what a bundle predicts.

    Args:
        bundle: Who predicts.
        proba: Whether the probability of each class has a column.
        id_column: The column of the rows to be put in front, or None.

    Raises:
        UsageError: Probabilities are asked for where there are none, or two columns would be called alike.
    """

    def __init__(self, bundle: Bundle, *, proba: bool = False, id_column: str | None = None) -> None:
        manifest = bundle.manifest
        if proba and manifest.task is Task.REGRESSION:
            hint = "leave it out"
            raise UsageError("the model predicts numbers, which have no probabilities", where="--proba", hint=hint)
        self.rows = 0
        self.guarded = 0
        self.unusual = Unusual(manifest.columns)
        self._bundle = bundle
        self._proba = proba
        self._id = id_column
        names = self._names()
        if id_column in names[1:]:
            hint = "rename it in the data"
            raise UsageError(f"'{id_column}' is what a column of predictions is called", where="--id", hint=hint)

    def csv(self, rows: Rows) -> Iterator[str]:
        """Yields the lines of the table, several at a time; the header comes first, whether there are rows or not.

        Nothing comes before the first rows are predicted, since until then most can go wrong.

        Raises:
            DataError: The rows are damaged, or are not what the model reads.
            UsageError: The model cannot be loaded.
        """
        import polars as pl

        names = pl.Series(self._names())
        header = _lines([self._guarded(names[index : index + 1]) for index in range(len(names))])
        for block in rows:
            self.unusual.add(block.columns)
            series = [*self._ids(block), *self._predicted(self._bundle.predict(block.columns))]
            yield header + _lines([each if each.dtype != pl.String else self._guarded(each) for each in series])
            self.rows += block.rows
            header = ""
        if header:
            yield header

    def _names(self) -> list[str]:
        """Returns the names of the columns, in the order of `_ids` and `_predicted`."""
        manifest = self._bundle.manifest
        ids = [] if self._id is None else [self._id]
        if manifest.task.has_classes:
            of_classes = [f"{PROBABILITY}_{each}" for each in manifest.targets[0].classes]
            return [*ids, PREDICTION, *(of_classes if self._proba else [])]
        targets = [each.name for each in manifest.targets]
        if len(targets) == 1:
            return [*ids, PREDICTION, *([PROBABILITY] if self._proba else [])]
        named = [PREDICTION, PROBABILITY][: 1 + self._proba]
        return [*ids, *(f"{kind}_{target}" for kind in named for target in targets)]

    def _ids(self, block: Block) -> list[pl.Series]:
        return [] if self._id is None else [texts_of(block.others[self._id])]

    def _predicted(self, outputs: NDArray[np.float32]) -> list[pl.Series]:
        import polars as pl

        manifest = self._bundle.manifest
        if manifest.task is Task.REGRESSION:
            return [pl.Series(column) for column in outputs.T]
        if not manifest.task.has_classes:
            labels = [pl.Series((column > _CERTAIN).astype("int8")) for column in outputs.T]
            return [*labels, *(map(pl.Series, outputs.T) if self._proba else [])]
        of_classes = probabilities(outputs)
        classes = pl.Series(manifest.targets[0].classes, dtype=pl.String)
        predicted = classes.gather(of_classes.argmax(axis=1))
        return [predicted, *(map(pl.Series, of_classes.T) if self._proba else [])]

    def _guarded(self, texts: pl.Series) -> pl.Series:
        harmless, changed = guarded(texts)
        self.guarded += changed
        return harmless


def probabilities(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the probability of each class, `(rows, classes)`, from what a bundle predicts for classes."""
    import numpy as np

    return np.concatenate([1 - outputs, outputs], axis=1) if outputs.shape[1] == 1 else outputs


def unusual_lines(unusual: Unusual, most: int = 20) -> list[str]:
    """Returns for people what was found, a line for each column, no more than `most` of them."""
    found = unusual.columns
    if not found:
        return []
    lines = [f"{unusual.unusual_rows:,} of {unusual.rows:,} rows have missing, unseen or out-of-range values:"]
    for counts in found[:most]:
        schema, parts = counts.schema, []
        if counts.unseen:
            parts.append(f"{counts.unseen:,} unseen, such as '{printable(counts.example)}'")
        if counts.outside:
            limits = "where training had none" if schema.min is None else f"outside {schema.min:g} … {schema.max:g}"
            parts.append(f"{counts.outside:,} {limits}")
        if counts.missing:
            parts.append(f"{counts.missing:,} missing" + ("" if schema.has_missing else ", as none was in training"))
        lines.append(f"  {printable(schema.name)}: {'; '.join(parts)}")
    lines += [f"  … and {len(found) - most} more columns"] * (len(found) > most)
    return lines


def _lines(columns: Sequence[pl.Series]) -> str:
    import polars as pl

    frame = pl.DataFrame([series.alias(f"{index}") for index, series in enumerate(columns)])
    return frame.write_csv(include_header=False, line_terminator="\n")
