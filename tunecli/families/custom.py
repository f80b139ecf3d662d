"""A model of the user's own: KerasTuner code, `build_model(hp)` or a HyperModel, that returns a compiled model.

    family = Custom(path, "build_model")
    hp = family.hyperparameters_of({"units": 64})    # a keras_tuner.HyperParameters that answers with these values
    model = family.build_with(family.builder(), hp)

Its hyperparameters are found by running it (`training.discovery`). This and `oracles` are the only modules that import
KerasTuner: here for the `hp` that such code is written for, and for its base class.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.errors import UsageError
from tunecli.families.base import Blueprint, DataSignature, Hyperparameter
from tunecli.scripting import Lines
from tunecli.spec.space import Value
from tunecli.user_code import in_words, load_module, named

if TYPE_CHECKING:
    import keras

DEFAULT_BUILD = "build_model"


@dataclass(frozen=True)
class Custom:
    """A user's own model.

    Attributes:
        path: Its file; None as a member of the registry, which knows no file.
        name: The function or HyperModel in it; None for `build_model`, or its only HyperModel.
    """

    path: Path | None = None
    name: str | None = None

    summary = "a model of your own, from a file of KerasTuner code"
    hyperparameters: tuple[Hyperparameter, ...] = ()

    def fault(self, image_shape: tuple[int, int, int] | None) -> str | None:
        """Returns None: whether inputs fit is up to the user's code."""
        return None

    def build(self, signature: DataSignature, values: Mapping[str, Value]) -> keras.Model:
        """Builds the model; it comes compiled.

        Raises:
            UsageError: The code cannot be run, raises, or returns something else.
        """
        return self.build_with(self.builder(), self.hyperparameters_of(values))

    def script(self, blueprint: Blueprint) -> Lines:
        """Raises, since the model has its script already; `tunecli eject` says so before it comes to this."""
        raise AssertionError("a custom model is its own script")

    @property
    def file(self) -> Path:
        """The user's file."""
        assert self.path is not None, "the registry's member builds nothing"
        return self.path

    def hyperparameters_of(self, values: Mapping[str, Value]) -> Any:
        """Returns a `keras_tuner.HyperParameters` that answers with `values`, and with defaults for all others."""
        import keras_tuner

        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)  # what registers later and is active finds its value here
        return hp

    def build_with(self, builder: Any, hp: Any) -> keras.Model:
        """Calls the user's code, and makes sure that it has returned a compiled model.

        Args:
            builder: What `builder` has returned.
            hp: A `keras_tuner.HyperParameters`; the code adds to it what it asks for.

        Raises:
            UsageError: The code cannot be run, raises, or returns something else.
        """
        import keras

        build = builder.build if self.has_hypermodel else builder
        with in_words(self.file, f"{self._called} raises"):
            model = build(hp)
        if not isinstance(model, keras.Model):
            what = f"{self._called} returns {_kind(model)}, not a keras.Model"
            raise UsageError(what, where=str(self.file), hint="end it with: return model")
        if not model.compiled:
            hint = "call model.compile(optimizer=…, loss=…, metrics=[…]) before returning it"
            raise UsageError(f"{self._called} returns a model that is not compiled", where=str(self.file), hint=hint)
        return model

    def builder(self) -> Any:
        """Returns the function that builds, or an instance of the HyperModel.

        Raises:
            UsageError: There is none, or it is something else.
        """
        found = self._found()
        if isinstance(found, type):
            with in_words(self.file, f"{found.__name__}() raises"):
                return found()
        return found

    @property
    def has_hypermodel(self) -> bool:
        """Whether the model is built by a HyperModel."""
        return _is_hypermodel(self._found())

    @property
    def has_own_fit(self) -> bool:
        """Whether it is a HyperModel with a `fit` of its own."""
        import keras_tuner

        found = self._found()
        own: Any = found if isinstance(found, type) else type(found)
        return self.has_hypermodel and own.fit is not keras_tuner.HyperModel.fit

    @property
    def _called(self) -> str:
        found = self._found()
        name = found.__name__ if isinstance(found, type) else type(found).__name__
        return f"{name}.build" if self.has_hypermodel else str(self.name or DEFAULT_BUILD)

    def _found(self) -> Any:
        module = load_module(self.file)
        if self.name is None and not hasattr(module, DEFAULT_BUILD):
            return self._only_hypermodel(module)
        found = named(module, self.name or DEFAULT_BUILD)
        if not (_is_hypermodel(found) or inspect.isroutine(found)):
            what = f"{self.name or DEFAULT_BUILD} is {_kind(found)}, neither a function of hp nor a HyperModel"
            raise UsageError(what, where=str(self.file), hint="name the one that builds the model with build:")
        return found

    def _only_hypermodel(self, module: Any) -> Any:
        own = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and value.__module__ == module.__name__ and _is_hypermodel(value)
        ]
        if len(own) == 1:
            return own[0]
        what = f"defines no {DEFAULT_BUILD}, and {len(own) or 'no'} HyperModel{'s' * (len(own) > 1)}"
        raise UsageError(what, where=str(self.file), hint="name the one that builds the model with build:")


FAMILY = Custom()


def _is_hypermodel(found: Any) -> bool:
    import keras_tuner

    own = found if isinstance(found, type) else type(found)
    return issubclass(own, keras_tuner.HyperModel)


def _kind(value: Any) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"
