"""How winners are to be trained once more, and what is told on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tunecli.study.trial import Program


@dataclass(frozen=True)
class Recipe:
    """How to train once more.

    Attributes:
        full: On training and validation rows.
        seeds: How many models of each trial, each with a seed of its own; the first has the trial's.
        ensemble: Evaluate the mean of their predictions too, and keep them all.
        goes_on: From the state that the search has kept, instead of afresh; asks for `full` and one seed.
        epochs: How many more, if it goes on; None for the rule of `continuation.find_continuation`.
    """

    full: bool = False
    seeds: int = 1
    ensemble: bool = False
    goes_on: bool = False
    epochs: int | None = None

    def __post_init__(self) -> None:
        assert self.full or not self.goes_on, "what goes on does so on all rows"
        assert self.seeds == 1 or not self.goes_on, "the state is that of one seed"
        assert self.seeds > 1 or not self.ensemble, "an ensemble has members"


@dataclass(frozen=True)
class Place:
    """Which of the models is being trained; numbers are counted from 1.

    Attributes:
        trial: The trial's id.
        trial_number: Which of the trials it is.
        trials: How many there are.
        seed_number: Which of its seeds it is.
        seeds: How many there are.
    """

    trial: int
    trial_number: int
    trials: int
    seed_number: int
    seeds: int

    def __str__(self) -> str:
        """Returns `trial 3 (2 of 5), seed 1 of 5`, leaving out what there is one of."""
        trial = f"trial {self.trial}" + (f" ({self.trial_number} of {self.trials})" if self.trials > 1 else "")
        return trial + (f", seed {self.seed_number} of {self.seeds}" if self.seeds > 1 else "")


class Watch(Protocol):
    """Who is told of the progress."""

    def say(self, text: str) -> None:
        """Takes a line for the user."""
        ...

    def epoch(self, place: Place, done: int, total: int) -> None:
        """Takes the end of an epoch."""
        ...

    def model(self, place: Place, epochs: int, duration_s: float, program: Program) -> None:
        """Takes the end of a training and its evaluation."""
        ...
