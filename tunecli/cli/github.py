"""What a command tells GitHub Actions when it runs there: annotations in the log, a summary of the step.

Elsewhere nothing happens. What to say is `reports.github`; here it is sent.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunecli.errors import Problem
    from tunecli.reports.github import Level


def is_here() -> bool:
    """Whether this process runs in a workflow."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotate_errors(problems: Sequence[Problem]) -> None:
    """Shows errors where they are in the files of the repository."""
    if is_here():
        from tunecli.reports.github import Level

        _annotate(Level.ERROR, problems)


def annotate_warnings(problems: Sequence[Problem], *, title: str) -> None:
    """Shows what went wrong on the way."""
    if is_here():
        from tunecli.reports.github import Level

        _annotate(Level.WARNING, problems, title=title)


def _annotate(level: Level, problems: Sequence[Problem], *, title: str = "") -> None:
    from tunecli.reports.github import MOST_ANNOTATIONS, annotation

    root = os.environ.get("GITHUB_WORKSPACE")
    for problem in problems[:MOST_ANNOTATIONS]:
        # stderr is read as stdout is, where results are
        sys.stderr.write(f"{annotation(level, problem, title=title, root=Path(root) if root else None)}\n")
    sys.stderr.flush()


def summarise(text: str) -> str | None:
    """Adds Markdown to the summary of the step, if there is one; returns why it could not."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not is_here() or not path:
        return None
    try:
        # the runner's file, to which other commands of the step add too
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")
    except OSError as error:
        return f"no step summary: {error.strerror}"
    return None
