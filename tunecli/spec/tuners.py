"""The tuners that a spec may name, and the options of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

TUNER_SPELLINGS = {
    "random": ("RandomSearch",),
    "hyperband": ("Hyperband",),
    "bayesian": ("BayesianOptimization", "BayesianOptimisation"),
    "grid": ("GridSearch",),
}
"""KerasTuner's own names by ours; case, `_`, `-` and spaces never matter."""


def canonical_tuner(name: str) -> str:
    """Returns our name of a tuner, or `name` itself if it is none."""
    key = _key(name)
    for ours, others in TUNER_SPELLINGS.items():
        if key in (ours, *map(_key, others)):
            return ours
    return name


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


class _Tuner(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RandomTuner(_Tuner):
    """Random search: independent draws from the space, never the same one twice."""

    name: Literal["random"] = Field(description="Random search.")
    max_trials: int = Field(20, ge=1, description="How many trials to run.")


class HyperbandTuner(_Tuner):
    """Hyperband (Li et al. 2018, arXiv:1603.06560): many short trainings, the best ones go on."""

    name: Literal["hyperband"] = Field(description="Hyperband.")
    max_epochs: int | None = Field(None, ge=1, description="Epochs of the longest training; default: training.epochs.")
    factor: int = Field(3, ge=2, description="One trial in `factor` is promoted to `factor` times the epochs.")
    iterations: int = Field(1, ge=1, description="How often the whole set of brackets is run.")


class BayesianTuner(_Tuner):
    """Bayesian optimisation: a Gaussian process proposes where the lower confidence bound is best."""

    name: Literal["bayesian"] = Field(description="Bayesian optimisation.")
    max_trials: int = Field(20, ge=1, description="How many trials to run.")
    alpha: float = Field(1e-4, gt=0, description="Noise that is added to the diagonal of the kernel matrix.")
    beta: float = Field(2.6, ge=0, description="Exploration: how many standard deviations count as promise.")
    num_initial_points: int | None = Field(
        None, ge=1, description="Random trials before the model is used; default: from the space and max_trials."
    )


class GridTuner(_Tuner):
    """Grid search: every combination, the last parameter varying fastest; open ranges give ten points."""

    name: Literal["grid"] = Field(description="Grid search.")
    max_trials: int | None = Field(None, ge=1, description="Stop after so many trials; default: the whole grid.")


TunerSpec = Annotated[RandomTuner | HyperbandTuner | BayesianTuner | GridTuner, Field(discriminator="name")]


@dataclass(frozen=True)
class Rung:
    """One round of a bracket: so many trials, each trained up to so many epochs."""

    trials: int
    epochs: int


def hyperband_brackets(max_epochs: int, factor: int) -> list[list[Rung]]:
    """Returns the brackets of one Hyperband iteration, each a list of rungs, as KerasTuner's oracle runs them.

    The widest bracket comes first. Its number of rungs is that of max_epochs / factor^k ≥ 1.
    """
    count, epochs = 0, float(max_epochs)
    while epochs >= 1:
        epochs /= factor
        count += 1
    end_size = math.ceil(1 + math.log(max_epochs, factor))
    return [
        [
            Rung(
                math.ceil(end_size / (bracket + 1) * factor ** (bracket - rung)),
                math.ceil(max_epochs / factor ** (bracket - rung)),
            )
            for rung in range(bracket + 1)
        ]
        for bracket in reversed(range(count))
    ]


def hyperband_epochs(bracket: list[Rung]) -> int:
    """Returns the epochs that a bracket trains; a promoted trial goes on where its parent ended."""
    starts = [0, *(rung.epochs for rung in bracket[:-1])]
    return sum(rung.trials * (rung.epochs - start) for rung, start in zip(bracket, starts, strict=True))
