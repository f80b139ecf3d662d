"""The last training of a user's own model, and reading it again: what `retrain` does for it beside any other model.

best/model.keras                            # Keras knows a class of the user's by its name alone
best/model.py                               # … and finds it here
model = read_best(run.layout.best)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError
from tunecli.families.user_code import load_module
from tunecli.plan import Plan
from tunecli.store.files import write_whole
from tunecli.store.layout import BestLayout
from tunecli.store.run import Run
from tunecli.training.data import or_none
from tunecli.training.models import Built
from tunecli.training.own_fit import FitCall
from tunecli.training.setting import Setting

if TYPE_CHECKING:
    import keras

    from tunecli.training.engines.base import Arrays

TRAIN = "train"


def final_call(built: Built, setting: Setting, callbacks: Sequence[Any]) -> tuple[FitCall, Mapping[str, Arrays]]:
    """Returns what a model is to be trained on at last, and what it is evaluated on.

    A `fit` of its own may scale rows: every part goes through it as validation data, in a call that trains nothing, so
    that the rows it is tested on are scaled as those it was validated on were. Callbacks that read `val_loss` do so at
    last as they did in the search, of the validation rows; what is trained without callbacks is not validated.

    Raises:
        UsageError: The user's code raises.
        StudyError: It trains in a way that no engine can, or drops the part.
    """
    validation = or_none(setting.parts.parts[1])
    if built.own_fit is None:
        return FitCall(setting.train, validation if callbacks else None, callbacks=callbacks), setting.evaluated
    found: dict[str, Arrays] = {}
    for name, part in setting.evaluated.items():
        if name != TRAIN:
            shown = built.own_fit.capture(setting.train, part, epochs=setting.end).validation
            if shown is None:
                raise StudyError("fit drops its validation_data: there is nothing to evaluate the model on")
            found[name] = shown
    call = built.own_fit.capture(setting.train, validation, epochs=setting.end, callbacks=callbacks)
    return call if call.callbacks else replace(call, validation=None), {TRAIN: call.train, **found}


def require_saveable(built: Built) -> None:
    """Makes sure, before it is trained, that a user's own model can be saved.

    Raises:
        StudyError: Keras cannot say what it was made with.
    """
    if built.plan.custom is None:
        return
    import keras

    try:
        keras.saving.serialize_keras_object(built.model)
    except Exception as error:  # whatever a `get_config` may raise
        text = " ".join(str(error).split())[:200]
        hint = "let its classes take plain values in __init__, or give them get_config and from_config"
        raise StudyError(
            f"the model cannot be saved: {text}", where=built.plan.custom.source.file, hint=hint
        ) from error


def keep_code(run: Run, plan: Plan, best: BestLayout) -> None:
    """Puts the code of a user's own model beside the model.

    Raises:
        StudyError: The disk is full or fails.
    """
    if plan.custom is not None:
        write_whole(best.code, plan.custom.source.within(run.layout.sources).read_bytes())


def read_best(best: BestLayout) -> keras.Model:
    """Reads the model that `retrain` has kept, a user's own with its code.

    Raises:
        UsageError: That code cannot be run.
    """
    import keras

    own = {}
    if best.code.exists():
        module = load_module(best.code)
        own = {
            name: value
            for name, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", None) == module.__name__
        }
    # code of the same study may be trusted as much as the code beside it
    return keras.saving.load_model(best.model, custom_objects=own, safe_mode=not own)
