"""The last training of a user's own model, and reading it again: what `retrain` does for it beside any other model.

best/model.keras                            # Keras knows a class of the user's by its name alone
best/model.py                               # … and finds it here; `training.bundle` reads them together
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.errors import DataError
from tunecli.families.custom import Custom
from tunecli.store.files import read_json, sync_file, write_json, write_whole, writing
from tunecli.store.layout import BestLayout
from tunecli.training.best_folder import keep_model
from tunecli.training.data import or_none
from tunecli.training.models import Built
from tunecli.training.own_fit import FitCall
from tunecli.training.setting import Setting
from tunecli.user_code import load_module

if TYPE_CHECKING:
    import keras

    from tunecli.training.engines.base import Arrays

TRAIN = "train"

_WEIGHTS = ".weights.h5"


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
            found[name] = built.own_fit.as_validated(setting.train, part, epochs=setting.end)
    call = built.own_fit.capture(setting.train, validation, epochs=setting.end, callbacks=callbacks)
    return call if call.callbacks else replace(call, validation=None), {TRAIN: call.train, **found}


def keep_recipe(built: Built, train: Arrays, best: BestLayout) -> None:
    """Puts beside a user's own model what it takes to make it again: its code, its values, and what a row looks like.

    Raises:
        StudyError: The disk is full or fails.
    """
    import keras

    custom = built.plan.custom
    if custom is None:
        return
    assert built.sources is not None
    rows = keras.tree.map_structure(lambda array: f"{array.dtype} {' '.join(map(str, array.shape[1:]))}", train[0])
    write_whole(best.code, custom.source.within(built.sources).read_bytes())
    write_json(best.recipe, {"build": custom.build, "values": dict(built.values), "row": rows})


def keep_own(model: keras.Model, path: Path) -> None:
    """Saves a user's own model: whole, or by its weights where Keras cannot tell what it was made with.

    A subclass of `keras.Model` whose `__init__` takes arguments is such a one, unless it has a `get_config`.

    Args:
        model: The model.
        path: Where to save it whole; weights go beside it.

    Raises:
        StudyError: The disk is full or fails.
    """
    import keras

    try:
        keras.saving.serialize_keras_object(model)
    except Exception:  # whatever a `get_config` may raise
        path = weights_beside(path)
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            model.save_weights(path)
        sync_file(path)
    else:
        keep_model(model, path)


def read_kept(path: Path, *, code: Path | None = None, recipe: Path | None = None) -> keras.Model:
    """Reads a model that `retrain` has kept, a user's own with its code.

    Args:
        path: The model, or the weights of one that could not be saved whole.
        code: Its code, which is run; None for a model of ours, which comes uncompiled.
        recipe: What the code was called with; needed for weights.

    Raises:
        UsageError: Its code cannot be run.
        DataError: Keras cannot read it.
    """
    import keras

    import tunecli.families.registered  # noqa: F401

    try:
        if code is None:
            return keras.saving.load_model(path, compile=False)
        if path.name.endswith(_WEIGHTS):
            assert recipe is not None, "weights alone do not say what they belong to"
            return _made_again(code, recipe, path)
        # what lies beside code that has just been run may be trusted as much as that
        return keras.saving.load_model(path, custom_objects=own_objects(code), safe_mode=False)
    except (ValueError, TypeError, OSError, KeyError) as error:
        text = " ".join(str(error).split())[:300]
        raise DataError(f"is no model that Keras can read: {text}", where=str(path)) from error


def own_objects(code: Path) -> dict[str, Any]:
    """Runs a user's code, and returns its classes and functions, by which Keras reads what was made of them.

    Raises:
        UsageError: The code cannot be run.
    """
    module = load_module(code)
    return {
        name: value
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == module.__name__
    }


def weights_beside(path: Path) -> Path:
    """Returns where the weights of a model go that cannot be saved whole."""
    return path.with_suffix(_WEIGHTS)


def _made_again(code: Path, recipe: Path, weights: Path) -> keras.Model:
    import keras
    import numpy as np

    def row(text: str) -> Any:
        dtype, *shape = text.split()
        return np.zeros((1, *map(int, shape)), dtype)

    made = read_json(recipe)
    family = Custom(code, made["build"])
    model = family.build_with(family.builder(), family.hyperparameters_of(made["values"]))
    model(keras.tree.map_structure(row, made["row"]))
    model.load_weights(weights)
    return model
