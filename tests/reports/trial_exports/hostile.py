"""A study with everything that a format may stumble over."""

from __future__ import annotations

import math
from pathlib import Path

from tests.reports.studies import Told, write_study
from tunecli.spec.space import Condition, Kind, Parameter, Values
from tunecli.store.run import Run

FORMULA, SCRIPT = "=1+1", "</script><b>"

SPACE = (
    Parameter(name="id", kind=Kind.CHOICE, values=("=cmd()", "sgd")),
    Parameter(name=SCRIPT, kind=Kind.FLOAT, min=0.0, max=1.0, when=(Condition(parameter="id", values=("sgd",)),)),
    Parameter(name=FORMULA, kind=Kind.CHOICE, values=([300, 100], [50])),
    Parameter(name="nothing", kind=Kind.CHOICE, values=(None, True, "a")),
    Parameter(name="stepped", kind=Kind.FLOAT, min=0.0, max=0.5, step=0.1),
    Parameter(name="magnitude", kind=Kind.INT, min=1, max=64, step=3, log=True),
    Parameter(name="bool", kind=Kind.CHOICE, values=(False, True)),
)
PLAIN: Values = {FORMULA: [300, 100], "nothing": None, "stepped": 0.3, "magnitude": 4, "bool": True}


def hostile_study(folder: Path) -> Run:
    """Writes a study of three completed trials, one that failed and one that runs."""
    return write_study(
        folder,
        [
            Told({"id": "=cmd()", **PLAIN}, 0.7, curve=[1.1, math.nan, 0.9, 0.8, 0.7]),
            Told({"id": "sgd", SCRIPT: 0.25, **PLAIN}, 0.5),
            Told(
                {"id": "sgd", SCRIPT: 0.5, **PLAIN},
                "=loss is nan in epoch 2",
                curve=[math.inf, math.nan],
                epochs=2,
                slot=1,
            ),
            Told({"id": "=cmd()", **PLAIN, "stepped": 0.5}, 0.6),
            Told({"id": "=cmd()", **PLAIN, "bool": False}, None, curve=[1.5]),
        ],
        space=SPACE,
        end=None,
    )
