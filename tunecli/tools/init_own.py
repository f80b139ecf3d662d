"""Drafts of specs for data of the user's own that are no table: which kind a path is of, and how a spec names it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tunecli.datasets import DATASETS
from tunecli.datasets.arrays import Form
from tunecli.datasets.base import DatasetOptions, OptionError
from tunecli.datasets.npz_file import read_forms
from tunecli.errors import UsageError
from tunecli.spec.own_data import ArraysSpec
from tunecli.tools.init import Draft, compose, path_line, scalar, spec_name


def kind_of(path: Path) -> str | None:
    """Returns the name of the data set that reads a path; None if it is none that is drafted here."""
    return "npz" if path.suffix.lower() == ".npz" else None


def draft_own(kind: str, path: Path, folder: Path) -> Draft:
    """Drafts a spec.

    Args:
        kind: What `kind_of` returns.
        path: The user's data.
        folder: Where the spec will lie; the data are named relative to it.

    Raises:
        UsageError: There is nothing to learn from.
        DataError: The data are missing or damaged.
    """
    return _draft_npz(path, folder)


def _draft_npz(path: Path, folder: Path) -> Draft:
    lines, arrays = ["  name: npz", path_line(path, folder)], None
    forms = read_forms(path)
    if not ({"x", "x_train"} & set(forms) and {"y", "y_train"} & set(forms)):
        arrays = _guess(path, forms)
        lines.append(f"  arrays: {{x: {scalar(str(arrays.x))}, y: {scalar(str(arrays.y))}}}  # a guess")
    try:
        description = DATASETS.load("npz").describe(DatasetOptions(path=str(path), arrays=arrays))
    except OptionError as error:
        problem = error.problems[0]
        raise UsageError(problem.what, hint=problem.hint) from error
    lines.append(f"  task: {description.task}")
    return Draft(spec_name(path), compose(f"{path.name}: {description.rows:,} rows", lines, description))


def _guess(path: Path, forms: Mapping[str, Form]) -> ArraysSpec:
    """Returns the names of the array with most axes, and of one with a value for each of its rows.

    Raises:
        UsageError: There are no two such arrays.
    """
    x = max(forms, key=lambda name: len(forms[name].shape), default="")
    rows = forms[x].shape[:1] if x else ()
    y = next((name for name, form in forms.items() if name != x and rows and form.shape in (rows, (*rows, 1))), None)
    if y is None:
        names = ", ".join(forms) or "none"
        raise UsageError(f"has no array of inputs and one of a value for each row; arrays: {names}", where=str(path))
    return ArraysSpec(x=x, y=y)
