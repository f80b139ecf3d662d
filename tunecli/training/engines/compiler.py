"""How XLA compiles the programs of a study: in little time, or into the fastest code.

On a processor XLA writes fused loops through MLIR. That is two thirds of the time to compile a small network, and where
masks of dropout are drawn in such a loop, they are drawn again for each use. Without it, measured with 2 × 128 units on
one core, a program is ready in 0.7 instead of 1.0 s; a step takes 15 µs more, for weights are updated by slower loops;
and dropout takes a fifth to two thirds of the time that it takes with it.
"""

from __future__ import annotations

import os
import statistics
from typing import TYPE_CHECKING

from tunecli.plan import Plan
from tunecli.spec.space import Parameter
from tunecli.training.engines.base import element_count, row_count

if TYPE_CHECKING:
    from tunecli.training.engines.base import Arrays

QUICKLY = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
"""Without loops through MLIR, and on the thread that asks: what several share of so little takes longer in all."""

TESTED = "2.21."
"""The versions of TensorFlow that the flags were measured with: XLA ends a process that names one it does not know."""

MOST_UPDATES = 2.5e8
"""So many times a weight may be updated in a training before faster code is worth its compilation: it then takes 1 to
2 ns less each time, and 0.3 to 0.4 s more once."""

_PLAIN = ("linear", "mlp", "wide_deep")
"""Families of which the measurements tell something."""

_WIDENING = {"numeric_embedding", "ensemble_heads"}
"""Hyperparameters with which a network has many times the weights."""

_UNUSED = (None, "none", 0, 1)
"""Values of hyperparameters with which they do nothing."""


def compiler_flags(plan: Plan, train: Arrays) -> str:
    """Returns the flags with which XLA compiles all programs of a study: it reads them once in a process.

    Args:
        plan: The study's plan.
        train: What its first training is trained on.
    """
    import tensorflow as tf

    used = {name for name, value in plan.fixed.items() if value not in _UNUSED} | {each.name for each in plan.space}
    if not tf.__version__.startswith(TESTED) or plan.family not in _PLAIN or used & _WIDENING:
        return ""
    if "dropout" in used:
        return QUICKLY
    updates = plan.full_epochs(plan.fixed) * _steps(plan, row_count(train)) * _weights(plan, element_count(train[0]))
    return QUICKLY if updates <= MOST_UPDATES else ""


def set_compiler(flags: str) -> None:
    """Sets the flags of this process, unless XLA has compiled something in it; the user's own take precedence."""
    own = os.environ.get("XLA_FLAGS", "")
    if flags not in own:
        os.environ["XLA_FLAGS"] = f"{flags} {own}".strip()


def _steps(plan: Plan, rows: int) -> float:
    """Returns about how many steps an epoch has."""
    size = plan.fixed.get("batch_size")
    return 1 if isinstance(size, str) else rows / min(_usual(plan, "batch_size"), rows)  # the text is `full`


def _weights(plan: Plan, features: int) -> float:
    """Returns about how many weights a trial's network has."""
    width, layers = _usual(plan, "units"), _usual(plan, "hidden_layers")
    return features * width + max(0.0, layers - 1) * width**2


def _usual(plan: Plan, name: str) -> float:
    """Returns the middle of what a hyperparameter may be, or the mean of the middles for each layer."""
    searched = [_middle(each) for each in plan.space if each.name == name or each.name.startswith(f"{name}_")]
    defaults = {each.name: each.default for each in plan.hyperparameters()}
    found = searched or [_mean(plan.fixed.get(name, defaults.get(name)))]
    return statistics.fmean(found)


def _middle(parameter: Parameter) -> float:
    if parameter.values:
        return statistics.fmean(map(_mean, parameter.values))
    low, high = parameter.bounds
    return statistics.geometric_mean([low, high]) if parameter.log else statistics.fmean([low, high])


def _mean(value: object) -> float:
    if isinstance(value, list | tuple):
        return statistics.fmean(value) if value else 0.0
    return float(value) if isinstance(value, int | float) else 1.0
