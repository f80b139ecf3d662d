"""What a study has shown about its search space, on stderr: below a leaderboard, and in `show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunecli.cli.console import output
from tunecli.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunecli.reports.space.findings import Advice
    from tunecli.store.run import Run
    from tunecli.study.snapshot import Snapshot

MOST_SAID = 4
"""Lines after a search: more are not read."""


def read_advice(run: Run, snapshot: Snapshot) -> tuple[Advice, ...]:
    """Returns a study's advice; none where its plan is damaged, which is said: it hides no trial."""
    from tunecli.tools.advice import study_advice

    try:
        return study_advice(run, snapshot)
    except StudyError as error:
        for problem in error.problems:
            output.problem(problem)
        return ()


def say_advice(run: Run, advice: Sequence[Advice], *, most: int | None = None) -> None:
    """Says what to do about a search space, and the command that does it.

    Args:
        run: The study.
        advice: What to say, the most urgent first.
        most: How many lines to say; None for all.
    """
    from tunecli.reports.space.findings import sentences

    for each in sentences(advice[:most]):
        output.say(f"note: {each}")
    if more := len(advice) - len(advice[:most]):
        output.say(f"note: and {more} more: tunecli show {run.name}")
    if any(each.change is not None for each in advice):
        output.say(f"note: tunecli refine {run.name} writes the spec of the next search")
