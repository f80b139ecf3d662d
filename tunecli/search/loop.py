"""The search loop.

    while the oracle has trials:
        ask it for one a free slot          → journal: asked
        run them                            → trials/<id>/epochs.jsonl, state.npz
        when one ends, score it             → journal: finished
        tell the oracle what came of it

Everything is on disk before the next step stands on it: a trial's files before its `finished`, its `finished` before
the oracle is told. So a process that is killed between any two lines leaves a study that `search.resume` brings back to
the same point, and nothing that finished is run again.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tunecli.executors.base import Done, Executor, Task
from tunecli.oracles.base import Oracle
from tunecli.plan import Plan
from tunecli.reports.live import View
from tunecli.search.records import TrialRecords
from tunecli.store.study import OpenStudy
from tunecli.study.events import Answer, Asked, EndReason, Finished, Started
from tunecli.study.trial import Outcome, Suggestion, Trial, TrialStatus
from tunecli.training.engines import choose_engine
from tunecli.training.run_trial import TrialRequest

SAVE_EVERY_S = 30.0
"""A trial that is cut off loses at most so much, and one epoch."""


@dataclass(frozen=True)
class Workload:
    """What the trials of a session have in common.

    Attributes:
        rows: How many rows a trial is trained on.
        size: Their bytes.
        threads: How many threads a trial may use; None for all processors.
        data: The stored columns that workers read; None for trials that run here.
        sources: Where the copies of the user's own files lie; None where the plan names none.
    """

    rows: int
    size: int
    threads: int | None = None
    data: Path | None = None
    sources: Path | None = None


@dataclass
class Search:
    """One session of a search, from the first question to the last answer.

    Attributes:
        study: Open and begun; the oracle has seen all of its journal.
        plan: The study's plan, with the limits of this session.
        oracle: Who proposes.
        executor: Where trials run.
        view: Who watches.
        workload: What a trial is trained on, and with what.
        clock: Returns seconds since the epoch.
    """

    study: OpenStudy
    plan: Plan
    oracle: Oracle
    executor: Executor
    view: View
    workload: Workload
    clock: Callable[[], float] = time.time
    _in_slot: dict[int, int] = field(default_factory=dict)
    _waiting: deque[Trial] = field(default_factory=deque)
    _lost: Counter[int] = field(default_factory=Counter)
    _failures_in_a_row: int = 0
    _best: float | None = None
    _without_gain: int = 0
    _is_stopping: bool = False

    def __post_init__(self) -> None:
        """Prepares the bookkeeping of the trials' files."""
        self._records = TrialRecords(self.study, self.plan, warn=self.view.message)

    def run(self) -> EndReason:
        """Runs trials until the oracle has no more, a limit is met, or `stop` is called."""
        self._waiting.extend(self.study.snapshot.running)  # asked for, then the process died
        for event in self.study.journal.events:
            if isinstance(event, Finished):
                self._count_gain(event.outcome)
        while True:
            reason = self._reason_to_stop()
            if reason is not EndReason.INTERRUPTED:
                self._fill(may_ask=reason is None)
            done = self.executor.wait()
            if not done:
                return self._reason_to_stop() or EndReason.EXHAUSTED
            for each in done:
                self._finish(each)

    def stop(self) -> None:
        """Lets `run` end soon: what runs is saved at the end of its epoch. A signal handler may call it."""
        self._is_stopping = True
        self.executor.stop()

    def take_message(self, slot: int, message: Mapping[str, Any]) -> None:
        """Takes what a running trial reports; the executor calls it."""
        trial = self.study.snapshot.trials[self._in_slot[slot]]
        measurement = self._records.take(trial, message)
        if measurement is not None:
            self.view.measured(trial.id, measurement)

    def _reason_to_stop(self) -> EndReason | None:
        limits = self.plan.limits
        if self._is_stopping:
            return EndReason.INTERRUPTED
        if limits.max_time is not None and self._spent_s() >= limits.max_time:
            return EndReason.MAX_TIME
        if self._failures_in_a_row >= limits.max_failures:
            return EndReason.FAILURES
        target, no_gain = self.plan.stop_when.target, self.plan.stop_when.no_gain
        if target is not None and self._best is not None and not self.plan.objective.is_better(target, self._best):
            return EndReason.TARGET
        return EndReason.NO_GAIN if no_gain is not None and self._without_gain >= no_gain else None

    def _count_gain(self, outcome: Outcome) -> None:
        if outcome.score is not None and self.plan.objective.is_better(outcome.score, self._best):
            self._best, self._without_gain = outcome.score, 0
        else:
            self._without_gain += 1

    def _spent_s(self) -> float:
        snapshot = self.study.snapshot
        return snapshot.spent_s + max(0.0, self.clock() - snapshot.updated_at)

    def _fill(self, *, may_ask: bool) -> None:
        """Starts trials until every slot has one, or there is none: first those asked for already, then new ones."""
        for slot in range(self.executor.slots):
            while slot not in self._in_slot:
                if self._waiting:
                    trial: Trial | None = self._waiting.popleft()
                else:
                    trial = self._ask() if may_ask else None
                if trial is None:
                    return
                self._start(trial, slot)

    def _ask(self) -> Trial | None:
        # the oracle counts by itself: a study resumed with fewer slots may have asked for more trials than run now
        taken = {trial.slot for trial in self.study.snapshot.running}
        slot = next(number for number in count() if number not in taken)
        answer = self.oracle.ask(slot, limit=self.plan.limit)
        if not isinstance(answer, Suggestion):
            self.study.record(Asked(at=self.clock(), slot=slot, limit=self.plan.limit, answer=answer))
            return None
        engine, reason = choose_engine(
            self.plan, self.plan.complete(answer.values), self.workload.rows, self.workload.size
        )
        self.study.record(
            Asked(
                at=self.clock(),
                slot=slot,
                limit=self.plan.limit,
                answer=Answer.TRIAL,
                suggestion=answer,
                engine=engine,
                engine_reason=reason,
            )
        )
        return self.study.snapshot.trials[answer.trial]

    def _start(self, trial: Trial, slot: int) -> None:
        parent = trial.suggestion.parent
        if parent is not None and self.study.snapshot.trials[parent].status is TrialStatus.FAILED:
            self._end(trial, Outcome(TrialStatus.FAILED, cause=f"its parent, trial {parent}, failed"))
            return
        start = self._records.begin(trial)
        self.study.record(Started(at=self.clock(), trial=trial.id, attempt=trial.attempts + 1))
        values = self.plan.complete(trial.suggestion.values)
        self._in_slot[slot] = trial.id
        self.view.trial_started(self.study.snapshot.trials[trial.id], values)
        request = TrialRequest(
            plan=self.plan,
            values=values,
            engine=trial.engine,
            threads=self.workload.threads,
            seed=self.plan.trial_seed(self.study.snapshot.lineage(trial.id)[0]),
            start_epoch=start.epoch,
            end_epoch=trial.suggestion.end_epoch,
            data=self.workload.data,
            sources=self.workload.sources,
            state_in=start.state,
            state_out=self._records.state(trial),
            keep_end=self.plan.may_promote(trial.suggestion) or self.plan.limits.keep > 0,
            save_every_s=SAVE_EVERY_S,
        )
        payload, log = request.model_dump(mode="json"), self._records.log(trial)
        self.executor.submit(slot, Task(payload, reads=("data", "sources", "state_in"), writes=("state_out",), log=log))

    def _finish(self, done: Done) -> None:
        trial = self.study.snapshot.trials[self._in_slot.pop(done.slot)]
        if done.is_lost and self._lost[trial.id] < self.plan.limits.retries:
            self._lost[trial.id] += 1
            self.view.message(f"trial {trial.id}: {done.cause}; it is run again")
            self._waiting.appendleft(trial)  # with the same seed: it scores what it would have scored
            return
        outcome = self._records.conclude(trial, done)
        if outcome is None:  # cut off: it goes on with the next session
            return
        self._failures_in_a_row = self._failures_in_a_row + 1 if outcome.status is TrialStatus.FAILED else 0
        self._end(trial, outcome)

    def _end(self, trial: Trial, outcome: Outcome) -> None:
        self.study.record(Finished(at=self.clock(), trial=trial.id, outcome=outcome))
        self._count_gain(outcome)
        self.oracle.tell(trial.id, outcome)
        ended = self.study.snapshot.trials[trial.id]
        self._records.drop_unneeded(ended, self.oracle.needed_states())
        self.view.trial_finished(ended, self.study.snapshot)
