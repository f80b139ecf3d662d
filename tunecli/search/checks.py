"""Looks at the data of a study once, before anything is trained, and keeps what was found."""

from __future__ import annotations

from tunecli.datasets.base import RawData
from tunecli.datasets.checks import examine
from tunecli.datasets.split import Split
from tunecli.errors import StudyError
from tunecli.store.files import write_json
from tunecli.store.study import OpenStudy
from tunecli.study.check import Checks


def find_or_examine(study: OpenStudy, data: RawData, parts: Split) -> Checks:
    """Returns what is known of the data of a study that goes on, or looks at them; writes nothing."""
    if not study.is_new:
        try:
            known = study.run.checks()
        except StudyError:  # damaged, and made again from the same data
            known = None
        if known is not None:
            return known
    return examine(data, parts)


def keep(study: OpenStudy, checks: Checks) -> None:
    """Writes what was found.

    Raises:
        StudyError: The disk is full or fails.
    """
    write_json(study.layout.checks, checks.model_dump(mode="json"))
