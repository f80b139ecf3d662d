"""Looks at the test part: each is written down before it is taken, so that none goes unseen."""

from __future__ import annotations

import json
import time

from tunecli.store.files import append_line, sync_file
from tunecli.store.run import Run


def note_test_look(run: Run, *, by: str, trial: int, full: bool, seed: int | None) -> None:
    """Writes down that the test part is about to be looked at; the caller holds the study's lock.

    Args:
        run: The study.
        by: The command.
        trial: Whose model it is that is tested.
        full: Whether it was trained on the validation rows too.
        seed: Of the model; None for several together, or whatever is kept.

    Raises:
        StudyError: The disk is full or fails.
    """
    look = {"at": time.time(), "by": by, "trial": trial, "full": full, "seed": seed}
    append_line(run.layout.test_looks, json.dumps(look).encode() + b"\n")
    sync_file(run.layout.test_looks)
