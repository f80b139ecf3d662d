"""The full state of a training at the end of an epoch: weights, optimizer, random state, callbacks.

A training that goes on from it gives, to the bit, what it would have given uninterrupted. One `.npz` file without
pickles: arrays by position, and a JSON text for the rest.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.store.files import beside

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TrainingState:
    """What a training needs to go on.

    Attributes:
        epoch: How many epochs it has behind it.
        variables: All variables of the model, random state included, in its order.
        optimizer: All variables of the optimizer, in its order.
        is_stopped: Whether early stopping has ended the training.
        stopping: What early stopping remembers.
        best_weights: The weights it would restore, or ().
        schedule: What the schedule of the learning rate remembers.
    """

    epoch: int
    variables: tuple[NDArray[np.generic], ...]
    optimizer: tuple[NDArray[np.generic], ...]
    is_stopped: bool = False
    stopping: dict[str, Any] = field(default_factory=dict)
    best_weights: tuple[NDArray[np.generic], ...] = ()
    schedule: dict[str, Any] = field(default_factory=dict)


def capture(
    model: keras.Model,
    early_stopping: keras.callbacks.EarlyStopping | None,
    *,
    epoch: int,
    schedule: Mapping[str, Any] | None = None,
) -> TrainingState:
    """Takes the state of a model in training that has so many epochs behind it."""
    remembered = {} if early_stopping is None else {name: getattr(early_stopping, name) for name in _REMEMBERED}
    weights = getattr(early_stopping, "best_weights", None) or ()
    return TrainingState(
        epoch=epoch,
        variables=tuple(_array(each) for each in model.variables),
        optimizer=tuple(_array(each) for each in model.optimizer.variables),
        is_stopped=bool(model.stop_training),
        stopping={name: None if value is None else float(value) for name, value in remembered.items()},
        best_weights=tuple(weights),
        schedule=dict(schedule or {}),
    )


def restore(state: TrainingState, model: keras.Model) -> None:
    """Puts a state into a freshly built and compiled model."""
    model.optimizer.build(model.trainable_variables)
    for variables, arrays in ((model.variables, state.variables), (model.optimizer.variables, state.optimizer)):
        assert len(variables) == len(arrays), "the state is of another model"
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)


def restore_stopping(state: TrainingState, early_stopping: keras.callbacks.EarlyStopping) -> None:
    """Puts back what early stopping remembered; call it once training has begun, which makes it forget."""
    for name, value in state.stopping.items():
        setattr(early_stopping, name, value if name == "best" or value is None else int(value))
    early_stopping.best_weights = list(state.best_weights) or None


def save_state(state: TrainingState, path: Path) -> None:
    """Writes a state so that a reader sees the old one or the new; what survives a loss of power is up to the caller.

    Raises:
        OSError: The disk is full or fails.
    """
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    named = ("epoch", "is_stopped", "stopping", "schedule")
    rest = json.dumps({name: getattr(state, name) for name in named})
    arrays = {_REST: np.frombuffer(rest.encode(), dtype=np.uint8)}
    for group in _GROUPS:
        arrays |= {f"{group}/{index}": array for index, array in enumerate(getattr(state, group))}
    new = beside(path)
    try:
        with open(new, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes the arrays' names for options
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def load_state(path: Path) -> TrainingState:
    """Reads a state."""
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        rest = json.loads(file[_REST].tobytes())
        names = set(file.files)
        variables, optimizer, best_weights = (
            tuple(file[f"{group}/{index}"] for index in range(sum(name.startswith(f"{group}/") for name in names)))
            for group in _GROUPS
        )
    # states of older versions know no schedule
    return TrainingState(variables=variables, optimizer=optimizer, best_weights=best_weights, **rest)


def epoch_of(path: Path) -> int | None:
    """Returns how many epochs a state has behind it; None if the file is damaged."""
    try:
        with zipfile.ZipFile(path) as file:
            if file.testzip() is not None:
                return None
        epoch: int = json.loads(_rest(path))["epoch"]
        return epoch
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


def _rest(path: Path) -> bytes:
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        content: bytes = file[_REST].tobytes()
        return content


_REST = "rest"
_GROUPS = ("variables", "optimizer", "best_weights")
_REMEMBERED = ("wait", "best", "best_epoch", "stopped_epoch")


def _array(variable: Any) -> NDArray[np.generic]:
    import keras

    array: NDArray[np.generic] = keras.ops.convert_to_numpy(variable)
    return array
