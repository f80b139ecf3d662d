"""Weights in the data's units and as a model holds them; and models that begin with given ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunecli.errors import StudyError
from tunecli.plan import Plan
from tunecli.preprocessing import Choices
from tunecli.training.data import search_parts
from tunecli.training.linear_units import LinearUnits, raw_parameters
from tunecli.training.models import build
from tunecli.training.run_trial import TrialRequest, TrialResult, run_trial

LINE = Path(__file__).parents[2] / "configs" / "data" / "line.csv"
EVERY_ROW = {"validation": 0, "test": 0}


def begun(plan: Plan) -> tuple[Any, Any]:
    """A model as it begins, and its parts."""
    values = plan.complete({})
    parts = search_parts(plan.dataset, Choices.of(values))
    built = build(plan, values, parts.signature, 3)
    built.complete(parts.parts[0], parts.preprocessor)
    return built.model, parts


@pytest.mark.parametrize("normalization", ["none", "standard", "minmax", "robust"])
@pytest.mark.parametrize("target_scaling", ["none", "standard", "minmax"])
def test_a_model_predicts_what_the_given_weights_do(
    normalization: str, target_scaling: str, make_plan: Callable[..., Plan]
) -> None:
    scaling = {"normalization": normalization, "target_scaling": target_scaling}
    start = {"initial_weights": {"TV": 0.05, "radio": 0.2, "newspaper": -0.1}, "initial_bias": 3.5}
    model, parts = begun(make_plan(model={"family": "linear", **scaling, **start}))
    units = LinearUnits.of(parts.preprocessor, model)
    assert units is not None
    assert units.are_the_datas is (normalization == target_scaling == "none")
    weights, bias = units.in_data(*raw_parameters(model))
    assert weights[:, 0] == pytest.approx([0.05, 0.2, -0.1], abs=1e-6)
    assert bias == pytest.approx([3.5], abs=1e-5)
    features = parts.parts[0][0]
    columns = features * units.scale + units.offset
    given = columns @ [0.05, 0.2, -0.1] + 3.5
    assert model.predict(features, verbose=0)[:, 0] == pytest.approx(given, rel=1e-4, abs=1e-4)


def test_what_is_not_given_begins_as_it_would_without(make_plan: Callable[..., Plan]) -> None:
    drawn, _ = begun(make_plan(model="linear"))
    model, _ = begun(make_plan(model={"family": "linear", "initial_weights": {"radio": 0.3}}))
    (was, bias_was), (kernel, bias) = map(raw_parameters, (drawn, model))
    assert kernel[[0, 2]] == pytest.approx(was[[0, 2]], rel=1e-6)
    assert kernel[1] != was[1]
    assert bias == bias_was == [0.0]


def test_columns_without_a_weight_of_their_own_are_refused(tmp_path: Path, make_plan: Callable[..., Plan]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("city,same,y\n" + "Paris,1,2\nRome,1,3.5\n" * 6)
    dataset = {"name": "csv", "path": str(path), "target": "y", **EVERY_ROW}
    for column, what in (("city", "is a column of texts"), ("same", "has one value in all training rows")):
        model = {"family": "linear", "initial_weights": {column: 1}}
        with pytest.raises(StudyError, match=what):
            begun(make_plan(dataset=dataset, model=model, objective="rmse"))


@pytest.mark.parametrize("engine", ["keras", "graph", "fused", "scipy"])
def test_every_engine_begins_there(engine: str, tmp_path: Path, make_plan: Callable[..., Plan]) -> None:
    """From least squares there is no way down; from the weights that are drawn, one step does not lead there."""
    steps = {"epochs": 1, "batch_size": "full"} if engine != "scipy" else {"max_iterations": 1}
    start = {"initial_weights": [2.959441], "initial_bias": 2.180303}
    plan = make_plan(
        dataset={"name": "csv", "path": str(LINE), "target": "y", **EVERY_ROW},
        model={"family": "linear", **start},
        objective="rmse",
        training={"engine": engine, **steps},
    )
    request = TrialRequest(
        plan=plan,
        values=plan.complete({}),
        engine=engine if engine != "scipy" else "scipy:L-BFGS-B",
        seed=1,
        start_epoch=0,
        end_epoch=1,
        state_out=tmp_path / "state.npz",
        keep_end=False,
        save_every_s=1e9,
    )
    result = TrialResult.model_validate(run_trial(request.model_dump(mode="json"), lambda message: False))
    assert result.cause == ""
    assert result.measurements[0].metrics["rmse"] == pytest.approx(0.935478, abs=2e-5)


def test_bent_columns_have_no_units(make_plan: Callable[..., Plan]) -> None:
    model, parts = begun(make_plan(model={"family": "linear", "normalization": "quantile"}))
    assert LinearUnits.of(parts.preprocessor, model) is None


def test_leading_axes_are_kept() -> None:
    units = LinearUnits(("a", "b"), np.array([1.0, 2.0]), np.array([2.0, 0.0]), np.array([5.0]), np.array([10.0]))
    kernels, biases = np.ones((4, 2, 1)), np.zeros((4, 1))
    weights, bias = units.in_data(kernels, biases)
    assert weights.shape == (4, 2, 1)
    assert weights[0, :, 0].tolist() == [5.0, 0.0]  # 10 / 2; a column of one value tells nothing
    assert bias[:, 0].tolist() == [0.0] * 4  # 5 - 10 · 0.5 · 1
