"""Leak and sanity checks: what is wrong with data, or with how they were split, that no score would tell.

    checks = examine(data, parts)          # at the start of a search, before anything is trained

A check is a function from a `View` to findings; a new one is one function and one line of the table. They look at the
inputs of all rows and at the targets of training and validation rows: a view has no others. What they find is shown
and kept, and reaches no trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunecli.datasets.base import RawData
from tunecli.datasets.checks.view import Check, View, leave_out
from tunecli.datasets.split import Split
from tunecli.registry import Registry
from tunecli.study.check import Checks, Finding

CHECKS: Registry[Check] = Registry(
    "check",
    {
        "duplicate_rows": "tunecli.datasets.checks.duplicates:duplicate_rows",
        "contradictory_rows": "tunecli.datasets.checks.duplicates:contradictory_rows",
        "target_leak": "tunecli.datasets.checks.leaks:target_leak",
        "identifier": "tunecli.datasets.checks.columns:identifier",
        "constant": "tunecli.datasets.checks.columns:constant",
        "missing_classes": "tunecli.datasets.checks.targets:missing_classes",
        "few_target_values": "tunecli.datasets.checks.targets:few_target_values",
        "drift": "tunecli.datasets.checks.drift:drift",
    },
)


def examine(data: RawData, parts: Split) -> Checks:
    """Runs every check.

    Args:
        data: The loaded data; the targets of the test part are not looked at.
        parts: Which rows go where.
    """
    import numpy as np

    view = View.of(data, parts)
    with np.errstate(all="ignore"):  # columns may hold anything: what is no number counts as no finding
        findings = [finding for name in CHECKS.names for finding in CHECKS.load(name)(view)]
    rows = {"train": len(parts.train), "validation": len(parts.validation), "test": len(parts.test)}
    return Checks(rows=rows, sampled_rows=len(view.sample), findings=tuple(_with_hints(findings)))


def _with_hints(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yields findings; those on columns to leave out hint at one line that leaves out those of all of them."""
    columns = dict.fromkeys(name for each in findings if each.field == "features" for name in each.columns)
    for each in findings:
        hint = leave_out(tuple(columns)) if each.field == "features" else ""
        yield each.model_copy(update={"hint": "; ".join(filter(None, (hint, each.hint)))})
