"""`tunecli watch`: the live view of a search that runs elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tunecli.cli.console import output
from tunecli.cli.options import DEFAULT_RUNS, JsonOption, RunArgument, RunsOption
from tunecli.cli.results import print_leaderboard, read_baselines
from tunecli.errors import Interrupted, StudyError

if TYPE_CHECKING:
    from tunecli.reports.data import StudyState
    from tunecli.reports.live import View
    from tunecli.reports.watching import Watcher
    from tunecli.store.run import Run
    from tunecli.study.snapshot import Snapshot

_GO_ON = "the same tunecli search command goes on from there"

TOP = 5
"""Trials of the leaderboard at the end, as `search` shows them."""


def watch(
    run: RunArgument = None,
    once: Annotated[bool, typer.Option("--once", help="Show how it stands now, and end.")] = False,
    interval: Annotated[
        float, typer.Option("--interval", metavar="S", min=0.1, help="Seconds from one look to the next.")
    ] = 1.0,
    as_json: JsonOption = False,
    runs: RunsOption = DEFAULT_RUNS,
) -> None:
    """Watch a search that runs elsewhere; ends as the search ends."""
    from tunecli.store.run import find_run

    found = find_run(runs, run)
    if once:
        _show_once(found, as_json=as_json)
    else:
        _watch(found, interval, as_json=as_json)


def _show_once(run: Run, *, as_json: bool) -> None:
    from tunecli.reports.data import StudyState, study_state
    from tunecli.reports.live import Standing
    from tunecli.reports.watching import standing_document

    standing = Standing(time.time)
    is_held = run.is_held()
    watcher = _watcher(run, standing)
    watcher.look()
    snapshot = _require_study(run, watcher)
    is_searched = is_held and snapshot.end_reason is None  # a study that has ended may be held by `retrain`
    state = study_state(snapshot, is_held=is_searched)
    running = list(standing.running.values()) if is_searched else []  # else of a process that was killed
    if as_json:
        left_s = standing.progress.left_s(now=time.time()) if is_searched and standing.progress else None
        output.json(
            standing_document(snapshot, watcher.total, name=run.name, state=state, running=running, left_s=left_s)
        )
        return
    first, *others = standing.lines() if is_searched else [f"{snapshot.ended_count} of {watcher.total} trials done"]
    output.result("\n".join([f"{run.name} ({state})  {first}", *others]))
    _show_leaderboard(run, snapshot)
    if state is StudyState.INTERRUPTED:
        output.say(f"hint: {_GO_ON}")


def _watch(run: Run, interval_s: float, *, as_json: bool) -> None:
    """Shows a search until nobody works on it any more, and then what it came to.

    Raises:
        StudyError: It was deleted, or has failed.
        Interrupted: It was interrupted.
    """
    from tunecli.reports.data import study_state
    from tunecli.reports.live import make_view
    from tunecli.reports.watching import standing_document

    try:
        with make_view(output) as view:
            watcher = _watcher(run, view)
            _follow(run, watcher, view, interval_s)
    except KeyboardInterrupt:
        output.say(f"watched no longer; look again: tunecli watch {run.name}")
        raise
    snapshot = _require_study(run, watcher)
    state = study_state(snapshot, is_held=False)
    if as_json:
        output.json(standing_document(snapshot, watcher.total, name=run.name, state=state))
    else:
        _show_leaderboard(run, snapshot)
    _require_end(run, snapshot, state)
    output.say(f"next: tunecli retrain --full {run.name}")


def _watcher(run: Run, view: View) -> Watcher:
    from tunecli.plan import Plan
    from tunecli.reports.watching import Watcher

    return Watcher(run, view, lambda: Plan.of(run))


def _follow(run: Run, watcher: Watcher, view: View, interval_s: float) -> None:
    is_said = False
    while True:
        is_held = run.is_held()  # asked first: what a process that ends meanwhile has written is read below
        watcher.look()
        if not is_held:
            return
        is_over = watcher.snapshot is not None and watcher.snapshot.end_reason is not None
        if is_over and not is_said:  # baselines are being fitted, the winner is trained, or the search goes on soon
            view.message("the search has ended; a process is still at work on the study")
        is_said = is_over
        time.sleep(interval_s)


def _require_study(run: Run, watcher: Watcher) -> Snapshot:
    """Returns the study as it was seen last.

    Raises:
        StudyError: It is gone.
    """
    if watcher.snapshot is None:
        raise StudyError("was deleted meanwhile", where=str(run.path), hint="see what there is: tunecli list")
    return watcher.snapshot


def _show_leaderboard(run: Run, snapshot: Snapshot) -> None:
    from tunecli.reports.tables import baselines_view

    if not snapshot.completed:
        return
    print_leaderboard(run, snapshot, TOP)
    if baselines := read_baselines(run):
        output.print(baselines_view(baselines, snapshot))


def _require_end(run: Run, snapshot: Snapshot, state: StudyState) -> None:
    """Makes sure that a search which nobody runs any more has come to its end, with a winner.

    Raises:
        StudyError: It has failed.
        Interrupted: It was interrupted, or its process is gone.
    """
    from tunecli.reports.data import StudyState
    from tunecli.store.lock import holder
    from tunecli.study.events import EndReason

    if state is StudyState.INTERRUPTED:
        count = snapshot.ended_count
        what = f"nobody searches here now: interrupted after {count} trial{'s' * (count != 1)}"
        if (last := holder(run.layout.lock)) is not None:
            what += f"; the last was {last}"
        raise Interrupted(what, where=str(run.path), hint=_GO_ON)
    if not snapshot.completed or snapshot.end_reason is EndReason.FAILURES:
        what = f"the search has failed: {len(snapshot.failed)} of {snapshot.ended_count} trials"
        raise StudyError(what, where=str(run.path), hint=f"see why: tunecli why {run.name}")
