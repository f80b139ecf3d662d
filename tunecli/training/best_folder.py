"""Replaces a study's `best/`: the new one is built beside the old one, and takes its place when all is done.

    with replacing(run.layout.best) as new:
        keep_model(model, new.model)     # … train, evaluate, write

What ends it early, Ctrl-C too, leaves the old one as it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.store.files import sync_file, sync_folder, writing
from tunecli.store.layout import BestLayout

if TYPE_CHECKING:
    import keras


@contextmanager
def replacing(best: BestLayout) -> Iterator[BestLayout]:
    """Gives a folder to write to, and puts it in place at the end.

    Raises:
        StudyError: The disk is full or fails.
    """
    new, old = best.successor, best.predecessor
    if old.folder.exists() and not best.folder.exists():
        old.folder.rename(best.folder)  # a kill has hit between the two renames below
    for leftover in (new, old):
        shutil.rmtree(leftover.folder, ignore_errors=True)
    try:
        with writing(best.folder):
            new.folder.mkdir()
        yield new
        with writing(best.folder):
            _swap(best.folder, new.folder, old.folder)
    except BaseException:
        shutil.rmtree(new.folder, ignore_errors=True)
        raise
    shutil.rmtree(old.folder, ignore_errors=True)


def keep_model(model: keras.Model, path: Path) -> None:
    """Saves a model, and makes it survive a loss of power; makes its folder.

    Raises:
        StudyError: The disk is full or fails.
    """
    with writing(path):
        path.parent.mkdir(exist_ok=True)
        model.save(path)
    sync_file(path)


def _swap(best: Path, new: Path, old: Path) -> None:
    try:
        if best.exists():
            best.rename(old)
        new.rename(best)
        sync_folder(best.parent)
    except BaseException:
        if old.exists() and not best.exists():
            old.rename(best)
        raise
