"""The model card, from documents as `card.json` holds them."""

from __future__ import annotations

from typing import Any

from tunecli.reports.card import render_card


def figure(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, float | None]:
    return {"value": value, "low": low, "high": high}


SCORES = {"train": {"rmse": figure(0.2)}, "test": {"rmse": figure(0.3, 0.25, 0.35), "bias": figure(-0.01, -0.2, 0.2)}}
SUMMARY = {
    part: {name: {"mean": each["value"], "sd": 0.01} for name, each in figures.items()}
    for part, figures in SCORES.items()
}


def document(*, model: Any = None, **changes: Any) -> dict[str, Any]:
    own = {"family": "mlp", "models": 1, "values": {"units": 16}, "inputs": None, "full": True, "epochs": 12}
    own |= {"epochs_rule": "", "seed": 7, "continued": None}
    targets = [{"name": "sales", "classes": []}]
    search = {"objective": {"metric": "val_rmse", "goal": "minimize"}, "score": 0.25, "rank": 1, "tuner": "random"}
    data = {"name": "csv", "path": "/data/a.csv", "rows": {"train": 1200, "validation": 40, "test": 40}}
    split = {"seed": 0, "validation": 0.2, "test": 0.2, "how": None, "group": None, "time": None}
    return {
        "schema_version": 1,
        "study": "study",
        "trial": 4,
        "predicts": {"task": "regression", "targets": targets, "columns": ["TV", "radio"], "reads_images": False},
        "model": {**own, **(model or {})},
        "search": {**search, "trials": 9, "seed": 0, "searched": ["units"]},
        "data": {**data, "split": split, "fingerprint": {}},
        "scores": SCORES,
        "target_scores": {},
        "seeds": [7],
        "summary": {part: {name: {**each, "sd": None} for name, each in of.items()} for part, of in SUMMARY.items()},
        "top": [],
        "test_looks": 1,
        "test_looks_now": 1,
        "baselines": [],
        "checks": None,
        "reproduce": "tunecli retrain study --trial 4 --full",
        "versions": {"tunecli": "0"},
        **changes,
    }


def text(card: str) -> str:
    """A card without its line breaks."""
    return " ".join(card.split())


def test_one_model_tested_once() -> None:
    card = render_card(document())
    assert "Predicts sales (regression, in the units of the data) from 2 columns: TV, radio." in text(card)
    assert (
        "Trained on the training and validation rows for 12 epochs, its best epoch in the search, with seed 7."
        in text(card)
    )
    assert "| rmse   |   0.2 |  0.3 [0.25, 0.35] |" in card
    assert "| bias   |       | -0.01 [-0.2, 0.2] |" in card
    assert "In the search, without them, the trial had val_rmse 0.25." in text(card)
    assert "looked at once" in card
    assert "Random search with seed 0 ran 9 trials of mlp over units, to minimize val_rmse." in text(card)
    assert "Trial 4 was the best of them, with 0.25." in text(card)
    assert "tunecli retrain study --trial 4 --full" in card
    for absent in ("seeds", "Ensemble", "Baselines", "Limits"):
        assert absent not in card


def test_a_card_fits_a_terminal() -> None:
    names = [f"a rather long name of a column, number {number}" for number in range(40)]
    predicts = {"task": "multiclass", "targets": [{"name": "kind", "classes": names}], "columns": names}
    card = render_card(document(predicts={**predicts, "reads_images": False}, checks=[], test_looks=5))
    assert "and 28 more" in text(card)
    assert max(map(len, card.splitlines())) <= 80


def test_names_from_data_stay_text() -> None:
    hostile = "</script>\n# x|`y`"
    shown = "&lt;/script&gt; \\# x\\|\\`y\\`"
    target = {"name": hostile, "classes": ["no", hostile]}
    predicts = {"task": "binary", "targets": [target], "columns": [hostile], "reads_images": False}
    checks = [{"severity": "warning", "what": hostile}]
    card = render_card(
        document(
            study=hostile,
            predicts=predicts,
            checks=checks,
            baselines=[{"name": hostile, "score": 1.0}],
            target_scores={"test": {hostile: {"rmse": figure(0.1)}}},
            model={"values": {hostile: hostile}},
        )
    )
    assert hostile not in card
    assert "<" not in card
    assert text(card).count(shown) == 9


def test_several_seeds() -> None:
    card = render_card(document(seeds=[7, 8, 9], summary=SUMMARY, test_looks=3, test_looks_now=3))
    assert "## 3 seeds" in card
    assert "| rmse   | 0.2 ± 0.01 |   0.3 ± 0.01 |" in card
    assert "that of the trial's own seed, 7" in text(card)
    assert "looked at 3 times. 3 of these looks were for this card, one for each model, and none of them" in text(card)


def test_an_ensemble() -> None:
    changes = {"seeds": [7, 8, 9], "summary": SUMMARY, "test_looks": 9, "test_looks_now": 4}
    card = render_card(document(model={"models": 3}, **changes))
    assert "What is kept, with the scores above, is the mean of what they predict" in text(card)
    assert "looked at 9 times. 4 of these looks were for this card, one for each model and ensemble," in text(card)


def test_the_best_of_the_search() -> None:
    top = [{"rank": rank, "trial": trial, "score": 0.25, "summary": SUMMARY} for rank, trial in ((1, 4), (2, 0))]
    card = render_card(document(seeds=[7, 8, 9], summary=SUMMARY, top=top, test_looks=6, test_looks_now=6))
    assert "## The best 2 of the search" in card
    assert "| rank | trial | val_rmse |      train |       test |" in card
    assert "| 2    |     0 |     0.25 | 0.2 ± 0.01 | 0.3 ± 0.01 |" in card


def test_a_training_that_went_on() -> None:
    continued = {"from_epoch": 10, "epochs": 2, "rule": "as told by --epochs"}
    card = text(render_card(document(model={"continued": continued})))
    assert "the weights of epoch 10 and the optimizer, for 2 epochs more" in card
    assert "as told by --epochs" in card
    assert "fitted to the training rows alone, and not fitted again" in card
    assert "best epoch in the search" not in card


def test_baselines_stand_beside_the_trial() -> None:
    card = render_card(document(baselines=[{"name": "mean", "score": 5.0}, {"name": "forest", "score": None}]))
    assert "| trial 4, in the search |     0.25 |" in card
    assert "| mean                   |        5 |" in card
    assert "| forest                 |          |" in card
    assert "None of them does better than the trial." in text(card)
    none = render_card(document(baselines=[{"name": "forest", "score": None}]))
    assert "None of them came to a score." in text(none)
    assert "1 of them does better" in text(render_card(document(baselines=[{"name": "best", "score": 0.1}])))


def test_how_rows_were_split() -> None:
    data = document()["data"]
    split = {"seed": 1, "validation": 0.2, "test": 0, "how": "time", "group": "shop", "time": "sold|at"}
    shown = "split: validation 0.2 of all rows, time, rows of one shop together, in the order of sold\\|at, seed 1"
    assert shown in text(render_card(document(data={**data, "split": split})))


def test_what_the_checks_have_seen() -> None:
    found = [{"severity": "warning", "what": "12 rows stand in two parts"}]
    assert "- warning: 12 rows stand in two parts" in render_card(document(checks=found))
    assert "found nothing to warn of" in render_card(document(checks=[]))


def test_each_of_several_targets() -> None:
    scores = {"test": {"heating": {"rmse": figure(0.5, 0.4, 0.6)}, "cooling": {"rmse": figure(None)}}}
    card = render_card(document(target_scores=scores))
    assert "### Each target by itself" in card
    assert "| heating |  0.5 |" in card
    assert "| cooling |      |" in card


def test_a_figure_that_is_not_finite_is_left_empty() -> None:
    card = render_card(document(scores={"train": {"loss": figure(None), "rmse": figure(0.2)}}))
    assert "| loss   |       |" in card
    assert "bootstrap" not in card


def test_without_a_test_part_nothing_is_estimated() -> None:
    assert "There is no test part" in text(render_card(document(test_looks=0, test_looks_now=0)))


def test_several_targets_are_scored_one_by_one() -> None:
    figures = {"test": {"a|b": {"rmse": figure(0.5)}, "cooling": {"rmse": figure(1.5), "r2": figure(0.9, 0.8, 0.95)}}}
    targets = [{"name": name, "classes": []} for name in ("a|b", "cooling")]
    predicts = {"task": "regression", "targets": targets, "columns": ["TV"], "reads_images": False}
    card = render_card(document(target_scores=figures, predicts=predicts))
    assert "Predicts a\\|b, cooling (regression, in the units of the data)" in text(card)
    assert "### Each target by itself" in card
    lines = [" ".join(line.split()) for line in card.splitlines()]
    assert "| test | rmse | r2 |" in lines
    assert "| a\\|b | 0.5 | |" in lines
    assert "| cooling | 1.5 | 0.9 |" in lines
