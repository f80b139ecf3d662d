"""Whole searches: `tunecli search` against the script that `tunecli eject` makes of the same spec.

    python -m tests.benchmarks search [--problem NAME …] [--rounds 3] [--json]

Each search is a process of its own with one worker, timed from its start to its end, imports included; its memory is
the peak that the system saw. In a round tunecli searches first; then plain KerasTuner and `keras.Model.fit` train the
very values that it tried, in the same order, which is verified from KerasTuner's files. The two differ in the order of
rows and in initial weights, so that their best scores are close, not equal. Rounds go from problem to problem, so that
a busy moment of the machine hits all of them. Figures are medians over the rounds; a problem has a target, and the
exit code is 1 if one is missed. Problems on California housing need TUNECLI_DATA.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MLP = {
    "hidden_layers": {"min": 0, "max": 4},
    "units": {"min": 16, "max": 256},
    "learning_rate": {"min": 1e-4, "max": 1e-2, "log": True},
    "optimizer": ["sgd", "adam"],
}
NARROW = {**MLP, "units": {"min": 1, "max": 99}}
LINEAR = {name: MLP[name] for name in ("learning_rate", "optimizer")}


@dataclass(frozen=True)
class Problem:
    """A spec, and how many times as fast as plain KerasTuner its search is to be."""

    dataset: str
    family: str
    space: dict[str, Any]
    trials: int
    epochs: int
    target: float

    def spec(self) -> dict[str, Any]:
        return {
            "name": "problem",
            "dataset": self.dataset,
            "model": self.family,
            "objective": "val_rmse",
            "search_space": self.space,
            "tuner": {"name": "random", "max_trials": self.trials},
            "training": {"epochs": self.epochs, "batch_size": 32},
            "baselines": False,
        }


PROBLEMS = {
    "california 6×10": Problem("california_housing", "mlp", MLP, 6, 10, target=3),
    "california 6×100": Problem("california_housing", "mlp", MLP, 6, 100, target=7),
    "california narrow 6×100": Problem("california_housing", "mlp", NARROW, 6, 100, target=12),
    "advertising linear 10×30": Problem("advertising", "linear", LINEAR, 10, 30, target=4),
    "advertising mlp 10×30": Problem("advertising", "mlp", MLP, 10, 30, target=3),
}


@dataclass(frozen=True)
class Run:
    """One search: wall-clock seconds, peak memory, and the best val_rmse it found."""

    seconds: float
    peak_mb: float
    score: float


def main() -> None:
    if sys.argv[1:2] == ["--replay"]:
        replay(Path(sys.argv[2]), Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problem", nargs="+", choices=list(PROBLEMS), default=list(PROBLEMS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rounds: dict[str, list[tuple[Run, Run]]] = {name: [] for name in options.problem}
    for number in range(1, options.rounds + 1):
        for name, runs in rounds.items():
            print(f"round {number} of {options.rounds}: {name}", file=sys.stderr, flush=True)
            runs.append(compare(PROBLEMS[name]))
    results = {name: summary(PROBLEMS[name], runs) for name, runs in rounds.items()}
    print(json.dumps(results, indent=2) if options.json else table(results))
    sys.exit(0 if all(result["met"] for result in results.values()) else 1)


def compare(problem: Problem) -> tuple[Run, Run]:
    """Searches once with tunecli, then once with the ejected script on the same values."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec, script, values = folder / "problem.yaml", folder / "script.py", folder / "values.json"
        spec.write_text(yaml.safe_dump(problem.spec(), sort_keys=False), encoding="utf-8")
        entry = [sys.executable, "-m", "tunecli"]
        ours = timed([*entry, "search", spec, "--runs", folder / "runs", "--quiet"], folder)
        tried = tunecli_trials(folder / "runs" / "problem" / "journal.jsonl")
        values.write_text(json.dumps([trial["values"] for trial in tried]), encoding="utf-8")
        subprocess.run([*entry, "eject", spec, "-o", script, "--quiet"], check=True)
        theirs = timed([sys.executable, __file__, "--replay", script, values], folder)
        replayed = keras_tuner_trials(folder / "script_trials" / "problem")
        assert [trial["values"] for trial in replayed] == [trial["values"] for trial in tried], (
            "other values were trained"
        )
        return Run(*ours, best(tried)), Run(*theirs, best(replayed))


def timed(command: Sequence[str | Path], folder: Path) -> tuple[float, float]:
    """Runs a command in a folder; returns its seconds and its peak of resident memory in MB."""
    with (folder / "log.txt").open("w+b") as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            sys.exit(f"{' '.join(map(str, command))} failed:\n{log.read().decode(errors='replace')}")
    # kilobytes on Linux, bytes on macOS
    return seconds, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def tunecli_trials(journal: Path) -> list[dict[str, Any]]:
    """Returns values and score of every trial, in the order they were tried."""
    events = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    scores = {event["trial"]: event["outcome"].get("score") for event in events if event["event"] == "finished"}
    asked = [event["suggestion"] for event in events if event["event"] == "asked" and event.get("suggestion")]
    return [{"values": each["values"], "score": scores[each["trial"]]} for each in asked]


def keras_tuner_trials(folder: Path) -> list[dict[str, Any]]:
    """Returns the same from KerasTuner's files."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("trial_*/trial.json")]
    documents.sort(key=lambda document: int(document["trial_id"]))
    return [{"values": each["hyperparameters"]["values"], "score": each["score"]} for each in documents]


def replay(script: Path, values: Path) -> None:
    """Runs an ejected script, whose random search is handed the given values one after the other."""
    from keras_tuner.engine.trial import TrialStatus
    from keras_tuner.oracles import RandomSearchOracle

    given = iter(json.loads(values.read_text(encoding="utf-8")))
    RandomSearchOracle.populate_space = lambda oracle, trial_id: {"status": TrialStatus.RUNNING, "values": next(given)}
    sys.argv = [str(script)]
    runpy.run_path(str(script), run_name="__main__")


def best(trials: Sequence[dict[str, Any]]) -> float:
    return min(float(trial["score"]) for trial in trials if trial["score"] is not None)


def summary(problem: Problem, rounds: Sequence[tuple[Run, Run]]) -> dict[str, Any]:
    ours, theirs = (
        {name: statistics.median(getattr(run, name) for run in runs) for name in ("seconds", "peak_mb", "score")}
        for runs in zip(*rounds, strict=True)
    )
    times = theirs["seconds"] / ours["seconds"]
    return {
        "tunecli": ours,
        "keras_tuner": theirs,
        "times_faster": times,
        "target": problem.target,
        "met": times >= problem.target,
    }


def table(results: dict[str, dict[str, Any]]) -> str:
    lines = [
        f"{'':26} {'seconds':^19}  {'':22} {'peak MB':^15}  {'best val_rmse':^17}",
        f"{'':26} {'tunecli':>8} {'plain':>10}  {'faster':>8} {'target':>7} {'':5} {'tunecli':>7} {'plain':>7}  "
        f"{'tunecli':>8} {'plain':>8}",
    ]
    for name, result in results.items():
        ours, theirs = result["tunecli"], result["keras_tuner"]
        lines.append(
            f"{name:26} {ours['seconds']:8.1f} {theirs['seconds']:10.1f}  {result['times_faster']:6.1f} × "
            f"{result['target']:5.0f} × {'met' if result['met'] else 'missed':6}{ours['peak_mb']:6.0f} "
            f"{theirs['peak_mb']:7.0f}  {ours['score']:8.4f} {theirs['score']:8.4f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
