"""Objectives of models with an auxiliary output."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plan.test_resolve import plan_of, problems
from tunecli.study.objective import Goal

SPEC = "dataset: advertising\nmodel: {{family: wide_deep{model}}}\nobjective: {objective}\nsearch_space: {{{space}}}\n"


def spec(objective: str, *, model: str = "", space: str = "") -> str:
    return SPEC.format(model=model, objective=objective, space=space)


@pytest.mark.parametrize(
    "given",
    [
        {"model": ", aux_weight: 0.1"},
        {"space": "aux_weight: [0.1, 0.2]"},
        {"space": "aux_weight: {min: 0.1, max: 0.2}"},
    ],
)
def test_the_auxiliary_output_may_decide_where_every_trial_has_one(given: Any) -> None:
    for metric in ("val_aux_rmse", "aux_loss", "val_main_loss"):
        assert plan_of(spec(metric, **given)).objective.metric == metric
    objective = plan_of(spec("val_aux_r2", **given)).objective
    assert objective.goal is Goal.MAXIMIZE


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"space": "aux_weight: [0.0, 0.1]"},
        {"space": "aux_weight: {min: 0, max: 0.2}"},
        {"space": "optimizer: [adam, sgd], aux_weight: {min: 0.1, max: 0.2, when: {optimizer: sgd}}"},
    ],
)
def test_it_may_not_where_a_trial_may_have_none(given: Any) -> None:
    (found,) = problems(spec("val_aux_rmse", **given))
    assert found.startswith("a.yaml:3:12: objective: val_aux_rmse needs an auxiliary output in every trial\nhint:")


def test_the_total_loss_cannot_decide_while_its_weights_are_searched_and_those_of_outputs_can() -> None:
    space = "aux_weight: [0.1, 0.2]"
    (found,) = problems(spec("val_loss", space=space))
    assert "val_loss cannot decide while aux_weight is searched" in found
    assert plan_of(spec("val_main_loss", space=space)).objective.metric == "val_main_loss"
    (found,) = problems(spec("val_main_loss", space=f"{space}, loss: [mse, mae]"))
    assert "val_main_loss cannot decide while loss is searched" in found


def test_classes_have_accuracies_of_both() -> None:
    (found,) = problems(spec("val_aux_accuracy", model=", aux_weight: 0.1"))
    assert "a regression task does not produce val_aux_accuracy" in found
    assert "val_aux_rmse" in found


def test_early_stopping_watches_either_output() -> None:
    stopping = "training: {early_stopping: {monitor: val_aux_loss}}\n"
    plan = plan_of(spec("val_rmse", model=", aux_weight: 0.1") + stopping)
    assert plan.training.early_stopping is not None
    assert plan.training.early_stopping.monitor == "val_aux_loss"
    (found,) = problems(spec("val_rmse") + stopping)
    assert "there is no metric 'val_aux_loss'" in found


@pytest.mark.parametrize("weight", ["1", "-0.1"])
def test_the_weight_is_a_share(weight: str) -> None:
    (found,) = problems(spec("val_rmse", model=f", aux_weight: {weight}"))
    assert found.startswith("a.yaml:2:40: model.aux_weight:")
