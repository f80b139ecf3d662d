"""Binds the features that go into each input of a model that has several."""

from __future__ import annotations

from collections.abc import Sequence

from tunecli.datasets.base import Description, OptionError
from tunecli.datasets.columns import find_column
from tunecli.families import FAMILIES
from tunecli.families.wide_deep import INPUTS
from tunecli.plan.bind import Report
from tunecli.spec.experiment import ExperimentSpec
from tunecli.spec.faults import Loc

_FAMILY = "wide_deep"

Inputs = dict[str, tuple[str, ...]]
"""The columns of each input, in the order of the data."""


def bind_inputs(spec: ExperimentSpec, description: Description, report: Report) -> Inputs | None:
    """Returns the columns of each input, or None for a model of one; reports what names no feature."""
    written = {name: features for name in INPUTS if (features := getattr(spec.model, name)) is not None}
    if FAMILIES.canonical(spec.model.family) != _FAMILY:
        for name in written:
            what = f"{name} is read by {_FAMILY} alone"
            report(("model", name), what, f"write family: {_FAMILY}, or drop it", at_key=True)
        return None
    columns = description.features
    if not columns:  # images, which are refused elsewhere
        return None
    return {name: _chosen(written[name], name, columns, report) if name in written else columns for name in INPUTS}


def _chosen(written: Sequence[str | int], name: str, columns: Sequence[str], report: Report) -> tuple[str, ...]:
    """Returns the columns that are named, in the order of the data."""
    found: set[str] = set()
    for index, each in enumerate(written):
        loc: Loc = ("model", name, index)
        try:
            column = _at(each, columns) if isinstance(each, int) else find_column(name, each, columns)
        except OptionError as error:
            report(loc, error.problems[0].what, error.problems[0].hint)
            continue
        if column in found:
            report(loc, f"'{column}' is named twice", "drop one of the two")
        found.add(column)
    return tuple(column for column in columns if column in found)


def _at(position: int, columns: Sequence[str]) -> str:
    """Returns the column at a position.

    Raises:
        OptionError: There is none.
    """
    if 0 <= position < len(columns):
        return columns[position]
    last = len(columns) - 1
    hint = f"positions go from 0, {columns[0]}, to {last}, {columns[last]}"
    raise OptionError("features", f"there is no feature at position {position}", hint=hint)
