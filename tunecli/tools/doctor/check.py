"""What a check comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What was looked at.
        status: A problem keeps searches from running, or from being safe; a warning makes them slow or hard to repeat.
        found: What was found; lower case, no full stop.
        hint: What to do about it, or "".
    """

    name: str
    status: Status
    found: str
    hint: str = ""


def show_size(size_bytes: int) -> str:
    """Returns a number of bytes for people."""
    return f"{size_bytes / 1e9:.1f} GB"
