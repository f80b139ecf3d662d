"""Kills searches with SIGKILL again and again, and compares what comes of them with searches left alone.

    python -m tests.benchmarks kill_and_resume [TUNER …] [--kills 4] [--seed 0]

For each tuner one search runs to its end, and one is killed at random moments, started again by the same command each
time. Both must end with the same leaderboard, values and scores to the bit, and no trial may end twice or be started
after it has ended.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SPACE = """
  hidden_layers: {min: 0, max: 2}
  units: {min: 4, max: 32, log: true}
  dropout: {min: 0, max: 0.2, step: 0.1}
  optimizer: [adam, sgd]
  learning_rate: {min: 1e-3, max: 1e-1, log: true}
  momentum: {min: 0, max: 0.9, when: {optimizer: sgd}}
"""
GRID = """
  units: [4, 8]
  optimizer: [adam, sgd]
  momentum: {values: [0.0, 0.9], when: {optimizer: sgd}}
"""
TUNERS = {
    "random": "{name: random, max_trials: 8}",
    "hyperband": "{name: hyperband, max_epochs: 9, factor: 3}",
    "bayesian": "{name: bayesian, max_trials: 8, num_initial_points: 4}",
    "grid": "grid",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tuners", nargs="*", default=list(TUNERS))
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = [check(Path(folder), tuner, arguments.kills, arguments.seed) for tuner in arguments.tuners]
    sys.exit(0 if all(results) else 1)


def check(folder: Path, tuner: str, kills: int, seed: int) -> bool:
    spec = folder / f"{tuner}.yaml"
    spec.write_text(
        f"dataset: advertising\nmodel: mlp\nsearch_space:{GRID if tuner == 'grid' else SPACE}"
        f"tuner: {TUNERS[tuner]}\ntraining: {{epochs: 9, early_stopping: {{patience: 3}}}}\nlimits: {{threads: 1}}\n"
    )
    began = time.monotonic()
    search(spec, folder / "whole").wait()
    whole_s = time.monotonic() - began
    moments = kill_moments(spec, folder / "killed", kills, whole_s, random.Random(f"{seed}/{tuner}"))
    whole, killed = (leaderboard(folder / runs, tuner) for runs in ("whole", "killed"))
    twice = repeated(folder / "killed" / tuner / "journal.jsonl")
    is_same = whole == killed and not twice
    print(
        f"{tuner:10} {len(whole)} trials in {whole_s:.0f} s; killed {len(moments)} times, with so many finished: "
        f"{moments}; {'same leaderboard' if whole == killed else 'DIFFERENT LEADERBOARD'}; "
        f"{'nothing run twice' if not twice else f'RUN TWICE: {twice}'}",
        flush=True,
    )
    return is_same


def kill_moments(spec: Path, runs: Path, kills: int, whole_s: float, rng: random.Random) -> list[int]:
    """Runs a search to its end through so many kills; returns how many trials had finished at each."""
    moments = []
    for _ in range(kills):
        process = search(spec, runs)
        try:
            # counted from the start, imports included, so that some kills fall before the first trial
            process.wait(timeout=rng.uniform(0.15, 0.6) * whole_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            journal = runs / spec.stem / "journal.jsonl"
            moments.append(journal.read_text().count('"event":"finished"') if journal.exists() else 0)
    search(spec, runs).wait()
    return moments


def search(spec: Path, runs: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tunecli", "search", str(spec), "--runs", str(runs), "--quiet"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def leaderboard(runs: Path, study: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tunecli", "best", study, "--runs", str(runs), "--top", "999", "--json"]
    done = subprocess.run(command, capture_output=True, check=True)
    trials: list[dict[str, Any]] = json.loads(done.stdout)["trials"]
    return trials


def repeated(journal: Path) -> list[int]:
    """Returns the trials that ended twice, or were started after they had ended."""
    ended: set[int] = set()
    found = []
    for event in map(json.loads, journal.read_text().splitlines()):
        if event["event"] in ("started", "finished") and event["trial"] in ended:
            found.append(event["trial"])
        if event["event"] == "finished":
            ended.add(event["trial"])
    return found


if __name__ == "__main__":
    main()
