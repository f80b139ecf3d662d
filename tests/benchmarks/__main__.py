"""Runs a benchmark by name: `python -m tests.benchmarks NAME [OPTIONS]`, from the top of the repository."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("__"))

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        sys.exit(f"usage: python -m tests.benchmarks NAME, one of: {', '.join(NAMES)}")
    name = sys.argv.pop(1)
    runpy.run_module(f"tests.benchmarks.{name}", run_name="__main__", alter_sys=True)
