"""The trainings that wait for a slot.

A trial is one training, or one for each fold and repeat. A slot goes on with the trial that it has begun, whose
compiled program it has; only one that would otherwise have nothing to do takes a training from another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Training(NamedTuple):
    """One training of a trial.

    Attributes:
        trial: The trial's id.
        number: Which of its trainings, from 0; None for the only one.
    """

    trial: int
    number: int | None = None


class Agenda:
    """What is to be run, in order."""

    def __init__(self) -> None:
        self._waiting: list[Training] = []
        self._slots: dict[int, int] = {}

    def add(self, trial: int, numbers: Iterable[int | None], *, slot: int | None = None) -> None:
        """Adds trainings of a trial.

        Args:
            trial: The trial's id.
            numbers: Of those trainings that have not ended.
            slot: Who is to run them; None for the first that asks.
        """
        self._waiting += [Training(trial, number) for number in numbers]
        if slot is not None:
            self._slots[trial] = slot

    def put_back(self, training: Training) -> None:
        """Adds a training that was lost, to be run before all others."""
        self._waiting.insert(0, training)
        self._slots.pop(training.trial, None)

    def take(self, slot: int) -> Training | None:
        """Returns the next training of a trial that the slot has begun, or that no slot has."""
        mine = (each for each in self._waiting if self._slots.get(each.trial, slot) == slot)
        return self._take(next(mine, None), slot)

    def take_any(self, slot: int) -> Training | None:
        """Returns the next training, whoever has begun its trial."""
        return self._take(next(iter(self._waiting), None), slot)

    def drop(self, trial: int) -> None:
        """Removes what is left of a trial."""
        self._waiting = [each for each in self._waiting if each.trial != trial]
        self._slots.pop(trial, None)

    def _take(self, training: Training | None, slot: int) -> Training | None:
        if training is not None:
            self._waiting.remove(training)
            self._slots.setdefault(training.trial, slot)
        return training
