"""Checks what a spec says about the surroundings of a model against its data and against each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from tunecli.datasets.base import Description
from tunecli.errors import UsageError
from tunecli.families.augmentation import SHIFT
from tunecli.families.base import Hyperparameter
from tunecli.families.bounded import USE_MINMAX, scaling_fault, target_fault
from tunecli.families.layers import OUTPUT_ACTIVATION
from tunecli.families.surroundings import CLASS_WEIGHT, EPOCHS, NORMALIZATION, TARGET_SCALING
from tunecli.plan.bind import Binding, Report
from tunecli.plan.plan import Plan
from tunecli.spec.experiment import SCIPY_ENGINE, ExperimentSpec
from tunecli.spec.faults import Loc
from tunecli.spec.tuners import HyperbandTuner

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def check_surroundings(spec: ExperimentSpec, description: Description, binding: Binding, report: Report) -> None:
    """Reports what has no meaning for these data."""
    searched = {parameter.name for parameter in binding.space}
    if NORMALIZATION.name in spec.parameters and description.image_shape is not None:
        what = "normalization is read for tables alone; images become 0 … 1"
        report(place(spec, NORMALIZATION.name), what, "drop it", at_key=True)
    names = (OUTPUT_ACTIVATION.name, TARGET_SCALING.name)
    if not any(name in searched for name in names) and (fault := scaling_fault(binding.fixed)):
        report(place(spec, TARGET_SCALING.name), fault, USE_MINMAX)
    if spec.training.engine == "fused" and SHIFT.name in spec.parameters:
        what = "XLA moves no images on a processor"
        report(place(spec, SHIFT.name), what, "write engine: auto, keras or graph, or drop it", at_key=True)
    if searched_epochs(spec):
        _check_epochs(spec, searched, report)


def searched_epochs(spec: ExperimentSpec) -> tuple[Hyperparameter, ...]:
    """Returns the epochs as a hyperparameter where the spec declares them as one."""
    return (EPOCHS,) if EPOCHS.name in spec.parameters and spec.training.engine != SCIPY_ENGINE else ()


def most_epochs(binding: Binding) -> int | None:
    """Returns the epochs of the longest trial, or None if they are not searched."""
    found = [parameter for parameter in binding.space if parameter.name == EPOCHS.name]
    counts = [value for each in found for value in each.finite_values() or each.bounds if isinstance(value, int)]
    return max(counts, default=None)


def _check_epochs(spec: ExperimentSpec, searched: Collection[str], report: Report) -> None:
    name = EPOCHS.name
    loc = place(spec, name)
    if isinstance(spec.tuner, HyperbandTuner):
        report(loc, "hyperband decides for how many epochs a trial is trained", "drop it", at_key=True)
    elif name not in searched:
        report(loc, "one value is not searched", "write it as training.epochs", at_key=True)
    if spec.parameters[name].when:
        report((*loc, "when"), "epochs are read by every trial", "drop when", at_key=True)
    if name in spec.training.model_fields_set:
        report(("training", name), f"stands in {loc[0]}: too", "keep one of the two", at_key=True)


def refuse_unreachable_targets(plan: Plan, targets: NDArray[np.generic], names: Sequence[str]) -> None:
    """Refuses training targets that no trial can reach; where some can, the others fail by themselves.

    Args:
        plan: What is to be searched.
        targets: Of the training rows, in original units; shape `(rows,)` or `(rows, columns)`.
        names: Of the columns.

    Raises:
        UsageError: The one output activation of all trials does not reach them.
    """
    deciding = (OUTPUT_ACTIVATION.name, TARGET_SCALING.name)
    if any(parameter.name in deciding for parameter in plan.space):
        return
    if fault := target_fault(plan.fixed, targets, names):
        raise UsageError(fault, where=OUTPUT_ACTIVATION.name, hint=USE_MINMAX)


def has_plain_loss(plan: Plan) -> bool:
    """Says whether the losses of all trials are in original units, and of rows that count alike."""
    names = (TARGET_SCALING.name, CLASS_WEIGHT.name)
    is_searched = any(parameter.name in names for parameter in plan.space)
    is_shaped = any(plan.fixed.get(name, "none") != "none" for name in names)
    return not (is_searched or is_shaped or plan.dataset.options.sample_weight is not None)


def place(spec: ExperimentSpec, name: str) -> Loc:
    """Returns where a spec declares a hyperparameter."""
    return ("search_space" if name in spec.search_space else "model", name)
