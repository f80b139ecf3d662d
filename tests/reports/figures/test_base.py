"""What all figures share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.studies import any_plan, typical_trials, write_study
from tunecli.reports.figures.base import SCALE, colour_at, rounded, shown, thinned, thinning
from tunecli.reports.figures.slices import draw
from tunecli.reports.importance import measure_importance
from tunecli.reports.study_data import read_study_data


def test_the_better_half_is_kept_and_of_the_rest_every_nth(tmp_path: Path) -> None:
    trials = read_study_data(write_study(tmp_path, any_plan(), typical_trials(111))).snapshot.completed
    assert len(trials) == 100
    kept = thinned(trials, 20)
    assert [trials.index(each) for each in kept] == [*range(10), *range(10, 100, 9)]
    assert thinned(trials, 100) == trials
    assert thinning(20, 100) == "20 of 100 trials are drawn: the best, and every n-th of the others."
    assert thinning(100, 100) == ""


@pytest.mark.parametrize(("share", "mark"), [(0.0, 0), (0.5, 2), (1.0, -1)])
def test_the_scale_is_met_at_its_marks(share: float, mark: int) -> None:
    red, green, blue = bytes.fromhex(str(SCALE[mark][1])[1:])
    assert colour_at(share, 0.25) == f"rgba({red},{green},{blue},0.25)"


def test_names_are_no_markup_and_no_placeholder() -> None:
    assert shown("</script><b>") == "&lt;/script&gt;&lt;b&gt;"
    assert shown("%{x}") == "%&#123;x}"
    assert shown("a\nb") == "a b"


@pytest.mark.parametrize(
    ("number", "expected"), [(1 / 3, 0.33333), (None, None), (float("nan"), None), (float("inf"), None)]
)
def test_numbers_are_short_and_finite(number: float | None, expected: float | None) -> None:
    assert rounded(number) == expected


def test_the_slices_say_what_the_best_have(tmp_path: Path) -> None:
    study = read_study_data(write_study(tmp_path, any_plan(), typical_trials(60)))
    text = draw(study, measure_importance(study)).text
    assert text.startswith("The 10 best of 54 trials have learning_rate from 0.00")
    assert text.endswith("The star is the best.")
