"""A HyperModel's own `fit`: called as KerasTuner's `search(x, y, …)` would, with the training itself done by an engine.

    fit = OwnFit(family, hypermodel, hp, model)
    call = fit.capture(train, validation, epochs=10)          # what it would train on; nothing is trained
    fit.run(train, validation, epochs=10, callbacks=[…], execute=train_on)   # calls train_on(call)

`model.fit` is replaced meanwhile. So whatever `fit` does to arrays, batch size, order or callbacks is kept, and seeds,
resumes and Hyperband's rungs work as in any other trial. What an engine cannot do is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError
from tunecli.families.custom import Custom
from tunecli.user_code import in_words

if TYPE_CHECKING:
    import keras

    from tunecli.training.engines.base import Arrays

_UNSUPPORTED = {
    "validation_split": 0.0,
    "class_weight": None,
    "initial_epoch": 0,
    "steps_per_epoch": None,
    "validation_steps": None,
    "validation_freq": 1,
}
"""Arguments of `model.fit` that are not kept, by the value that changes nothing."""

_OURS = "the search decides it, since it counts, saves and compares epochs: pass on what fit was given"
_HINTS = {
    "validation_split": "the validation part comes as validation_data",
    "class_weight": "pass sample_weight",
    "validation_freq": "every epoch is validated, since it may be the best",
}


@dataclass(frozen=True)
class FitCall:
    """What a `fit` has passed to `model.fit`.

    Attributes:
        train: What to train on.
        validation: The same for the validation part, or None.
        batch_size: Rows of one step; None where it said nothing.
        shuffle: Whether rows are to be reordered; None where it said nothing.
        callbacks: In its order; those that it was given are among them, unless it dropped them.
    """

    train: Arrays
    validation: Arrays | None
    batch_size: int | None = None
    shuffle: bool | None = None
    callbacks: Sequence[Any] = field(default_factory=tuple)


class _SeenError(BaseException):
    """Leaves a `fit` that has called `model.fit`; no Exception, so that its `except` does not stop it."""


@dataclass(frozen=True)
class OwnFit:
    """The `fit` of a HyperModel, for one model.

    Attributes:
        family: Whose.
        hypermodel: The instance that has built the model.
        hp: What it was built with; `fit` may ask for more.
        model: The model.
    """

    family: Custom
    hypermodel: Any
    hp: Any
    model: keras.Model

    def capture(
        self, train: Arrays, validation: Arrays | None, *, epochs: int, callbacks: Sequence[Any] = ()
    ) -> FitCall:
        """Returns what `fit` would train on; nothing is trained, and what stands behind `model.fit` is not run.

        Raises:
            UsageError: It raises.
            StudyError: It trains in a way that no engine can, or never calls `model.fit`.
        """
        found: list[FitCall] = []

        def execute(call: FitCall) -> Any:
            found.append(call)
            raise _SeenError

        with suppress(_SeenError):
            self.run(train, validation, epochs=epochs, callbacks=callbacks, execute=execute)
        return found[0]

    def as_validated(self, train: Arrays, part: Arrays, *, epochs: int) -> Arrays:
        """Returns a part as `fit` would have it validated: scaled, say, as training rows are; nothing is trained.

        Raises:
            UsageError: It raises.
            StudyError: It trains in a way that no engine can, or drops the part.
        """
        shown = self.capture(train, part, epochs=epochs).validation
        if shown is None:
            raise StudyError("fit drops its validation_data: there is nothing to evaluate the model on")
        return shown

    def run(
        self,
        train: Arrays,
        validation: Arrays | None,
        *,
        epochs: int,
        callbacks: Sequence[Any],
        execute: Callable[[FitCall], Any],
    ) -> None:
        """Calls `fit`.

        Args:
            train: Inputs and targets of the training part.
            validation: The same of the validation part, or None.
            epochs: What `search` would be told.
            callbacks: What `search` would be given.
            execute: Trains, and returns a `keras.callbacks.History`.

        Raises:
            UsageError: The user's code raises.
            StudyError: It trains in a way that no engine can, or never calls `model.fit`.
        """
        calls = 0
        failures: list[BaseException] = []

        def fit(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            try:
                if calls > 1:
                    raise StudyError(f"{self._name} calls model.fit more than once", where=str(self.family.file))
                call = self._call(args, kwargs, epochs)
                with _put_back(self.model):
                    return execute(call)
            except BaseException as failure:
                failures.append(failure)  # the user's code may swallow it, or raise another
                raise

        given = {} if validation is None else {"validation_data": validation}
        with _replaced(self.model, fit):
            try:
                with in_words(self.family.file, f"{self._name} raises"):
                    self.hypermodel.fit(self.hp, self.model, *train, **given, epochs=epochs, callbacks=list(callbacks))
            except BaseException:
                if failures:
                    raise failures[0] from None
                raise
        if failures:
            raise failures[0]
        if not calls:
            hint = "train by model.fit(…), or write build alone: the search trains then"
            raise StudyError(f"{self._name} never calls model.fit", where=str(self.family.file), hint=hint)

    @property
    def _name(self) -> str:
        return f"{type(self.hypermodel).__name__}.fit"

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], epochs: int) -> FitCall:
        import keras

        bound = inspect.signature(keras.Model.fit).bind(self.model, *args, **kwargs)
        given = bound.arguments
        for name, harmless in _UNSUPPORTED.items():
            if name in given and given[name] != harmless:
                raise self._refused(f"{name}={given[name]!r}", _HINTS.get(name, _OURS))
        if given.get("epochs", 1) != epochs:
            raise self._refused(f"epochs={given.get('epochs', 1)}, not the {epochs} that it was given", _OURS)
        if given.get("y") is None:
            raise self._refused("no y", "pass arrays x and y; a data set or generator cannot be put in a seeded order")
        weights = [] if given.get("sample_weight") is None else [given["sample_weight"]]
        batch_size = given.get("batch_size")
        return FitCall(
            train=self._arrays(given.get("x"), given["y"], *weights),
            validation=None if given.get("validation_data") is None else self._arrays(*given["validation_data"]),
            batch_size=None if batch_size is None else int(batch_size),
            shuffle=given.get("shuffle"),
            callbacks=_listed(given.get("callbacks")),
        )

    def _arrays(self, *arrays: Any) -> Arrays:
        """Returns arrays as an engine takes them: numpy, and tuples for several inputs or outputs."""
        import keras

        found = tuple(tuple(each) if isinstance(each, list) else each for each in arrays)
        leaves = keras.tree.flatten(found)
        if not all(hasattr(each, "shape") and len(each.shape) for each in leaves):
            kind = next(type(each).__name__ for each in leaves if not (hasattr(each, "shape") and len(each.shape)))
            raise self._refused(f"a {kind}", "pass arrays; a data set or generator cannot be put in a seeded order")
        converted: Arrays = keras.tree.map_structure(keras.ops.convert_to_numpy, found)
        return converted

    def _refused(self, what: str, hint: str) -> StudyError:
        return StudyError(f"{self._name} passes {what} to model.fit", where=str(self.family.file), hint=hint)


@contextmanager
def _replaced(model: keras.Model, fit: Callable[..., Any]) -> Iterator[None]:
    # past Keras' own __setattr__, which would track it
    object.__setattr__(model, "fit", fit)
    try:
        yield
    finally:
        object.__delattr__(model, "fit")


@contextmanager
def _put_back(model: keras.Model) -> Iterator[None]:
    """Gives the model its own `fit` for as long as an engine trains it."""
    replacement = model.__dict__["fit"]
    object.__delattr__(model, "fit")
    try:
        yield
    finally:
        object.__setattr__(model, "fit", replacement)


def _listed(callbacks: Any) -> tuple[Any, ...]:
    if callbacks is None:
        return ()
    return tuple(callbacks) if isinstance(callbacks, list | tuple) else (callbacks,)
