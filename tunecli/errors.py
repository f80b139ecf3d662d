"""What can go wrong for a user: one exception tree, each kind with its exit code.

An error says where, what was received and what is allowed, and hints at the next command. `cli.main` prints
them; nobody else does. A failed trial is not an error but a result (`study.trial`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and what to do about it.

    Attributes:
        what: What was received and what is allowed; lower case, no full stop.
        where: The place, such as `configs/a.yaml:14:10: search_space.units.min` or a file's path.
        hint: The next thing to do.
    """

    what: str
    where: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """Returns the problem as it is printed, one or two lines."""
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line}\nhint: {self.hint}" if self.hint else line


class TunecliError(Exception):
    """An error that the user can act on."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.problems: tuple[Problem, ...] = (Problem(what, where, hint),)
        super().__init__(what)

    def __str__(self) -> str:
        """Returns every problem, one after the other."""
        return "\n".join(str(problem) for problem in self.problems)


class StudyError(TunecliError):
    """The search or a training failed."""


class UsageError(TunecliError):
    """The command or the spec asks for something that cannot be done."""

    exit_code = 2


class SpecError(UsageError):
    """A spec is not valid; holds every problem that was found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = tuple(problems)
        super().__init__(found[0].what)
        self.problems = found


class GateError(StudyError):
    """What a user asked to fail on has come to pass: a threshold, a finding; holds every problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = tuple(problems)
        super().__init__(found[0].what)
        self.problems = found


class DataError(TunecliError):
    """Data are missing or damaged."""

    exit_code = 3


class ClusterError(TunecliError):
    """The cluster cannot be reached, or has nothing to run on."""

    exit_code = 4


class Interrupted(TunecliError):  # noqa: N818  # an outcome rather than an error
    """The user stopped a command that can be continued."""

    exit_code = 130


def in_a_line(error: Exception) -> str:
    """Returns an exception as the cause of a failure: its kind and the first line of its text."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def printable(text: str) -> str:
    """Returns text from data as a part of one line: line breaks and other control characters become their escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
