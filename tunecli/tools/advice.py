"""What a study that is on disk has shown about its search space; see `reports.space_advice` for what is looked for."""

from __future__ import annotations

from tunecli.plan import Plan
from tunecli.plan.space_limits import space_limits
from tunecli.reports.space.advice import space_advice
from tunecli.reports.space.findings import Advice
from tunecli.store.run import Run
from tunecli.study.snapshot import Snapshot


def study_advice(run: Run, snapshot: Snapshot) -> tuple[Advice, ...]:
    """Returns what a study has shown about its search space, the most urgent first.

    Args:
        run: The study.
        snapshot: How it stands.

    Raises:
        StudyError: Its plan is damaged.
    """
    plan = Plan.of(run)
    return space_advice(snapshot, plan.model_dump(mode="json"), limits=space_limits(plan))
