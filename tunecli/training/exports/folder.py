"""The folder of an export: built beside its place, and put there when it is complete.

check_target(target, force=False)           # before anything is computed
with replacing_folder(target) as new:
…                                       # what fails leaves nothing behind, and an old export as it was
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunecli.errors import UsageError

MANIFEST = "export.json"
"""Says what the folder holds; without it, a folder is none of ours."""


def check_target(target: Path, *, force: bool) -> None:
    """Makes sure that a folder may be written.

    Args:
        target: Where the export is to be.
        force: Whether an older export may be replaced.

    Raises:
        UsageError: Something is there that may not be replaced.
    """
    other = "write to another folder with -o"
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError("is there already, and no folder", where=str(target), hint=other)
    if not target.exists() or not any(target.iterdir()):
        return
    if not (target / MANIFEST).is_file():
        raise UsageError("is there already, and holds no export", where=str(target), hint=other)
    if not force:
        hint = f"{other}, or replace it with --force"
        raise UsageError("is there already", where=str(target), hint=hint)


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Gives a folder to write to, and puts it in place at the end; `check_target` has let it pass.

    Raises:
        OSError: It cannot be written.
    """
    new, old = (target.with_name(f".{target.name}.{os.getpid()}.{end}") for end in ("new", "old"))
    try:
        new.mkdir(parents=True)
        yield new
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except BaseException:
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
