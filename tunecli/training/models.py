"""Builds the model of a trial, whoever it comes from: a family of ours, or the user's own code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunecli.errors import StudyError, UsageError
from tunecli.families import FAMILIES
from tunecli.families.base import DataSignature
from tunecli.families.compiling import compile_model, scaled
from tunecli.families.custom import Custom
from tunecli.families.transfer import transfer
from tunecli.plan import Plan
from tunecli.spec.space import Value
from tunecli.training.fitted_layers import fit_layers
from tunecli.training.linear_units import put_start
from tunecli.training.own_fit import OwnFit
from tunecli.training.runtime import seed_everything

if TYPE_CHECKING:
    import keras

    from tunecli.preprocessing.preprocessor import Preprocessor
    from tunecli.training.engines.base import Arrays

_NEVER_ASKED = {"optimizer": "sgd"}
"""Compiling asks for an optimizer even where the engine brings its own."""


@dataclass(frozen=True)
class Built:
    """A compiled model, and what is to be done before it is trained.

    Attributes:
        plan: The study's plan.
        values: All values of the trial.
        model: The model; one that builds itself at its first batch has no weights before `complete`.
        own_fit: How it wants to be trained, or None.
        sources: Where the copies of the user's files lie, or None.
        identity: What tells the model from others where its configuration does not; see `Job.identity`.
    """

    plan: Plan
    values: Mapping[str, Value]
    model: keras.Model
    own_fit: OwnFit | None = None
    sources: Path | None = None
    identity: str = ""

    def complete(self, train: Arrays, preprocessor: Preprocessor) -> None:
        """Fits layers to the rows, and gives the model its weights: at its first batch, from `init_from`, as given.

        Args:
            train: What it will be trained on.
            preprocessor: What the rows were prepared by.

        Raises:
            StudyError: It asks for hyperparameters that no one knows, or cannot take the weights of `init_from`, or
                those that are given.
        """
        self._require_known()
        if self.plan.custom is None:
            fit_layers(self.model, train)
            put_start(self.plan, self.model, preprocessor)
        else:
            _show_a_row(self.model, train)
            if self.plan.init_from is not None:
                self._transfer()

    def take_weights(self, trained: keras.Model) -> None:
        """Gives the model the weights of the one that was trained in its place, for those who go on with it."""
        if self.own_fit is not None and trained is not self.model:
            for mine, other in zip(self.model.variables, trained.variables, strict=True):
                mine.assign(other)

    def _require_known(self) -> None:
        if self.own_fit is None:
            return
        _require_known(self.own_fit.hp, self.values)

    def _transfer(self) -> None:
        assert self.plan.init_from is not None
        assert self.sources is not None
        transfer(self.model, read_model(self.plan.init_from.source.within(self.sources)), self.values)


def build(
    plan: Plan, values: Mapping[str, Value], signature: DataSignature, seed: int, sources: Path | None = None
) -> Built:
    """Builds and compiles the model of a trial; the same seed gives the same initial weights.

    Args:
        plan: The study's plan.
        values: All values of the trial.
        signature: What the data look like.
        seed: Decides the initial weights.
        sources: Where the copies of the user's files lie; may be None where the plan names none.

    Raises:
        UsageError: The user's code cannot be run, raises, or returns no compiled model.
        StudyError: The model cannot take the weights of `init_from`.
    """
    import keras

    keras.config.set_dtype_policy(plan.training.precision)
    seed_everything(seed)
    if plan.custom is not None:
        return _build_custom(plan, values, seed, sources)
    model = FAMILIES.load(plan.family).build(signature, values)
    if plan.init_from is not None:
        assert sources is not None, "the model to begin with is a file"
        transfer(model, read_model(plan.init_from.source.within(sources)), values)
    model = scaled(model, values)
    compile_model(model, plan.task, values if "optimizer" in values else {**values, **_NEVER_ASKED})
    return Built(plan, values, model, sources=sources)


def custom_family(plan: Plan, sources: Path | None) -> Custom:
    """Returns the family of a plan's own model, bound to the study's copy of its file."""
    assert plan.custom is not None
    assert sources is not None, "a custom model comes from a file"
    return Custom(plan.custom.source.within(sources), plan.custom.build)


@lru_cache(maxsize=1)
def read_model(path: Path) -> keras.Model:
    """Reads a saved model for its weights; those of one's own layers need their code registered with Keras.

    Raises:
        StudyError: It cannot be read.
    """
    import keras

    import tunecli.families.registered  # noqa: F401

    try:
        return keras.saving.load_model(path, compile=False)
    except (ValueError, TypeError, OSError, KeyError) as error:
        text = " ".join(str(error).split())[:300]
        raise StudyError(f"is no model that Keras can read: {text}", where=str(path)) from error


def _build_custom(plan: Plan, values: Mapping[str, Value], seed: int, sources: Path | None) -> Built:
    assert plan.custom is not None
    family = custom_family(plan, sources)
    builder, hp = family.builder(), family.hyperparameters_of(values)
    model = family.build_with(builder, hp)
    _require_known(hp, values)
    own_fit = OwnFit(family, builder, hp, model) if family.has_own_fit else None
    # its code may put any value into a constant: only the very same model may train in its program
    identity = f"{plan.custom.source.sha256} {plan.custom.build} {seed} {dict(values)!r}"
    return Built(plan, values, model, own_fit, sources, identity)


def _require_known(hp: Any, values: Mapping[str, Value]) -> None:
    """Makes sure that code has asked for nothing but what the search knows, and records.

    Raises:
        StudyError: It has.
    """
    if unknown := [name for name in hp.values if name not in values]:
        hint = "open hp.conditional_scope around it: what stands there is found before the search"
        raise StudyError(f"asks for a hyperparameter that was not found before: {', '.join(unknown)}", hint=hint)


def _show_a_row(model: keras.Model, train: Arrays) -> None:
    """Lets a model that builds itself at its first batch do so.

    Raises:
        UsageError: It cannot be called on such rows.
    """
    import keras

    if model.built and all(layer.built for layer in model.layers):
        return
    try:
        model(keras.tree.map_structure(lambda array: keras.ops.convert_to_tensor(array[:1]), train[0]))
    except Exception as error:  # whatever a user's own `call` may raise
        text = " ".join(str(error).split())[:300]
        raise UsageError(f"the model cannot be called on the rows: {type(error).__name__}: {text}") from error
