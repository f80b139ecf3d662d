"""The column to predict: what kind of task it asks for, and its values.

Where the spec names no task it is taken from the values:

* texts are classes: two of them are a binary task, more a multiclass one;
* whole numbers are classes if there are two of them; or at most 20, and either each stands in 20 rows on average, or
  they count from 0 or 1 without a gap, as codes do, and each stands in 3 rows on average;
* all else is regression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunecli.datasets.csv_text import Table
from tunecli.errors import DataError
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_CLASSES = 20
"""More whole numbers than these are quantities, not codes."""


@dataclass(frozen=True)
class Target:
    """What is predicted.

    Attributes:
        task: What kind of task it is.
        values: Numbers for regression, else class codes; of several columns, an array with a value for each in a row.
        classes: The classes' names in the order of their codes: numbers by size, texts by letters; () where there are
            none.
        names: The columns, where `values` has several; else ().
    """

    task: Task
    values: Sequence[float] | NDArray[Any]
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def read_target(table: Table, name: str, task: Task | None) -> Target:
    """Reads the column `name`, whose texts the table has kept.

    Args:
        table: The file.
        name: The column.
        task: What the spec says is predicted; None to infer it.

    Raises:
        DataError: Values are missing, all the same, or do not fit the task.
    """
    texts = present(table, name)
    numbers = {text: table.header.number(text) for text in set(texts)}
    values = {text: number for text, number in numbers.items() if number is not None}
    is_numeric = len(values) == len(numbers)
    if len(set(values.values()) if is_numeric else numbers) == 1:
        raise table.header.error(
            f"the target '{name}' is {texts[0]} in every row", hint="choose another target, or other rows"
        )
    if task is None:
        task = _infer(values, len(texts)) if is_numeric else _infer_from_texts(table, name, numbers)
    if task is not Task.REGRESSION:
        return _classes(table, name, task, values if is_numeric else None)
    if not is_numeric:
        raise _stray_text(table, name, numbers)
    return Target(task, [values[text] for text in texts])


def is_number_column(numbers: Mapping[str, float | None]) -> bool:
    """Says whether texts, by the number that each is, are a measure in which those that are none must be mistakes."""
    found = sum(number is not None for number in numbers.values())
    return found > MOST_CLASSES and found > 0.9 * len(numbers)


def present(table: Table, name: str) -> list[str]:
    """Returns the texts of a target.

    Raises:
        DataError: One is missing.
    """
    texts = table.texts[name]
    missing = [row for row, text in enumerate(texts) if text is None]
    if missing:
        rows = "1 row" if len(missing) == 1 else f"{len(missing)} rows"
        raise table.header.error(
            f"the target '{name}' is missing in {rows}, here first", line=table.line(missing[0]), hint="delete them"
        )
    return [text for text in texts if text is not None]


def _infer(values: Mapping[str, float], rows: int) -> Task:
    distinct = sorted(set(values.values()))
    if any(value % 1 for value in distinct) or len(distinct) > MOST_CLASSES:
        return Task.REGRESSION
    if len(distinct) == 2:
        return Task.BINARY
    is_counted = distinct[0] in (0, 1) and distinct[-1] - distinct[0] == len(distinct) - 1
    return Task.MULTICLASS if rows >= (3 if is_counted else 20) * len(distinct) else Task.REGRESSION


def _infer_from_texts(table: Table, name: str, numbers: Mapping[str, float | None]) -> Task:
    if is_number_column(numbers):
        raise _stray_text(table, name, numbers)
    if len(numbers) > max(MOST_CLASSES, table.rows // 2):
        raise table.header.error(
            f"the target '{name}' has {len(numbers)} different texts in {table.rows} rows",
            hint="choose a target whose values repeat, or write task: multiclass",
        )
    return Task.BINARY if len(numbers) == 2 else Task.MULTICLASS


def _stray_text(table: Table, name: str, numbers: Mapping[str, float | None]) -> DataError:
    texts = table.texts[name]
    row = next(row for row, text in enumerate(texts) if text is not None and numbers[text] is None)
    return table.header.error(
        f"'{texts[row]}' is not a number; the target '{name}' must be one for regression",
        line=table.line(row),
        hint="correct the value or delete the row; for classes write task: multiclass",
    )


def _classes(table: Table, name: str, task: Task, values: Mapping[str, float] | None) -> Target:
    """Returns class codes; `values` are the numbers that the texts stand for, or None."""
    texts = [text for text in table.texts[name] if text is not None]
    if values is None:
        names = {text: text for text in sorted(set(texts))}
    else:
        # 1 and 1.0 are one class
        ordered = sorted(values, key=lambda text: values[text])
        names = {text: f"{values[text]:.0f}" if values[text] % 1 == 0 else repr(values[text]) for text in ordered}
    classes = tuple(dict.fromkeys(names.values()))
    if task is Task.BINARY and len(classes) != 2:
        raise table.header.error(
            f"the target '{name}' has {len(classes)} classes; a binary task has two", hint="write task: multiclass"
        )
    codes = {each: code for code, each in enumerate(classes)}
    return Target(task, [codes[names[text]] for text in texts], classes)
