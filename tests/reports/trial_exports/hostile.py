"""A study with everything that a format may stumble over."""

from __future__ import annotations

import math
from pathlib import Path

from tests.studies import Planted, any_plan, both_parts, write_study
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


def hostile_study(runs: Path) -> Run:
    """Writes a study of three completed trials, one that failed and one that runs."""
    return write_study(
        runs,
        any_plan(space=SPACE),
        [
            Planted({"id": "=cmd()", **PLAIN}, 0.7, both_parts([1.1, math.nan, 0.9, 0.8, 0.7])),
            Planted({"id": "sgd", SCRIPT: 0.25, **PLAIN}, 0.5),
            Planted(
                {"id": "sgd", SCRIPT: 0.5, **PLAIN},
                "=loss is nan in epoch 2",
                both_parts([math.inf, math.nan]),
                end_epoch=2,
                slot=1,
            ),
            Planted({"id": "=cmd()", **PLAIN, "stepped": 0.5}, 0.6),
            Planted({"id": "=cmd()", **PLAIN, "bool": False}, None, both_parts([1.5])),
        ],
        end=None,
    )
