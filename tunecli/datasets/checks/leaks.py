"""Features that give the target away: a copy of it, a measure of it, or something that is known only after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tunecli.datasets.checks.view import FEWEST_ROWS, View, in_yaml, named, quoted
from tunecli.spec.experiment import Task
from tunecli.study.check import Finding, Severity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

NEARLY_ONE = 0.999
"""A correlation, in size, of a feature that is the target in other units."""

NEARLY_ALL = 0.995
"""The share of the target that a feature explains alone: of the variance, or of the errors of the commonest class."""

_FEWEST_HELD = 100
"""Numbers that grow with the target must show it on so many rows: on few, a good feature may be perfect."""

_RANKED = 2_000
"""So many rows are put in order."""

_CODES = 20
"""A column of no more different whole numbers holds codes rather than measures."""

_FEWEST_MINORITY = 5
"""Rows that are not of the commonest class; to be right on fewer may be chance."""

_WORDS = {
    "equal": "{} {}",
    "linear": "{} {} in other units, or nearly",
    "ordered": "{} rows in the order of {}",
    "alone": "alone {} {}",
}
"""By how the target is given away, what a message says."""

_VERBS = {
    "equal": ("equals", "equal"),
    "linear": ("is", "are"),
    "ordered": ("puts", "put"),
    "alone": ("predicts", "predict"),
}


def target_leak(view: View) -> Iterator[Finding]:
    """Finds features that equal a target, are a function of it, or predict it alone."""
    if not view.width or len(view.sample) < FEWEST_ROWS:
        return
    targets = view.train_target[view.sample].astype(float)
    if view.has_one_target:
        yield from _leaks(view, targets, "the target")
        return
    for name, target in zip(view.target_names, targets.T, strict=True):
        yield from _leaks(view, target, f"the target {quoted(name)}")


def _leaks(view: View, target: Numbers, what: str) -> Iterator[Finding]:
    """Finds the features that give one target away."""
    if target.min() == target.max():
        return
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, column in zip(view.columns.numeric_names, view.numeric, strict=True):
        if how := _numeric_leak(column, target, view.task, is_only=view.width == 1):
            found[how[0]].append((name, how[1]))
    for name, codes in zip(view.columns.categorical_names, view.categorical, strict=True):
        if note := _predicts_alone(codes.astype(float), target, view.task, is_code=True):
            found["alone"].append((name, note))
    yield from (_finding(view, kind, hits, what) for kind, hits in found.items())


def _finding(view: View, how: str, hits: list[tuple[str, str]], target: str) -> Finding:
    columns = tuple(name for name, _ in hits)
    verb = _VERBS[how][len(columns) > 1]
    groups = [name for name in columns if name in view.columns.categorical_names]
    phrase, notes = _WORDS[how].format(verb, target), [note for _, note in hits if note]
    return Finding(
        kind="target_leak",
        severity=Severity.WARNING,
        what=f"{named(columns)} {phrase}: {notes[0]}" if len(notes) == 1 else f"{named(columns, notes)} {phrase}",
        hint=f"if rows of one belong together, write group: {in_yaml(groups[0])} instead" if groups else "",
        field="features",
        columns=columns,
        figures={"columns": len(columns)},
    )


def _numeric_leak(column: Numbers, target: Numbers, task: Task, *, is_only: bool) -> tuple[str, str] | None:
    """Returns how a column of numbers gives the target away, and a figure; None if it does not."""
    import numpy as np

    known = np.isfinite(column)
    x, y = column[known], target[known]
    is_known = len(x) >= max(FEWEST_ROWS, len(column) // 2) and x.min() != x.max() and y.min() != y.max()
    if is_known and np.array_equal(x, y):
        return "equal", ""
    if is_only:  # what else should tell the target
        return None
    if is_known and task is Task.REGRESSION:
        ordered, linear = _correlation(_ranks(x[:_RANKED]), _ranks(y[:_RANKED])), _correlation(x, y)
        if linear >= NEARLY_ONE and ordered >= NEARLY_ALL:  # one far value makes columns that share it correlate
            return "linear", f"correlation {_cut(linear)}"
        if ordered >= NEARLY_ONE:
            return "ordered", f"rank correlation {_cut(ordered)}"
    note = _predicts_alone(_filled(column), target, task, is_code=False)
    return ("alone", note) if note else None


def _filled(column: Numbers) -> Numbers:
    """Returns a column whose missing values are a value of their own: that one is missing may tell the target."""
    import numpy as np

    known = column[np.isfinite(column)]
    beyond = 2 * known.max() - known.min() + 1 if len(known) else 0.0
    return np.where(np.isnan(column), beyond, column)


def _predicts_alone(column: Numbers, target: Numbers, task: Task, *, is_code: bool) -> str | None:
    """Returns how well a column predicts the target by itself on rows that are held out, if nearly without a fault.

    Each held-out row gets the target of the row with the nearest value among the others (of equal ones, the median),
    as a tree of one feature that is grown to its leaves would give it; a code that is not there is passed over.

    Args:
        column: The sampled rows' values, in random order.
        target: Their targets.
        task: What is predicted.
        is_code: Near is no nearer than far.
    """
    import numpy as np

    half = len(column) // 2
    values, typical = _typical_targets(column[:half], target[:half])
    is_code = is_code or (len(values) <= _CODES and bool(np.all(values == np.floor(values))))
    right = np.minimum(np.searchsorted(values, column[half:]), len(values) - 1)
    if is_code:
        hit = values[right] == column[half:]
        nearest, actual = right[hit], target[half:][hit]
    else:
        left, actual = np.maximum(right - 1, 0), target[half:]
        nearest = np.where(values[right] - column[half:] <= column[half:] - values[left], right, left)
    if len(actual) < (FEWEST_ROWS if is_code else _FEWEST_HELD):
        return None
    judge = _of_numbers if task is Task.REGRESSION else _of_classes
    return judge(typical[nearest], actual)


def _typical_targets(column: Numbers, target: Numbers) -> tuple[Numbers, Numbers]:
    """Returns the different values of a column, ascending, and the median of the targets at each.

    The median of class codes is the code of the class that has more than half of the rows, where there is one.
    """
    import numpy as np

    order = np.lexsort((target, column))
    ordered = column[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ends = np.append(starts[1:], len(ordered))
    return ordered[starts], target[order][(starts + ends - 1) // 2]


def _of_numbers(predicted: Numbers, actual: Numbers) -> str | None:
    """Judges predictions by their squared errors against those of the mean."""
    import numpy as np

    errors, spread = np.abs(predicted - actual), np.abs(actual - np.median(actual))
    total = float(np.sum((actual - actual.mean()) ** 2))
    if not total or np.median(errors) > 0.1 * np.median(spread):  # right on a few far values alone
        return None
    r2 = 1.0 - float(np.sum(errors**2)) / total
    return f"R² {_cut(r2)} on held-out rows" if r2 >= NEARLY_ALL else None


def _of_classes(predicted: Numbers, actual: Numbers) -> str | None:
    """Judges predictions by their errors against those of the commonest class."""
    import numpy as np

    _, counts = np.unique(actual, return_counts=True)
    minority, wrong = len(actual) - int(counts.max()), int(np.sum(predicted != actual))
    if minority < _FEWEST_MINORITY or wrong > (1.0 - NEARLY_ALL) * minority:
        return None
    return f"right in {len(actual) - wrong:,} of {len(actual):,} held-out rows"


def _correlation(x: Numbers, y: Numbers) -> float:
    """Returns the size of the correlation."""
    import numpy as np

    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt(np.sum(x**2) * np.sum(y**2)))
    return abs(float(np.sum(x * y))) / scale if scale and np.isfinite(scale) else 0.0


def _ranks(column: Numbers) -> Numbers:
    """Returns ranks from 0; equal values have the mean of theirs."""
    import numpy as np

    _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    ends: Any = np.cumsum(counts)
    ranks: Numbers = (ends - (counts + 1) / 2)[inverse]
    return ranks


def _cut(figure: float) -> str:
    """Returns a figure to four digits that is not rounded up to 1."""
    return "1" if figure == 1 else f"{min(figure, 0.9999):.4f}"
