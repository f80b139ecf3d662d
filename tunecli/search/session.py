"""One session of a search: opens the study, brings the oracle up to date, runs the loop, and closes in order."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunecli import __version__
from tunecli.datasets.stored import store
from tunecli.errors import Interrupted, StudyError
from tunecli.executors.machine import this_machine
from tunecli.oracles import make_oracle
from tunecli.plan import Plan
from tunecli.plan.surroundings import refuse_unreachable_targets
from tunecli.preprocessing.inputs import routed
from tunecli.reports.live import View
from tunecli.search.baselines import add_baselines
from tunecli.search.checks import find_or_examine, keep
from tunecli.search.discovery import copy_sources
from tunecli.search.loop import Search, Workload
from tunecli.search.resume import begin_or_check, check_data, replay
from tunecli.search.slots import Protection, Slots, choose_slots, open_executor, order_advice
from tunecli.spec.load import SpecFile
from tunecli.store.environment import record_environment
from tunecli.store.files import writing
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy
from tunecli.study.check import Checks
from tunecli.study.events import EndReason, SessionEnded, SessionStarted
from tunecli.study.snapshot import Snapshot
from tunecli.training.data import check_folds, load, trial_parts
from tunecli.training.engines.base import byte_count, row_count
from tunecli.training.engines.compiler import compiler_flags
from tunecli.training.hardware import precision_advice
from tunecli.training.run_trial import RUNNER
from tunecli.training.runtime import configure


@dataclass(frozen=True)
class Session:
    """What a session came to.

    Attributes:
        run: The study's directory.
        snapshot: What the study adds up to now.
        reason: Why the session ended.
    """

    run: Run
    snapshot: Snapshot
    reason: EndReason


def run_session(
    file: SpecFile,
    plan: Plan,
    runs: Path,
    view: View,
    *,
    say: Callable[[str], None],
    runner: str = RUNNER,
    resume_hint: str = "the same command continues",
    busy: Callable[[str], AbstractContextManager[object]] = nullcontext,
    stopped_by: Callable[[Callable[[], None]], AbstractContextManager[object]] = nullcontext,
    protection: Protection | None = None,
    inspect: Callable[[Checks], None] | None = None,
) -> Session:
    """Starts or continues the study that `plan` names, and runs it to its end.

    Args:
        file: The spec, kept in the study.
        plan: What to search.
        runs: The folder that holds the studies.
        view: Who watches.
        say: Told what a user should know on the way.
        runner: What trains a trial, as `module:function`.
        resume_hint: Tells a user who stops it how to go on.
        busy: Shows what a user waits for meanwhile.
        stopped_by: While what it returns is entered, a user who stops the search calls the function it was given, which
            lets the trials save their states; otherwise, KeyboardInterrupt is raised.
        protection: Of the way to a cluster.
        inspect: Told what was found in the data, before the study is begun; what it raises ends the session. None to
            leave the checks out.

    Raises:
        UsageError: The study is in use, was begun otherwise, or cannot be written.
        DataError: The data are missing or damaged.
        StudyError: The disk is full, or the journal is damaged.
        ClusterError: The cluster cannot be reached.
        Interrupted: The user stopped it; the study can be continued.
    """
    with OpenStudy(Run(runs / plan.name)) as study, ExitStack() as at_end:
        if study.was_torn:
            say(f"{study.layout.journal}: the last line was incomplete and has been dropped")
        data, parts = load(plan.dataset)
        check_folds(plan, data, parts)
        refuse_unreachable_targets(plan, data.target[parts.train], data.target_names)
        checks = None if inspect is None else find_or_examine(study, data, parts)
        if checks is not None and inspect is not None:
            inspect(checks)
        plan = begin_or_check(study, plan, file)  # what is refused is refused before anything is started
        if plan.sources:
            copy_sources(file, plan, runs, study.layout.sources)
        check_data(study, data.fingerprint())
        if checks is not None:
            keep(study, checks)
        record_environment(study.layout.environment)
        _clear_scratch(study)  # of a session that was killed
        at_end.callback(_clear_scratch, study)
        machine = this_machine()
        deaths = max((study.snapshot.deaths(trial.id) for trial in study.snapshot.running), default=0)
        slots = choose_slots(plan, len(parts.train), machine, deaths=deaths)

        def take_message(slot: int, message: Mapping[str, Any]) -> None:
            search.take_message(slot, message)  # nothing runs before there is a search

        executor = open_executor(
            plan, slots, runner, take_message, machine=machine, protection=protection or Protection()
        )
        at_end.callback(executor.close)
        if not slots.in_process:
            with writing(study.layout.stored_data):
                store(study.layout.stored_data, data, parts)
        with busy("starting TensorFlow"):
            configure(slots.threads if slots.in_process else None)
        oracle = make_oracle(plan)
        replay(study, oracle, warn=say)
        for line in (_shown(slots, executor.slots), order_advice(plan, executor.slots), *precision_advice(plan)):
            if line is not None:
                say(line)
        search = Search(study, plan, oracle, executor, view, _workload(study, plan, slots))
        reason = _run_recorded(search, stopped_by)
        if reason is EndReason.INTERRUPTED:
            raise _interrupted(study, resume_hint)
        if plan.baselines and study.snapshot.completed:
            add_baselines(study, plan, data, parts, say=say, busy=busy)
        return Session(study.run, study.snapshot, reason)


def _run_recorded(
    search: Search, stopped_by: Callable[[Callable[[], None]], AbstractContextManager[object]]
) -> EndReason:
    """Runs a search between the journal's records of the session."""
    study = search.study
    study.record(SessionStarted(at=time.time(), host=socket.gethostname(), pid=os.getpid(), tunecli=__version__))
    with search.view as view:
        view.study_started(search.plan.trial_count, study.snapshot)
        try:
            with stopped_by(search.stop):
                reason = search.run()
        except KeyboardInterrupt:
            reason = EndReason.INTERRUPTED
    study.record(SessionEnded(at=time.time(), reason=reason))
    return reason


def _workload(study: OpenStudy, plan: Plan, slots: Slots) -> Workload:
    train = routed(trial_parts(plan, plan.trainings[0], None), plan.inputs).parts[0]
    data = None if slots.in_process else study.layout.stored_data
    sources = study.layout.sources if plan.sources else None
    return Workload(row_count(train), byte_count(train), compiler_flags(plan, train), slots.threads, data, sources)


def _clear_scratch(study: OpenStudy) -> None:
    shutil.rmtree(study.layout.scratch, ignore_errors=True)


def _shown(slots: Slots, workers: int) -> str | None:
    """Returns how trials are spread, unless they simply run here one after the other."""
    if slots.in_process:
        return None
    threads = f", {slots.threads} thread{'s' * (slots.threads != 1)} each" if slots.threads else ""
    return f"workers: {workers}{threads} ({slots.reason})"


def _interrupted(study: OpenStudy, resume_hint: str) -> Interrupted:
    """Returns what to tell a user who stopped the session."""
    saved = sum(study.layout.trial(trial.id).state.exists() for trial in study.snapshot.running)
    on_the_way = f", {saved} saved on the way" if saved else ""
    what = f"stopped with {len(study.snapshot.completed)} trials finished{on_the_way}"
    return Interrupted(what, where=str(study.run.path), hint=resume_hint)


def require_success(session: Session) -> None:
    """Makes sure that a session's study has a winner, and that it did not end for its failures.

    Raises:
        StudyError: Every trial failed, or too many in a row; says the commonest cause.
    """
    snapshot = session.snapshot
    if snapshot.completed and session.reason is not EndReason.FAILURES:
        return
    commonest = snapshot.commonest_cause()
    if commonest is None:
        raise StudyError("no trial has finished", where=str(session.run.path), hint="raise limits.max_time")
    cause, count = commonest
    ended = len(snapshot.failed) + len(snapshot.completed)
    raise StudyError(
        f"{len(snapshot.failed)} of {ended} trials failed, {count} with: {cause}",
        where=str(session.run.path),
        hint=f"see why: tunecli why {session.run.name} {snapshot.failed[-1].id}",
    )
