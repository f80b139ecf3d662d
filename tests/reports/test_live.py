from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from io import StringIO

import pytest
from rich.console import Console

from tunecli.reports.live import (
    LiveView,
    PlainView,
    Progress,
    QuietView,
    RunningTrial,
    Standing,
    View,
    Views,
    finished_line,
    make_view,
)
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Measurement

Make = Callable[..., Snapshot]


@dataclass
class Place:
    quiet: bool = False
    is_animated: bool = False
    said: list[str] = field(default_factory=list)
    drawn: StringIO = field(default_factory=StringIO)

    def say(self, text: str) -> None:
        self.said.append(text)

    def stderr_console(self) -> Console:
        return Console(file=self.drawn, force_terminal=True, width=100, color_system=None, highlight=False)


@pytest.fixture
def clock() -> Callable[[], float]:
    """A clock that goes one minute a look, from when the sessions of `make_snapshot` began."""
    minutes: Iterator[int] = iter(range(160, 10_000, 60))
    return lambda: float(next(minutes))


def watch(view: View, before: Snapshot, after: Snapshot, total: int = 20) -> None:
    """Shows the last trial of `after` from its start to its end."""
    trial = list(after.trials.values())[-1]
    with view:
        view.study_started(total, before)
        view.trial_started(trial, {**trial.suggestion.values, "loss": "mse"})
        view.measured(trial.id, Measurement(epoch=3, metrics={"val_rmse": 0.75}))
        view.trial_finished(trial, after)


def test_the_line_of_a_trial_that_is_not_the_best(make_snapshot: Make) -> None:
    snapshot = make_snapshot(({"units": 32}, 0.5012), ({"units": 64}, 0.51234))

    assert finished_line(snapshot.trials[1], snapshot, 20) == (
        "trial 1 (2/20)  val_rmse 0.5123 (best 0.5012, trial 0)  epoch 5/30  10.0 s  units=64"
    )


def test_the_line_of_the_best_trial(make_snapshot: Make) -> None:
    snapshot = make_snapshot(({"units": 64}, 0.5))

    assert finished_line(snapshot.trials[0], snapshot, 1) == (
        "trial 0 (1/1)  val_rmse 0.5000 (the best so far)  epoch 5/30  10.0 s  units=64"
    )


def test_the_line_of_a_failed_trial_says_why(make_snapshot: Make) -> None:
    snapshot = make_snapshot(({"units": 64}, "MemoryError: [red]"))

    assert finished_line(snapshot.trials[0], snapshot, 20) == (
        "trial 0 (1/20)  failed: MemoryError: [red]  epoch 2/30  1.5 s  units=64"
    )


def test_the_plain_view_prints_a_line_a_trial(make_snapshot: Make) -> None:
    lines: list[str] = []
    watch(PlainView(lines.append), make_snapshot(), make_snapshot(({"units": 64}, 0.5)))

    assert lines == ["trial 0 (1/20)  val_rmse 0.5000 (the best so far)  epoch 5/30  10.0 s  units=64"]


def test_the_plain_view_says_what_was_done_before(make_snapshot: Make) -> None:
    lines: list[str] = []
    earlier = ({"units": 32}, 0.5)
    before = replace(make_snapshot(earlier), ended_before=1)
    watch(PlainView(lines.append), before, make_snapshot(earlier, ({"units": 64}, 0.6)))

    assert lines[0] == "study: continuing, 1 of 20 trials done, best val_rmse 0.5000 (trial 0)"
    assert lines[1].startswith("trial 1 (2/20)  val_rmse 0.6000 (best 0.5000, trial 0)")


def test_who_joins_a_session_sees_what_it_has_done(make_snapshot: Make, clock: Callable[[], float]) -> None:
    place = Place(is_animated=True)
    view = LiveView(place.stderr_console(), clock)
    view.study_started(20, make_snapshot(({"units": 32}, 0.5)))

    assert place.drawn.getvalue().strip() == "study: 1 of 20 trials done, best val_rmse 0.5000 (trial 0)"
    assert str(view.render().renderables[0]).endswith("1 min 00 s  about 19 min 00 s left")


def test_what_an_earlier_session_ran_runs_no_more(make_snapshot: Make, clock: Callable[[], float]) -> None:
    view = Standing(clock)
    view.study_started(20, make_snapshot())
    view.trial_started(make_snapshot(({"units": 1}, None)).trials[0], {})
    assert len(view.lines()) == 2

    view.study_started(20, make_snapshot())
    assert len(view.lines()) == 1


def test_the_quiet_view_shows_nothing(make_snapshot: Make, capfd: pytest.CaptureFixture[str]) -> None:
    watch(QuietView(), make_snapshot(), make_snapshot(({}, 0.5)))

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (Place(quiet=True, is_animated=True), QuietView),
        (Place(is_animated=True), LiveView),
        (Place(), PlainView),
    ],
)
def test_the_view_fits_the_place(place: Place, kind: type[View]) -> None:
    assert type(make_view(place)) is kind


def test_the_live_view_shows_what_runs_and_keeps_the_lines_of_what_has_ended(
    make_snapshot: Make, clock: Callable[[], float]
) -> None:
    place = Place(is_animated=True)
    view = LiveView(place.stderr_console(), clock)
    watch(view, make_snapshot(), make_snapshot(({"units": "[red]"}, 0.5)))

    assert (
        "trial 0 (1/20)  val_rmse 0.5000 (the best so far)  epoch 5/30  10.0 s  units=[red]" in place.drawn.getvalue()
    )


def test_the_live_view_draws_the_progress_and_every_running_trial(
    make_snapshot: Make, clock: Callable[[], float]
) -> None:
    snapshot = make_snapshot(({"units": 1}, 0.5), ({"units": 2}, None), ({"units": 3}, None))
    view = LiveView(Place().stderr_console(), clock)
    view.study_started(20, snapshot)
    view.trial_started(snapshot.trials[1], {})
    view.trial_started(snapshot.trials[2], {})
    view.measured(2, Measurement(epoch=3, metrics={"val_rmse": 0.75}))

    assert [str(line) for line in view.render().renderables] == [
        "1 of 20 trials done  best val_rmse 0.5000 (trial 0)  1 min 00 s  about 19 min 00 s left",
        "trial 1  epoch 0/30  units=2",
        "trial 2  epoch 3/30  val_rmse 0.7500  units=3",
    ]


def test_the_live_view_shows_nothing_before_the_study_starts(clock: Callable[[], float]) -> None:
    assert not LiveView(Place().stderr_console(), clock).render().renderables


def test_the_live_view_leaves_the_terminal_alone_after_an_error(clock: Callable[[], float]) -> None:
    place = Place()
    with pytest.raises(KeyboardInterrupt), LiveView(place.stderr_console(), clock):
        raise KeyboardInterrupt

    assert place.drawn.getvalue().rstrip("\r").endswith("\x1b[?25h")  # the cursor is back


def test_the_time_left_is_that_of_the_pace_of_this_session(make_snapshot: Make) -> None:
    earlier = replace(make_snapshot(({}, 0.5), ({}, 0.6)), session_at=1000.0, ended_before=2)
    progress = Progress.of(earlier, 10)
    assert progress.left_s(now=1030.0) is None

    progress.finished(make_snapshot(({}, 0.5), ({}, 0.6), ({}, "oom")))
    assert progress.left_s(now=1030.0) == 30.0 * 7
    assert progress.line(now=1030.0) == (
        "3 of 10 trials done  best val_rmse 0.5000 (trial 0)  30.0 s  about 3 min 30 s left"
    )


def test_a_running_trial_without_a_measurement_stands_where_its_parent_ended(make_snapshot: Make) -> None:
    snapshot = make_snapshot(({}, None))

    assert RunningTrial(snapshot.trials[0]).line(snapshot.objective) == "trial 0  epoch 0/30"


class Told(QuietView):
    """Writes down what it is told, and when it ends."""

    def __init__(self, name: str, said: list[str]) -> None:
        self.name, self.said = name, said

    def study_started(self, total_trials: int, snapshot: Snapshot) -> None:
        self.said.append(f"{self.name} study {total_trials}")

    def measured(self, trial_id: int, measurement: Measurement, training: int | None = None) -> None:
        self.said.append(f"{self.name} epoch {measurement.epoch}")

    def message(self, text: str) -> None:
        self.said.append(f"{self.name} {text}")

    def closed(self) -> None:
        self.said.append(f"{self.name} closed")


def test_several_views_are_told_in_their_order_and_end_in_the_other(make_snapshot: Make) -> None:
    said: list[str] = []
    views = Views(Told("a", said), Told("b", said))
    watch(views, make_snapshot(), make_snapshot(({"units": 64}, 0.5)))
    assert said == ["a study 20", "b study 20", "a epoch 3", "b epoch 3", "b closed", "a closed"]


def test_a_view_that_cannot_begin_ends_those_that_have(make_snapshot: Make) -> None:
    class Broken(QuietView):
        def __enter__(self) -> Broken:
            raise OSError("no terminal")

    said: list[str] = []
    with pytest.raises(OSError, match="no terminal"), Views(Told("a", said), Broken()):
        pass
    assert said == ["a closed"]
