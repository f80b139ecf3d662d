"""The report as Markdown for a pull request: the words and tables of the page, without its figures.

GitHub takes line breaks in a comment as they are, so that a paragraph is one line; a comment holds 65,536 characters.
Whatever comes from data is code, or escaped.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunecli.reports.github import bounded, code, findings, leaders, table
from tunecli.reports.markdown import escaped
from tunecli.reports.report import Report
from tunecli.reports.summary import Step
from tunecli.reports.text import show_date, show_duration, show_score

MOST_IDS = 10
"""Failed trials that are named for each cause."""

MOST_SPEC_CHARACTERS = 20_000
"""A longer spec would leave no room in a comment."""

_LONGEST_SENTENCE = 2_000


def render_markdown(report: Report) -> str:
    """Returns a report as Markdown."""
    return bounded("\n\n".join(_blocks(report)) + "\n")


def _blocks(report: Report) -> Iterator[str]:
    summary = report.summary
    yield f"## {escaped(report.name)}"
    yield f"**{_text(summary.headline)}** ({report.state.value}, as of {show_date(report.made_at)})"
    if report.damage:
        yield "Files of this study are damaged; the rest is shown:"
        yield "\n".join(f"- {code(each.where)}: {_text(each.what)}" for each in report.damage)
    for title, texts in (
        ("What was searched", summary.searched),
        ("The winner", summary.winner),
        ("How sure that is", summary.certainty),
        ("Compared with simple models", summary.comparison),
    ):
        if texts:
            yield f"### {title}"
            yield " ".join(map(_text, texts))
    if summary.steps:
        yield "### What to try next"
        yield "\n".join(map(_step, summary.steps))
    if report.rows:
        yield "### The best"
        yield leaders(report.snapshot)
    yield from _failures(report)
    yield from _baselines(report)
    if report.checks is not None and report.checks.findings:
        yield "### Found in the data"
        yield findings(report.checks)
    yield from _reproduce(report)


def _step(step: Step) -> str:
    return f"- {_text(step.what)}" + (f" {code(step.command)}" if step.command else "")


def _failures(report: Report) -> Iterator[str]:
    if not report.failures:
        return
    yield "### Failures"
    rows = []
    for each in report.failures:
        more = len(each.trials) - MOST_IDS
        which = ", ".join(map(str, each.trials[:MOST_IDS])) + (f" and {more} more" if more > 0 else "")
        rows.append([code(each.cause), str(len(each.trials)), which])
    yield table(["cause", "trials", "which"], rows)


def _baselines(report: Report) -> Iterator[str]:
    if not report.baselines:
        return
    yield "### Baselines"
    rows = [
        [
            escaped(each.name),
            show_score(each.score),
            "–" if each.duration_s is None else show_duration(each.duration_s),
            escaped(each.cause or each.note),
        ]
        for each in report.baselines
    ]
    yield table(["model", code(report.snapshot.objective.metric), "time", "remark"], rows)


def _reproduce(report: Report) -> Iterator[str]:
    yield "### How to reproduce it"
    yield _fenced("\n".join(report.commands), "sh")
    if 0 < len(report.spec) <= MOST_SPEC_CHARACTERS:
        yield f"<details><summary>The spec</summary>\n\n{_fenced(report.spec.rstrip(), 'yaml')}\n\n</details>"
    facts = [] if report.plan.seed is None else [f"seed {report.plan.seed}, split seed {report.plan.split_seed}"]
    facts += [
        f"{escaped(name)} sha256 {escaped(str(each.get('sha256'))[:16])}…" for name, each in report.fingerprint.items()
    ]
    packages = report.sessions[-1].get("packages", {}) if report.sessions else {}
    facts += [", ".join(f"{escaped(name)} {escaped(version)}" for name, version in packages.items())]
    yield "\n".join(f"- {fact}" for fact in facts if fact)


def _text(text: str) -> str:
    """Returns a sentence that shows as itself, however long."""
    return escaped(text, most=_LONGEST_SENTENCE)


def _fenced(text: str, language: str) -> str:
    """Returns text as a block of code, which nothing in it ends."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
