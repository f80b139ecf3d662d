"""Watches a search that another process runs, by what it writes to the study's folder.

    watcher = Watcher(run, view, plan=lambda: Plan.of(run))
    while is_wanted:
        watcher.look()        # the view is shown what has come since the last look
        sleep(1.0)

The view sees what it would see within the search itself, up to a look later. Nothing is written and no lock is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from tunecli.errors import StudyError
from tunecli.reports.live import RunningTrial, View
from tunecli.spec.space import Value, Values
from tunecli.store.following import JournalFollower, Tail
from tunecli.store.run import Run, read_measurement
from tunecli.study.events import Event, Finished, SessionEnded, SessionStarted, Started, Trained
from tunecli.study.snapshot import Snapshot


class Planned(Protocol):
    """What a plan says of its search."""

    @property
    def trial_count(self) -> int:
        """How many trials there will be."""
        ...

    def complete(self, searched: Mapping[str, Value]) -> Values:
        """Returns all values of a trial."""
        ...


class Watcher:
    """Shows a view what happens to a study.

    Args:
        run: The study.
        view: Who watches; entered by the caller.
        plan: Reads the study's plan; a session that begins may have changed it.

    Attributes:
        snapshot: What the study adds up to; None while it has no journal.
        total: How many trials there will be.
    """

    def __init__(self, run: Run, view: View, plan: Callable[[], Planned]) -> None:
        self.snapshot: Snapshot | None = None
        self.total = 0
        self._run = run
        self._view = view
        self._read_plan = plan
        self._journal = JournalFollower(run.layout.journal)
        self._under_way: dict[tuple[int, int | None], Tail] = {}

    def look(self) -> None:
        """Takes in what has come since the last look.

        Raises:
            StudyError: The journal or the plan is damaged.
            UsageError: A newer version writes the journal.
        """
        new = self._journal.read()
        if new.is_anew:
            self.snapshot = None
        if self.snapshot is not None:
            for event in new.events:
                self._follow(self.snapshot, event)
        elif new.events:
            self._join(new.events)
        for trial, training in self._under_way:
            self._measure(trial, training)

    def _join(self, events: tuple[Event, ...]) -> None:
        """Takes in a study that may be long under way: what has ended is summed up, what runs is shown."""
        self._under_way.clear()
        for event in events:
            self._note(event)
        self.snapshot = Snapshot.of(events)
        self._begin(self.snapshot)
        for trial, training in self._under_way:
            self._start(self.snapshot, trial, training)

    def _follow(self, snapshot: Snapshot, event: Event) -> None:
        self._note(event)
        snapshot.apply(event)
        match event:
            case SessionStarted():
                self._begin(snapshot)
            case Started():
                self._start(snapshot, event.trial, event.training)
            case Finished():
                self._view.trial_finished(snapshot.trials[event.trial], snapshot)
            case _:
                pass

    def _note(self, event: Event) -> None:
        """Keeps account of the trainings that run, and of how far their measurements have been read."""
        match event:
            case SessionStarted() | SessionEnded():
                self._under_way.clear()
            case Started():
                epochs = self._run.layout.trial(event.trial).training(event.training).epochs
                self._under_way[event.trial, event.training] = Tail(epochs)
            case Trained():
                self._under_way.pop((event.trial, event.training), None)
            case Finished():
                for key in [key for key in self._under_way if key[0] == event.trial]:
                    del self._under_way[key]
            case _:
                pass

    def _begin(self, snapshot: Snapshot) -> None:
        self._plan = self._read_plan()
        self.total = self._plan.trial_count
        self._view.study_started(self.total, snapshot)

    def _start(self, snapshot: Snapshot, trial: int, training: int | None) -> None:
        started = snapshot.trials[trial]
        self._view.trial_started(started, self._plan.complete(started.suggestion.values), training)

    def _measure(self, trial: int, training: int | None) -> None:
        path = self._run.layout.trial(trial).training(training).epochs
        for line in self._under_way[trial, training].read().lines:
            try:
                self._view.measured(trial, read_measurement(line, str(path)), training)
            except StudyError as error:
                self._view.message(str(error))


def standing_document(
    snapshot: Snapshot,
    total: int,
    *,
    name: str,
    state: str,
    running: Iterable[RunningTrial] = (),
    left_s: float | None = None,
) -> dict[str, Any]:
    """Returns the document of `watch --json`.

    Args:
        snapshot: The study.
        total: How many trials there will be.
        name: What the study is called now: its folder may have been renamed.
        state: How it stands, in a word.
        running: What runs.
        left_s: Seconds that the other trials will take; None where that is not known, or nobody runs them.
    """
    best = snapshot.best
    return {
        "study": name,
        "objective": {"metric": snapshot.objective.metric, "goal": snapshot.objective.goal.value},
        "state": state,
        "done": snapshot.ended_count,
        "total": total,
        "completed": len(snapshot.completed),
        "failed": len(snapshot.failed),
        "best_trial": best.id if best else None,
        "best_score": best.score if best else None,
        "spent_s": snapshot.spent_s,
        "left_s": left_s,
        "running": [each.document() for each in running],
    }
