"""The processes of a search, told apart by their command lines."""

from __future__ import annotations

from contextlib import suppress

import psutil


def slots_below(parent: psutil.Process) -> list[psutil.Process]:
    """Returns the processes that serve slots: spawned ones, and copies of the server, which itself serves none."""
    return [each for each in parent.children(recursive=True) if _serves(each, parent.pid)]


def _serves(process: psutil.Process, parent: int) -> bool:
    with suppress(psutil.Error):  # it ends at this very moment
        command = " ".join(process.cmdline())
        return "spawn_main" in command or ("forkserver" in command and process.ppid() != parent)
    return False
