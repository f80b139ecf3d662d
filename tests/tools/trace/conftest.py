"""Traces of specs that are given as keyword arguments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunecli.tools.trace import Traced, subject_of_spec, train


@pytest.fixture
def traced(tmp_path: Path) -> Callable[..., Traced]:
    """Trains a spec and records it."""

    def make(**spec: Any) -> Traced:
        path = tmp_path / "spec.yaml"
        path.write_text(yaml.safe_dump({"name": "study", "dataset": "advertising", **spec}, sort_keys=False))
        with subject_of_spec(path, [], tmp_path / "runs") as subject:
            return train(subject, lambda epoch, epochs: None)

    return make
