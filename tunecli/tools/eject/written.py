"""What a script says of a plan; whoever asks for more is refused, never given something else."""

from __future__ import annotations

from collections.abc import Iterator

from tunecli.errors import UsageError
from tunecli.families.compiling import OPTIMIZER_HYPERPARAMETERS
from tunecli.plan import Plan
from tunecli.spec.experiment import SCIPY_ENGINE
from tunecli.spec.space import same

_LAYERS = (
    *(
        "hidden_layers",
        "units",
        "activation",
        "kernel_initializer",
        "dropout",
        "batch_normalization",
        "l2",
        "output_activation",
    ),
    *("blocks", "filters", "kernel_size", "pooling", "dense_units"),
    *("augment_flip", "augment_shift"),
)

_FAMILIES = ("linear", "mlp", "cnn")
"""Those whose inputs and outputs are one array each."""

_UNREAD = ("npz", "image_folder", "python")
"""The data sets that no script reads."""

WRITTEN = frozenset({*_LAYERS, *(each.name for each in OPTIMIZER_HYPERPARAMETERS), "loss", "huber_delta", "batch_size"})
"""The hyperparameters that a script can set; it has all others at their defaults."""


def refuse_unwritten(plan: Plan, spec: str) -> None:
    """Refuses a plan that asks for what a script does not have.

    Raises:
        UsageError: It does; names the first such thing.
    """
    if plan.training.engine == SCIPY_ENGINE:
        hint = "write engine: auto, and search optimizer and learning_rate instead"
        raise UsageError("a script of KerasTuner has no engine: scipy", where=f"{spec}: training.engine", hint=hint)
    _refuse_own_code(plan, spec)
    _refuse_start(plan, spec)
    _refuse_own_data(plan, spec)
    if isinstance(plan.dataset.options.target, tuple):
        hint = "name one column, and tunecli eject writes the rest"
        raise UsageError("an ejected script predicts one column", where=f"{spec}: dataset.target", hint=hint)
    if plan.dataset.options.sample_weight is not None:
        hint = "drop it, and tunecli eject writes the rest"
        raise UsageError("an ejected script has no weights of rows", where=f"{spec}: dataset.sample_weight", hint=hint)
    if plan.dataset.options.group is not None:
        hint = "drop it, and tunecli eject writes the rest"
        raise UsageError("an ejected script has no groups of rows", where=f"{spec}: dataset.group", hint=hint)
    if plan.dataset.split is not None:
        hint = "drop it, and tunecli eject writes the rest"
        raise UsageError("an ejected script splits as by default", where=f"{spec}: dataset.split", hint=hint)
    for path in ("validation_path", "test_path"):
        if getattr(plan.dataset.options, path) is not None:
            hint = "drop it, and tunecli eject writes the rest"
            raise UsageError("an ejected script reads one file", where=f"{spec}: dataset.{path}", hint=hint)
    if plan.evaluation is not None:
        hint = "drop it, and tunecli eject writes the rest"
        raise UsageError("an ejected script trains each trial once", where=f"{spec}: evaluation", hint=hint)
    if plan.family not in _FAMILIES:
        hint = "write family: mlp, which reads all features in one input"
        raise UsageError(
            f"a script of KerasTuner has no family {plan.family}", where=f"{spec}: model.family", hint=hint
        )
    if name := next(_unwritten(plan), None):
        hint = f"drop {name}, and tunecli eject writes the rest"
        raise UsageError(f"an ejected script does not set {name}", where=spec, hint=hint)


def _refuse_own_code(plan: Plan, spec: str) -> None:
    if plan.custom is not None:
        hint = f"{plan.custom.source.file} runs under KerasTuner as it is"
        raise UsageError("a custom model has its script already", where=f"{spec}: model.family", hint=hint)
    if plan.callbacks:
        hint = "drop them here, and pass them to tuner.search in the script"
        raise UsageError("a script has no callbacks of yours", where=f"{spec}: training.callbacks", hint=hint)
    if plan.init_from is not None:
        raise UsageError(
            "a script begins with no other model's weights", where=f"{spec}: model.init_from", hint="drop it"
        )


def _refuse_start(plan: Plan, spec: str) -> None:
    if plan.start is not None:
        name = "initial_weights" if plan.start.weights else "initial_bias"
        hint = "drop it, and tunecli eject writes the rest"
        raise UsageError("a script begins with weights that are drawn", where=f"{spec}: model.{name}", hint=hint)


def _refuse_own_data(plan: Plan, spec: str) -> None:
    name = plan.dataset.name
    if name in _UNREAD:
        hint = "write the data as a CSV file, or search them with tunecli"
        raise UsageError(f"an ejected script reads no {name}", where=f"{spec}: dataset.name", hint=hint)
    if plan.dataset.options.image_columns is not None:
        where = f"{spec}: dataset.image_columns"
        hint = "drop it, and tunecli eject writes a search on the columns as numbers"
        raise UsageError("an ejected script makes no images of columns", where=where, hint=hint)


def _unwritten(plan: Plan) -> Iterator[str]:
    defaults = {each.name: each.default for each in plan.hyperparameters()}
    # what is not among them is the value of a single layer, of what is written
    yield from (each.name for each in plan.space if each.name in defaults and each.name not in WRITTEN)
    for name, value in plan.fixed.items():
        if name not in WRITTEN and not same(value, defaults[name]):
            yield name
