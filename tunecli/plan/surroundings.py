"""Checks what a spec says about the surroundings of a model against its data and against each other."""

from __future__ import annotations

from tunecli.datasets.base import Description
from tunecli.families.surroundings import NORMALIZATION
from tunecli.plan.bind import Binding, Report
from tunecli.spec.experiment import ExperimentSpec
from tunecli.spec.faults import Loc


def check_surroundings(spec: ExperimentSpec, description: Description, binding: Binding, report: Report) -> None:
    """Reports what has no meaning for these data."""
    if NORMALIZATION.name in spec.parameters and description.image_shape is not None:
        what = "normalization is read for tables alone; images become 0 … 1"
        report(place(spec, NORMALIZATION.name), what, "drop it", at_key=True)


def place(spec: ExperimentSpec, name: str) -> Loc:
    """Returns where a spec declares a hyperparameter."""
    return ("search_space" if name in spec.search_space else "model", name)
