"""What the conformance suite of executors runs, importable by name in any process."""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from tunecli.executors.base import Report
from tunecli.store.files import write_whole

RUNNER = f"{__name__}:run"


def run(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Does what the payload's `do` names."""
    result: dict[str, Any] = globals()[f"do_{payload['do']}"](payload, report)
    return result


def do_echo(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    for number in range(payload.get("reports", 0)):
        report({"number": number})
    return {"value": payload.get("value")}


def do_fail(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    report({"number": 0})
    raise ValueError("no\nsecond line")


def do_not_json(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    return {"value": object()}


def do_die(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    with open(payload["marks"], "a") as file:  # how often it was run
        file.write("x")
    report({"number": 0})
    time.sleep(0.2)  # what was reported just before a sudden end may be lost with the process
    os._exit(3)


def do_meet(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Ends when the other is there too."""
    Path(payload["mine"]).touch()
    _wait_for(Path(payload["other"]))
    return {}


def do_until_asked(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Reports until it is asked to end."""
    deadline = time.monotonic() + 30
    reports = 1
    while not report({"number": reports}):
        assert time.monotonic() < deadline, "no one has asked"
        time.sleep(0.01)
        reports += 1
    return {"reports": reports}


def do_rewrite(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Reports each version of a file, and waits until all but the last were seen."""
    for number in range(3):
        write_whole(Path(payload["target"]), f"version {number}".encode())
        report({"number": number})
        if number < 2:
            _wait_for(Path(f"{payload['seen']}{number}"))
    return {}


def do_write_once(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    write_whole(Path(payload["target"]), b"x")
    for number in range(3):
        report({"number": number})
    return {}


def do_write_and_die(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    report({"number": 0})
    write_whole(Path(payload["target"]), b"x")
    report({"number": 1})
    time.sleep(0.2)
    os._exit(3)


def do_sleep(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    report({"pid": os.getpid()})
    time.sleep(60)
    return {}


def do_grow(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    held = os.urandom(payload["bytes"])
    time.sleep(60)
    return {"held": len(held)}


def do_copy(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Writes what it reads: a file, and the files of a folder by name."""
    source, folder, target = payload["file"], payload["folder"], payload["target"]
    found = {each.relative_to(folder).as_posix(): each.read_text() for each in sorted(Path(folder).rglob("*.txt"))}
    Path(target).write_bytes(Path(source).read_bytes() * 2)
    names = [Path(each).name for each in (source, folder, target)]
    return {"found": found, "names": names, "none": [payload["no_file"], payload["no_target"]], "folder": folder}


def do_complain(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    print("a line", file=sys.stderr)
    print("a word")
    warnings.warn("a warning", stacklevel=1)
    return {}


def do_pid(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    return {"pid": os.getpid()}


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} has not come"
        time.sleep(0.01)
