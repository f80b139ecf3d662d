"""What a session ran on: versions, host and git state, for people who want to know later."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tunecli.errors import StudyError
from tunecli.store.files import read_json, write_json

PACKAGES = ("tunecli", "tensorflow", "keras", "keras-tuner", "numpy", "scikit-learn", "scipy")


def environment() -> dict[str, Any]:
    """Returns versions, host and git state."""
    return {
        "at": time.time(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": platform.node(),
        "processors": os.cpu_count(),
        "packages": versions(),
        "git": _git_state(),
    }


def versions() -> dict[str, str]:
    """Returns the versions of the packages that can change a result."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def record_environment(path: Path) -> None:
    """Adds this session's environment to a study's list; equal ones in a row are kept once.

    Raises:
        StudyError: The list is damaged, or cannot be written.
    """
    sessions = _sessions(path)
    current = environment()
    if not sessions or any(sessions[-1].get(key) != value for key, value in current.items() if key != "at"):
        write_json(path, {"sessions": [*sessions, current]})


def _sessions(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        sessions: list[dict[str, Any]] = read_json(path)["sessions"]
    except (StudyError, KeyError) as error:
        hint = "restore it from a copy, or delete it: no search reads what the ones before it ran on"
        raise StudyError("is damaged: it has no list of sessions", where=str(path), hint=hint) from error
    return sessions


def _git_state() -> dict[str, Any] | None:
    """Returns commit and cleanness of the working folder's repository, or None outside of one."""
    commit = _git("rev-parse", "HEAD")
    return None if commit is None else {"commit": commit, "is_clean": _git("status", "--porcelain") == ""}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
