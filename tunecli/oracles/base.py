"""The protocol of an oracle: ask for a trial, tell what came of it.

    oracle = make_oracle(plan)
    answer = oracle.ask(slot=0, limit=plan.limit)   # a Suggestion, Answer.IDLE or Answer.STOPPED
    oracle.tell(answer.trial, outcome)

An oracle is a pure function of the plan and of the calls so far: the same calls in the same order give the same
suggestions, in another process too. That is what a resume stands on.
"""

from __future__ import annotations

from typing import Literal, Protocol

from tunecli.spec.space import Values
from tunecli.study.events import Answer
from tunecli.study.trial import Outcome, Suggestion

NoTrial = Literal[Answer.IDLE, Answer.STOPPED]
"""IDLE: ask again after a trial has ended. STOPPED: nothing is left, unless a running trial brings something."""


class Oracle(Protocol):
    """Proposes trials and learns from their outcomes; used by one thread."""

    def ask(self, slot: int, *, limit: int | None) -> Suggestion | NoTrial:
        """Returns the next trial for a slot that has none.

        Args:
            slot: Who asks; runs one trial at a time.
            limit: The number of trials (Hyperband: of iterations) in force; None for no limit.
        """
        ...

    def tell(self, trial: int, outcome: Outcome) -> None:
        """Takes in the outcome of a trial that was asked for."""
        ...

    def correct(self, trial: int, values: Values) -> None:
        """Replaces the values of a trial just suggested by those of the journal, which win on a resume."""
        ...

    def needed_states(self) -> frozenset[int]:
        """Returns the trials that have ended and that a later one may still go on from."""
        ...
