"""The journal's events: the only source of truth about a study, one JSON object a line.

    created · session_started · asked · started · trained · finished · session_ended

Version 1. A change makes a new version, one more branch in `snapshot.Snapshot.apply`, and a frozen example of the old
journal in `tests/data/`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tunecli.study.objective import Objective
from tunecli.study.trial import Outcome, Suggestion

JOURNAL_VERSION = 1


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    at: float = Field(description="Seconds since the epoch, UTC.")


class Created(_Event):
    """A study was begun."""

    event: Literal["created"] = "created"
    version: int = JOURNAL_VERSION
    study: str
    objective: Objective


class SessionStarted(_Event):
    """A process began to work on the study."""

    event: Literal["session_started"] = "session_started"
    host: str
    pid: int
    tunecli: str


class Answer(StrEnum):
    """What an oracle answered."""

    TRIAL = "trial"
    IDLE = "idle"
    STOPPED = "stopped"


class Asked(_Event):
    """The oracle was asked for a trial; answers without one are kept, since they change the oracle too.

    Attributes:
        slot: Who asked.
        limit: The number of trials, or of Hyperband's iterations, that was allowed then; None for no limit.
        engine: Which engine trains the trial, and why.
    """

    event: Literal["asked"] = "asked"
    slot: int
    limit: int | None
    answer: Answer
    suggestion: Suggestion | None = None
    engine: str = ""
    engine_reason: str = ""


class Started(_Event):
    """An attempt to run a trial began.

    Attributes:
        training: The number of the one that began, of a trial with several trainings; else None.
    """

    event: Literal["started"] = "started"
    trial: int
    attempt: int
    training: Annotated[int | None, Field(exclude_if=lambda number: number is None)] = None


class Trained(_Event):
    """One of several trainings of a trial ended with a score."""

    event: Literal["trained"] = "trained"
    trial: int
    training: int
    outcome: Outcome


class Finished(_Event):
    """A trial ended; what stands here was told to the oracle."""

    event: Literal["finished"] = "finished"
    trial: int
    outcome: Outcome


class EndReason(StrEnum):
    """Why a session ended."""

    EXHAUSTED = "exhausted"
    TARGET = "target"
    NO_GAIN = "no_gain"
    MAX_TIME = "max_time"
    FAILURES = "failures"
    INTERRUPTED = "interrupted"


class SessionEnded(_Event):
    """A process stopped working on the study, in order; a killed one leaves no such event."""

    event: Literal["session_ended"] = "session_ended"
    reason: EndReason


Event = Annotated[
    Created | SessionStarted | Asked | Started | Trained | Finished | SessionEnded, Field(discriminator="event")
]

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def to_line(event: Event) -> bytes:
    """Returns an event as one line of JSON, its newline included."""
    return _ADAPTER.dump_json(event) + b"\n"


def from_line(line: bytes) -> Event:
    """Reads one line of a journal.

    Raises:
        pydantic.ValidationError: The line is no event of a known version.
    """
    return _ADAPTER.validate_json(line)
