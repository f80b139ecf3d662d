"""Sessions of a search for tests: studies of a second.

The training is that of `standin`; KerasTuner's oracles, the loop, the store and the data are real.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.search.standin import train
from tunecli.executors.base import Runner
from tunecli.plan import resolve
from tunecli.reports.live import QuietView, View
from tunecli.search.session import Session, run_session
from tunecli.spec.load import load
from tunecli.store.journal import Journal
from tunecli.store.run import Run
from tunecli.study.events import Event
from tunecli.study.snapshot import Snapshot

if TYPE_CHECKING:
    import pytest

SPACE = {
    "optimizer": ["sgd", "adam"],
    "learning_rate": {"min": 0.001, "max": 0.1, "log": True},
    "momentum": {"min": 0.0, "max": 0.9, "when": {"optimizer": "sgd"}},
}
TUNERS = {
    "random": {"name": "random", "max_trials": 5},
    "grid": {"name": "grid"},
    "bayesian": {"name": "bayesian", "max_trials": 5, "num_initial_points": 3},
    "hyperband": {"name": "hyperband", "max_epochs": 4, "factor": 2},
}
SPACES = {"grid": {"optimizer": ["sgd", "adam"], "learning_rate": [0.1, 0.01, 0.001]}}


def spec(folder: Path, kind: str = "random", /, **changes: Any) -> Path:
    path = folder / "study.yaml"
    content = {
        "dataset": "advertising",
        "model": "linear",
        "search_space": SPACES.get(kind, SPACE),
        "tuner": TUNERS[kind],
        "training": {"epochs": 3},
        "baselines": False,
        **changes,
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def search(
    path: Path, *, runner: Runner = train, said: list[str] | None = None, view: View | None = None, **options: Any
) -> Session:
    file = load(path)
    say = (said if said is not None else []).append
    name = f"{runner.__module__}:{runner.__name__}"
    return run_session(file, resolve(file), path.parent / "runs", view or QuietView(), say=say, runner=name, **options)


def run_of(path: Path) -> Run:
    return Run(path.parent / "runs" / "study")


def leaderboard(snapshot: Snapshot) -> list[tuple[Any, ...]]:
    return [
        (trial.id, trial.score, trial.outcome and trial.outcome.best_epoch, trial.suggestion)
        for trial in snapshot.completed
    ]


class KilledError(BaseException):
    """Stands in for SIGKILL: nothing in the program may catch it and tidy up."""


def kill_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Lets the process write so many events, then kills it in the middle of the next."""
    append = Journal.append
    written = 0

    def appending(self: Journal, event: Event) -> None:
        nonlocal written
        if written == count:
            self._file.write(b'{"at": 1.0, "eve')
            raise KilledError
        written += 1
        append(self, event)

    monkeypatch.setattr(Journal, "append", appending)
