"""What a result is held to on the command line: findings in the data, thresholds; and the files that CI reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunecli.cli import github
from tunecli.cli.console import output
from tunecli.cli.results import read_checks
from tunecli.errors import GateError, Problem, UsageError

if TYPE_CHECKING:
    from tunecli.plan import Plan
    from tunecli.spec.load import SpecFile
    from tunecli.store.run import Run
    from tunecli.study.check import Checks, Finding
    from tunecli.study.snapshot import Snapshot
    from tunecli.study.threshold import Threshold, Verdict

StrictOption = Annotated[bool, typer.Option("--strict", help="Fail on what the checks of the data warn of.")]
AcceptOption = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="CHECK", help="With --strict: a check that may warn; repeatable."),
]
FailIfOption = Annotated[
    list[str] | None,
    typer.Option("--fail-if", metavar="'METRIC > NUMBER'", help="Fail if that is so of the result; repeatable."),
]
JunitOption = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Write the trials as JUnit XML, for CI.")
]

PART_PREFIXES = {"train": "train_", "validation": "val_", "test": "test_"}
"""How the metrics of a retrained model are called in a condition, by the part of the data."""

_MOST_SAID = 6
"""Findings that are printed before a search; `tunecli show` has all of them."""


@dataclass(frozen=True)
class Inspection:
    """What to do about findings in the data.

    Attributes:
        file: The spec that they point into.
        is_strict: Whether warnings are errors.
        accepted: The checks whose warnings are none.
    """

    file: SpecFile
    is_strict: bool = False
    accepted: Collection[str] = ()

    def refuse(self, checks: Checks) -> None:
        """Refuses what it is strict about.

        Raises:
            GateError: There are warnings that were not accepted, and this is strict.
        """
        refused = [each for each in checks.warnings if self.is_strict and each.kind not in self.accepted]
        if refused:
            raise GateError(_problem(self.file, each) for each in refused)

    def annotate(self, checks: Checks) -> None:
        """Shows warnings at their lines where GitHub Actions runs this."""
        if not output.quiet:
            github.annotate_warnings([_problem(self.file, each) for each in checks.warnings], title="tunecli: data")

    def __call__(self, checks: Checks) -> None:
        """Says what was found, or refuses it.

        Raises:
            GateError: As `refuse`.
        """
        self.refuse(checks)
        for finding in checks.findings[:_MOST_SAID]:
            output.say(f"{finding.severity}: {finding.what}\nhint: {finding.hint}")
        if (more := len(checks.findings) - _MOST_SAID) > 0:
            output.say(f"and {more} more: tunecli check {self.file.path}")
        self.annotate(checks)


def _problem(file: SpecFile, finding: Finding) -> Problem:
    """Returns a finding at the line of the spec that can change it."""
    loc = ("dataset", finding.field) if finding.field else ("dataset",)
    return file.problem(loc, finding.what, finding.hint)


def check_accepted(names: Sequence[str] | None, *, is_strict: bool) -> tuple[str, ...]:
    """Returns the names of checks.

    Raises:
        UsageError: There is no such check, or nothing is strict.
    """
    from tunecli.datasets.checks import CHECKS

    if names and not is_strict:
        raise UsageError("--accept excepts checks from --strict", hint="add --strict, or leave it out")
    return tuple(CHECKS.canonical(name) for name in names or ())


def searched_thresholds(texts: Sequence[str] | None, plan: Plan) -> tuple[Threshold, ...]:
    """Reads the thresholds of a search's winner.

    Raises:
        UsageError: One is none, or no trial is measured by it.
    """
    from tunecli.study.threshold import parse_all

    return parse_all(texts or (), None if plan.custom is not None else measured_metrics(plan))


def measured_metrics(plan: Plan) -> tuple[str, ...]:
    """Returns the metrics of a search's trials, that which decides first; of a custom model, that one alone."""
    from tunecli.study.objective import FOLD, VALIDATION, fold_metric_names, metric_names

    known = [plan.objective.metric]
    if plan.custom is None:
        has_validation = plan.dataset.validation > 0 or plan.watched.metric.startswith(VALIDATION)
        has_auxiliary = plan.family == "wide_deep"
        known += metric_names(plan.task, validation=has_validation, auxiliary=has_auxiliary)
        if plan.objective.metric.startswith(FOLD):
            known += fold_metric_names(plan.task, auxiliary=has_auxiliary)
    return tuple(dict.fromkeys(known))


def retrained_thresholds(texts: Sequence[str] | None, run: Run, *, full: bool) -> tuple[Threshold, ...]:
    """Reads the thresholds of a model that will be retrained.

    Raises:
        UsageError: One is none, or the model will not be measured by it.
        StudyError: The plan is damaged.
    """
    from tunecli.study.threshold import parse_all

    if not texts:
        return ()
    from tunecli.plan import Plan
    from tunecli.study.objective import metric_names

    plan = Plan.of(run)
    names = metric_names(plan.task, validation=False, auxiliary=plan.family == "wide_deep")
    parts = [part for part in PART_PREFIXES if part != "validation" or not full]
    known = [f"{PART_PREFIXES[part]}{name}" for part in parts for name in names]
    return parse_all(texts, None if plan.custom is not None else known)


def judge_winner(thresholds: Sequence[Threshold], snapshot: Snapshot) -> list[Verdict]:
    """Holds the winner of a search to thresholds; without one, all are missed."""
    best = snapshot.best
    figures: dict[str, float | None] = {}
    if best is not None and best.outcome is not None:
        figures = {**best.outcome.metrics, snapshot.objective.metric: best.score}
    return [each.judge(figures) for each in thresholds]


def judge_retrained(thresholds: Sequence[Threshold], document: Mapping[str, Any]) -> list[Verdict]:
    """Holds the model that `retrain` keeps to thresholds.

    Args:
        thresholds: In the names of `PART_PREFIXES`.
        document: What stands in `metrics.json`.
    """
    figures = {
        f"{PART_PREFIXES[part]}{name}": value
        for part, scores in document["scores"].items()
        for name, value in scores.items()
    }
    return [each.judge(figures) for each in thresholds]


def require_passed(verdicts: Sequence[Verdict], *, where: str) -> None:
    """Makes sure that no threshold is missed.

    Raises:
        GateError: One is.
    """
    missed = [each for each in verdicts if each.is_missed]
    if missed:
        raise GateError(Problem(f"{each}: fails if {each.threshold}", where=where) for each in missed)


def verdicts_json(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Returns what came of thresholds, for `--json`; nothing where there are none."""
    if not verdicts:
        return {}
    return {
        "thresholds": [
            {
                "fail_if": str(each.threshold),
                "metric": each.threshold.metric,
                "value": each.value,
                "failed": each.is_missed,
            }
            for each in verdicts
        ]
    }


def report_search(run: Run, snapshot: Snapshot, verdicts: Sequence[Verdict], junit: Path | None) -> None:
    """Writes what CI reads of a search that has ended: JUnit XML where it was asked for, annotations, a summary.

    Raises:
        StudyError: The XML file cannot be written.
    """
    if junit is not None:
        _write_junit(junit, snapshot, verdicts)
    if not github.is_here():
        return
    from tunecli.reports.github import search_summary

    failed = [Problem(f"trial {each.id} failed: {each.outcome.cause}") for each in snapshot.failed if each.outcome]
    if not output.quiet:
        github.annotate_warnings(failed, title=f"tunecli: {run.name}")
    if cause := github.summarise(search_summary(snapshot, checks=read_checks(run), verdicts=verdicts)):
        output.say(cause)


def report_retrained(document: Mapping[str, Any], verdicts: Sequence[Verdict]) -> None:
    """Adds what retraining came to to the summary of the step."""
    if not github.is_here():
        return
    from tunecli.reports.github import retrain_summary

    if cause := github.summarise(retrain_summary(document, verdicts)):
        output.say(cause)


def check_junit(path: Path | None) -> None:
    """Makes sure that a file can be written there, before hours of searching.

    Raises:
        UsageError: It cannot.
    """
    if path is not None and path.is_dir():
        raise UsageError("is a folder", where=str(path), hint="name a file, such as --junit trials.xml")


def _write_junit(path: Path, snapshot: Snapshot, verdicts: Sequence[Verdict]) -> None:
    import socket

    from tunecli import __version__
    from tunecli.reports.junit import junit_xml
    from tunecli.store.files import write_whole

    write_whole(path, junit_xml(snapshot, verdicts, host=socket.gethostname() or "localhost", version=__version__))
