"""What a report of a study is made of: its records, read once, whatever of them is missing or damaged.

    report = read_report(run)
    report.summary.headline, report.rows, report.failures, report.damage

`page` makes HTML of it, `report_markdown` Markdown.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tunecli.errors import Problem, StudyError
from tunecli.reports.data import Row, StudyState, leaderboard, rank_baselines, study_state
from tunecli.reports.plan_facts import PlanFacts, plan_facts
from tunecli.reports.space.findings import Advice
from tunecli.reports.study_data import StudyData, read_study_data
from tunecli.reports.summary import Facts, Summary, summarise
from tunecli.store.files import damaged, read_json
from tunecli.store.run import Run
from tunecli.store.salvage import read_study
from tunecli.study.baseline import Baseline
from tunecli.study.check import Checks
from tunecli.study.snapshot import Snapshot

T = TypeVar("T")

Advise = Callable[[Run, Snapshot], Sequence[Advice]]

_DEFAULT_RUNS = Path("runs")


@dataclass(frozen=True)
class Failure:
    """Trials that failed for one cause.

    Attributes:
        cause: As the first of them has it; others may differ in their numbers.
        trials: Their ids.
    """

    cause: str
    trials: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """A study's records.

    Attributes:
        name: What it is called now.
        made_at: When it was read, in seconds since the epoch.
        state: How it stands.
        snapshot: Its trials.
        data: Its plan and learning curves, what figures are drawn from; None where the plan is lost.
        plan: Its plan; empty where it is lost.
        rows: All completed trials, best first.
        failures: Why trials failed, the commonest cause first.
        baselines: Simple models, best first.
        checks: What was found in the data; None where nobody has looked.
        looks: How often the test rows were looked at; None where that cannot be read.
        card: That of the retrained winner, or None.
        spec: As it was given; "" where it is lost.
        sessions: What each session ran on, as `environment.json` has it.
        fingerprint: Of the data, as `data.json` has it.
        commands: What makes the study again, and trains its winner.
        summary: All of it in words.
        damage: What is wrong with the files.
    """

    name: str
    made_at: float
    state: StudyState
    snapshot: Snapshot
    data: StudyData | None
    plan: PlanFacts
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    baselines: tuple[Baseline, ...]
    checks: Checks | None
    looks: int | None
    card: Mapping[str, Any] | None
    spec: str
    sessions: tuple[Mapping[str, Any], ...]
    fingerprint: Mapping[str, Mapping[str, Any]]
    commands: tuple[str, ...]
    summary: Summary
    damage: tuple[Problem, ...]


def read_report(run: Run, *, advise: Advise | None = None) -> Report:
    """Reads all that a report shows; a file that is damaged hides no other.

    Args:
        run: The study.
        advise: Says what the trials have shown about the search space, which takes more than records.

    Raises:
        StudyError: The journal is damaged before its end.
    """
    is_held = run.is_held()
    damage: list[Problem] = []
    plan = _salvaged(lambda: plan_facts(run), damage) or PlanFacts()
    data = read_study_data(run) if plan.family else None
    if data is None:
        snapshot, problems = read_study(run)
    else:
        snapshot, problems = data.snapshot, data.damage
    damage += problems
    baselines = _salvaged(run.baselines, damage) or ()
    checks = _salvaged(run.checks, damage)
    looks = _salvaged(run.test_looks, damage)
    card = _salvaged(lambda: _document(run.layout.best.card_document), damage)
    sessions = _salvaged(lambda: _sessions(run.layout.environment), damage) or ()
    fingerprint = _salvaged(lambda: _fingerprint(run.layout.data), damage) or {}
    state = study_state(snapshot, is_held=is_held)
    facts = Facts(
        snapshot=snapshot,
        plan=plan,
        name=run.name,
        state=state,
        baselines=baselines,
        checks=checks,
        looks=None if looks is None else len(looks),
        card=card,
        advice=() if advise is None or data is None else advise(run, snapshot),
    )
    return Report(
        name=run.name,
        made_at=time.time(),
        state=state,
        snapshot=snapshot,
        data=data,
        plan=plan,
        rows=tuple(leaderboard(snapshot)),
        failures=group_failures(snapshot),
        baselines=tuple(rank_baselines(baselines, snapshot.objective)),
        checks=checks,
        looks=facts.looks,
        card=card,
        spec=_spec(run.layout.spec),
        sessions=sessions,
        fingerprint=fingerprint,
        commands=_commands(run, snapshot),
        summary=summarise(facts),
        damage=tuple(damage),
    )


def group_failures(snapshot: Snapshot) -> tuple[Failure, ...]:
    """Returns why trials failed; causes that differ in their numbers alone (an epoch, a size) are one."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for trial in snapshot.failed:
        cause = trial.outcome.cause if trial.outcome else ""
        groups.setdefault(re.sub(r"\d+(\.\d+)?(e[-+]?\d+)?", "0", cause), []).append((trial.id, cause))
    found = [Failure(members[0][1], tuple(trial for trial, _ in members)) for members in groups.values()]
    return tuple(sorted(found, key=lambda each: -len(each.trials)))


def _salvaged(read: Callable[[], T], damage: list[Problem]) -> T | None:
    """Returns what can be read, or None, and adds what is wrong to `damage`."""
    try:
        return read()
    except StudyError as error:
        damage += error.problems
    except OSError as error:
        damage.append(Problem(f"cannot be read: {str(error.strerror).lower()}", where=str(error.filename)))
    return None


def _document(path: Path) -> dict[str, Any] | None:
    document: dict[str, Any] | None = read_json(path) if path.exists() else None
    return document


def _sessions(path: Path) -> tuple[Mapping[str, Any], ...]:
    sessions = (_document(path) or {"sessions": []}).get("sessions")
    if not isinstance(sessions, list) or not all(isinstance(each, dict) for each in sessions):
        raise damaged(str(path), "it has no list of sessions")
    return tuple(sessions)


def _fingerprint(path: Path) -> Mapping[str, Mapping[str, Any]]:
    found = _document(path) or {}
    if not all(isinstance(each, dict) for each in found.values()):
        raise damaged(str(path), "not a fingerprint of data")
    return found


def _spec(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _commands(run: Run, snapshot: Snapshot) -> tuple[str, ...]:
    elsewhere = [] if run.path.parent == _DEFAULT_RUNS else ["--runs", str(run.path.parent)]
    found = [shlex.join(["tunecli", "search", f"{run.name}.yaml", "--fresh", *elsewhere])]
    if snapshot.best is not None:
        found.append(shlex.join(["tunecli", "retrain", "--full", run.name, *elsewhere]))
    return tuple(found)
