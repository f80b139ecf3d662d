"""What a large CSV file takes to prepare: memory of every process, and seconds, without and with what is kept of it.

    python -m tests.benchmarks table [--rows 1000000] [--workers 2]

A file of 30 columns (numbers with gaps, texts, a date, the target) is written, checked by `validate`, which reads it
whole, and searched, twice; the cache is a folder of its own. The resident memory of each process, with what it shares
with others, is looked at ten times a second. The exit code is 1 if a process takes more than `MOST_MB`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import psutil
import yaml

SAMPLE_SECONDS = 0.1

MOST_MB = 2_000
"""What any process may hold."""

COLUMNS = 30

SPEC = {
    "name": "table",
    "dataset": {"name": "csv", "path": "table.csv", "target": "y", "task": "regression"},
    "model": {"family": "mlp", "hidden_layers": 1, "units": 16, "batch_size": 1024},
    "search_space": {"learning_rate": {"min": 1e-4, "max": 1e-2, "log": True}},
    "training": {"epochs": 1},
}


@dataclass(frozen=True)
class Ran:
    """What a command came to.

    Attributes:
        seconds: From its start to its end.
        peaks_mb: The most that each of its processes held, the parent's first.
    """

    seconds: float
    peaks_mb: list[float]


def write_table(path: Path, rows: int) -> None:
    """Writes the file, a block of rows at a time."""
    random = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, rows, 100_000):
            count = min(100_000, rows - start)
            numbers = {f"n{index}": random.normal(size=count).round(6) for index in range(COLUMNS - 4)}
            frame = pl.DataFrame(numbers).with_columns(
                pl.when(pl.Series(random.random(count) > 0.05)).then(pl.col("n1")).alias("n1"),
                pl.Series("kind", random.integers(0, 5, count)).replace_strict(dict(enumerate("abcde"))),
                pl.Series("town", random.integers(0, 20, count)).cast(pl.String) + " town",
                pl.Series("sold", random.integers(15_000, 20_000, count)).cast(pl.Date),
                (pl.col("n0") * 2 + pl.Series(random.normal(size=count))).round(6).alias("y"),
            )
            file.write(frame.write_csv(include_header=start == 0).encode())


def run(arguments: Sequence[str], folder: Path) -> Ran:
    """Runs a tunecli command, and watches its processes."""
    begin = time.perf_counter()
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-m", "tunecli", *arguments]
    peaks: dict[int, float] = {}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL) as process:
        parent = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.Error):
                for each in (parent, *parent.children(recursive=True)):
                    peaks[each.pid] = max(peaks.get(each.pid, 0.0), each.memory_info().rss / 1e6)
            time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        sys.exit(f"tunecli {' '.join(arguments)} ended with exit code {process.returncode}")
    return Ran(time.perf_counter() - begin, list(peaks.values()))


def first_trial_s(runs: Path) -> float:
    """Returns the seconds from the opening of a study to the start of its first trial."""
    journal = runs / "table" / "journal.jsonl"
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    started = next(each["at"] for each in events if each["event"] == "started")
    return started - (runs / "table" / "plan.json").stat().st_mtime


def show(what: str, ran: Ran, more: str = "") -> None:
    """Prints a line."""
    peaks = ", ".join(f"{peak:.0f}" for peak in ran.peaks_mb)
    print(f"{what:<34}{ran.seconds:7.1f} s   MB: {peaks}{more}", flush=True)


def measure(rows: int, workers: int, folder: Path) -> float:
    """Prints the figures, and returns the most that any process held."""
    write_table(folder / "table.csv", rows)
    (folder / "table.yaml").write_text(yaml.safe_dump({**SPEC, "tuner": {"name": "random", "max_trials": workers}}))
    size_mb = (folder / "table.csv").stat().st_size / 1e6
    print(f"{rows:,} rows × {COLUMNS} columns, {size_mb:.0f} MB")
    found = []
    for what in ("validate, nothing kept", "validate, from the cache"):
        found.append(run(["validate", "table.yaml"], folder))
        show(what, found[-1])
    for number, what in enumerate(("search, from the cache", "another search")):
        runs = folder / f"runs{number}"
        found.append(run(["search", "table.yaml", "--runs", str(runs), "--workers", str(workers)], folder))
        show(what, found[-1], f"   first trial after {first_trial_s(runs):.1f} s")
    kept = sum(path.stat().st_size for path in (folder / "cache").rglob("*") if path.is_file()) / 1e6
    print(f"kept on disk: {kept:.0f} MB")
    return max(peak for ran in found for peak in ran.peaks_mb)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks table")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        peak = measure(asked.rows, asked.workers, Path(name))
    print(f"highest: {peak:.0f} MB, at most {MOST_MB}")
    sys.exit(peak > MOST_MB)


if __name__ == "__main__":
    main()
