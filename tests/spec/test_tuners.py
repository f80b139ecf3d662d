"""Tuners: Hyperband's brackets."""

from __future__ import annotations

import pytest

from tunecli.spec.tuners import Rung, canonical_tuner, hyperband_brackets, hyperband_epochs


def test_the_brackets_of_the_paper() -> None:
    first, *_, last = hyperband_brackets(27, 3)
    assert [rung.epochs for rung in first] == [1, 3, 9, 27]
    assert last == [Rung(trials=4, epochs=27)]


def test_one_epoch_gives_one_bracket() -> None:
    assert hyperband_brackets(1, 3) == [[Rung(trials=1, epochs=1)]]


def test_a_promoted_trial_trains_only_the_epochs_that_are_new() -> None:
    assert hyperband_epochs([Rung(9, 1), Rung(3, 3), Rung(1, 9)]) == 9 * 1 + 3 * 2 + 1 * 6


@pytest.mark.parametrize(("written", "name"), [("Random Search", "random"), ("tpe", "tpe")])
def test_a_name_that_is_none_is_left_alone(written: str, name: str) -> None:
    assert canonical_tuner(written) == name
