"""What retraining is made of: figures, ensembles, seeds, and the folder that takes the old one's place."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tunecli.errors import StudyError
from tunecli.plan import Plan
from tunecli.store.layout import BestLayout
from tunecli.training.best_folder import keep_model, replacing
from tunecli.training.engines import Job
from tunecli.training.engines.fused import FusedEngine
from tunecli.training.ensemble import Ensemble
from tunecli.training.evaluate import evaluate, evaluate_predictions, predict, summarise
from tunecli.training.run_trial import build_model
from tunecli.training.series import seeds_of

ROWS = 5000  # more than one validation batch


def arrays(outputs: int = 1, *, weighted: bool = False) -> tuple[Any, ...]:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(ROWS, 3)).astype("float32")
    targets = (inputs[:, :1] + random.normal(size=(ROWS, 1))).astype("float32")
    if outputs > 1:
        targets = random.integers(outputs, size=ROWS).astype("int32")
    weights = random.random(ROWS).astype("float32")
    return (inputs, targets, weights) if weighted else (inputs, targets)


def regressor(seed: int, *, l2: float = 0.0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(l2))])
    model.compile(loss="mse", metrics=["mae", keras.metrics.R2Score(name="r2")], weighted_metrics=["mse"])
    return model


def classifier(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, activation="softmax", activity_regularizer="l2")]
    )
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def two_outputs(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((3,))
    outputs = {name: keras.layers.Dense(1, name=name)(inputs) for name in ("main", "aux")}
    model = keras.Model(inputs, outputs)
    model.compile(
        loss={"main": "mse", "aux": "mae"},
        loss_weights={"main": 0.9, "aux": 0.1},
        metrics={"main": ["mae"], "aux": ["mse"]},
    )
    return model


def ensemble_of(part: Any, *models: keras.Model) -> dict[str, float | None]:
    ensemble = Ensemble({"test": part})
    for model in models:
        ensemble.add(model, {"test": evaluate(model, part)})
    return ensemble.evaluate("test")


def test_an_ensemble_of_one_equals_its_model() -> None:
    inputs, targets = (
        each[:300] for each in arrays()
    )  # one batch: in the last of several, Keras weighs rows otherwise
    cases: list[tuple[keras.Model, Any]] = [
        (regressor(0), arrays()),
        (regressor(0, l2=0.5), arrays()),
        (regressor(0, l2=0.5), arrays(weighted=True)),
        (classifier(0), arrays(4)),
        (two_outputs(0), (inputs, {"main": targets, "aux": 2 * targets})),
    ]
    for model, part in cases:
        own = evaluate(model, part)
        together = ensemble_of(part, model)
        assert list(together) == list(own)
        assert together == pytest.approx(own, rel=1e-5)


def test_an_ensemble_is_evaluated_on_the_mean_of_the_predictions() -> None:
    inputs, targets = arrays()
    models = [regressor(seed, l2=0.1) for seed in (1, 2, 3)]
    mean = np.mean([predict(model, (inputs, targets)) for model in models], axis=0)
    penalty = np.mean([0.1 * np.sum(model.get_weights()[0] ** 2) for model in models])
    figures = ensemble_of((inputs, targets), *models)

    assert figures["mse"] == pytest.approx(np.mean((mean - targets) ** 2), rel=1e-5)
    assert figures["mae"] == pytest.approx(np.mean(np.abs(mean - targets)), rel=1e-5)
    assert figures["r2"] == pytest.approx(1 - np.sum((mean - targets) ** 2) / np.sum((targets - targets.mean()) ** 2))
    assert figures["loss"] == pytest.approx(np.mean((mean - targets) ** 2) + penalty, rel=1e-5)


def test_the_members_may_be_one_object_trained_again() -> None:
    part = arrays()
    first, second = regressor(1), regressor(2)
    expected = ensemble_of(part, first, second)
    ensemble = Ensemble({"test": part})
    ensemble.add(first, {"test": evaluate(first, part)})
    first.set_weights(second.get_weights())
    ensemble.add(first, {"test": evaluate(first, part)})
    assert ensemble.evaluate("test") == pytest.approx(expected, rel=1e-6)


def test_what_is_not_finite_has_no_figure() -> None:
    model = regressor(0)
    model.set_weights([np.full((3, 1), math.nan), np.zeros(1)])
    figures = evaluate(model, arrays())
    assert figures["loss"] is None
    assert evaluate_predictions(model, arrays(), predict(model, arrays()))["loss"] is None
    assert ensemble_of(arrays(), model)["mse"] is None


def test_the_deviation_is_that_of_a_sample() -> None:
    series: list[Any] = [
        {"test": {"rmse": value, "r2": other}} for value, other in ((1.0, 0.5), (2.0, None), (6.0, 0.1))
    ]
    assert summarise(series)["test"] == {
        "rmse": {"mean": pytest.approx(3.0), "sd": pytest.approx(7.0**0.5)},
        "r2": {"mean": None, "sd": None},
    }
    assert summarise(series[:1])["test"]["rmse"] == {"mean": 1.0, "sd": None}


def test_the_first_seed_is_the_trials_and_the_others_depend_on_nothing_else(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan()
    five = seeds_of(plan, 3, 5)
    assert five[0] == plan.trial_seed(3)
    assert five[:2] == seeds_of(plan, 3, 2)
    assert len({*five, *seeds_of(plan, 4, 5), *seeds_of(make_plan(seed=1), 3, 5)}) == 15


def test_a_second_seed_is_trained_by_the_first_ones_program(make_plan: Callable[..., Plan]) -> None:
    plan = make_plan(model={"family": "mlp", "units": 4, "dropout": 0.1, "batch_normalization": True})
    engine, values = FusedEngine(use_xla=False), plan.complete({})
    inputs, targets = arrays()

    def job(seed: int) -> Job:
        from tunecli.families.base import DataSignature

        model = build_model(plan, values, DataSignature(task=plan.task, shape=(3,), outputs=1), seed)
        return Job(model, (inputs, targets), None, batch_size=32, start_epoch=0, end_epoch=1, seed=seed)

    programs = [engine.fit(job(seed)).program for seed in seeds_of(plan, 0, 3)]
    assert programs == ["compiled", "reused", "reused"]


def best_with(folder: Path, content: str) -> BestLayout:
    folder.mkdir()
    (folder / "card.md").write_text(content)
    return BestLayout(folder)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("there_is_an_old_one", [True, False])
def test_the_new_folder_takes_the_place_of_the_old_one(there_is_an_old_one: bool, tmp_path: Path) -> None:
    best = best_with(tmp_path / "best", "old") if there_is_an_old_one else BestLayout(tmp_path / "best")
    with replacing(best) as new:
        new.card.write_text("new")
        assert not there_is_an_old_one or best.card.read_text() == "old"
    assert best.card.read_text() == "new"
    assert names(tmp_path) == ["best"]


def test_what_ends_it_early_leaves_the_old_one(tmp_path: Path) -> None:
    best = best_with(tmp_path / "best", "old")

    def interrupted() -> None:
        with replacing(best) as new:
            new.card.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert best.card.read_text() == "old"
    assert names(tmp_path) == ["best"]


def test_an_interrupt_between_the_two_renames_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = best_with(tmp_path / "best", "old")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.name == "best.new":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), replacing(best) as new:
        new.card.write_text("new")
    assert best.card.read_text() == "old"
    assert names(tmp_path) == ["best"]


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    best = best_with(tmp_path / "best", "old")
    best.folder.rename(best.predecessor.folder)
    best_with(best.successor.folder, "half")
    with pytest.raises(KeyboardInterrupt), replacing(best):
        raise KeyboardInterrupt
    assert best.card.read_text() == "old"
    assert names(tmp_path) == ["best"]


def test_a_model_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "members").write_text("in the way of the folder")
    with pytest.raises(StudyError, match="cannot be written") as caught:
        keep_model(regressor(0), tmp_path / "members" / "0.keras")
    assert caught.value.problems[0].where == str(tmp_path / "members" / "0.keras")
