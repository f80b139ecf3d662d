"""The figures of a report: one small module each, which computes plain values first and draws them second.

    for figure in figures(read_study_data(run)):
        figure.text, figure.plot      # what is to be seen, and plotly's JSON, or None and why

What a page may rely on stands in `base`. A figure that has too little to show says so; none raises.
"""

from __future__ import annotations

from collections.abc import Callable

from tunecli.registry import Registry
from tunecli.reports.figures.base import Figure
from tunecli.reports.importance import Importance, measure_importance
from tunecli.reports.study_data import StudyData

__all__ = ["FIGURES", "Draw", "Figure", "figures"]

Draw = Callable[[StudyData, Importance], Figure]
"""Draws one figure; which hyperparameters matter most is measured once for all."""

FIGURES: Registry[Draw] = Registry(
    "figure",
    {
        "history": "tunecli.reports.figures.history:draw",
        "importance": "tunecli.reports.figures.importance:draw",
        "parallel": "tunecli.reports.figures.parallel:draw",
        "scatter_matrix": "tunecli.reports.figures.scatter_matrix:draw",
        "slice": "tunecli.reports.figures.slices:draw",
        "contour": "tunecli.reports.figures.contour:draw",
        "curves": "tunecli.reports.figures.curves:draw",
        "timeline": "tunecli.reports.figures.timeline:draw",
    },
)


def figures(study: StudyData) -> list[Figure]:
    """Returns all figures, in the order of the table."""
    importance = measure_importance(study)
    return [FIGURES.load(name)(study, importance) for name in FIGURES.names]
