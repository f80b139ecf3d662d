"""Trials of a user's own models: trained, resumed, evaluated and read again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from tests.training.own_code import DENSE, FITTING, Study
from tunecli.families.base import DataSignature
from tunecli.plan import Plan
from tunecli.preprocessing.preprocessor import Preprocessor
from tunecli.spec.experiment import Task
from tunecli.store.layout import BestLayout
from tunecli.training.models import build
from tunecli.training.own_models import keep_own, keep_recipe
from tunecli.training.run_trial import TrialResult, run_trial
from tunecli.training.state import load_state

SUBCLASSED = """
    import keras

    class Net(keras.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.hidden = keras.layers.Dense(units, activation="relu")
            self.dropped = keras.layers.Dropout(0.2)
            self.out = keras.layers.Dense(1)

        def call(self, x, training=False):
            return self.out(self.dropped(self.hidden(x), training=training))

    def build_model(hp):
        model = Net(hp.Int("units", 2, 8))
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
        return model
"""

TWO_OUTPUTS = """
    import keras
    import keras_tuner

    class Two(keras_tuner.HyperModel):
        def build(self, hp):
            inputs = keras.Input((3,))
            hidden = keras.layers.Dense(hp.Int("units", 2, 8))(inputs)
            main, aux = keras.layers.Dense(1, name="main")(hidden), keras.layers.Dense(1, name="aux")(inputs)
            model = keras.Model(inputs, {"main": main, "aux": aux})
            model.compile("adam", loss={"main": "mse", "aux": "mae"}, metrics={"main": ["mae"]})
            return model

        def fit(self, hp, model, x, y, validation_data, **kwargs):
            xv, yv = validation_data
            return model.fit(x, {"main": y, "aux": y}, validation_data=(xv, {"main": yv, "aux": yv}), **kwargs)
"""


def run(
    study: Study, values: Mapping[str, Any], plan: Plan | None = None, *, engine: str = "keras", **changes: Any
) -> TrialResult:
    plan = plan or study.whole_plan()
    request = {
        "plan": plan.model_dump(mode="json"),
        "values": plan.complete(values),
        "engine": engine,
        "seed": 3,
        "start_epoch": 0,
        "end_epoch": 2,
        "sources": str(study.sources),
        "state_out": str(study.folder / "state.npz"),
        "keep_end": True,
        "save_every_s": 60.0,
        **changes,
    }
    return TrialResult.model_validate(run_trial(request, lambda message: False))


def losses(result: TrialResult) -> list[float]:
    assert not result.cause, result.cause
    return [each.metrics["loss"] for each in result.measurements]


CASES = [
    pytest.param(DENSE, {"units": 4, "rate": 1e-4}, id="function"),
    pytest.param(SUBCLASSED, {"units": 4}, id="subclassed"),
    pytest.param(FITTING, {"units": 4, "scale": 0.5, "batch_size": 16}, id="fit"),
    pytest.param(TWO_OUTPUTS, {"units": 4}, id="two outputs"),
]


@pytest.mark.parametrize("engine", ["keras", "graph"])
@pytest.mark.parametrize(("code", "values"), CASES)
def test_a_model_goes_on_to_the_bit(code: str, values: dict[str, Any], engine: str, tmp_path: Path) -> None:
    study = Study(tmp_path, code)
    plan = study.whole_plan()
    whole = run(study, values, plan, engine=engine, end_epoch=3)
    at_end = load_state(tmp_path / "state.npz")
    first = run(study, values, plan, engine=engine, end_epoch=1)
    state = tmp_path / "first.npz"
    (tmp_path / "state.npz").rename(state)
    rest = run(study, values, plan, engine=engine, start_epoch=1, end_epoch=3, state_in=str(state))
    assert losses(first) + losses(rest) == losses(whole)
    resumed = load_state(tmp_path / "state.npz")
    pairs = zip((*at_end.variables, *at_end.optimizer), (*resumed.variables, *resumed.optimizer), strict=True)
    assert all(np.array_equal(left, right) for left, right in pairs)
    assert whole.layers
    assert "val_loss" in whole.measurements[0].metrics


CLOSURE = """
    import keras

    def build_model(hp):
        weight = hp.Choice("weight", [1.0, 100.0])
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile(optimizer="sgd", loss=lambda y, p: weight * keras.ops.mean((y - p) ** 2))
        return model
"""


def test_a_value_in_a_closure_is_not_taken_from_another_trials_program(tmp_path: Path) -> None:
    study = Study(tmp_path, CLOSURE)
    plan = study.whole_plan()
    light = run(study, {"weight": 1.0}, plan, engine="graph", end_epoch=1)
    heavy = run(study, {"weight": 100.0}, plan, engine="graph", end_epoch=1)
    alone = run(study, {"weight": 100.0}, plan, engine="keras", end_epoch=1)
    assert light.program == heavy.program == "compiled"
    assert heavy.measurements[0].metrics.get("loss") == pytest.approx(alone.measurements[0].metrics["loss"], rel=1e-4)


def test_fit_decides_batch_size_and_scaling(tmp_path: Path) -> None:
    study = Study(tmp_path, FITTING)
    plan = study.whole_plan()
    base = {"units": 4, "scale": 1.0, "batch_size": 16}
    assert losses(run(study, base, plan)) == losses(run(study, base, plan))
    assert losses(run(study, base, plan)) != losses(run(study, {**base, "batch_size": 8}, plan))
    assert losses(run(study, base, plan)) != losses(run(study, {**base, "scale": 0.5}, plan))


REFUSED = [
    ("steps_per_epoch=3", "Fitting.fit passes steps_per_epoch=3 to model.fit"),
    ("validation_split=0.1", "Fitting.fit passes validation_split=0.1 to model.fit"),
    ("class_weight={0: 2.0}", "Fitting.fit passes class_weight={0: 2.0} to model.fit"),
]


@pytest.mark.parametrize(("argument", "cause"), REFUSED)
def test_what_an_engine_cannot_do_fails_the_trial(argument: str, cause: str, tmp_path: Path) -> None:
    study = Study(tmp_path, FITTING)
    plan = study.whole_plan()
    study.code.write_text(study.code.read_text().replace("shuffle=False", argument))
    assert cause in study.discover()["problem"]["what"]
    plan.custom.source.within(study.sources).write_text(study.code.read_text())  # type: ignore[union-attr]
    assert cause in run(study, {"units": 4, "scale": 1.0, "batch_size": 8}, plan).cause


def test_a_data_set_in_fit_is_refused(tmp_path: Path) -> None:
    code = FITTING.replace("x * scale, y,", "zip(x, y),")
    assert "passes no y to model.fit" in Study(tmp_path, code).discover()["problem"]["what"]


def test_a_fit_that_trains_nothing_is_refused(tmp_path: Path) -> None:
    code = FITTING.replace("history = model.fit(", "return dict(").replace("x * scale, y,", "")
    assert "Fitting.fit never calls model.fit" in Study(tmp_path, code).discover()["problem"]["what"]


def test_a_hyperparameter_that_no_one_knows_fails_the_trial(tmp_path: Path) -> None:
    study = Study(tmp_path, DENSE)
    plan = study.whole_plan()
    copy = plan.custom.source.within(study.sources)  # type: ignore[union-attr]
    copy.write_text(copy.read_text().replace("    model.compile", '    hp.Int("late", 1, 2)\n    model.compile'))
    assert "not found before: late" in run(study, {"units": 4, "rate": 1e-4}, plan).cause


def test_a_metric_that_the_model_does_not_report_fails_the_trial(tmp_path: Path) -> None:
    study = Study(tmp_path, DENSE, objective={"metric": "val_auc", "goal": "maximize"})
    cause = run(study, {"units": 4, "rate": 1e-4}).cause
    assert cause == "the model reports no val_auc, which is the objective; it has loss, val_loss"


READ = """
import json, sys
import numpy as np
from pathlib import Path
from tunecli.training.own_models import read_kept
best = Path(sys.argv[1])
model = read_kept(best / sys.argv[2], code=best / "model.py", recipe=best / "model.json")
print(json.dumps([type(model).__name__, model.predict(np.array([[1.0, 2.0, 3.0]] * 2), verbose=0).tolist()]))
"""


@pytest.mark.parametrize("has_config", [False, True])
def test_a_subclassed_model_is_read_again_in_another_process(*, has_config: bool, tmp_path: Path) -> None:
    config = "def get_config(self):\n            return {'units': self.hidden.units}\n\n        def call("
    study = Study(tmp_path, SUBCLASSED.replace("def call(", config) if has_config else SUBCLASSED)
    plan = study.whole_plan()
    built = build(plan, plan.complete({"units": 4}), DataSignature(Task.REGRESSION, (3,), 1), 5, study.sources)
    train = (np.zeros((2, 3), "float32"), np.zeros((2, 1), "float32"))
    built.complete(train, Preprocessor())
    best = BestLayout(tmp_path / "best")
    best.folder.mkdir()
    keep_recipe(built, train, best)
    keep_own(built.model, best.model)
    assert best.model.exists() == has_config
    kept = "model.keras" if has_config else "model.weights.h5"
    command = [sys.executable, "-c", READ, str(best.folder), kept]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    name, predicted = json.loads(done.stdout.splitlines()[-1])
    assert name == "Net"
    assert np.allclose(predicted, built.model.predict(np.array([[1.0, 2.0, 3.0]] * 2), verbose=0), rtol=1e-6)
