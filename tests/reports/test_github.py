"""What GitHub Actions reads. The runner's own rules (ActionCommand.cs) are repeated here, to read what was written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tunecli.errors import Problem
from tunecli.reports.github import (
    MOST_SUMMARY_BYTES,
    Level,
    annotation,
    bounded,
    code,
    retrain_summary,
    search_summary,
    unlike_commands,
)
from tunecli.study.check import Checks, Finding, Severity
from tunecli.study.snapshot import Snapshot
from tunecli.study.threshold import Threshold

HOSTILE = [
    "</script>",
    "<img src=x onerror=alert(1)>",
    "__proto__",
    "::error::pwned",
    "a\n::error::pwned",
    "a\r::stop-commands::x",
    "x ##[error]pwned",
    "`` ` | [link](http://evil) ![i](x)",
    "100% 50%0A::error::pwned",
    "\u2028::error::x\u202e",
]


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Reads a log as the runner does: the commands in it, their properties and data."""
    found = []
    for line in re.split(r"[\r\n]+", text):
        trimmed = line.lstrip()
        if trimmed.startswith("::") and "::" in trimmed[2:]:
            head, _, data = trimmed[2:].partition("::")
            name, _, given = head.partition(" ")
            pairs = [each.split("=", 1) for each in given.strip().split(",") if "=" in each]
            found.append((name, {key: _plain(value, ":,") for key, value in pairs}, _plain(data, "")))
        elif "##[" in line:
            found.append(("legacy", {}, line))
    return found


def _plain(text: str, more: str) -> str:
    for sign in f"\r\n{more}":
        text = text.replace(f"%{ord(sign):02X}", sign)
    return text.replace("%25", "%")


def test_a_problem_of_a_spec_is_shown_at_its_line(tmp_path: Path) -> None:
    where = f"{tmp_path}/configs/a.yaml:14:10: search_space.units.min"
    line = annotation(Level.ERROR, Problem("5 is not below max (3)", where, "swap them"), root=tmp_path)
    assert line.startswith("::error file=configs/a.yaml,line=14,col=10::")
    assert commands(line) == [
        (
            "error",
            {"file": "configs/a.yaml", "line": "14", "col": "10"},
            "search_space.units.min: 5 is not below max (3)\nhint: swap them",
        )
    ]


def test_a_problem_elsewhere_says_where_in_words() -> None:
    assert annotation(Level.ERROR, Problem("is missing", "runs/a/plan.json")) == "::error::runs/a/plan.json: is missing"
    where = "a:b.yaml:3:1"
    assert commands(annotation(Level.WARNING, Problem("x", where), title="t")) == [
        ("warning", {"title": "t", "file": "a:b.yaml", "line": "3", "col": "1"}, "x")
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_annotated_is_one_command(text: str) -> None:
    line = annotation(Level.WARNING, Problem(text, f"{text.split(maxsplit=1)[0]}.yaml:1:2", text), title=text)
    ((name, properties, data),) = commands(line)
    assert name == "warning"
    assert data == f"{text}\nhint: {text}"
    assert set(properties) <= {"title", "file", "line", "col"}


@pytest.mark.parametrize("text", [*HOSTILE, "  ::error::x", "\t::error::x", "ok\n   ::error file=x::y", "::::"])
def test_what_is_printed_is_no_command(text: str) -> None:
    assert commands(unlike_commands(text)) == []


def test_plain_text_is_printed_as_it_is() -> None:
    text = "a::b\nurl: http://x::y\n# heading ## [x]\n  - :one"
    assert unlike_commands(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_code_holds_whatever_it_is_given(text: str) -> None:
    span = code(text)
    assert span.isprintable()
    fence = re.match("`+", span)[0]  # type: ignore[index]
    inner = span.removeprefix(fence).removesuffix(fence)
    assert fence not in re.findall("`+", inner)  # nothing in it closes it
    assert not re.search(r"(?<!\\)\|", span)


@pytest.fixture
def snapshot(make_snapshot: Callable[..., Snapshot]) -> Snapshot:
    return make_snapshot(({"units": 64}, 0.5), ({"units": 32}, 0.7), ({"units": 8}, "loss is nan | <b>\n::error::x"))


def test_a_summary_has_leaderboard_winner_thresholds_failures_and_findings(snapshot: Snapshot) -> None:
    finding = Finding(kind="constant", severity=Severity.WARNING, what="'</script>' never changes", hint="leave it out")
    verdicts = [Threshold.parse("val_rmse > 0.4").judge({"val_rmse": 0.5})]
    checks = Checks(rows={"train": 1, "validation": 1, "test": 1}, sampled_rows=1, findings=(finding,))
    text = search_summary(snapshot, checks=checks, verdicts=verdicts)
    assert "2 trials with a score, 1 failed; trial 0 is the winner: ` val_rmse ` 0.5000." in text
    assert "| 1 | 0 | 0.5000 | 4/5 | 10.0 s | ` units=64 ` |" in text
    assert "| ` val_rmse > 0.4 ` | ❌ | ` val_rmse is 0.5 ` |" in text
    assert r"| 2 | ` loss is nan \| <b>\n::error::x ` |" in text
    assert "| warning | ` '</script>' never changes ` | ` leave it out ` |" in text
    assert commands(text) == []
    outside = re.sub(r"(`+) .*? \1", "", text)
    assert "<" not in outside


def test_a_search_without_a_winner_has_a_summary(make_snapshot: Callable[..., Snapshot]) -> None:
    text = search_summary(make_snapshot(({"units": 8}, "no")), checks=None, verdicts=[])
    assert "0 trials with a score, 1 failed; there is no winner." in text


def test_a_summary_is_bounded(make_snapshot: Callable[..., Snapshot]) -> None:
    many = make_snapshot(*[({"units": "x" * 900}, f"cause {'y' * 900}") for _ in range(400)])
    text = search_summary(many, checks=None, verdicts=[])
    assert "the first 10, and 390 more" in text
    assert len(text.encode()) < 8_000
    assert len(bounded("| ä |\n" * 50_000).encode()) <= MOST_SUMMARY_BYTES + 10


def test_retraining_has_a_summary() -> None:
    document = {
        "study": "s",
        "trial": 3,
        "scores": {"train": {"rmse": 0.5, "loss": None}, "test": {"rmse": 0.75, "loss": 1.0}},
    }
    text = retrain_summary(document, [Threshold.parse("test_rmse > 1").judge({"test_rmse": 0.75})])
    assert "| test | 0.7500 | 1.0000 |" in text
    assert "✅" in text
