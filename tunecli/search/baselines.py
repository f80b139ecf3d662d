"""Fits the baselines of a study, once, after its search: one after the other, in a process of their own.

They run when no trial does, so that they slow none down, and outside of the search's time. What did not end in time, or
could not be fitted, is kept with its cause. All are written together, so that a study that was killed on the way fits
them when it is continued.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from tunecli.datasets.base import RawData
from tunecli.datasets.split import Split
from tunecli.datasets.stored import store
from tunecli.errors import StudyError
from tunecli.executors.base import Task, TaskLimits
from tunecli.executors.process_slots import ProcessSlots, SlotSettings
from tunecli.plan import Plan
from tunecli.store.environment import versions
from tunecli.store.files import write_json, writing
from tunecli.store.study import OpenStudy
from tunecli.study.baseline import Baseline, Baselines
from tunecli.training.baselines import RUNNER, WARM_UP, BaselineRequest, baseline_names

LIMIT_S = 10.0
"""So long may one take."""

ENVIRONMENT = {"OMP_NUM_THREADS": "1"}
"""Models of this size gain little from threads, and where other programs run too, threads that wait for each other make
them many times slower: what ends in time would be chance."""


def add_baselines(
    study: OpenStudy,
    plan: Plan,
    data: RawData,
    parts: Split,
    *,
    say: Callable[[str], None],
    busy: Callable[[str], AbstractContextManager[object]],
) -> None:
    """Fits the baselines of a study that has none, and writes them; what goes wrong is said, since the search is done.

    Ctrl-C skips them.
    """
    if study.layout.baselines.exists():
        return
    try:
        _store(study, data, parts)
        found = _fit(study, plan, len(parts.train), busy)
        document = Baselines(packages=versions(), baselines=tuple(found))
        write_json(study.layout.baselines, document.model_dump(mode="json"))
    except KeyboardInterrupt:
        say("the baselines are left out; the same command fits them")
    except StudyError as error:
        say(f"no baselines: {error}")


def _store(study: OpenStudy, data: RawData, parts: Split) -> None:
    """Stores the columns where the workers of this session have not read them from there already."""
    if not study.layout.stored_data.exists():
        with writing(study.layout.stored_data):
            store(study.layout.stored_data, data, parts)


def _fit(
    study: OpenStudy, plan: Plan, train_rows: int, busy: Callable[[str], AbstractContextManager[object]]
) -> list[Baseline]:
    rows: dict[str, int] = {}

    def take_message(slot: int, message: Mapping[str, Any]) -> None:
        rows[name] = message["rows"]

    settings, limits = (SlotSettings(environment=ENVIRONMENT),), TaskLimits(seconds=LIMIT_S)
    slots = ProcessSlots(RUNNER, take_message, settings, warm_up=WARM_UP, limits=limits)
    found = []
    try:
        for name in baseline_names(plan.task):
            request = BaselineRequest(plan=plan, name=name, data=study.layout.stored_data)
            with busy(f"fitting a baseline: {name}"):
                slots.submit(0, Task(request.model_dump(mode="json"), reads=("data",)))
                (done,) = slots.wait()
            if done.result is not None:
                found.append(Baseline.model_validate(done.result))
            else:
                found.append(Baseline(name=name, rows=rows.get(name), train_rows=train_rows, cause=done.cause))
    finally:
        slots.close()
    return found
