"""What a format of trials is: how a study is written in it, to a path that is not there yet.

    class Parquet:                                  # trial_exports/tables.py
        target, ending = Target.FILE, "-trials.parquet"
        def write(self, study, run, path, *, by_epoch): ...

A format knows nothing of where its file goes in the end, nor of what was there before: see `place`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Protocol

from tunecli.reports.study_data import StudyData
from tunecli.store.run import Run


class Target(StrEnum):
    """What a format writes."""

    TEXT = "text"  # a file that may go to stdout
    FILE = "file"
    FOLDER = "folder"


class TrialFormat(Protocol):
    """A way to write the trials of a study down."""

    @property
    def name(self) -> str:
        """What it is called in `TRIAL_FORMATS`."""
        ...

    @property
    def target(self) -> Target:
        """What it writes."""
        ...

    @property
    def ending(self) -> str:
        """What the study's name is followed by where no path is given."""
        ...

    @property
    def has_epochs(self) -> bool:
        """Whether it can hold a row an epoch instead of a row a trial."""
        ...

    @property
    def package(self) -> str | None:
        """The module that it needs beyond those that tunecli brings; its extra is called the same."""
        ...

    def write(self, study: StudyData, run: Run, path: Path, *, by_epoch: bool) -> list[str]:
        """Writes a study.

        Args:
            study: What to write.
            run: Its directory, for what `study` leaves out.
            path: A file or folder that is not there yet.
            by_epoch: A row an epoch; only for a format that has it.

        Returns:
            What a user should know about the export.

        Raises:
            UsageError: The study has what the format cannot hold.
            OSError: The disk is full or fails.
        """
        ...

    def usage(self, study: StudyData, path: Path) -> str:
        """Returns how the export is opened, in one line."""
        ...
