"""Binds the weights that a linear model begins with."""

from __future__ import annotations

from collections.abc import Iterator

from tunecli.datasets.base import Description, OptionError
from tunecli.datasets.columns import find_column
from tunecli.families import FAMILIES
from tunecli.families.surroundings import NORMALIZATION
from tunecli.plan.bind import Binding, Report
from tunecli.plan.plan import StartPlan
from tunecli.spec.experiment import ExperimentSpec, ModelSpec
from tunecli.spec.faults import Loc

_FAMILY = "linear"

_WEIGHTS, _BIAS = "initial_weights", "initial_bias"


def bind_start(spec: ExperimentSpec, description: Description, binding: Binding, report: Report) -> StartPlan | None:
    """Returns where models begin, or None where the spec does not say; reports what cannot be."""
    written = list(_written(spec.model))
    if not written:
        return None
    if fault := _fault(spec, description):
        for name in written:
            report(("model", name), f"{name} {fault[0]}", fault[1], at_key=True)
        return None
    if "quantile" in binding.possible(NORMALIZATION.name):
        block = "search_space" if NORMALIZATION.name in spec.search_space else "model"
        what = f"quantile bends the columns: there, {written[0]} has no units of the data"
        report((block, NORMALIZATION.name), what, f"drop quantile, or {' and '.join(written)}")
    return StartPlan(weights=_weights(spec.model, description, report), bias=spec.model.initial_bias)


def _written(model: ModelSpec) -> Iterator[str]:
    return (name for name in (_WEIGHTS, _BIAS) if getattr(model, name) is not None)


def _fault(spec: ExperimentSpec, description: Description) -> tuple[str, str] | None:
    """Returns why a spec has no use for weights to begin with, and a hint; None if it has."""
    if FAMILIES.canonical(spec.model.family) != _FAMILY:
        return f"is read by {_FAMILY} alone", f"write family: {_FAMILY}, or drop it"
    if spec.model.init_from is not None:
        return "stands beside init_from, which brings weights too", "keep one of the two"
    if description.image_shape is not None:
        return "is for the columns of a table, and these are images", "drop it"
    if description.outputs != 1:
        return f"is for one number or two classes, and there are {description.outputs} outputs", "drop it"
    return None


def _weights(model: ModelSpec, description: Description, report: Report) -> dict[str, float]:
    columns, given = description.features, model.initial_weights
    if isinstance(given, list):
        if len(given) != len(columns):
            what = f"lists {len(given)} weight{'s' * (len(given) != 1)} for {len(columns)} columns"
            report(("model", _WEIGHTS), what, f"they are: {', '.join(columns)}; name some of them: {{{columns[0]}: 0}}")
        return dict(zip(columns, given, strict=False))
    found: dict[str, float] = {}
    for name, weight in (given or {}).items():
        loc: Loc = ("model", _WEIGHTS, name)
        try:
            column = find_column(_WEIGHTS, name, columns)
        except OptionError as error:
            report(loc, error.problems[0].what, error.problems[0].hint, at_key=True)
            continue
        if column in found:
            report(loc, f"'{column}' is named twice", "drop one of the two", at_key=True)
        found[column] = weight
    return found
