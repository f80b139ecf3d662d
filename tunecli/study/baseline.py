"""A simple model that the trials of a study are compared with."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Baseline(BaseModel):
    """What came of one simple model, on the rows that the trials have.

    It is no trial: it has neither id nor rank, no oracle hears of it, and it is never chosen.

    Attributes:
        name: What it is, for people; there is one of each name.
        score: The objective, or None if it has none.
        metrics: By name as a trial's, in the target's own units; what is not finite is left out.
        duration_s: Wall-clock seconds of fitting and scoring, or None if it did not end.
        rows: How many training rows it was fitted on, or None if it did not come so far.
        train_rows: How many training rows there are.
        note: What else was cut down to fit the time, for people, or "".
        cause: Why it has no score, or "".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    score: float | None = None
    metrics: dict[str, float] = {}
    duration_s: float | None = None
    rows: int | None = None
    train_rows: int
    note: str = ""
    cause: str = ""


class Baselines(BaseModel):
    """The baselines of a study, as they are kept in `baselines.json`.

    Attributes:
        packages: The versions that they were fitted with.
        baselines: In the order in which they were fitted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    packages: dict[str, str]
    baselines: tuple[Baseline, ...]
