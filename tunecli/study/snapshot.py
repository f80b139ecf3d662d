"""A study at one moment: what its journal adds up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tunecli.study.events import (
    Answer,
    Asked,
    Created,
    EndReason,
    Event,
    Finished,
    SessionEnded,
    SessionStarted,
    Started,
    Trained,
)
from tunecli.study.objective import Objective
from tunecli.study.trial import Trial, TrialStatus


@dataclass
class Snapshot:
    """The sum of the events so far; `apply` adds one more.

    Attributes:
        study: The study's name.
        objective: What decides.
        trials: By id, in the order of asking.
        created_at: When the study was begun, in seconds since the epoch.
        updated_at: When the last event was written.
        spent_s: Wall-clock seconds of all sessions, to the last event of each.
        end_reason: Why the last session ended; None while one runs or after a kill.
        best: The winner so far.
        session_at: When the session that runs, or ran last, began.
        ended_before: How many trials had ended then.
    """

    study: str
    objective: Objective
    trials: dict[int, Trial] = field(default_factory=dict)
    created_at: float = 0.0
    updated_at: float = 0.0
    spent_s: float = 0.0
    end_reason: EndReason | None = None
    best: Trial | None = None
    session_at: float = 0.0
    ended_before: int = 0
    _unfinished: dict[int, None] = field(default_factory=dict)
    _under_way: set[int] = field(default_factory=set)
    _deaths: Counter[int] = field(default_factory=Counter)
    _attempts: Counter[tuple[int, int | None]] = field(default_factory=Counter)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Snapshot:
        """Adds up a journal; its first event must be `Created`."""
        iterator = iter(events)
        first = next(iterator)
        assert isinstance(first, Created), "a journal begins with the study's creation"
        snapshot = cls(first.study, first.objective, created_at=first.at, updated_at=first.at, session_at=first.at)
        for event in iterator:
            snapshot.apply(event)
        return snapshot

    def apply(self, event: Event) -> None:
        """Takes in one more event."""
        match event:
            case SessionStarted():
                self._deaths.update(self._under_way)  # the last session has not ended in order
                self._under_way.clear()
                self.end_reason = None
                self.updated_at = event.at  # time between sessions is not spent
                self.session_at, self.ended_before = event.at, self.ended_count
            case Asked(answer=Answer.TRIAL, suggestion=suggestion) if suggestion is not None:
                self.trials[suggestion.trial] = Trial(
                    suggestion, event.slot, event.engine, event.engine_reason, asked_at=event.at
                )
                self._unfinished[suggestion.trial] = None
            case Started():
                trial = self.trials[event.trial]
                is_next = event.training is not None and trial.started_at is not None
                self.trials[event.trial] = replace(
                    trial,
                    attempts=max(trial.attempts, event.attempt),
                    started_at=trial.started_at if is_next else event.at,
                )
                self._attempts[event.trial, event.training] = event.attempt
                self._under_way.add(event.trial)
            case Trained():
                trial = self.trials[event.trial]
                trainings = {**trial.trainings, event.training: event.outcome}
                self.trials[event.trial] = replace(trial, trainings=trainings)
                self._deaths.pop(event.trial, None)
            case Finished():
                self._finish(replace(self.trials[event.trial], outcome=event.outcome, ended_at=event.at))
            case SessionEnded():
                self._under_way.clear()
                self.end_reason = event.reason
            case _:
                pass
        self.spent_s += max(0.0, event.at - self.updated_at)
        self.updated_at = event.at

    @property
    def completed(self) -> list[Trial]:
        """The trials that ended with a score, best first; equals in the order of their ids."""
        done = [trial for trial in self.trials.values() if trial.status is TrialStatus.COMPLETED]
        return sorted(done, key=self.rank_key)

    @property
    def failed(self) -> list[Trial]:
        """The trials that ended without a score."""
        return [trial for trial in self.trials.values() if trial.status is TrialStatus.FAILED]

    @property
    def running(self) -> list[Trial]:
        """The trials that were asked for and have not ended."""
        return [self.trials[trial] for trial in self._unfinished]

    @property
    def ended_count(self) -> int:
        """How many trials have ended, one way or the other."""
        return len(self.trials) - len(self._unfinished)

    def rank_key(self, trial: Trial) -> tuple[float, int]:
        """Returns what orders trials with a score: the better first, then the earlier."""
        return self.objective.sort_key(trial.score or 0.0), trial.id

    def attempts(self, trial: int, training: int | None) -> int:
        """Returns how often a trial, or one of its trainings, was begun."""
        return self._attempts[trial, training]

    def deaths(self, trial: int) -> int:
        """Returns how many sessions have died while a trial ran that has not ended yet; ask between sessions."""
        return self._deaths[trial] + (trial in self._under_way)

    def _finish(self, trial: Trial) -> None:
        self.trials[trial.id] = trial
        self._unfinished.pop(trial.id, None)
        self._under_way.discard(trial.id)
        self._deaths.pop(trial.id, None)
        if trial.score is not None and (self.best is None or self.rank_key(trial) < self.rank_key(self.best)):
            self.best = trial

    def lineage(self, trial: int) -> tuple[int, ...]:
        """Returns the ids of a trial's ancestors and its own, the eldest first."""
        parent = self.trials[trial].suggestion.parent
        return (*(self.lineage(parent) if parent is not None else ()), trial)

    def commonest_cause(self) -> tuple[str, int] | None:
        """Returns the cause that most failed trials share, and their number."""
        causes = Counter(trial.outcome.cause for trial in self.failed if trial.outcome)
        return causes.most_common(1)[0] if causes else None
