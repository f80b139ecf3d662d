"""Event files, which TensorBoard reads: records of protocol buffers, each with its checksums.

    with EventFile(folder) as file:
        file.scalars({"epoch_loss": 0.5}, step=1, at=1763834400.0)

The messages and the checksums are those of the package `tensorboard`. Its own writer would import TensorFlow, and write
from a thread of its own, where a full disk goes unnoticed.
"""

from __future__ import annotations

import io
import os
import socket
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tunecli.store import files

_NUMBERS = count()


class EventFile:
    """A new event file in a folder, which is made; TensorBoard reads it while it is written.

    Raises:
        OSError: The disk is full or fails; so do the methods.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto import event_pb2

        files.disk.make_folder(folder)
        # TensorBoard knows event files by the name, and reads those of a folder in its order
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_NUMBERS)}"
        self._file = files.disk.open(folder / name, "xb")
        self._write(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def scalars(self, values: Mapping[str, float], *, step: int, at: float) -> None:
        """Adds values at a step.

        Args:
            values: By tag; kept as 32-bit floats.
            step: The epoch.
            at: When, in seconds since the epoch.
        """
        from tensorboard.compat.proto import summary_pb2

        found = [summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self.summary(summary_pb2.Summary(value=found), step=step, at=at)

    def summary(self, summary: Any, *, step: int, at: float) -> None:
        """Adds a `summary_pb2.Summary`."""
        from tensorboard.compat.proto import event_pb2

        self._write(event_pb2.Event(wall_time=at, step=step, summary=summary))

    def close(self) -> None:
        """Closes the file; it may be closed already."""
        self._file.close()

    def __enter__(self) -> Self:
        """Returns the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes it."""
        self.close()

    def _write(self, event: Any) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        record = io.BytesIO()  # written at once: a reader sees whole records, but for one that a kill cuts off
        RecordWriter(record).write(event.SerializeToString())
        files.disk.write(self._file, record.getvalue())
