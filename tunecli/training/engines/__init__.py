"""The engines that fit a model, and which one trains a trial."""

from tunecli.registry import Registry
from tunecli.training.engines.base import Engine, Job

ENGINES: Registry[Engine] = Registry("engine", {"keras": "tunecli.training.engines.keras_fit:ENGINE"})

__all__ = ["ENGINES", "Engine", "Job", "choose_engine"]


def choose_engine() -> tuple[str, str]:
    """Returns the engine of a trial, and why it was chosen."""
    return "keras", "the only engine"
