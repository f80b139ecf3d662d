"""What sessions of a search are tested with."""

from __future__ import annotations

import pytest


@pytest.fixture
def light_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots that do not import TensorFlow, which the stand-in does without."""
    monkeypatch.setattr("tunecli.search.slots.WARM_UP", "")
