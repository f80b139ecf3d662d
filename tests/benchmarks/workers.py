"""Two workers against one: how much faster a search is, whether it finds the same, and how busy the processors are.

    python -m tests.benchmarks workers [--trials 20] [--epochs 30] [--rounds 3]

California housing (TUNECLI_DATA names where it is), a random search of small networks, batch 32, `limits.threads: 1`.
In every round each variant searches once: one worker in the parent, where small studies run by default; one worker in a
slot of its own, which `limits.trial_time` makes necessary; two workers. The time is that of the search phase, workers
up: by the journal, from the moment the first training begins (its end less what it took) to the end of the last trial.

Values, seeds, scores and every epoch's metrics must be equal to the bit, and two workers at least 1.5 times as fast as
either kind of one; the exit code is 1 otherwise. The trace is how busy each processor was during the search phase, on
the whole machine: keep it quiet meanwhile.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from tunecli.plan import Plan
from tunecli.store.run import Run

TARGET = 1.5

SAMPLE_SECONDS = 0.2

TRACE_COLUMNS = 80

BARS = "▁▂▃▄▅▆▇█"

VARIANTS: dict[str, dict[str, Any]] = {
    "one, in the parent": {"workers": 1},
    "one, in a slot": {"workers": 1, "trial_time": "1h"},
    "two": {"workers": 2},
}
"""Limits by the name of the variant."""


@dataclass(frozen=True)
class Sample:
    """How busy each processor has been since the sample before, in per cent."""

    at: float
    busy: tuple[float, ...]


@dataclass(frozen=True)
class Search:
    """What a search took and found.

    Attributes:
        start_s: From the process' start to the beginning of the first training.
        seconds: The search phase.
        found: Values, seed, score and curve of every trial, in the order of their ids.
        trace: The samples of the search phase.
    """

    start_s: float
    seconds: float
    found: list[Any]
    trace: list[Sample]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds: dict[str, list[Search]] = {name: [] for name in VARIANTS}
    for number in range(1, options.rounds + 1):
        for name, searches in rounds.items():
            print(f"round {number} of {options.rounds}: {name}", file=sys.stderr, flush=True)
            searches.append(search(VARIANTS[name], options.trials, options.epochs))
    print(table(rounds))
    print(trace(rounds["two"][0].trace))
    is_equal = all(each.found == rounds["two"][0].found for searches in rounds.values() for each in searches)
    print("values, seeds, scores and curves:", "equal to the bit" if is_equal else "DIFFERENT")
    ratio = min(median(rounds[name]) for name in VARIANTS if name != "two") / median(rounds["two"])
    print(f"two workers are {ratio:.2f} times as fast as the faster kind of one (target: at least {TARGET:g})")
    sys.exit(0 if is_equal and ratio >= TARGET else 1)


def search(limits: dict[str, Any], trials: int, epochs: int) -> Search:
    """Searches once, in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = folder / "study.yaml"
        spec.write_text(yaml.safe_dump(study(limits, trials, epochs), sort_keys=False), encoding="utf-8")
        command = [sys.executable, "-m", "tunecli", "search", str(spec), "--runs", str(folder), "--quiet"]
        began = time.time()
        samples = sampled(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        run = Run(folder / "study")
        begin, end = search_phase(run)
        trace = [sample for sample in samples if begin + SAMPLE_SECONDS <= sample.at <= end]
        return Search(begin - began, end - begin, found(run), trace)


def study(limits: dict[str, Any], trials: int, epochs: int) -> dict[str, Any]:
    return {
        "name": "study",
        "dataset": "california_housing",
        "model": "mlp",
        "search_space": {
            "hidden_layers": {"min": 1, "max": 3},
            "units": {"min": 16, "max": 128, "log": True},
            "learning_rate": {"min": 1e-4, "max": 1e-2, "log": True},
        },
        "tuner": {"name": "random", "max_trials": trials},
        "training": {"epochs": epochs, "batch_size": 32},
        "limits": {"threads": 1, **limits},
        "baselines": False,
    }


def sampled(process: subprocess.Popen[bytes]) -> list[Sample]:
    """Waits for a process, and returns how busy the processors were meanwhile."""
    samples = []
    psutil.cpu_percent(percpu=True)
    while process.poll() is None:
        time.sleep(SAMPLE_SECONDS)
        samples.append(Sample(time.time(), tuple(psutil.cpu_percent(percpu=True))))
    if process.returncode:
        sys.exit(f"the search ended with exit code {process.returncode}")
    return samples


def search_phase(run: Run) -> tuple[float, float]:
    """Returns when the first training began and when the last trial ended."""
    lines = run.layout.journal.read_text(encoding="utf-8").splitlines()
    ended = [event for event in map(json.loads, lines) if event["event"] == "finished"]
    return min(event["at"] - event["outcome"]["duration_s"] for event in ended), max(event["at"] for event in ended)


def found(run: Run) -> list[Any]:
    """Returns what a study came to: all that must not depend on where its trials ran."""
    plan = Plan.model_validate(run.plan_document())
    trials = sorted(run.snapshot().trials.values(), key=lambda trial: trial.id)
    curves = [[(each.epoch, each.metrics) for each in run.own_measurements(trial.id)] for trial in trials]
    return [
        (trial.id, trial.suggestion.values, plan.trial_seed(trial.id), trial.score, curve)
        for trial, curve in zip(trials, curves, strict=True)
    ]


def median(searches: Sequence[Search]) -> float:
    return statistics.median(each.seconds for each in searches)


def table(rounds: dict[str, list[Search]]) -> str:
    lines = [f"{'workers':20} {'until up':>9} {'search phase':>13} {'trials':>7}"]
    two = median(rounds["two"])
    for name, searches in rounds.items():
        start = statistics.median(each.start_s for each in searches)
        own = median(searches)
        compared = "" if name == "two" else f"  {own / two:.2f} times that of two"
        lines.append(f"{name:20} {start:7.1f} s {own:11.1f} s {len(searches[0].found):7}{compared}")
    return "\n".join(lines)


def trace(samples: Sequence[Sample]) -> str:
    """Draws how busy each processor was, from left to right."""
    columns = min(TRACE_COLUMNS, len(samples))
    lines = [f"two workers, a column for {len(samples) * SAMPLE_SECONDS / columns:.1f} s of the search phase:"]
    for number, values in enumerate(zip(*(sample.busy for sample in samples), strict=True)):
        edges = [round(column * len(values) / columns) for column in range(columns + 1)]
        means = [statistics.mean(values[edges[column] : edges[column + 1]]) for column in range(columns)]
        bars = "".join(BARS[min(int(each / 100 * len(BARS)), len(BARS) - 1)] for each in means)
        busy = sum(value >= 50 for value in values) / len(values)
        lines.append(f"  cpu {number} {bars} mean {statistics.mean(values):3.0f} %, at least half busy {busy:4.0%}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
