"""Keras callbacks of the user's own, for every trial anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunecli.errors import UsageError
from tunecli.plan import Plan
from tunecli.plan.sources import CallbackPlan
from tunecli.user_code import in_words, load_module, named


def user_callbacks(plan: Plan, sources: Path | None) -> list[Any]:
    """Makes the callbacks of a plan.

    Args:
        plan: The study's plan.
        sources: Where the copies of the user's files lie; may be None without callbacks.

    Raises:
        UsageError: A file cannot be run, a class is none, or does not take its arguments.
    """
    if not plan.callbacks:
        return []
    assert sources is not None, "callbacks come from files"
    return [make_callback(each, each.source.within(sources)) for each in plan.callbacks]


def make_callback(plan: CallbackPlan, path: Path) -> Any:
    """Makes one callback.

    Raises:
        UsageError: Its file cannot be run, its class is none, or does not take the arguments.
    """
    import keras

    found = named(load_module(path), plan.name)
    if not (isinstance(found, type) and issubclass(found, keras.callbacks.Callback)):
        raise UsageError(f"{plan.name} is no keras.callbacks.Callback", where=str(path), hint="derive it from it")
    with in_words(path, f"{plan.name}({', '.join(f'{name}={value!r}' for name, value in plan.args.items())}) raises"):
        return found(**plan.args)
