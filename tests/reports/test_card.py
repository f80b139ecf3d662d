"""The model card, from documents as `metrics.json` holds them."""

from __future__ import annotations

from typing import Any

from tunecli.reports.card import render_card

SCORES = {"train": {"loss": 0.04, "rmse": 0.2}, "test": {"loss": 0.09, "rmse": 0.3}}
SUMMARY = {
    part: {name: {"mean": value, "sd": 0.01} for name, value in figures.items()} for part, figures in SCORES.items()
}


def document(**changes: Any) -> dict[str, Any]:
    objective = {"metric": "val_rmse", "goal": "minimize"}
    data = {"name": "advertising", "path": None, "task": "regression", "targets": ["sales"], "split_seed": 0}
    return {
        "study": "study",
        "trial": 4,
        "full": True,
        "epochs": 12,
        "continued": None,
        "seed": 7,
        "values": {"units": 16},
        "search": {"objective": objective, "score": 0.25, "metrics": {}, "tuner": "random", "trials": 9},
        "dataset": {**data, "fingerprint": {}, "rows": {"train": 120, "validation": 40, "test": 40}},
        "family": "mlp",
        "study_seed": 0,
        "scores": SCORES,
        "target_scores": {},
        "seeds": [{"seed": 7, "scores": SCORES}],
        "summary": {part: {name: {**each, "sd": None} for name, each in of.items()} for part, of in SUMMARY.items()},
        "ensemble": None,
        "top": [],
        "test_looks": 1,
        "test_looks_now": 1,
        "versions": {"tunecli": "0"},
        **changes,
    }


def several(**changes: Any) -> dict[str, Any]:
    seeds = [{"seed": seed, "scores": SCORES} for seed in (7, 8, 9)]
    return document(**{"seeds": seeds, "summary": SUMMARY, "test_looks": 3, "test_looks_now": 3, **changes})


def test_one_model_tested_once() -> None:
    card = render_card(document())
    assert (
        "Trained on the training and validation rows for 12 epochs, its best epoch in the search, with seed 7." in card
    )
    assert "| test | 0.09 | 0.3 |" in card
    assert "looked at once" in card
    assert "seeds" not in card
    assert "Ensemble" not in card


def test_several_seeds() -> None:
    card = render_card(several())
    assert "## 3 seeds" in card
    assert "| test | 0.09 ± 0.01 | 0.3 ± 0.01 |" in card
    assert "that of the trial's own seed, 7" in card
    assert "looked at 3 times. 3 of these looks were for this card, one for each model, and none of them chose" in card


def test_an_ensemble() -> None:
    together = {"members": 3, "scores": {"train": {"rmse": 0.19}, "test": {"rmse": 0.28}}, "target_scores": {}}
    card = render_card(several(ensemble=together, test_looks=9, test_looks_now=4))
    assert "The mean of what the 3 models predict" in card
    assert "| test | 0.28 |" in card
    assert "looked at 9 times. 4 of these looks were for this card, one for each model and ensemble," in card


def test_the_best_of_the_search() -> None:
    top = [{"rank": rank, "trial": trial, "score": 0.25, "summary": SUMMARY} for rank, trial in ((1, 4), (2, 0))]
    card = render_card(several(top=top, test_looks=6, test_looks_now=6))
    assert "## The best 2 of the search" in card
    assert "| rank | trial | val_rmse | train | test |" in card
    assert "| 2 | 0 | 0.25 | 0.2 ± 0.01 | 0.3 ± 0.01 |" in card


def test_a_training_that_went_on() -> None:
    card = render_card(document(continued={"from_epoch": 10, "epochs": 2, "rule": "as told by --epochs"}))
    assert "the weights of epoch 10 and the optimizer, for 2 epochs more" in card
    assert "(as told by --epochs)" in card
    assert "fitted to the training rows alone, and not fitted again" in card
    assert "best epoch in the search" not in card


def test_a_figure_that_is_not_finite_is_left_empty() -> None:
    card = render_card(document(scores={"train": {"loss": None, "rmse": 0.2}}))
    assert "| train |  | 0.2 |" in card


def test_without_a_test_part_nothing_is_estimated() -> None:
    assert "There is no test part" in render_card(document(test_looks=0, test_looks_now=0))


def test_several_targets_are_scored_one_by_one() -> None:
    figures = {"test": {"a|b": {"rmse": 0.5}, "cooling": {"rmse": 1.5, "r2": 0.9}}}
    data = document()["dataset"] | {"targets": ["a|b", "cooling"]}
    card = render_card(document(target_scores=figures, dataset=data))
    assert "### Each target by itself" in card
    assert "| part | target | rmse | r2 |" in card
    assert "| test | a\\|b | 0.5 |  |" in card
    assert "| test | cooling | 1.5 | 0.9 |" in card
    assert "- target: a|b, cooling" in card
