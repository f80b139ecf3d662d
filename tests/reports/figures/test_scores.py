"""The axis of the scores."""

from __future__ import annotations

import pytest

from tunecli.reports.figures.scores import score_axis
from tunecli.study.objective import Goal, Objective

ERROR = Objective(metric="val_rmse", goal=Goal.MINIMIZE)
ACCURACY = Objective(metric="val_accuracy", goal=Goal.MAXIMIZE)


@pytest.mark.parametrize(
    ("objective", "scores", "limit", "far_off", "is_log"),
    [
        (ERROR, [0.5, 0.6, 0.7], 0.7, 0, False),
        (ERROR, [0.5, 0.51, 0.52, 0.53, 0.54, 9.0], 0.54, 1, False),
        (ERROR, [0.5], 0.5, 0, False),
        (ERROR, [0.5, 0.5, 0.5, 0.5, 9.0], 9.0, 0, False),  # nothing tells what is common
        (ERROR, [1.0, 10.0, 100.0, 1000.0], 1000.0, 0, True),
        (ERROR, [0.0, 10.0, 100.0, 1000.0], 1000.0, 0, False),  # zero has no magnitude
        (ERROR, [1.0, 10.0, 20.0, 30.0, 40.0, 1e30], 40.0, 1, True),
        (ACCURACY, [0.9, 0.89, 0.88, 0.87, 0.86, 0.1], 0.86, 1, False),
    ],
)
def test_what_is_shown(objective: Objective, scores: list[float], limit: float, far_off: int, is_log: bool) -> None:
    axis = score_axis(objective, scores)
    assert (axis.best, axis.limit, axis.far_off, axis.is_log) == (scores[0], limit, far_off, is_log)
    assert [axis.holds(score) for score in scores].count(False) == far_off


def test_goodness_runs_from_the_worst_that_is_shown_to_the_best() -> None:
    axis = score_axis(ERROR, [0.5, 0.51, 0.52, 0.53, 0.54, 9.0])
    assert [axis.goodness(score) for score in (0.5, 0.52, 0.54, 9.0)] == [1.0, pytest.approx(0.5), 0.0, 0.0]
    assert score_axis(ACCURACY, [0.9, 0.8]).goodness(0.85) == pytest.approx(0.5)
    assert score_axis(ERROR, [1.0, 100.0]).goodness(10.0) == pytest.approx(0.5)
    assert score_axis(ERROR, [0.5, 0.5]).goodness(0.5) == 1.0


def test_the_colours_say_that_worse_scores_share_the_last() -> None:
    colours = score_axis(ERROR, [0.5, 0.51, 0.52, 0.53, 0.54, 9.0]).colours
    assert colours["colorbar"]["ticktext"] == ["≥ 0.5400", "0.5200", "0.5000"]
    assert score_axis(ERROR, [0.5]).colours["colorbar"]["ticktext"] == ["0.5000"]


def test_the_note_counts_them() -> None:
    assert score_axis(ERROR, [0.5, 0.6]).note("not drawn") == ""
    axis = score_axis(ERROR, [0.5, 0.51, 0.52, 0.53, 0.54, 9.0])
    assert axis.note("not drawn") == "1 score worse than 0.5400 is not drawn."


def test_magnitudes_have_whole_labels() -> None:
    layout = score_axis(ERROR, [1.0, 10.0, 30.0]).layout
    assert layout["type"] == "log"
    assert layout["ticktext"] == ["1", "2", "5", "10", "20"]
