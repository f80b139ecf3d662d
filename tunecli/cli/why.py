"""`tunecli why`: a trial's story, from records alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, RunArgument, RunsOption
from tunecli.cli.results import no_trial, read_plan, read_snapshot
from tunecli.errors import UsageError

if TYPE_CHECKING:
    from tunecli.store.run import Run
    from tunecli.study.snapshot import Snapshot


MOST_NAMED = 10
"""Other failed trials that are listed."""


def why(
    run: RunArgument = None,
    trial: Annotated[
        int | None, typer.Argument(metavar="TRIAL", help="A trial's id; default: the last that failed.")
    ] = None,
    as_json: JsonOption = False,
    runs: RunsOption = DEFAULT_RUNS,
) -> None:
    """Tell why a trial failed, stopped or came off as it did, what similar trials did, and what to do next."""
    from tunecli.reports.curves.learning_curves import trial_curve
    from tunecli.reports.why.story import story_document, tell
    from tunecli.store.run import find_run
    from tunecli.store.salvage import read_trial

    run, trial = _told_apart(runs, run, trial)
    found = find_run(runs, run)
    snapshot, plan = read_snapshot(found), read_plan(found)
    if trial is None:
        trial = _last_failed(found, snapshot)
    if trial not in snapshot.trials:
        raise no_trial(found, snapshot, trial)
    files = read_trial(found, snapshot, trial)
    for problem in files.damage:
        output.problem(problem)
    curve = trial_curve(snapshot, trial, measurements=files.measurements, trainings=files.trainings, plan=plan)
    story = tell(snapshot, trial, name=found.name, curve=curve, files=files, plan=plan, is_held=found.is_held())
    if as_json:
        output.json(story_document(story))
        return
    from tunecli.reports.why.view import story_view

    output.print(story_view(story))


def _told_apart(runs: Path, run: str | None, trial: int | None) -> tuple[str | None, int | None]:
    """Takes a lone number for a trial of the newest study, unless a study is called so."""
    from tunecli.store.run import list_runs

    is_number = run is not None and run.isascii() and run.isdecimal() and trial is None
    if run is None or not is_number or any(each.name == run for each in list_runs(runs)):
        return run, trial
    return None, int(run)


def _last_failed(run: Run, snapshot: Snapshot) -> int:
    """Returns the trial to tell of where none is named.

    Raises:
        UsageError: None has failed.
    """
    failed = sorted(snapshot.failed, key=lambda each: each.ended_at or 0.0)
    if not failed:
        some = next(reversed(snapshot.trials), 0)
        hint = f"name any trial: tunecli why {run.name} {some}"
        raise UsageError("no trial has failed", where=str(run.path), hint=hint)
    if len(failed) > 1:
        before = [str(each.id) for each in failed[-2 : -2 - MOST_NAMED : -1]]
        more = ", …" if len(failed) - 1 > MOST_NAMED else ""
        output.say(f"the last of {len(failed)} failed trials; before it failed {', '.join(before)}{more}")
    return failed[-1].id
