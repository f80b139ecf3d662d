"""The search loop.

    while the oracle has trials:
        ask it for one a free slot          → journal: asked
        run them                            → trials/<id>/epochs.jsonl
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
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from tunecli.executors.base import Done, Executor, Task
from tunecli.oracles.base import Oracle
from tunecli.plan import Plan
from tunecli.reports.live import View
from tunecli.search.states import StateKeeper
from tunecli.store.files import write_json, write_lines, write_whole
from tunecli.store.study import OpenStudy
from tunecli.study.events import Answer, Asked, EndReason, Finished, Started
from tunecli.study.trial import Measurement, Outcome, Suggestion, Trial, TrialStatus, conclude
from tunecli.training.engines import choose_engine
from tunecli.training.run_trial import TrialRequest, TrialResult


@dataclass
class Search:
    """One session of a search, from the first question to the last answer.

    Attributes:
        study: Open and begun; the oracle has seen all of its journal.
        plan: The study's plan, with the limits of this session.
        oracle: Who proposes.
        view: Who watches.
        rows: How many rows a trial is trained on.
        size: Their bytes.
        threads: How many threads a trial may use; None for all processors.
        clock: Returns seconds since the epoch.
    """

    study: OpenStudy
    plan: Plan
    oracle: Oracle
    view: View
    rows: int
    size: int
    threads: int | None
    clock: Callable[[], float] = time.time
    _in_slot: dict[int, int] = field(default_factory=dict)
    _began: dict[int, float] = field(default_factory=dict)
    _waiting: deque[Trial] = field(default_factory=deque)
    _lost: Counter[int] = field(default_factory=Counter)
    _failures_in_a_row: int = 0
    _best: float | None = None
    _without_gain: int = 0

    def __post_init__(self) -> None:
        """Prepares the bookkeeping of states that promotions go on from."""
        self.states = StateKeeper(self.study)

    def run(self, executor: Executor) -> EndReason:
        """Runs trials until the oracle has no more, or a limit is met."""
        self._waiting.extend(self.study.snapshot.running)  # asked for, then the process died
        for event in self.study.journal.events:
            if isinstance(event, Finished):
                self._count_gain(event.outcome)
        while True:
            reason = self._reason_to_stop()
            self._fill(executor, may_ask=reason is None)
            done = executor.wait()
            if not done:
                return reason or EndReason.EXHAUSTED
            for each in done:
                self._finish(each, executor)

    def take_message(self, slot: int, message: Mapping[str, Any]) -> None:
        """Takes what a running trial reports; an executor calls it."""
        trial = self._in_slot[slot]
        measurement = Measurement.model_validate(message["measurement"])
        if measurement.epoch <= self.study.snapshot.trials[trial].suggestion.start_epoch:
            return  # an ancestor's epoch, trained once more because its state was lost
        with open(self.study.layout.trial(trial).epochs, "ab") as file:
            file.write(_line(measurement))
        self.view.measured(trial, measurement)

    def _reason_to_stop(self) -> EndReason | None:
        limits = self.plan.limits
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

    def _fill(self, executor: Executor, *, may_ask: bool) -> None:
        """Starts trials until every slot has one, or there is none: first those asked for already, then new ones."""
        for slot in range(executor.slots):
            while slot not in self._in_slot:
                if self._waiting:
                    trial: Trial | None = self._waiting.popleft()
                else:
                    trial = self._ask() if may_ask else None
                if trial is None:
                    return
                self._start(trial, slot, executor)

    def _ask(self) -> Trial | None:
        # the oracle counts by itself: a study resumed with fewer slots may have asked for more trials than run now
        taken = {trial.slot for trial in self.study.snapshot.running}
        slot = next(number for number in count() if number not in taken)
        answer = self.oracle.ask(slot, limit=self.plan.limit)
        if not isinstance(answer, Suggestion):
            self.study.record(Asked(at=self.clock(), slot=slot, limit=self.plan.limit, answer=answer))
            return None
        engine, reason = choose_engine(self.plan, self.plan.complete(answer.values), self.rows, self.size)
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

    def _start(self, trial: Trial, slot: int, executor: Executor) -> None:
        parent = trial.suggestion.parent
        if parent is not None and self.study.snapshot.trials[parent].status is TrialStatus.FAILED:
            self._end(trial, Outcome(TrialStatus.FAILED, cause=f"its parent, trial {parent}, failed"))
            return
        files = self.study.layout.trial(trial.id)
        write_lines(files.epochs, [])
        self.study.record(Started(at=self.clock(), trial=trial.id, attempt=trial.attempts + 1))
        values = self.plan.complete(trial.suggestion.values)
        self._in_slot[slot] = trial.id
        self._began[trial.id] = self.clock()
        self.view.trial_started(self.study.snapshot.trials[trial.id], values)
        start = self.states.start_of(trial)
        request = TrialRequest(
            plan=self.plan,
            values=values,
            engine=trial.engine,
            threads=self.threads,
            seed=self.plan.trial_seed(self.study.snapshot.lineage(trial.id)[0]),
            start_epoch=start.epoch,
            end_epoch=trial.suggestion.end_epoch,
            state_in=start.state,
            state_out=self.states.scratch(trial) if self.plan.may_promote(trial.suggestion) else None,
        )
        payload = request.model_dump(mode="json")
        executor.submit(slot, Task(payload, reads=("state_in",), writes=("state_out",), log=self._log(trial)))

    def _finish(self, done: Done, executor: Executor) -> None:
        trial = self.study.snapshot.trials[self._in_slot.pop(done.slot)]
        self._lost[trial.id] += done.is_lost
        if done.is_lost and self._lost[trial.id] <= self.plan.limits.retries:
            self.view.message(f"trial {trial.id}: {done.cause}; it is run again")
            self._start(trial, done.slot, executor)  # with the same seed: it scores what it would have scored
            return
        outcome = self._keep(trial, done)
        self._failures_in_a_row = self._failures_in_a_row + 1 if outcome.status is TrialStatus.FAILED else 0
        self._end(trial, outcome)

    def _end(self, trial: Trial, outcome: Outcome) -> None:
        self.study.record(Finished(at=self.clock(), trial=trial.id, outcome=outcome))
        self._count_gain(outcome)
        self.oracle.tell(trial.id, outcome)
        self.states.drop_except(self.oracle.needed_states())
        self.view.trial_finished(self.study.snapshot.trials[trial.id], self.study.snapshot)

    def _keep(self, trial: Trial, done: Done) -> Outcome:
        """Puts a trial's files in place and returns its outcome."""
        files = self.study.layout.trial(trial.id)
        result = self._result(trial, done)
        own = [each for each in result.measurements if each.epoch > trial.suggestion.start_epoch]
        write_lines(files.epochs, [_line(each) for each in own])
        if result.layers is not None:
            write_json(files.layers, result.layers)
        said = self._said(trial) + (f"{result.details or result.cause}\n" if result.cause else "")
        if said:
            write_whole(files.log, said.encode())
        if result.cause:
            return Outcome(
                TrialStatus.FAILED,
                epochs_run=own[-1].epoch if own else trial.suggestion.start_epoch,
                duration_s=result.duration_s,
                cause=result.cause,
                program=result.program,
            )
        self.states.keep(trial)
        curve = self.study.run.measurements(trial.id)
        outcome = conclude(curve, self.plan.objective, duration_s=result.duration_s)
        return replace(outcome, program=result.program)

    def _result(self, trial: Trial, done: Done) -> TrialResult:
        """Returns what a trial came to; of one that ended without a word, the epochs that it had reported."""
        if done.result is not None:
            return TrialResult.model_validate(done.result)
        return TrialResult(
            measurements=self.study.run.own_measurements(trial.id),
            duration_s=self.clock() - self._began[trial.id],
            cause=done.cause,
            details=done.details,
        )

    def _log(self, trial: Trial) -> Path:
        return self.study.layout.scratch(trial.slot) / f"log-{trial.id}.txt"

    def _said(self, trial: Trial) -> str:
        """Returns what a trial wrote to stderr, if its executor could tell."""
        log = self._log(trial)
        text = log.read_text(errors="replace") if log.exists() else ""
        log.unlink(missing_ok=True)
        return text


def _line(measurement: Measurement) -> bytes:
    return measurement.model_dump_json().encode() + b"\n"
