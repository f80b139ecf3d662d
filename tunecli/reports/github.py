"""What GitHub Actions reads: workflow commands in the log that become annotations, and a summary of the step.

Commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions. The runner takes any line of
stdout and stderr for one that begins with `::` (or has `##[` in it), so text of the user's must not look like that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from tunecli.errors import Problem, printable
from tunecli.reports.data import leaderboard
from tunecli.reports.text import show_duration, show_score, show_spread, show_values
from tunecli.study.check import Checks
from tunecli.study.snapshot import Snapshot
from tunecli.study.threshold import Verdict

MOST_ANNOTATIONS = 10
"""GitHub shows no more of a kind in a step."""

MOST_SUMMARY_BYTES = 60_000
"""GitHub takes a megabyte from a step, of which this may be one of many commands."""

_MOST_ROWS, _MOST_CHARACTERS = 10, 200

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+)(?=: |$)")


class Level(StrEnum):
    """How an annotation is shown."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


def annotation(level: Level, problem: Problem, *, title: str = "", root: Path | None = None) -> str:
    """Returns a problem as a workflow command, one line.

    Args:
        level: How it is shown.
        problem: Its place becomes file, line and column where it is one of a file.
        title: What stands above it.
        root: The repository; files in it are named from there.
    """
    place = _PLACE.match(problem.where)
    properties = {"title": printable(title)} if title else {}
    if place is not None:
        properties |= {"file": _in_repository(place["file"], root), "line": place["line"], "col": place["column"]}
    message = str(
        Problem(problem.what, problem.where[place.end() :].lstrip(": ") if place else problem.where, problem.hint)
    )
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level}{f' {given}' if given else ''}::{_data(message)}"


def unlike_commands(text: str) -> str:
    """Returns text whose lines the runner will not take for commands; others are as they were."""
    # whatever Python or the runner may take for the end of a line
    defused = re.sub(r"(?m)(^|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029])(\s*):(?=:)", r"\1\2: ", text)
    return defused.replace("##[", "# #[")


def _in_repository(file: str, root: Path | None) -> str:
    path = Path(file).absolute()
    return path.relative_to(root).as_posix() if root is not None and path.is_relative_to(root) else file


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def search_summary(snapshot: Snapshot, *, checks: Checks | None, verdicts: Sequence[Verdict]) -> str:
    """Returns what a search came to as Markdown for the summary of a step; whatever comes from data is code in it."""
    return bounded("\n\n".join(_search_sections(snapshot, checks, verdicts)))


def retrain_summary(document: Mapping[str, Any], verdicts: Sequence[Verdict]) -> str:
    """Returns what retraining came to as Markdown for the summary of a step.

    Args:
        document: What stands in `metrics.json`.
        verdicts: What came of the thresholds.
    """
    scores = document["scores"]
    names = list(dict.fromkeys(name for figures in scores.values() for name in figures))
    rows = [[part, *(show_score(figures.get(name)) for name in names)] for part, figures in scores.items()]
    what = f"Trial {document['trial']} of {code(document['study'])}, trained once more"
    return bounded("\n\n".join([f"### {what}", table(["part", *map(code, names)], rows), *_verdicts(verdicts)]))


def _search_sections(snapshot: Snapshot, checks: Checks | None, verdicts: Sequence[Verdict]) -> Iterator[str]:
    metric, best = snapshot.objective.metric, snapshot.best
    yield f"### Search {code(snapshot.study)}"
    counts = f"{len(snapshot.completed)} trials with a score, {len(snapshot.failed)} failed"
    if best is None:
        yield f"{counts}; there is no winner."
    else:
        yield f"{counts}; trial {best.id} is the winner: {code(metric)} {show_score(best.score)}."
        yield leaders(snapshot)
    yield from _verdicts(verdicts)
    if snapshot.failed:
        causes = [[str(each.id), code(each.outcome.cause if each.outcome else "")] for each in snapshot.failed]
        yield "Failed trials:" + _more(causes)
        yield table(["trial", "cause"], causes[:_MOST_ROWS])
    if checks is not None and checks.findings:
        yield "Found in the data:"
        yield findings(checks)


def leaders(snapshot: Snapshot) -> str:
    """Returns the best trials of a study, which has one, as a table."""
    rows = [
        [
            str(row.rank),
            str(row.id),
            show_spread(row.score, row.score_sd),
            f"{row.best_epoch}/{row.epochs_run}",
            show_duration(row.duration_s),
            code(show_values(row.values)),
        ]
        for row in leaderboard(snapshot, _MOST_ROWS)
    ]
    return table(["rank", "trial", code(snapshot.objective.metric), "epoch", "time", "values"], rows)


def findings(checks: Checks) -> str:
    """Returns what was found in the data as a table."""
    return table(
        ["", "what", "hint"], [[each.severity.value, code(each.what), code(each.hint)] for each in checks.findings]
    )


def _verdicts(verdicts: Sequence[Verdict]) -> Iterator[str]:
    if verdicts:
        rows = [[code(str(each.threshold)), "❌" if each.is_missed else "✅", code(str(each))] for each in verdicts]
        yield table(["fails if", "", "measured"], rows)


def _more(rows: Sequence[object]) -> str:
    more = len(rows) - _MOST_ROWS
    return f" the first {_MOST_ROWS}, and {more} more" if more > 0 else ""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table of cells that are Markdown already."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def code(text: str) -> str:
    """Returns text as a code span that may stand in a table: nothing in it is a link, a tag or a mark."""
    shown = printable(text)
    shown = shown if len(shown) <= _MOST_CHARACTERS else f"{shown[:_MOST_CHARACTERS]}…"
    if not shown.strip():
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    # a table takes a bar for the end of a cell even in code, but for one with a backslash before it
    return f"{fence} {shown} {fence}".replace("|", r"\|")


def bounded(text: str) -> str:
    """Returns text that fits into a summary, cut between lines, so that no code span is left open."""
    if len(text.encode()) <= MOST_SUMMARY_BYTES:
        return text
    kept = text.encode()[:MOST_SUMMARY_BYTES].decode(errors="ignore")
    return kept[: kept.rfind("\n")] + "\n\n…"
