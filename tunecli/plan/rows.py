"""Binds what a spec says of which rows go where: into parts, and into folds."""

from __future__ import annotations

from tunecli.datasets.base import Description
from tunecli.plan.bind import Report
from tunecli.spec.evaluation import SCHEMES, EvaluationSpec, How
from tunecli.spec.experiment import ExperimentSpec


def split_of(spec: ExperimentSpec) -> How | None:
    """Returns what decides which rows go where; None where that is left to the data."""
    return spec.dataset.split or ("time" if spec.dataset.time is not None else None)


def bind_evaluation(spec: ExperimentSpec, description: Description, report: Report) -> EvaluationSpec | None:
    """Returns how trials are evaluated, with folds that keep apart what the split keeps apart."""
    how, evaluation = split_of(spec), spec.evaluation
    has_classes = description.task.has_classes
    if how == "stratified" and not has_classes:
        what = f"stratified splits by class, and a {description.task} task has none"
        report(("dataset", "split"), what, "write split: random")
    if evaluation is None:
        return None
    scheme = evaluation.scheme
    if scheme == "group" and spec.dataset.group is None:
        report(("evaluation", "scheme"), "group needs a column of groups", "write dataset.group, or drop scheme")
    elif how is not None and scheme is not None and scheme not in SCHEMES[how]:
        what = f"{scheme} mixes rows that dataset.split: {how} keeps apart"
        report(("evaluation", "scheme"), what, f"write scheme: {SCHEMES[how][0]}, or drop it")
    elif scheme == "stratified" and not has_classes:
        what = f"stratified deals rows out by their class, and a {description.task} task has none"
        report(("evaluation", "scheme"), what, "write scheme: kfold, or drop it")
    if how is None or evaluation.folds is None or scheme is not None:
        return evaluation
    return evaluation.model_copy(update={"scheme": SCHEMES[how][0]})
