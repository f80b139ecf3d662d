"""Begins a study, or brings one back.

A study is brought back by checking that it is the same search on the same data, and by replaying its journal into a
fresh oracle.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tunecli.errors import StudyError, UsageError
from tunecli.oracles.base import Oracle
from tunecli.plan import Plan
from tunecli.spec.load import SpecFile
from tunecli.store.files import read_json, write_json, write_whole
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy
from tunecli.study.events import Asked, Created, Finished
from tunecli.study.trial import Suggestion

Warn = Callable[[str], None]


def free_name(runs: Path, name: str) -> str:
    """Returns `name`, or `name-2`, `name-3`, … : the first that no study has."""
    candidate, number = name, 1
    while Run(runs / candidate).exists():
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def begin_or_check(study: OpenStudy, plan: Plan, file: SpecFile) -> Plan:
    """Writes a new study's first files, or makes sure that an old one is the same search.

    Returns:
        The plan to go on with: that of the study, with the limits and the number of trials of `plan`.

    Raises:
        UsageError: The study was begun with another spec; says what differs and the ways out.
        StudyError: Its plan is damaged, or the disk is full.
    """
    if study.is_new:
        write_whole(study.layout.spec, file.text.encode())
        write_json(study.layout.plan, plan.model_dump(mode="json"))
        study.record(Created(at=time.time(), study=plan.name, objective=plan.objective))
        return plan
    begun = Plan.of(study.run)
    if differences := begun.differences(plan):
        raise UsageError(
            f"was begun with another spec: {'; '.join(differences)}",
            where=str(study.run.path),
            hint="go back to the old spec, start anew with --fresh, or choose another --name",
        )
    continued = begun.with_limits_of(plan)
    write_json(study.layout.plan, continued.model_dump(mode="json"))
    return continued


def check_data(study: OpenStudy, fingerprint: dict[str, dict[str, object]]) -> None:
    """Records the fingerprint of the data, or makes sure that they are those the study began with.

    Raises:
        UsageError: The data have changed.
    """
    path = study.layout.data
    if not path.exists():
        write_json(path, fingerprint)
        return
    begun = read_json(path)
    changed = [name for name in dict.fromkeys([*begun, *fingerprint]) if begun.get(name) != fingerprint.get(name)]
    if changed:
        raise UsageError(
            f"was begun on other data: {', '.join(changed)} differ",
            where=str(study.run.path),
            hint="put the old data back, or start anew with --fresh",
        )


def replay(study: OpenStudy, oracle: Oracle, warn: Warn) -> None:
    """Asks and tells a fresh oracle everything that the journal holds, in order.

    Each question is put under the limit that was in force then. Where an answer differs from the journal (another
    version of a numerical library may round differently), the journal wins.

    Raises:
        StudyError: The oracle takes another course altogether.
    """
    corrected = 0
    for event in study.journal.events:
        if isinstance(event, Asked):
            corrected += _ask_again(event, oracle, study)
        elif isinstance(event, Finished):
            oracle.tell(event.trial, event.outcome)
    if corrected:
        warn(f"{corrected} suggestions came out differently than recorded; the records were kept")


def _ask_again(event: Asked, oracle: Oracle, study: OpenStudy) -> int:
    """Puts a recorded question again, and returns how many answers had to be corrected."""
    answer = oracle.ask(event.slot, limit=event.limit)
    recorded = event.suggestion
    if not isinstance(answer, Suggestion):
        if answer is not event.answer:
            raise _another_course(study, answer, recorded)
        return 0
    if recorded is None or answer.trial != recorded.trial:
        raise _another_course(study, answer, recorded or event.answer)
    if answer.values == recorded.values:
        return 0
    oracle.correct(answer.trial, recorded.values)
    return 1


def _another_course(study: OpenStudy, answer: object, recorded: object) -> StudyError:
    return StudyError(
        f"cannot be continued: the tuner answers {answer} where the journal has {recorded}",
        where=str(study.run.path),
        hint="use the versions in environment.json, or start anew with --fresh",
    )
