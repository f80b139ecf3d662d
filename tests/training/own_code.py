"""Studies of a user's own code for tests: a plan, and copies of its files."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import yaml

from tunecli.plan import Plan, resolve
from tunecli.plan.sources import Discovered
from tunecli.search.discovery import copy_sources
from tunecli.spec.load import load
from tunecli.training.discovery import discover

DENSE = """
    import keras

    def build_model(hp):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)])
        model.compile(optimizer=keras.optimizers.SGD(hp.Float("rate", 1e-5, 1e-3, sampling="log")), loss="mse")
        return model
"""

FITTING = """
    import keras
    import keras_tuner

    class Fitting(keras_tuner.HyperModel):
        def build(self, hp):
            model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)])
            model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
            return model

        def fit(self, hp, model, x, y, validation_data=None, **kwargs):
            scale = hp.Choice("scale", [1.0, 0.5])
            if validation_data is not None:
                validation_data = (validation_data[0] * scale, validation_data[1])
            history = model.fit(
                x * scale, y, validation_data=validation_data, batch_size=hp.Choice("batch_size", [8, 16]),
                shuffle=False, **kwargs,
            )
            assert history.history["loss"]
            return history
"""


class Study:
    """A spec with its files, in a folder of a test."""

    def __init__(self, folder: Path, code: str = DENSE, **changes: Any) -> None:
        self.folder = folder
        self.code = folder / "mine.py"
        self.code.write_text(textwrap.dedent(code))
        model = {"family": "custom", "path": "mine.py", **changes.pop("model", {})}
        document = {"dataset": "advertising", "model": model, "training": {"epochs": 2}, "baselines": False, **changes}
        self.spec = folder / "study.yaml"
        self.spec.write_text(yaml.safe_dump(document, sort_keys=False))
        self.sources = folder / "sources"

    def plan(self, discovered: Discovered | None = None) -> Plan:
        return resolve(load(self.spec), runs=self.folder / "runs", discovered=discovered)

    def discover(self) -> dict[str, Any]:
        plan = self.plan()
        copy_sources(load(self.spec), plan, self.folder / "runs", self.sources)
        payload = {"plan": plan.model_dump(mode="json"), "sources": str(self.sources)}
        return discover(payload, lambda message: False)

    def discovered(self) -> Discovered:
        answer = self.discover()
        assert "problem" not in answer, answer
        return Discovered.model_validate(answer["discovered"])

    def whole_plan(self) -> Plan:
        return self.plan(self.discovered())
