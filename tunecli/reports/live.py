"""What watches a search: a live view on a terminal, a line for each finished trial elsewhere, or nothing.

    with view:
        view.study_started(total, snapshot)
        view.trial_started(trial, values)
        view.measured(trial.id, measurement)      # after each epoch
        view.trial_finished(trial, snapshot)

Views only look: they change nothing, and read no clock but the one they are given.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from tunecli.reports.text import show_duration, show_score, show_spread, show_values
from tunecli.spec.space import Value
from tunecli.study.objective import Objective
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement, Trial, TrialStatus

if TYPE_CHECKING:
    from rich.console import Console, Group

REFRESHES_PER_SECOND = 4


class Terminal(Protocol):
    """What a view must know of the place it is shown at."""

    quiet: bool

    @property
    def is_animated(self) -> bool:
        """Whether a live view may be drawn."""
        ...

    def say(self, text: str) -> None:
        """Prints a line of progress."""
        ...

    def stderr_console(self) -> Console:
        """Returns what a live view is drawn on."""
        ...


class View(Protocol):
    """Watches a search."""

    def study_started(self, total_trials: int, snapshot: Snapshot) -> None:
        """Takes in how many trials there will be, and what earlier sessions came to."""
        ...

    def trial_started(self, trial: Trial, values: Mapping[str, Value], training: int | None = None) -> None:
        """Takes in that an attempt begins, all hyperparameters that it runs with, and which of several trainings."""
        ...

    def measured(self, trial_id: int, measurement: Measurement, training: int | None = None) -> None:
        """Takes in an epoch."""
        ...

    def trial_finished(self, trial: Trial, snapshot: Snapshot) -> None:
        """Takes in a trial that has ended, and the study with it."""
        ...

    def message(self, text: str) -> None:
        """Shows a line of text."""
        ...

    def closed(self) -> None:
        """Leaves the terminal as it should be."""
        ...

    def __enter__(self) -> Self:
        """Begins to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Calls `closed`."""
        ...


def make_view(terminal: Terminal, *, clock: Callable[[], float] = time.time) -> View:
    """Returns the view that fits the place."""
    if terminal.quiet:
        return QuietView()
    return LiveView(terminal.stderr_console(), clock) if terminal.is_animated else PlainView(terminal.say)


class QuietView:
    """Shows nothing."""

    def study_started(self, total_trials: int, snapshot: Snapshot) -> None:
        """Does nothing."""

    def trial_started(self, trial: Trial, values: Mapping[str, Value], training: int | None = None) -> None:
        """Does nothing."""

    def measured(self, trial_id: int, measurement: Measurement, training: int | None = None) -> None:
        """Does nothing."""

    def trial_finished(self, trial: Trial, snapshot: Snapshot) -> None:
        """Does nothing."""

    def message(self, text: str) -> None:
        """Does nothing."""

    def closed(self) -> None:
        """Does nothing."""

    def __enter__(self) -> Self:
        """Returns the view."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Calls `closed`."""
        self.closed()


class Views(QuietView):
    """Shows a search to several views, in their order."""

    def __init__(self, *views: View) -> None:
        self._views = views
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        """Begins to show; what has begun ends again if another cannot."""
        with self._entered:
            for view in self._views:
                self._entered.enter_context(view)
            self._entered = self._entered.pop_all()
        return self

    def study_started(self, total_trials: int, snapshot: Snapshot) -> None:
        """Tells all."""
        for view in self._views:
            view.study_started(total_trials, snapshot)

    def trial_started(self, trial: Trial, values: Mapping[str, Value], training: int | None = None) -> None:
        """Tells all."""
        for view in self._views:
            view.trial_started(trial, values, training)

    def measured(self, trial_id: int, measurement: Measurement, training: int | None = None) -> None:
        """Tells all."""
        for view in self._views:
            view.measured(trial_id, measurement, training)

    def trial_finished(self, trial: Trial, snapshot: Snapshot) -> None:
        """Tells all."""
        for view in self._views:
            view.trial_finished(trial, snapshot)

    def message(self, text: str) -> None:
        """Tells all."""
        for view in self._views:
            view.message(text)

    def closed(self) -> None:
        """Ends all."""
        self._entered.close()


class PlainView(QuietView):
    """Prints a line for every trial that has ended.

    Args:
        write: Prints a line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._total = 0

    def study_started(self, total_trials: int, snapshot: Snapshot) -> None:
        """Says how much earlier sessions have done."""
        self._total = total_trials
        if snapshot.trials:
            self.message(resumed_line(snapshot, total_trials))

    def trial_finished(self, trial: Trial, snapshot: Snapshot) -> None:
        """Prints the trial's line."""
        self._write(finished_line(trial, snapshot, self._total))

    def message(self, text: str) -> None:
        """Prints the text."""
        self._write(text)


class Standing(QuietView):
    """Keeps how a search stands: how far it is, and what runs.

    Args:
        clock: Returns seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.progress: Progress | None = None
        self.running: dict[int, RunningTrial] = {}

    def study_started(self, total_trials: int, snapshot: Snapshot) -> None:
        """Begins to count; what an earlier session ran runs no more."""
        self.progress = Progress.of(snapshot, total_trials)
        self.running.clear()

    def trial_started(self, trial: Trial, values: Mapping[str, Value], training: int | None = None) -> None:
        """Keeps the trial; of its trainings, the one that began last."""
        self.running[trial.id] = RunningTrial(trial, training)

    def measured(self, trial_id: int, measurement: Measurement, training: int | None = None) -> None:
        """Keeps the epoch."""
        running = self.running.get(trial_id)
        if running is not None and running.training == training:
            running.last = measurement

    def trial_finished(self, trial: Trial, snapshot: Snapshot) -> None:
        """Counts the trial, which runs no more."""
        self.running.pop(trial.id, None)
        if self.progress is not None:
            self.progress.finished(snapshot)

    def lines(self) -> list[str]:
        """Returns how far the search is, and a line for each trial that runs."""
        if self.progress is None:
            return []
        running = list(self.running.values())  # Rich draws from another thread
        return [self.progress.line(now=self._clock()), *(each.line(self.progress.objective) for each in running)]


class LiveView(Standing):
    """Draws what runs now below the lines of the trials that have ended.

    Args:
        console: Where; a terminal.
        clock: Returns seconds since the epoch.
    """

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        from rich.live import Live

        super().__init__(clock)
        self._console = console
        self._live = Live(
            console=console,
            get_renderable=self.render,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,  # the lines of the finished trials tell the story afterwards
        )

    def __enter__(self) -> Self:
        """Begins to draw."""
        self._live.start()
        return self

    def study_started(self, total_trials: int, snapshot: Snapshot) -> None:
        """Begins to count."""
        super().study_started(total_trials, snapshot)
        if snapshot.trials:
            self.message(resumed_line(snapshot, total_trials))

    def trial_finished(self, trial: Trial, snapshot: Snapshot) -> None:
        """Prints the trial's line, above what runs."""
        super().trial_finished(trial, snapshot)
        if self.progress is not None:
            self.message(finished_line(trial, snapshot, self.progress.total))

    def message(self, text: str) -> None:
        """Prints the text, above what runs."""
        from rich.text import Text

        self._console.print(Text(text), soft_wrap=True)

    def closed(self) -> None:
        """Takes the live part away."""
        self._live.stop()

    def render(self) -> Group:
        """Returns what is drawn now."""
        from rich.console import Group
        from rich.text import Text

        return Group(*(Text(line, style="dim" if index else "bold") for index, line in enumerate(self.lines())))


@dataclass
class RunningTrial:
    """A trial that runs, which of its trainings if there are several, and the last epoch so far."""

    trial: Trial
    training: int | None = None
    last: Measurement | None = None

    def line(self, objective: Objective) -> str:
        """Returns `trial 3  epoch 4/30  val_rmse 0.5123  units=64`; several trainings are counted from 1."""
        suggestion = self.trial.suggestion
        epoch = self.last.epoch if self.last else suggestion.start_epoch
        training = [] if self.training is None else [f"training {self.training + 1}"]
        parts = [f"trial {self.trial.id}", *training, f"epoch {epoch}/{suggestion.end_epoch}"]
        if self.last and objective.metric in self.last.metrics:
            parts.append(f"{objective.metric} {show_score(self.last.metrics[objective.metric])}")
        return "  ".join([*parts, show_values(suggestion.values)]).rstrip()

    def document(self) -> dict[str, Any]:
        """Returns the same for programs; the training is counted from 0, and what is not finite becomes null."""
        suggestion = self.trial.suggestion
        metrics = self.last.metrics if self.last else {}
        return {
            "id": self.trial.id,
            "training": self.training,
            "epoch": self.last.epoch if self.last else suggestion.start_epoch,
            "end_epoch": suggestion.end_epoch,
            "metrics": {name: value if math.isfinite(value) else None for name, value in metrics.items()},
            "values": suggestion.values,
        }


@dataclass
class Progress:
    """How far a session has come.

    Attributes:
        total: Trials of the whole study.
        done: Trials that have ended, earlier sessions included.
        done_here: Those of this session.
        started_at: When the session began, in seconds since the epoch.
        objective: What decides.
        best: The winner so far.
    """

    total: int
    done: int
    done_here: int
    started_at: float
    objective: Objective
    best: Trial | None

    @classmethod
    def of(cls, snapshot: Snapshot, total: int) -> Progress:
        """Returns the progress of the study's last session, which may have begun this moment."""
        done = snapshot.ended_count
        here = done - snapshot.ended_before
        return cls(total, done, here, snapshot.session_at, snapshot.objective, snapshot.best)

    def finished(self, snapshot: Snapshot) -> None:
        """Takes in that one more trial has ended."""
        self.done = snapshot.ended_count
        self.done_here += 1
        self.best = snapshot.best

    def spent_s(self, *, now: float) -> float:
        """Returns how long the session has lasted."""
        return max(0.0, now - self.started_at)  # another machine's clock may be ahead

    def left_s(self, *, now: float) -> float | None:
        """Returns the seconds that the other trials will take at the pace so far, or None before it is known."""
        if not self.done_here:
            return None
        return self.spent_s(now=now) / self.done_here * max(0, self.total - self.done)

    def line(self, *, now: float) -> str:
        """Returns `4 of 20 trials done  best val_rmse 0.5012 (trial 1)  1 min 12 s  about 5 min 00 s left`."""
        parts = [f"{self.done} of {self.total} trials done"]
        if self.best is not None:
            parts.append(f"best {self.objective.metric} {show_score(self.best.score)} (trial {self.best.id})")
        parts.append(show_duration(self.spent_s(now=now)))
        left = self.left_s(now=now)
        return "  ".join(parts + ([f"about {show_duration(left)} left"] if left is not None else []))


def finished_line(trial: Trial, snapshot: Snapshot, total: int) -> str:
    """Returns the line of a trial that has ended.

    `trial 3 (4/20)  val_rmse 0.5123 (best 0.5012, trial 1)  epoch 14/30  12.3 s  units=64`
    """
    outcome = trial.outcome
    assert outcome is not None, f"trial {trial.id} has not ended"
    parts = [
        f"trial {trial.id} ({snapshot.ended_count}/{total})",
        _result(trial, snapshot),
        f"epoch {outcome.epochs_run}/{trial.suggestion.end_epoch}",
        show_duration(outcome.duration_s),
        show_values(trial.suggestion.values),
    ]
    return "  ".join(parts).rstrip()


def resumed_line(snapshot: Snapshot, total: int) -> str:
    """Returns what has been done so far, by earlier sessions or by one that is under way."""
    best = snapshot.best
    so_far = f", best {snapshot.objective.metric} {show_score(best.score)} (trial {best.id})" if best else ""
    begins = "continuing, " if 0 < snapshot.ended_count == snapshot.ended_before else ""
    return f"{snapshot.study}: {begins}{snapshot.ended_count} of {total} trials done{so_far}"


def _result(trial: Trial, snapshot: Snapshot) -> str:
    outcome: Any = trial.outcome
    if outcome.status is TrialStatus.FAILED:
        return f"failed: {outcome.cause}"
    best = snapshot.best
    against = "the best so far"
    if best is not None and best.id != trial.id:
        against = f"best {show_score(best.score)}, trial {best.id}"
    return f"{snapshot.objective.metric} {show_spread(outcome.score, outcome.score_sd)} ({against})"
