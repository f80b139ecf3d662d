"""Refuses data that this machine cannot hold, before they are read: a small file may claim any size."""

from __future__ import annotations

from tunecli.errors import DataError


def check_memory(size_bytes: int, what: str, *, where: str) -> None:
    """Makes sure that data fit into memory.

    Args:
        size_bytes: What they take there.
        what: What they are, for the message.
        where: The file or folder.

    Raises:
        DataError: They do not.
    """
    import psutil

    memory = int(psutil.virtual_memory().total)
    if size_bytes > memory:
        message = f"{what} would take {size_bytes / 1e9:,.1f} GB, and this machine has {memory / 1e9:,.1f} GB of memory"
        raise DataError(message, where=where, hint="bring fewer rows, or smaller images")
