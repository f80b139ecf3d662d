"""What using programs again saves and costs: bits, memory, promotions.

    python -m tests.benchmarks reuse [--json]

* A trial alone in a fresh process, and the same trial fiftieth on a program that others have used: the same bits?
* Resident memory after 20 and after 200 trials that share a program, and what each further program keeps.
* A whole Hyperband search (max_epochs 27): how many promoted trials compiled a program.

All on the Advertising data, which ship with tunecli.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tunecli.plan import Plan, resolve
from tunecli.spec.load import load
from tunecli.training.engines import ENGINES, can_resume
from tunecli.training.run_trial import TrialRequest, run_trial

ENGINES_WITH_PROGRAMS = [name for name in ENGINES.names if can_resume(name) and name != "keras"]
SPEC = {"name": "study", "dataset": "advertising", "model": "mlp", "training": {"epochs": 3}, "baselines": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", choices=ENGINES_WITH_PROGRAMS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(curve(options.alone, seed=50)))
        return
    results = {"engines": {name: measure(name) for name in ENGINES_WITH_PROGRAMS}, "hyperband": hyperband()}
    print(json.dumps(results, indent=2) if options.json else table(results))


def measure(engine: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks", "reuse", "--alone", engine]
    alone = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for seed in range(1, 50):
        curve(engine, seed)
    is_equal = curve(engine, seed=50) == alone
    memory = [resident_mb()]
    for seed in range(51, 231):
        curve(engine, seed)
    memory.append(resident_mb())
    for units in range(100, 120):
        curve(engine, seed=1, units=units)
    memory.append(resident_mb())
    return {"same_bits": is_equal, "grown_mb": memory[1] - memory[0], "mb_a_program": (memory[2] - memory[1]) / 20}


def curve(engine: str, seed: int, units: int = 20) -> list[dict[str, float]]:
    """Trains one trial and returns its metrics, epoch by epoch."""
    values = {"units": units, "dropout": 0.2, "learning_rate": 0.001 * (1 + seed % 7)}
    request = TrialRequest(
        plan=plan(), values=plan().complete(values), engine=engine, seed=seed, start_epoch=0, end_epoch=3
    )
    result = run_trial(request.model_dump(mode="json"), lambda message: None)
    assert not result["cause"], result["cause"]
    return [each["metrics"] for each in result["measurements"]]


@cache
def plan() -> Plan:
    with tempfile.TemporaryDirectory() as folder:
        return resolve(load(written(Path(folder), SPEC)))


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def hyperband() -> dict[str, int]:
    """Searches once, and counts where the programs of promoted trials came from."""
    space = {"units": {"min": 4, "max": 64}, "learning_rate": {"min": 1e-3, "max": 1e-1, "log": True}}
    spec = SPEC | {"search_space": space, "tuner": {"name": "hyperband", "max_epochs": 27, "factor": 3}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "tunecli", "search", written(folder, spec), "--runs", folder, "--quiet"]
        subprocess.run(command, check=True, capture_output=True)
        lines = (folder / "study" / "journal.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    asked = [event["suggestion"] for event in events if event["event"] == "asked" and event.get("suggestion")]
    promoted = {each["trial"] for each in asked if each.get("parent") is not None}
    programs = {event["trial"]: event["outcome"]["program"] for event in events if event["event"] == "finished"}
    compiled = [trial for trial, program in programs.items() if program == "compiled"]
    return {"trials": len(programs), "promoted": len(promoted), "promoted_compiled": len(promoted & set(compiled))}


def written(folder: Path, spec: dict[str, Any]) -> Path:
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def table(results: dict[str, Any]) -> str:
    lines = [f"{'':8} {'same bits':>10} {'180 more trials':>16} {'a program':>10}"]
    for name, found in results["engines"].items():
        bits = "yes" if found["same_bits"] else "NO"
        lines.append(f"{name:8} {bits:>10} {found['grown_mb']:13.1f} MB {found['mb_a_program']:7.1f} MB")
    counts = results["hyperband"]
    lines.append(
        f"hyperband: {counts['trials']} trials, {counts['promoted']} promoted, "
        f"{counts['promoted_compiled']} of these compiled a program"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
