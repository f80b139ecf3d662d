"""The sections of the page, as HTML that needs no script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any

from tunecli.reports.page.markup import Markup, element, joined
from tunecli.reports.plan_facts import show_range
from tunecli.reports.report import Report
from tunecli.reports.summary import Step
from tunecli.reports.text import show_date, show_duration, show_score, show_spread
from tunecli.spec.space import show_value
from tunecli.study.baseline import Baseline

if TYPE_CHECKING:
    from tunecli.reports.figures import Figure

MOST_IDS = 40
"""Trials that are named in a line."""

FILTERED = ("parallel", "scatter_matrix")
"""The figures that the filter on the score is for."""

WIDE = (*FILTERED, "slice")
"""The figures that are as wide as they must be, and scroll on a phone."""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        identity: The id that links lead to.
        short: What links call it.
        markup: It.
    """

    identity: str
    short: str
    markup: Markup


def sections(report: Report, figures: Sequence[Figure]) -> list[Section]:
    """Returns all sections, in their order."""
    return [
        _section("summary", "Summary", *_summary(report)),
        _section("next", "What to try next", *_steps(report), short="Next"),
        _section("leaderboard", "Leaderboard", *_leaderboard(report)),
        *map(_figure, figures),
        _section("failures", "Failures", *_failures(report)),
        _section("baselines", "Baselines", *_baselines(report)),
        _section("data", "Data", *_data(report)),
        _section("reproduce", "How to reproduce it", *_reproduce(report), short="Reproduce"),
    ]


def _section(identity: str, title: str, *content: str, short: str = "") -> Section:
    heading = element("h2", title, id=f"{identity}-heading")
    body = element("section", heading, *content, id=identity, aria_labelledby=f"{identity}-heading")
    return Section(identity, short or title, body)


def _summary(report: Report) -> Iterator[str]:
    summary = report.summary
    if report.damage:
        items = [element("li", f"{each.where}: {each.what}" if each.where else each.what) for each in report.damage]
        text = element("p", element("strong", "Files of this study are damaged; the rest is shown."))
        yield element("div", text, element("ul", *items), class_="notice")
    yield element("p", summary.headline, class_="headline")
    yield _key_figures(report)
    for title, texts in (
        ("What was searched", summary.searched),
        ("The winner", summary.winner),
        ("How sure that is", summary.certainty),
        ("Compared with simple models", summary.comparison),
    ):
        if texts:
            yield element("h3", title)
            yield joined(map(_sentences, texts))
        if title == "The winner" and texts:
            yield _winner_values(report)


def _sentences(text: str) -> Markup:
    return element("p", text.replace(" %", "\u00a0%"))  # a sign of its own line is lost


def _key_figures(report: Report) -> Markup:
    snapshot, best = report.snapshot, report.snapshot.best
    facts = {
        f"best {snapshot.objective.metric}": "–" if best is None else show_score(best.score),
        "trials with a score": f"{len(snapshot.completed):,}",
        "trials that failed": f"{len(snapshot.failed):,}",
        "time": show_duration(snapshot.spent_s),
    }
    return element("dl", *(element("div", element("dt", k), element("dd", v)) for k, v in facts.items()), class_="key")


def _winner_values(report: Report) -> Markup:
    best = report.snapshot.best
    assert best is not None
    ranges = {each.name: show_range(each) for each in report.plan.space}
    rows = [[name, show_value(value), ranges.get(name, "")] for name, value in best.suggestion.values.items()]
    return _table("Values of the winner", ["hyperparameter", "value", "searched"], rows)


def _steps(report: Report) -> Iterator[str]:
    if not report.summary.steps:
        yield element("p", "Nothing stands out.")
        return
    yield element("ul", *(element("li", _step(each)) for each in report.summary.steps), class_="steps")


def _step(step: Step) -> Markup:
    return joined([step.what, *([" ", element("code", step.command)] if step.command else [])])


def _leaderboard(report: Report) -> Iterator[str]:
    rows = report.rows
    if not rows:
        yield element("p", "No trial has come to a score yet.")
        return
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    header = ["rank", "trial", report.snapshot.objective.metric, "best epoch", "epochs", "time", *names]
    head = element("tr", *(element("th", name, scope="col") for name in header))
    body = [
        element(
            "tr",
            *_cells(str(row.rank), str(row.id)),
            element("td", show_spread(row.score, row.score_sd), data_sort=f"{row.score:.7g}"),
            *_cells(str(row.best_epoch), str(row.epochs_run)),
            element("td", show_duration(row.duration_s), data_sort=f"{row.duration_s:.4g}"),
            *_cells(*(show_value(row.values[name]) if name in row.values else "–" for name in names)),
            data_trial=row.id,
        )
        for row in rows
    ]
    caption = element("caption", f"All {len(rows):,} trials with a score, best first")
    table = element("table", caption, element("thead", head), element("tbody", *body), id="trials")
    yield element("div", class_="filter", data_filter=True)
    yield _scrolling("Leaderboard", table, tall=True)


def _figure(figure: Figure) -> Section:
    short = figure.name.replace("_", " ").capitalize()
    text = element("p", figure.text, id=f"{figure.name}-text")
    if figure.plot is None:
        return _section(figure.name, figure.title, text, short=short)
    drawn = element(
        "div",
        class_="plot",
        id=f"{figure.name}-plot",
        data_figure=figure.name,
        role="img",
        aria_label=figure.title,
        aria_describedby=f"{figure.name}-text",
    )
    filtering = [element("div", class_="filter", data_filter=True)] if figure.name in FILTERED else []
    reach: dict[str, str | int] = {"role": "region", "aria_label": f"{figure.title}, drawn", "tabindex": 0}
    scrolling = element("div", drawn, class_="scroll plain", **reach if figure.name in WIDE else {})
    drawing = element("figure", scrolling, element("figcaption", text))
    return _section(figure.name, figure.title, *filtering, drawing, short=short)


def _failures(report: Report) -> Iterator[str]:
    if not report.failures:
        yield element("p", "No trial failed.")
        return
    ended = report.snapshot.ended_count
    yield element("p", f"{len(report.snapshot.failed):,} of the {ended:,} trials that have ended failed.")
    rows = [[each.cause or "unknown", f"{len(each.trials):,}", _ids(each.trials)] for each in report.failures]
    yield _table("Causes of failure", ["cause", "trials", "which"], rows, numbers=(1,))
    yield element("p", "See why: ", element("code", f"tunecli why {quote(report.name)} {report.failures[0].trials[0]}"))


def _baselines(report: Report) -> Iterator[str]:
    if not report.baselines:
        yield element("p", "No simple models were fitted to compare with.")
        return
    metric = report.snapshot.objective.metric
    yield element("p", "Simple models, fitted on the training rows and scored as trials are.")
    rows = [[each.name, show_score(each.score), _time(each), _rows(each), _remark(each)] for each in report.baselines]
    best = report.snapshot.best
    if best is not None:
        rows.append([f"trial {best.id}, the best", show_score(best.score), "", "", ""])
    yield _table("Baselines", ["model", metric, "time", "training rows", "remark"], rows, numbers=(1, 2, 3))


def _time(baseline: Baseline) -> str:
    return "–" if baseline.duration_s is None else show_duration(baseline.duration_s)


def _rows(baseline: Baseline) -> str:
    return f"{baseline.rows if baseline.rows is not None else baseline.train_rows:,}"


def _remark(baseline: Baseline) -> str:
    return baseline.cause or baseline.note


def _data(report: Report) -> Iterator[str]:
    plan, checks = report.plan, report.checks
    facts = {"data set": plan.dataset, "file": plan.path or "", "task": plan.task, "target": ", ".join(plan.targets)}
    if checks is not None:
        facts["rows"] = ", ".join(f"{part} {count:,}" for part, count in checks.rows.items())
    yield _facts({name: value for name, value in facts.items() if value})
    yield element("h3", "What the checks found")
    if checks is None:
        yield element("p", "Nobody has checked the data.")
    elif not checks.findings:
        yield element("p", "The checks of the data found nothing to warn of.")
    else:
        rows = [[each.severity.value, each.what, each.hint] for each in checks.findings]
        yield _table("Findings in the data", ["kind", "what", "hint"], rows)
    if report.fingerprint:
        yield element("h3", "Fingerprint")
        rows = [
            [name, " × ".join(map(str, each.get("shape", []))), str(each.get("dtype", "")), str(each.get("sha256", ""))]
            for name, each in report.fingerprint.items()
        ]
        yield _table("Fingerprint of the data", ["array", "shape", "type", "SHA-256"], rows)


def _reproduce(report: Report) -> Iterator[str]:
    plan = report.plan
    yield element("p", "With this spec, beside the files that it names:")
    yield element("pre", element("code", "\n".join(report.commands)), tabindex=0)
    seeds = {"seed": plan.seed, "split seed": plan.split_seed}
    yield _facts({name: str(value) for name, value in seeds.items() if value is not None})
    yield element("h3", "The spec as it was given")
    if report.spec:
        yield element("pre", element("code", report.spec), tabindex=0, aria_label="The spec", role="region")
        yield element("p", "What the command line changed of it (-S) is in the plan alone.")
    else:
        yield element("p", "Its file is lost.")
    if report.data is not None:
        plan_text = json.dumps(report.data.plan, indent=2, ensure_ascii=False)
        content = element("pre", element("code", plan_text), tabindex=0)
        yield element("details", element("summary", "The plan: everything bound and derived"), content)
    yield element("h3", "What it ran on")
    yield from _sessions(report.sessions)


def _sessions(sessions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not sessions:
        yield element("p", "Nothing is recorded.")
        return
    columns = ["", *(f"from {show_date(each['at'])}" if _is_number(each.get("at")) else "" for each in sessions)]
    packages = list(dict.fromkeys(name for each in sessions for name in each.get("packages", {})))
    rows = [[name, *(str(each.get(name, "")) for each in sessions)] for name in ("python", "platform", "processors")]
    rows += [[name, *(str(each.get("packages", {}).get(name, "")) for each in sessions)] for name in packages]
    rows.append(["git", *(_git(each.get("git")) for each in sessions)])
    yield _table("Versions", columns, rows)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _git(state: Any) -> str:
    if not isinstance(state, dict):
        return "not in a repository"
    return f"{str(state.get('commit', ''))[:12]}{'' if state.get('is_clean') else ', with changes'}"


def _facts(facts: Mapping[str, str]) -> Markup:
    return element("dl", *(joined([element("dt", k), element("dd", v)]) for k, v in facts.items()), class_="facts")


def _table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> Markup:
    head = element("tr", *(element("th", name, scope="col", class_=_kind(n, numbers)) for n, name in enumerate(header)))
    body = [
        element("tr", *(element("td", cell, class_=_kind(n, numbers)) for n, cell in enumerate(row))) for row in rows
    ]
    table = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return _scrolling(caption, table)


def _scrolling(name: str, table: Markup, *, tall: bool = False) -> Markup:
    """Returns a table in a box of its own, which scrolls, by keyboard too, so that the page does not."""
    return element("div", table, class_="scroll tall" if tall else "scroll", role="region", aria_label=name, tabindex=0)


def _kind(place: int, numbers: Sequence[int]) -> str | None:
    return "number" if place in numbers else None


def _cells(*texts: str) -> Iterator[Markup]:
    return (element("td", text) for text in texts)


def _ids(ids: Sequence[int]) -> str:
    more = len(ids) - MOST_IDS
    return ", ".join(map(str, ids[:MOST_IDS])) + (f" and {more:,} more" if more > 0 else "")
