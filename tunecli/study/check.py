"""What was found in the data before a search, as it is kept in `checks.json`."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

CHECKS_VERSION = 1


class Severity(StrEnum):
    """How much a finding weighs: a warning may spoil the scores or is a mistake, a note is worth knowing."""

    WARNING = "warning"
    NOTE = "note"


class Finding(BaseModel):
    """One thing that a check has found.

    Attributes:
        kind: The check, a name of `datasets.checks.CHECKS`.
        severity: Whether `--strict` refuses it.
        what: For people; names from the data stand in it escaped.
        hint: Which line of the spec to change, and how; a check leaves it to `examine` to say which columns go.
        field: The key of `dataset:` that the hint is about, or "".
        columns: All columns concerned, as they are called.
        figures: The counts and sizes that `what` speaks of, by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: str
    severity: Severity
    what: str
    hint: str = ""
    field: str = ""
    columns: tuple[str, ...] = ()
    figures: dict[str, float] = {}


class Checks(BaseModel):
    """All findings of a study.

    Attributes:
        version: The format of this file.
        rows: How many rows each part has, by its name.
        sampled_rows: How many training rows the checks of single columns looked at.
        findings: In the order of the checks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = CHECKS_VERSION
    rows: dict[str, int]
    sampled_rows: int
    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that `--strict` refuses."""
        return tuple(each for each in self.findings if each.severity is Severity.WARNING)
