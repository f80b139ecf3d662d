"""Whether a worker is like this machine: what it has installed, and how that differs."""

from __future__ import annotations

import contextlib
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tunecli.errors import in_a_line
from tunecli.executors.base import Json

_SAME_PACKAGES = ("tunecli", "tensorflow", "keras", "numpy")
"""What must have one version everywhere, or scores could not be compared."""


def describe(dask_worker: Any) -> Json:
    """Returns which process this is, and its versions."""
    return {"id": dask_worker.id, "versions": _versions()}


def difference(answer: Json | Exception) -> str:
    """Returns how a worker differs from here, from its description or what came instead; "" if it does not."""
    if isinstance(answer, Exception):  # it could not import this module
        return f"tunecli {version('tunecli')} is not installed ({in_a_line(answer)})"
    theirs = answer["versions"]
    return ", ".join(
        f"{name} {theirs.get(name, 'is missing')} (here {ours})"
        for name, ours in _versions().items()
        if theirs.get(name) != ours
    )


def how_to_match() -> str:
    """Returns what to do on a worker that differs."""
    packages = " ".join(f"{name}=={version(name)}" for name in _SAME_PACKAGES)
    return f"on the workers, with Python {_python_version()}: pip install {packages} distributed"


def _versions() -> dict[str, str]:
    found = {"Python": _python_version()}
    for package in _SAME_PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _python_version() -> str:
    """Returns the part of the version that matters, such as 3.11."""
    return ".".join(platform.python_version_tuple()[:2])
