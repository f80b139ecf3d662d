"""How rows are dealt out: how often a configuration is trained, and what it is scored on.

The block `evaluation:` of a spec, and what `dataset.split` means for it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tunecli.spec.faults import fault

Scheme = Literal["kfold", "stratified", "group", "time"]

How = Literal["random", "stratified", "group", "time", "last"]
"""What decides which part a row is in."""

SCHEMES: dict[How, tuple[Scheme, ...]] = {
    "random": ("kfold", "stratified", "time"),
    "stratified": ("stratified", "kfold", "time"),
    "group": ("group",),
    "time": ("time",),
    "last": ("time",),
}
"""The folds that keep apart what a split keeps apart; the first is meant where none is named."""


class EvaluationSpec(BaseModel):
    """Cross-validation, and repeats with other seeds; a trial's score is the mean."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    folds: int | None = Field(
        None, ge=2, description="Deal the training rows out into so many folds; each is held back once, and scored."
    )
    repeats: int = Field(1, ge=1, description="Do all of it so often, with other seeds and other folds.")
    scheme: Scheme | None = Field(
        None,
        description="How rows are dealt out: kfold, stratified (by class), group (dataset.group, none is taken apart), "
        "or time: a fold is scored by what was learnt from the rows before it. Default: group where there are groups, "
        "stratified for classes, else kfold.",
    )

    @model_validator(mode="after")
    def _check(self) -> EvaluationSpec:
        if self.folds is None and self.scheme is not None:
            fault(("scheme",), "deals rows out into folds, and there are none", "write folds: 5 beside it, or drop it")
        if self.trainings == 1:
            fault((), "asks for one training of each configuration, as without it", "write folds: 5, or repeats: 3")
        return self

    @property
    def trainings(self) -> int:
        """How often each configuration is trained."""
        return (self.folds or 1) * self.repeats

    def describe(self, number: int) -> str:
        """Returns which training the one of this number is, for people: `fold 2 of 3, repeat 1 of 2`."""
        repeat, fold = divmod(number, self.folds or 1)
        folds = [f"fold {fold + 1} of {self.folds}"] if self.folds else []
        repeats = [f"repeat {repeat + 1} of {self.repeats}"] if self.repeats > 1 else []
        return ", ".join([*folds, *repeats])
