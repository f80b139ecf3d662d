"""Copies the user's own files into a study, and has what they declare found out in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunecli.errors import DataError, Problem, SpecError, StudyError, UsageError
from tunecli.executors.base import Task
from tunecli.executors.process_slots import ProcessSlots, SlotSettings
from tunecli.plan import Plan, resolve
from tunecli.plan.own_files import originals, read_sources
from tunecli.plan.sources import Discovered
from tunecli.spec.load import SpecFile
from tunecli.store.files import write_whole
from tunecli.training.discovery import DISCOVERY, DiscoveryRequest, problem_of


def plan_with_code(file: SpecFile, plan: Plan, runs: Path) -> tuple[Plan, tuple[str, ...]]:
    """Returns the plan of a spec that names code of the user's, with what that code declares, and notes on it.

    Args:
        file: The spec.
        plan: Its plan, as far as it is known without running the code.
        runs: The folder of the studies.

    Raises:
        UsageError: The code cannot be run, or the spec asks for what it does not declare.
        DataError: The data that a `fit` is shown are missing or damaged.
        StudyError: The process that runs it dies.
    """
    if plan.custom is None and not plan.callbacks:
        return plan, ()
    with tempfile.TemporaryDirectory(prefix="tunecli-") as folder:
        sources = Path(folder, "sources")
        copy_sources(file, plan, runs, sources)
        try:
            found = _discover(plan, sources, Path(folder, "log.txt"))
        except SpecError as error:
            raise SpecError(_at_home(each, file, plan, runs, sources) for each in error.problems) from None
    return resolve(file, runs=runs, discovered=found), found.notes


def copy_sources(file: SpecFile, plan: Plan, runs: Path, sources: Path) -> None:
    """Writes copies of the user's files.

    Args:
        file: The spec that names them.
        plan: Its plan, which knows their contents.
        runs: The folder of the studies.
        sources: Where to put them.

    Raises:
        UsageError: One has changed since the plan was made.
        StudyError: The disk is full or fails.
    """
    found = read_sources(file.spec, file.path.parent, runs)
    for each in plan.sources:
        if each not in found:
            raise UsageError(f"{each.file} has changed while the search was starting", hint="run the command again")
        if not each.within(sources).exists():
            write_whole(each.within(sources), found[each])


def _discover(plan: Plan, sources: Path, log: Path) -> Discovered:
    slots = ProcessSlots(DISCOVERY, _ignore, (SlotSettings(),))
    try:
        request = DiscoveryRequest(plan=plan, sources=sources)
        slots.submit(0, Task(request.model_dump(mode="json"), reads=("sources",), log=log))
        (done,) = slots.wait()
    finally:
        slots.close()
    if done.result is None:
        names = ", ".join(each.file for each in plan.sources)
        raise StudyError(f"cannot be run: {done.cause}", where=names, hint=f"run it by itself: python {names}")
    if "problem" in done.result:
        problem = problem_of(done.result["problem"])
        if done.result["is_of_data"]:
            raise DataError(problem.what, where=problem.where, hint=problem.hint)
        raise SpecError([problem])
    return Discovered.model_validate(done.result["discovered"])


def _at_home(problem: Problem, file: SpecFile, plan: Plan, runs: Path, sources: Path) -> Problem:
    """Returns a problem with the user's own file in the place of the copy that was run."""
    where = problem.where
    for source in plan.sources:
        own = next(each for each in originals(file.spec, file.path.parent, runs) if each.name == source.file)
        where = where.replace(str(source.within(sources)), str(own))
    return replace(problem, where=where)


def _ignore(slot: int, message: Mapping[str, Any]) -> None:
    del slot, message
