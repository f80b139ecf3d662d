"""What it costs to coordinate: trials that do nothing through two warm slots, and looking at a study of 5,000 trials.

    python -m tests.benchmarks overhead [--trials 100 200 1000] [--profile]

The trials' runner reports one measurement and returns; everything else of a search is real: the journal, a random
tuner, two processes that have imported TensorFlow. Each search is a process of its own. The first trial of each slot
waits until both are warm and is not counted: the clock runs from the end of these to that of the last trial, by the
journal. `--profile` runs the parent of the longest search under cProfile over the same time (which slows it down).

Then `best`, `list` and `show` look at a study of 5,000 trials whose journal is written by the package's own events:
whole processes, medians of five. The exit code is 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import os
import pstats
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tunecli.executors.base import Report
from tunecli.plan import Plan, resolve
from tunecli.reports.live import QuietView
from tunecli.search.resume import begin_or_check
from tunecli.spec.load import load
from tunecli.spec.space import Values
from tunecli.store.run import Run
from tunecli.store.study import OpenStudy
from tunecli.study.events import (
    Answer,
    Asked,
    EndReason,
    Event,
    Finished,
    SessionEnded,
    SessionStarted,
    Started,
    to_line,
)
from tunecli.study.snapshot import Snapshot
from tunecli.study.trial import Outcome, Suggestion, Trial, TrialStatus

SLOTS = 2

WARM = "OVERHEAD_WARM"
"""The variable that names the folder in which slots say that they are warm."""

MOST_MS = 15.0
"""What each of 200 trials may cost."""

MOST_GROWTH = 2.0
"""How many times as much a trial may cost in the longest study as in the shortest, and at its end as at its start."""

STUDY_TRIALS = 5_000

MOST_BEST_S = 1.0
"""How long `best` may take on a study of so many trials."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", nargs="+", type=int, default=[100, 200, 1000])
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--session", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.session:
        session(options.session, is_profiled=options.profile)
        return
    if options.profile:
        with tempfile.TemporaryDirectory() as folder:
            search(Path(folder), max(options.trials), "--profile")
        return
    is_met = [coordination(sorted(options.trials)), commands()]
    sys.exit(0 if all(is_met) else 1)


def coordination(sizes: Sequence[int]) -> bool:
    """Prints what a trial costs in studies of several sizes; returns whether that is little enough."""
    costs, growths = {}, {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            search(Path(folder), size)
            ends = counted_ends(events(Path(folder)))
        costs[size], first, last = (mean_cost_ms(each) for each in (ends, ends[:101], ends[-101:]))
        growths[size] = last / first
        print(
            f"{size:5} trials: {costs[size]:5.1f} ms each; the first 100 {first:.1f}, the last 100 {last:.1f} "
            f"({growths[size]:.2f} times as much)",
            flush=True,
        )
    middle, longest = min(sizes, key=lambda size: abs(size - 200)), sizes[-1]
    whole, last = costs[longest] / costs[sizes[0]], growths[longest]
    print(f"{middle} trials: {costs[middle]:.1f} ms each (target: under {MOST_MS:g})")
    print(f"{longest} trials against {sizes[0]}: {whole:.2f} times as much each (target: at most {MOST_GROWTH:g})")
    return costs[middle] < MOST_MS and whole <= MOST_GROWTH and last <= MOST_GROWTH


def search(folder: Path, trials: int, *options: str) -> None:
    """Searches in a process of its own."""
    spec = written_spec(folder, trials + SLOTS)
    command = [sys.executable, "-m", "tests.benchmarks", "overhead", "--session", str(spec), *options]
    warm = folder / "warm"
    warm.mkdir()
    subprocess.run(command, check=True, env={**os.environ, WARM: str(warm)})


def session(path: Path, *, is_profiled: bool) -> None:
    """Runs one session, in this process."""
    from tunecli.search.session import run_session

    file = load(path)
    view = ProfilingView() if is_profiled else QuietView()
    # the module's own name, not `__main__`: slots import it
    run_session(file, resolve(file), path.parent, view, say=lambda text: None, runner="tests.benchmarks.overhead:no_op")
    if isinstance(view, ProfilingView):
        view.print()


def no_op(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Stands in for `run_trial`: one epoch that takes no time."""
    wait_for_all_slots()
    score = payload["values"]["learning_rate"]
    measurement = {"epoch": 1, "metrics": {"val_rmse": score, "loss": score}, "duration_s": 0.0}
    report({"measurement": measurement})
    return {"measurements": [measurement], "duration_s": 0.0}


@cache
def wait_for_all_slots() -> None:
    """Waits, once a process, until every slot has come so far."""
    warm = Path(os.environ[WARM])
    (warm / str(os.getpid())).touch()
    while len(list(warm.iterdir())) < SLOTS:
        time.sleep(0.01)


class ProfilingView(QuietView):
    """Profiles the parent from the end of the slots' first trials on."""

    def __init__(self) -> None:
        self._profile = cProfile.Profile()

    def trial_finished(self, trial: Trial, snapshot: Snapshot) -> None:
        if len(snapshot.trials) - len(snapshot.running) == SLOTS:
            self._profile.enable()

    def closed(self) -> None:
        self._profile.disable()

    def print(self) -> None:
        text = io.StringIO()
        pstats.Stats(self._profile, stream=text).sort_stats("cumulative").print_stats(25)
        print(text.getvalue())


def counted_ends(found: Sequence[Mapping[str, Any]]) -> list[float]:
    """Returns when trials ended, in order; the first is when the slots had their first trials behind them."""
    return [event["at"] for event in found if event["event"] == "finished"][SLOTS - 1 :]


def mean_cost_ms(ends: Sequence[float]) -> float:
    return (ends[-1] - ends[0]) / (len(ends) - 1) * 1e3


def commands() -> bool:
    """Prints how long it takes to look at a large study; returns whether that is short enough."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_study(folder, STUDY_TRIALS)
        size_mb = Run(folder / "study").layout.journal.stat().st_size / 1e6
        looks = (["best"], ["best", "--json"], ["list"], ["show", "study"], ["show", "study", str(STUDY_TRIALS // 2)])
        seconds = {" ".join(look): median_seconds([*look, "--runs", str(folder)]) for look in looks}
        nothing = median_seconds(["--version"])
    print(f"a study of {STUDY_TRIALS:,} trials ({size_mb:.1f} MB of journal), whole processes, medians of five:")
    for look, taken in seconds.items():
        target = f" (target: under {MOST_BEST_S:g} s)" if look == "best" else ""
        print(f"  {look:16} {taken:5.2f} s{target}")
    print(f"  {'--version':16} {nothing:5.2f} s, for comparison")
    return seconds["best"] < MOST_BEST_S


def median_seconds(arguments: Sequence[str]) -> float:
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "tunecli", *arguments], check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def write_study(runs: Path, trials: int) -> None:
    """Writes a finished study of two slots, without a search."""
    file = load(written_spec(runs, trials))
    plan, run = resolve(file), Run(runs / "study")
    with OpenStudy(run) as study:
        begin_or_check(study, plan, file)
    with run.layout.journal.open("ab") as journal:
        journal.writelines(map(to_line, study_events(plan, trials)))


def study_events(plan: Plan, trials: int) -> Iterator[Event]:
    rng = random.Random(0)
    clock = time.time()
    yield SessionStarted(at=clock, host="host", pid=1, tunecli="0")
    for number in range(trials):
        values: Values = {"optimizer": "sgd", "learning_rate": rng.uniform(0.001, 0.1), "momentum": rng.uniform(0, 0.9)}
        suggestion = Suggestion(number, values, 0, 1)
        clock += 1.0
        yield Asked(
            at=clock,
            slot=number % SLOTS,
            limit=plan.limit,
            answer=Answer.TRIAL,
            suggestion=suggestion,
            engine="graph",
            engine_reason="auto: graph, 4 steps at most do not pay for compiling",
        )
        yield Started(at=clock, trial=number, attempt=1)
        score = rng.uniform(1, 5)
        metrics = dict.fromkeys(("loss", "mse", "rmse", "mae", "val_loss", "val_mse", "val_rmse", "val_mae"), score)
        outcome = Outcome(TrialStatus.COMPLETED, score, 1, metrics, 1, duration_s=1.0)
        yield Finished(at=clock + 1.0, trial=number, outcome=outcome)
    yield SessionEnded(at=clock + 2.0, reason=EndReason.EXHAUSTED)


def written_spec(folder: Path, trials: int) -> Path:
    path = folder / "study.yaml"
    spec = {
        "name": "study",
        "dataset": "advertising",
        "model": "linear",
        "search_space": {
            "optimizer": ["sgd", "adam"],
            "learning_rate": {"min": 0.001, "max": 0.1, "log": True},
            "momentum": {"min": 0.0, "max": 0.9, "when": {"optimizer": "sgd"}},
        },
        "tuner": {"name": "random", "max_trials": trials},
        "training": {"epochs": 1},
        "limits": {"workers": SLOTS},
        "baselines": False,
    }
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return path


def events(folder: Path) -> list[dict[str, Any]]:
    journal = Run(folder / "study").layout.journal
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
