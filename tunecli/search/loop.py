"""The search loop.

    while the oracle has trials:
        ask it for one a free slot          → journal: asked
        run them                            → trials/<id>/epochs.jsonl, state.npz
        when one ends, score it             → journal: finished
        tell the oracle what came of it

A trial that is trained several times (folds, repeats) is run training by training (journal: trained), and has ended
when all of them have.

Everything is on disk before the next step stands on it: a trial's files before its `finished`, its `finished` before
the oracle is told. So a process that is killed between any two lines leaves a study that `search.resume` brings back to
the same point, and nothing that finished is run again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from tunecli.executors.base import Done, Executor, Task
from tunecli.oracles.base import Oracle
from tunecli.plan import Plan
from tunecli.reports.live import View
from tunecli.search.agenda import Agenda, Training
from tunecli.search.records import TrialRecords
from tunecli.store.study import OpenStudy
from tunecli.study.events import Answer, Asked, EndReason, Finished, Started, Trained
from tunecli.study.trial import Outcome, Suggestion, Trial, TrialStatus, combine
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
        compiler: How XLA compiles, see `training.engines.compiler`.
        threads: How many threads a trial may use; None for all processors.
        data: The stored columns that workers read; None for trials that run here.
        sources: Where the copies of the user's own files lie; None where the plan names none.
    """

    rows: int
    size: int
    compiler: str = ""
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
    _in_slot: dict[int, Training] = field(default_factory=dict)
    _agenda: Agenda = field(default_factory=Agenda)
    _lost: Counter[Training] = field(default_factory=Counter)
    _failures_in_a_row: int = 0
    _best: float | None = None
    _without_gain: int = 0
    _is_stopping: bool = False

    def __post_init__(self) -> None:
        """Prepares the bookkeeping of the trials' files."""
        self._records = TrialRecords(self.study, self.plan, warn=self.view.message)

    def run(self) -> EndReason:
        """Runs trials until the oracle has no more, a limit is met, or `stop` is called."""
        for trial in self.study.snapshot.running:  # asked for, then the process died
            self._agenda.add(trial.id, self._missing(trial))
            self._end_if_complete(trial)
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
        trial, number = self._in_slot[slot]
        measurement = self._records.take(self.study.snapshot.trials[trial], number, message)
        if measurement is not None:
            self.view.measured(trial, measurement, number)

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
                training = self._next(slot, may_ask=may_ask)
                if training is None:
                    return
                self._start(training, slot)

    def _next(self, slot: int, *, may_ask: bool) -> Training | None:
        """Returns what a slot is to run: a new trial only if it has ended the last, another's only if there is none."""
        if training := self._agenda.take(slot):
            return training
        if may_ask and (trial := self._ask()):
            self._agenda.add(trial.id, self.plan.trainings, slot=slot)
            return self._agenda.take(slot)
        return self._agenda.take_any(slot)

    def _missing(self, trial: Trial) -> tuple[int | None, ...]:
        """Returns the trainings of a trial that have not ended."""
        return tuple(number for number in self.plan.trainings if number is None or number not in trial.trainings)

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

    def _start(self, training: Training, slot: int) -> None:
        trial, number = self.study.snapshot.trials[training.trial], training.number
        parent = trial.suggestion.parent
        if parent is not None and self.study.snapshot.trials[parent].status is TrialStatus.FAILED:
            self._end(trial, Outcome(TrialStatus.FAILED, cause=f"its parent, trial {parent}, failed"))
            return
        start = self._records.begin(trial, number)
        attempt = self.study.snapshot.attempts(*training) + 1
        self.study.record(Started(at=self.clock(), trial=trial.id, attempt=attempt, training=number))
        values = self.plan.complete(trial.suggestion.values)
        self._in_slot[slot] = training
        self.view.trial_started(self.study.snapshot.trials[trial.id], values, number)
        request = TrialRequest(
            plan=self.plan,
            values=values,
            engine=trial.engine,
            compiler=self.workload.compiler,
            threads=self.workload.threads,
            training=number,
            seed=self.plan.trial_seed(self.study.snapshot.lineage(trial.id)[0], number),
            start_epoch=start.epoch,
            end_epoch=trial.suggestion.end_epoch,
            data=self.workload.data,
            sources=self.workload.sources,
            state_in=start.state,
            state_out=self._records.state(trial, number),
            keep_end=number is None and (self.plan.may_promote(trial.suggestion) or self.plan.limits.keep > 0),
            save_every_s=SAVE_EVERY_S,
        )
        payload, log = request.model_dump(mode="json"), self._records.log(trial, number)
        self.executor.submit(slot, Task(payload, reads=("data", "sources", "state_in"), writes=("state_out",), log=log))

    def _finish(self, done: Done) -> None:
        training = self._in_slot.pop(done.slot)
        trial, number = self.study.snapshot.trials[training.trial], training.number
        if done.is_lost and self._lost[training] < self.plan.limits.retries and not trial.is_finished:
            self._lost[training] += 1
            self.view.message(f"trial {trial.id}: {done.cause}; it is run again")
            self._agenda.put_back(training)  # with the same seed: it scores what it would have scored
            return
        outcome = self._records.conclude(trial, number, done)
        if outcome is None or trial.is_finished:  # cut off, to go on with the next session; or another fold has failed
            return
        if number is None or outcome.status is TrialStatus.FAILED:
            self._failures_in_a_row = self._failures_in_a_row + 1 if outcome.status is TrialStatus.FAILED else 0
            self._end(trial, self._named(outcome, number))
            return
        self.study.record(Trained(at=self.clock(), trial=trial.id, training=number, outcome=outcome))
        self._records.drop_state(trial, number)
        self._end_if_complete(self.study.snapshot.trials[trial.id])

    def _end_if_complete(self, trial: Trial) -> None:
        """Ends a trial of several trainings when the last of them has ended."""
        if trial.trainings and not self._missing(trial):
            self._failures_in_a_row = 0
            self._end(trial, combine([trial.trainings[number] for number in sorted(trial.trainings)]))

    def _named(self, outcome: Outcome, number: int | None) -> Outcome:
        """Returns a failure with the name of the training that failed."""
        if number is None or self.plan.evaluation is None:
            return outcome
        return replace(outcome, cause=f"{self.plan.evaluation.describe(number)}: {outcome.cause}")

    def _end(self, trial: Trial, outcome: Outcome) -> None:
        self._agenda.drop(trial.id)
        self.study.record(Finished(at=self.clock(), trial=trial.id, outcome=outcome))
        self._count_gain(outcome)
        self.oracle.tell(trial.id, outcome)
        ended = self.study.snapshot.trials[trial.id]
        self._records.drop_unneeded(ended, self.oracle.needed_states())
        self.view.trial_finished(ended, self.study.snapshot)
