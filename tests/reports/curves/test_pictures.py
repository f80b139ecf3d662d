from __future__ import annotations

import math
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from tests.studies import measurements
from tunecli.reports.curves.learning_curves import EarlyStopping, LearningCurve, Promotion, learning_curve
from tunecli.reports.curves.pictures import MOST_PANELS, PROMOTED, Panel, _draw_panel, draw_curves, heading
from tunecli.study.objective import Goal, Objective

RMSE = Objective(metric="val_rmse", goal=Goal.MINIMIZE)
FALLING = [8.0, 4.0, 2.0, 1.0]


def curve(validation: list[float] | None = None, train: list[float] | None = None, **options: object) -> LearningCurve:
    metrics = {"val_rmse": validation or FALLING, "rmse": train or FALLING}
    return learning_curve(measurements(metrics), RMSE, **options)  # type: ignore[arg-type]


def labels(found: LearningCurve) -> tuple[list[str], list[tuple[float, ...]]]:
    """Draws a panel; returns the entries of its legend, and where its lines stand on the axis of epochs."""
    axis = Figure().add_subplot()
    _draw_panel(axis, Panel("trial 1", "units=3", found))
    names = axis.get_legend_handles_labels()[1]
    return names, [tuple(map(float, line.get_xdata())) for line in axis.get_lines()]  # type: ignore[arg-type]


def test_training_is_drawn_half_an_epoch_earlier() -> None:
    names, places = labels(curve())
    assert names[:2] == ["training", "validation"]
    assert places[:2] == [(0.5, 1.5, 2.5, 3.5), (1.0, 2.0, 3.0, 4.0)]


def test_what_is_no_number_is_marked() -> None:
    names, places = labels(curve(validation=[1.0, math.inf, 0.5, 0.4]))
    assert "no number (NaN or infinite)" in names
    assert (2.0,) in places


def test_best_restored_and_promoted_epochs_are_marked() -> None:
    stopping = EarlyStopping("val_rmse", 0.0, restore_best_weights=True)
    assert "best epoch, whose weights are restored" in labels(curve(stopping=stopping))[0]
    lazy = EarlyStopping("val_rmse", 1.5, restore_best_weights=True)
    names, _ = labels(curve(stopping=lazy, promotions=[Promotion(1, 5), Promotion(2, 9)]))
    assert names.count(PROMOTED) == 1
    assert {"best epoch", "restored epoch"} <= set(names)


def test_several_trainings_have_a_mean_and_a_band() -> None:
    several = [(number, f"fold {number}", measurements({"val_rmse": FALLING, "rmse": FALLING})) for number in range(3)]
    names, _ = labels(learning_curve((), RMSE, trainings=several))
    assert {"training, mean", "validation, mean", "validation, ± 1 sd", "validation, each"} <= set(names)


@pytest.mark.parametrize("count", [1, 5, MOST_PANELS + 1])
def test_a_picture_has_a_panel_for_each_trial_up_to_a_number(tmp_path: Path, count: int) -> None:
    long = "a_very_long_name_of_a_hyperparameter=</script><b>$5$ " * 5
    draw_curves(tmp_path / "a.png", [Panel("trial 7", long, curve())] * count, title="x" * 200)
    with Image.open(tmp_path / "a.png") as image:
        assert image.size[0] > 900


def test_trials_of_one_epoch_none_and_many_decades_are_drawn(tmp_path: Path) -> None:
    found = [
        curve([1.0], [2.0]),
        learning_curve((), RMSE),
        curve([1e6, 1e3, 1.0, 0.5]),
        curve([math.nan] * 4, [math.inf] * 4),
    ]
    draw_curves(tmp_path / "a.png", [Panel("trial", "", each) for each in found], title="odd")
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_a_heading_says_where_a_trial_stands() -> None:
    assert heading(7, "completed", 1, "val_rmse", 0.5) == "trial 7 (rank 1): val_rmse 0.5000"
    assert heading(7, "failed", None, "val_rmse", None) == "trial 7 (failed)"
