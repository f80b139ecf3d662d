"""The engines that fit a model, and which one trains a trial."""

from collections.abc import Mapping

from tunecli.plan import Plan
from tunecli.registry import Registry
from tunecli.spec.experiment import AUTO_ENGINE, SCIPY_ENGINE
from tunecli.spec.space import Value
from tunecli.training.engines.base import MOST_COPIED_BYTES, Engine, Fitted, Job

ENGINES: Registry[Engine] = Registry(
    "engine",
    {
        "keras": "tunecli.training.engines.keras_fit:ENGINE",
        "graph": "tunecli.training.engines.fused:GRAPH",
        "fused": "tunecli.training.engines.fused:FUSED",
        "scipy:L-BFGS-B": "tunecli.training.engines.scipy_minimize:L_BFGS_B",
        "scipy:TNC": "tunecli.training.engines.scipy_minimize:TNC",
        "scipy:CG": "tunecli.training.engines.scipy_minimize:CG",
        "scipy:BFGS": "tunecli.training.engines.scipy_minimize:BFGS",
        "scipy:Newton-CG": "tunecli.training.engines.scipy_minimize:NEWTON_CG",
        "scipy:trust-ncg": "tunecli.training.engines.scipy_minimize:TRUST_NCG",
    },
)

COMPILING_PAYS_STEPS = 8_000
"""Steps of a training from which XLA wins back its compilation: it takes 0.8 s more than tracing a graph, and saves
about 0.1 ms a step (measured on two cores, networks of 2 × 32 and 2 × 128 units)."""

__all__ = ["ENGINES", "Engine", "Fitted", "Job", "batch_rows", "can_resume", "choose_engine"]


def choose_engine(plan: Plan, values: Mapping[str, Value], rows: int, size: int) -> tuple[str, str]:
    """Returns the engine of a trial, and why: a pure function, so that a resume chooses alike.

    Args:
        plan: The study's plan.
        values: All values of the trial.
        rows: How many rows are trained on.
        size: Their bytes, as the model takes them.
    """
    if plan.training.method is not None:
        return f"{plan.training.engine}:{plan.training.method}", "named in the spec"
    if plan.training.engine != AUTO_ENGINE:
        return plan.training.engine, "named in the spec"
    if reason := _needs_keras(plan, size):
        return "keras", f"auto: keras, {reason}"
    steps = plan.full_epochs(values) * -(-rows // batch_rows(values, rows))
    if steps < COMPILING_PAYS_STEPS:
        return "graph", f"auto: graph, {steps:,} steps at most do not pay for compiling"
    return "fused", f"auto: fused, dense layers only, {steps:,} steps at most"


def _needs_keras(plan: Plan, size: int) -> str:
    """Returns why only Keras' own `fit` will do, or ""."""
    if size > MOST_COPIED_BYTES:
        return f"{size / 2**30:.1f} GiB of rows are not to be held in memory twice"
    if plan.custom is not None:
        return "which trains any model of one's own"
    if plan.callbacks:
        return "which calls callbacks of one's own at every batch"
    return "convolutions are slow under XLA on a processor" if plan.family == "cnn" else ""


def can_resume(engine: str) -> bool:
    """Says whether a training by this engine can go on from a state; one that cannot is run again from its start.

    What scipy's optimisers remember stays within scipy: a state of theirs would hold the weights and nothing else.
    """
    return not engine.startswith(f"{SCIPY_ENGINE}:")


def batch_rows(values: Mapping[str, Value], rows: int) -> int:
    """Returns the rows of one step: all of them for `full`, and where no trial has steps."""
    size = values.get("batch_size")
    return min(size, rows) if isinstance(size, int) else rows
