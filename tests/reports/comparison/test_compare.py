from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from tests.reports.comparison.conftest import MakeStudy
from tunecli.errors import UsageError
from tunecli.reports.comparison.compare import StudyComparison, compare_studies, comparison_document
from tunecli.reports.comparison.picture import draw_curves, write_tables
from tunecli.reports.comparison.tables import comparison_view
from tunecli.reports.comparison.words import odds, pair_lines
from tunecli.reports.data import StudyState
from tunecli.study.objective import Goal

Make = Callable[..., Any]


def draw(found: StudyComparison, width: int = 100) -> str:
    file = StringIO()
    Console(file=file, width=width, highlight=False, color_system=None).print(comparison_view(found))
    lines = file.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    return "\n".join(line.rstrip() for line in lines)


def test_what_studies_came_to(make_study: MakeStudy) -> None:
    card = {"scores": {"test": {"rmse": {"value": 0.7, "low": 0.6, "high": 0.8}}}}
    found = compare_studies([make_study("a", 0.9, None, 0.5, 0.7, card=card), make_study("b", [0.5, 0.7])])
    a, b = found.figures
    assert (a.completed, a.failed, a.best_trial, a.best_score, a.best_sd) == (3, 1, 2, 0.5, None)
    assert (a.best_after, a.best_at_s, a.median, a.mean) == (3, 30.0, 0.7, pytest.approx(0.7))
    assert [point.best for point in a.curve] == [0.9, 0.9, 0.5, 0.5]
    assert [point.score for point in a.curve] == [0.9, None, 0.5, 0.7]
    assert a.test == {"value": 0.7, "low": 0.6, "high": 0.8}
    assert (b.best_score, b.best_sd) == (pytest.approx(0.6), pytest.approx(0.1414, abs=1e-4))
    assert found.ranking == ("a", "b")


def test_by_another_metric_the_winner_is_the_best_by_that(make_study: MakeStudy) -> None:
    studies = [make_study("a", 0.9, 0.5), make_study("b", 0.4, metric="val_mse")]
    assert compare_studies(studies).ranking == ()
    found = compare_studies(studies, "val_mae")
    assert [each.best_score for each in found.figures] == [0.25, 0.2]
    assert found.ranking == ("b", "a")
    assert found.notes[0].startswith("a and b searched for another objective")


@pytest.mark.parametrize(
    ("metric", "what"), [("val_rmse", "is not measured in all"), ("nonsense", "is not measured in all")]
)
def test_a_metric_that_not_all_have(metric: str, what: str, make_study: MakeStudy) -> None:
    studies = [make_study("a", 0.5), make_study("b", 0.4, metric="val_mse")]
    with pytest.raises(UsageError, match=what) as caught:
        compare_studies(studies, metric)
    assert caught.value.problems[0].where == "--metric"
    assert "val_mae" in caught.value.problems[0].hint


def test_a_metric_of_ones_own_needs_a_direction(make_study: MakeStudy) -> None:
    ours = make_study("a", 0.5, metric="my_score", goal=Goal.MAXIMIZE)
    other = make_study("b", 0.5, metric="my_score", goal=Goal.MINIMIZE)
    assert compare_studies([ours, make_study("c", 0.6, metric="my_score", goal=Goal.MAXIMIZE)]).ranking == ("c", "a")
    with pytest.raises(UsageError, match="better both ways"):
        compare_studies([ours, other], "my_score")


def test_scores_that_do_not_mean_the_same_are_not_ranked(make_study: MakeStudy) -> None:
    found = compare_studies([make_study("a", 0.5), make_study("b", 0.4, data={})])
    assert (found.ranking, found.pairs) == ((), ())
    shown = draw(found)
    assert "not ranked, since the scores do not mean the same" in shown
    assert "rank " not in shown


def test_the_document_is_plain_json(make_study: MakeStudy) -> None:
    studies = [make_study("a", 0.9, None, 0.5), make_study("b", 0.7), make_study("c", None, state=StudyState.RUNNING)]
    document = comparison_document(compare_studies(studies))
    assert json.loads(json.dumps(document, allow_nan=False)) == json.loads(json.dumps(document))
    assert document["is_comparable"]
    assert document["ranking"] == ["a", "b"]
    assert [each["label"] for each in document["studies"]] == ["a", "b", "c"]
    assert document["pairs"][0]["tests"][0]["kind"] == "best_of_n"
    assert document["studies"][0]["curve"][1] == {"trial": 1, "spent_s": 20.0, "score": None, "best": 0.9}


def test_what_is_said_of_a_pair(make_study: MakeStudy) -> None:
    found = compare_studies([make_study("a", 0.5, 0.7, 0.9, 0.6), make_study("b", 0.51, 0.7, 0.65, 0.8)])
    assert pair_lines(found) == [
        "a is better than b by 0.0100: val_rmse 0.5000 against 0.5100",
        "  the searches: best of 4 against best of 4 trials, p = 1; if both drew from the same scores, their bests "
        "would be so far apart nearly always; this may be chance",
        "  the winners: each was trained once; evaluation: {folds: 5} would tell how far their scores vary",
    ]


def test_a_difference_that_is_more_than_chance(make_study: MakeStudy) -> None:
    scores = [number / 100 for number in range(8)]
    studies = [make_study(name, *(at + score for score in scores)) for name, at in zip("abc", (1, 2, 3), strict=True)]
    lines = pair_lines(compare_studies(studies))
    assert lines[1].startswith(
        "  the searches: best of 8 against best of 8 trials, p < 0.001 (by Holm, of 3 pairs: < 0.001)"
    )
    assert lines[1].endswith("less than once in 1,000 times; more than chance")


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "nearly always"),
        (0.96, "nearly always"),
        (0.42, "4 times in 10"),
        (0.1, "1 time in 10"),
        (0.055, "6 times in 100"),
        (0.01, "1 time in 100"),
        (0.004, "4 times in 1,000"),
        (1e-9, "less than once in 1,000 times"),
    ],
)
def test_probabilities_in_words(p: float, text: str) -> None:
    assert odds(p) == text


def test_the_table_has_a_column_for_each_study(make_study: MakeStudy) -> None:
    shown = draw(compare_studies([make_study("a", 0.9, 0.5), make_study("[red]", 0.6, None, seed=7)]))
    assert "a                  [red]" in shown
    assert "0.5000 (trial 1)   0.6000 (trial 0)" in shown
    assert "2 trials, 20.0 s   1 trial, 10.0 s" in shown
    assert "2                  1, 1 failed" in shown
    assert "seed   0   7" in shown


def test_curves_share_a_scale(make_study: MakeStudy) -> None:
    shown = draw(compare_studies([make_study("a", 3.0, 2.0), make_study("b", 1.0, 1.0)]))
    assert "█▅                 ▁▁" in shown


def test_a_narrow_table_has_a_block_for_each_study(make_study: MakeStudy) -> None:
    names = ["a-study-of-a-long-name", "another-study-of-a-long-name", "short"]
    shown = draw(compare_studies([make_study(name, 0.5, seed=number // 2) for number, name in enumerate(names)]), 60)
    assert "tuner             all" in shown
    assert " ".join(shown.split()).count("short") > 1


def test_equal_plans_are_said(make_study: MakeStudy) -> None:
    assert "the plans do not differ" in draw(compare_studies([make_study("a", 0.5), make_study("b", 0.6)]))


@pytest.mark.parametrize(
    ("scores", "columns"),
    [(([0.5], [0.4, None, 0.3]), 3), (([None], [None]), 2), (([], [0.5]), 3), (([1e12], [0.5]), 3)],
)
def test_curves_of_any_length_are_drawn(scores: Any, columns: int, make_study: MakeStudy, tmp_path: Path) -> None:
    found = compare_studies([make_study(name, *each) for name, each in zip("ab", scores, strict=True)])
    draw_curves(found, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size[0] == round(4.6 * columns * 150)


def test_the_tables_of_a_picture(make_study: MakeStudy, tmp_path: Path) -> None:
    found = compare_studies([make_study("a", 0.5, None), make_study("b,c", 0.4, tuner={"name": "hyperband"})])
    trials, best_of_n = write_tables(found, tmp_path / "x.png")
    assert trials.read_text().splitlines() == [
        "study,ended,trial,spent_s,score,best",
        "a,1,0,10.0,0.5,0.5",
        "a,2,1,20.0,,0.5",
        '"b,c",1,0,10.0,0.4,0.4',
    ]
    assert best_of_n.read_text().splitlines() == [
        "study,trials,best_10%,best_50%,best_90%",
        "a,1,0.5,0.5,",
        "a,2,0.5,0.5,",
    ]
