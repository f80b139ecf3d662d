"""What the tests of executors run, importable by name in any process."""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from tunecli.executors.base import Report


def warm_up() -> None:
    """Takes longer than a task."""
    time.sleep(0.3)


@cache
def mark_once() -> None:
    """Leaves the number of the process in a file, if this one has not done so, nor the one that it is a copy of."""
    with Path(os.environ["TUNECLI_MARKS"]).open("a") as marks:
        marks.write(f"{os.getpid()}\n")


def mark_and_start_a_thread() -> None:
    """Leaves a thread behind, as a library may."""
    mark_once()
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()


def fail_to_warm_up() -> None:
    """Fails, as an import may."""
    mark_once()
    raise ImportError("no such library")


def run(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Does what `do` says."""
    match payload.get("do"):
        case "fail":
            raise ValueError("no\nsecond line")
        case "die":
            report({"pid": os.getpid()})
            os._exit(3)
        case "die once":
            if not Path(payload["mark"]).exists():
                Path(payload["mark"]).touch()
                os.kill(os.getpid(), 9)
        case "sleep":
            report({"pid": os.getpid()})
            time.sleep(payload["seconds"])
        case "grow":
            report({"kept": len(bytearray(os.urandom(1)) * payload["bytes"])})
            held = b"x" * payload["bytes"]
            time.sleep(payload["seconds"])
            return {"held": len(held)}
        case "warn":
            for _ in range(2):
                warnings.warn("twice at one place", UserWarning, stacklevel=1)
        case "complain":
            print("a warning", file=sys.stderr)
            os.write(2, b"from C++\n")
    for part in range(payload.get("reports", 0)):
        report({"part": part})
    return {
        "n": payload.get("n"),
        "pid": os.getpid(),
        "processors": sorted(os.sched_getaffinity(0)),
        "variable": os.environ.get("TUNECLI_TEST"),
    }
