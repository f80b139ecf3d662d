"""How long `tunecli report` takes on large studies, and how large its page is.

    python -m tests.benchmarks report [--trials 60 1000] [--epochs 20] [--json]

Studies of six hyperparameters are written without training; the command runs in a process of its own, imports
included. The exit code is 1 if a page takes 10 s or more, or 6 MB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tests.cli.test_report import SIX
from tests.studies import typical_trials, write_study, write_surroundings
from tunecli.plan import resolve
from tunecli.spec.load import load

MOST_S, MOST_BYTES = 10.0, 6_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[60, 1000])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = [measure(trials, options.epochs) for trials in options.trials]
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        print(
            "\n".join(
                "{trials:>6,} trials  {seconds:5.1f} s  {size_bytes:>9,} bytes".format(**each) for each in results
            )
        )
    sys.exit(any(each["seconds"] >= MOST_S or each["size_bytes"] >= MOST_BYTES for each in results))


def measure(trials: int, epochs: int) -> dict[str, Any]:
    """Writes a study, and its report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = folder / "study.yaml"
        document = {"dataset": "advertising", "model": "mlp", "search_space": SIX, "training": {"epochs": epochs}}
        spec.write_text(yaml.safe_dump({**document, "tuner": {"name": "random", "max_trials": trials}}))
        plan = resolve(load(spec))
        run = write_study(folder / "runs", plan, typical_trials(trials, plan.space))
        write_surroundings(run, baselines={"least squares": 0.9})
        command = [sys.executable, "-m", "tunecli", "report", "--runs", str(folder / "runs"), "--quiet"]
        begin = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - begin
        return {"trials": trials, "seconds": seconds, "size_bytes": run.layout.report.stat().st_size}


if __name__ == "__main__":
    main()
