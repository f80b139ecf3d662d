"""What a search space is told before anything was trained: what the choice of parameters itself makes hard to learn.

notes = space_notes(plan.space, plan.fixed, limits, is_custom=False)
[each.sentence for each in notes]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunecli.reports.space.findings import Advice, AdviceKind
from tunecli.reports.space.ranges import Limits, entry
from tunecli.spec.space import Kind, Parameter, SearchSpace, Value, show_value

LEARNING_RATE = "learning_rate"

PARTNERS = {
    "batch_size": "larger batches want a larger rate",
    "optimizer": "each optimizer has a rate of its own that suits it",
}
"""What is compared unfairly at one learning rate, and why: Goyal et al. 2017 (arXiv:1706.02677, section 2.1), and Choi
et al. 2019 (arXiv:1910.05446), where the order of optimizers follows from how their rates were tuned."""

WIDE_RANGE = (1e-4, 0.1)
"""Learning rates to search where none was ever named."""

CONSTANTS = frozenset({"zeros", "zero", "ones", "one", "constant"})
"""Keras' names of initializers that give every weight the same value, in small letters."""


def space_notes(
    space: SearchSpace, fixed: Mapping[str, Value], limits: Mapping[str, Limits], *, is_custom: bool
) -> tuple[Advice, ...]:
    """Returns what is worth saying of a space, whatever its trials come to.

    Args:
        space: What is searched.
        fixed: What is not.
        limits: Of every hyperparameter that a trial reads, by name.
        is_custom: Whether code of the user's own builds the model: it may set a learning rate that no plan knows of.
    """
    has_rate = LEARNING_RATE in limits and not is_custom
    return (*(_fixed_rates(space, fixed) if has_rate else ()), *_constant_kernels(space, fixed))


def _fixed_rates(space: SearchSpace, fixed: Mapping[str, Value]) -> Iterator[Advice]:
    """Yields a batch size or an optimizer that is searched at one learning rate."""
    searched = {parameter.name for parameter in space}
    if LEARNING_RATE in searched:
        return
    rate = fixed.get(LEARNING_RATE)
    low, high = (rate / 10, rate * 10) if isinstance(rate, float) and rate > 0 else WIDE_RANGE
    around = Parameter(name=LEARNING_RATE, kind=Kind.FLOAT, min=_short(low), max=_short(high), log=True)
    said = f"one learning rate ({show_value(rate)})" if rate is not None else "the default learning rate"
    for name, why in PARTNERS.items():
        if name in searched:
            text = f"{name} is searched at {said}, but {why}: search the rate, too"
            yield Advice.on(AdviceKind.FIXED_RATE, (name, LEARNING_RATE), text, entry(around))


def _constant_kernels(space: SearchSpace, fixed: Mapping[str, Value]) -> Iterator[Advice]:
    """Yields initializers that make all units of a layer alike, which they then stay."""
    possible = {name: (value,) for name, value in fixed.items()} | {each.name: each.values for each in space}
    for name, values in possible.items():
        if "initializer" not in name.lower() or "bias" in name.lower():
            continue
        constant = [value for value in values if isinstance(value, str) and value.lower() in CONSTANTS]
        if not constant:
            continue
        text = (
            f"{name} may be {' or '.join(constant)}: hidden units that begin with equal weights, before and behind "
            "them, get equal gradients and stay alike, however many there are"
        )
        others = tuple(value for value in values if value not in constant)
        line = entry(Parameter(name=name, kind=Kind.CHOICE, values=others)) if others else None
        yield Advice.on(AdviceKind.CONSTANT_KERNEL, (name,), text, line)


def _short(number: float) -> float:
    return float(f"{number:.3g}")
